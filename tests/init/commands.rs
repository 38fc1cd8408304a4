//! Every command that a document tells a person to run: the tool knows the subcommand and each flag.
//!
//! `infraflux` is asked through its own parser and `kubectl` through its help. The other tools are not here; what they take is the
//! table below, read from their sources.

use std::{collections::BTreeMap, path::Path, process::Command, sync::Mutex};

use tempfile::TempDir;

use crate::{
    common::{
        clients,
        infraflux::{run, texts},
    },
    file, hubs, render,
};

/// What other tools take: the command, and its flags.
const TOOLS: &[(&str, &str)] = &[
    // fluxcd/flux2 cmd/flux/{install,get_source_git,get_kustomization,get_helmrelease,reconcile_kustomization,create_secret_git,
    // suspend,version}.go at v2.9
    ("flux install", "--version --export"),
    ("flux version", "--client"),
    ("flux get sources git", "--namespace"),
    ("flux get kustomizations", "--namespace"),
    ("flux get helmreleases", "--namespace"),
    ("flux reconcile kustomization", "--namespace --with-source"),
    ("flux create secret git", "--namespace --url --username --password"),
    ("flux suspend kustomization", "--namespace --all"),
    // helm/helm pkg/cmd/install.go
    ("helm install", "--version --namespace --create-namespace --wait"),
    // getsops/sops cmd/sops/main.go
    ("sops encrypt", "--in-place --filename-override"),
    ("sops filestatus", ""),
    ("sops --version", "--version"),
    ("age-keygen", "-o"),
    // siderolabs/talos cmd/talosctl/cmd/{mgmt/gen,talos,mgmt}
    ("talosctl gen secrets", "--output-file"),
    (
        "talosctl gen config",
        "--with-secrets --talos-version --kubernetes-version --install-disk --install-image --config-patch \
         --config-patch-control-plane --config-patch-worker --output",
    ),
    ("talosctl apply-config", "--insecure --nodes --file"),
    ("talosctl config endpoint", ""),
    ("talosctl config node", ""),
    ("talosctl bootstrap", ""),
    ("talosctl kubeconfig", ""),
    ("talosctl health", ""),
    ("talosctl etcd snapshot", ""),
    ("talosctl validate", "--config --mode"),
    // kubernetes-sigs/cluster-api cmd/clusterctl/cmd/init.go
    ("clusterctl init", "--config --core --bootstrap --control-plane --infrastructure --ipam"),
    // kubernetes-sigs/cluster-api-provider-aws cmd/clusterawsadm
    ("clusterawsadm bootstrap iam create-cloudformation-stack", ""),
    ("clusterawsadm bootstrap credentials encode-as-profile", ""),
    ("aws resourcegroupstaggingapi get-resources", "--region --tag-filters"),
    ("az resource list", "--resource-group --output"),
    ("gcloud compute disks list", "--filter"),
    ("gcloud compute forwarding-rules list", "--filter"),
    ("gcloud compute firewall-rules list", "--filter"),
    ("gcloud compute instances list", "--filter"),
    ("pvesh get", "--type"),
    ("git init", "--initial-branch"),
    ("git remote add", ""),
    ("git add", "--all"),
    ("git commit", "--message"),
    ("git push", "--set-upstream"),
    ("git rm", "-r --ignore-unmatch"),
    ("curl", "--data-binary"),
    ("base64", "--decode"),
    ("xargs", "-r -n"),
    ("find", "-name -exec"),
    ("grep", "--count"),
    ("mkdir", "-p"),
    ("read", "-r"),
    ("stty", "-echo"),
    ("cd", ""),
    ("cp", ""),
    ("rm", ""),
    ("printf", ""),
    ("umask", ""),
    ("export", ""),
    ("$EDITOR", ""),
];

/// Ends a word; the target of a redirection is no argument.
fn end(word: &mut Option<String>, redirected: &mut bool, commands: &mut [Vec<String>]) {
    if let Some(word) = word.take()
        && !std::mem::take(redirected)
    {
        commands.last_mut().unwrap().push(word);
    }
}

/// A shell's line as simple commands, each a list of words. Quotes, redirections, substitutions of variables, groups and the two
/// loops that occur are understood; that is enough for documents, and anything else fails the test.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut characters = line.chars().peekable();
    let mut redirected = false;
    let mut quote = None;
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next().unwrap_or('\\')),
            (None, '#') if word.is_none() => break,
            (None, ' ') => end(&mut word, &mut redirected, &mut commands),
            (None, '>') => {
                end(&mut word, &mut redirected, &mut commands);
                characters.next_if_eq(&'>');
                redirected = true;
            }
            (None, '(' | ')' | '&' | '|' | ';') => {
                end(&mut word, &mut redirected, &mut commands);
                commands.push(Vec::new());
            }
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    assert!(quote.is_none(), "a quote is open: {line}");
    end(&mut word, &mut redirected, &mut commands);
    let mut out = Vec::new();
    for mut command in commands {
        // `for x in words` names no command; `do`, `while` and `done` stand before or after one.
        if command.first().is_some_and(|first| first == "for") {
            continue;
        }
        while command.first().is_some_and(|first| ["do", "while", "done"].contains(&first.as_str())) {
            command.remove(0);
        }
        if !command.is_empty() {
            out.push(command);
        }
    }
    out
}

/// The lines of a document's code blocks for a shell, and the commands that stand in its sentences.
fn commands_of(document: &str) -> Vec<String> {
    // The language of the block that is open.
    let mut block: Option<&str> = None;
    let mut prose = String::new();
    let mut shell = String::new();
    for line in document.lines() {
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language) };
        } else if let Some(language) = block {
            if language == "sh" {
                shell.push_str(line);
                shell.push('\n');
            }
        } else {
            prose.push_str(line);
            prose.push(if line.is_empty() { '\n' } else { ' ' });
        }
    }
    let mut out = infraflux::management::runbook::commands_of(&shell);
    for span in prose.split('`').skip(1).step_by(2) {
        let span = span.split_whitespace().collect::<Vec<_>>().join(" ");
        let tool = ["kubectl", "flux", "helm", "talosctl", "infraflux", "clusterctl", "sops"];
        if tool.iter().any(|tool| span.strip_prefix(tool).is_some_and(|rest| rest.starts_with(' '))) {
            out.push(span);
        }
    }
    out
}

fn check(line: &str, kubectl: Option<&Path>) {
    for command in simple_commands(line) {
        match command[0].as_str() {
            // A command that is only mentioned.
            "infraflux" if command.len() == 2 => {
                let known = infraflux::cli::command();
                assert!(known.find_subcommand(&command[1]).is_some(), "{line}");
            }
            "infraflux" => {
                let parsed = infraflux::cli::command().try_get_matches_from(&command);
                if let Err(error) = parsed {
                    assert!(!error.use_stderr(), "{line}: {error}");
                }
            }
            "kubectl" => {
                if let Some(kubectl) = kubectl {
                    check_kubectl(line, &command, kubectl);
                }
            }
            _ => check_table(line, &command),
        }
    }
}

fn flags(command: &[String]) -> impl Iterator<Item = &str> {
    command
        .iter()
        .skip(1)
        .take_while(|word| *word != "--")
        .filter(|word| word.starts_with('-') && word.len() > 1)
        .map(|word| word.split_once('=').map_or(word.as_str(), |(flag, _)| flag))
}

fn check_table(line: &str, command: &[String]) {
    let text = command.join(" ");
    let Some((_, known)) = TOOLS
        .iter()
        .find(|(name, _)| text == *name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
    else {
        panic!("no tool is known that takes `{text}` (in: {line})");
    };
    // xargs and find take a command of their own; what it is was checked by hand.
    if command[0] == "xargs" {
        let inner = command.iter().position(|word| word == "kubectl").expect("a command for xargs");
        assert!(flags(&command[..inner]).all(|flag| known.contains(flag)), "{line}");
        return;
    }
    for flag in flags(command) {
        assert!(
            known.split(' ').any(|known| known == flag),
            "`{}` does not take {flag} (in: {line})",
            command[0]
        );
    }
}

fn check_kubectl(line: &str, command: &[String], kubectl: &Path) {
    static HELP: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    // Flags before the subcommand are those that all take; these two have a value.
    let mut words = command[1..].iter();
    let mut subcommand = Vec::new();
    while let Some(word) = words.next() {
        if ["--namespace", "--kubeconfig"].contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            subcommand.push(word.as_str());
            let nested = [
                ["config", "current-context"],
                ["create", "secret"],
                ["rollout", "status"],
                ["secret", "generic"],
            ];
            let next = words.clone().next().map(String::as_str);
            if !nested.iter().any(|[first, second]| *first == word && next == Some(second)) {
                break;
            }
        }
    }
    let name = subcommand.join(" ");
    // A test that wants a failure leaves the lock poisoned; the map is whole all the same.
    let mut known = HELP.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let help = known.entry(format!("{} {name}", kubectl.display())).or_insert_with(|| {
        let ask = |arguments: &[&str]| {
            let output = Command::new(kubectl).args(arguments).output().unwrap();
            assert!(output.status.success(), "kubectl does not know `{name}` (in: {line})");
            texts(&output).0
        };
        let mut arguments: Vec<&str> = subcommand.clone();
        arguments.push("--help");
        ask(&arguments) + &ask(&["options"])
    });
    for flag in flags(command) {
        let long = format!("{flag}=");
        assert!(help.contains(&long), "`kubectl {name}` does not take {flag} (in: {line})");
    }
}

#[test]
fn a_line_of_a_shell_comes_apart() {
    assert_eq!(
        simple_commands("(umask 077 && a --b '{.c}' | base64 --decode > d)"),
        [vec!["umask", "077"], vec!["a", "--b", "{.c}"], vec!["base64", "--decode"]]
    );
    assert_eq!(simple_commands("for x in a b; do c \"$x\" >> d; done"), [vec!["c", "$x"]]);
    assert_eq!(
        simple_commands("a | while read -r b c; do d; done"),
        [vec!["a"], vec!["read", "-r", "b", "c"], vec!["d"]]
    );
}

#[test]
fn a_wrong_flag_is_found() {
    for line in [
        "flux reconcile kustomization clusters --with-sources",
        "infraflux init --provider-list aws",
        "sops encrypt --inplace x",
        "nobody knows this",
    ] {
        let line = line.to_owned();
        assert!(std::panic::catch_unwind(|| check(&line, None)).is_err(), "{line}");
    }
    if let Some(kubectl) = clients::client("kubectl", "a wrong flag of kubectl") {
        for line in ["kubectl annotate --overwright --filename x", "kubectl anotate x"] {
            let caught = std::panic::catch_unwind(|| check(line, Some(&kubectl)));
            assert!(caught.is_err(), "{line}");
        }
    }
}

#[test]
fn every_command_of_the_documents_is_one() {
    let mut lines = Vec::new();
    for (_, settings) in hubs() {
        lines.extend(commands_of(file(&render(&settings), "BOOTSTRAP.md")));
    }
    for provider in ["aws", "azure", "gcp", "proxmox"] {
        // A folder for each: a cluster does not move to another provider.
        let folder = TempDir::new().unwrap();
        let flags = ["--name", "lab", "--provider", provider];
        let up = [&["up", "--recipes", "base,observability"], &flags[..]].concat();
        assert!(run(folder.path(), &up).status.success());
        assert!(run(folder.path(), &[&["talos-gen"], &flags[..]].concat()).status.success());
        lines.extend(commands_of(&texts(&run(folder.path(), &["destroy", "--name", "lab", "--print"])).0));
        let guidance = std::fs::read_to_string(folder.path().join("talos/lab/README.md")).unwrap();
        lines.extend(commands_of(&guidance));
        let apply = texts(&run(folder.path(), &["apply", "--name", "lab"])).0;
        lines.extend(commands_of(&format!("```sh\n{apply}```\n")));
    }
    for document in
        ["docs/management.md", "docs/decommission.md", "management/README.md", "management/talos/README.md"]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        lines.extend(commands_of(&std::fs::read_to_string(path).unwrap()));
    }
    lines.sort();
    lines.dedup();
    assert!(lines.len() > 90, "{}", lines.len());
    let kubectls = clients::kubectls("the commands of the documents");
    for line in &lines {
        check(line, None);
        for kubectl in &kubectls {
            check(line, Some(kubectl));
        }
    }
}

#[test]
fn the_plan_that_bootstrap_writes_renders() {
    for provider in infraflux::plan::Provider::ALL {
        let hub = render(&crate::plain("current", &[provider]));
        let bootstrap = file(&hub, "BOOTSTRAP.md").to_owned();
        let folder = TempDir::new().unwrap();
        let commands = commands_of(&bootstrap).into_iter();
        for line in commands.filter(|line| line.contains("plans") && !line.contains("$EDITOR")) {
            if line.starts_with("mkdir") || line.starts_with("printf") {
                let status =
                    Command::new("sh").args(["-c", &line]).current_dir(folder.path()).status().unwrap();
                assert!(status.success(), "{line}");
            } else if let Some(arguments) = line.strip_prefix("infraflux ") {
                let arguments: Vec<&str> =
                    arguments.split(' ').filter(|word| !["--catalog", "."].contains(word)).collect();
                let output = run(folder.path(), &arguments);
                assert!(output.status.success(), "{line}: {}", texts(&output).1);
            }
        }
        assert!(folder.path().join("out/lab/kustomization.yaml").exists(), "{provider}");
    }
}
