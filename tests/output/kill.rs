//! `kill -9` at random moments: each cluster's folder is the old one or the new one, and the next run repairs.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use infraflux::output::{Tree, Writer};

use super::{contents, look, put, tree, workspace, write};

const CHILD: &str = "INFRAFLUX_TEST_KILLED";
const CLUSTERS: usize = 60;
const ROUNDS: usize = 50;

/// Version `version` of a fleet of many small clusters, so that changing places takes a while. Not every cluster changes
/// every time, and one comes and goes.
fn fleet(version: usize) -> Vec<Tree> {
    let small = |name: &str, version: usize| {
        let text = format!("version {version}\n").repeat(50);
        tree(
            name,
            &[
                ("kustomization.yaml", &text),
                ("cluster/cluster.yaml", &text),
                ("cluster/workers.yaml", &text),
            ],
        )
    };
    let mut trees: Vec<Tree> = (0..CLUSTERS)
        .map(|number| small(&format!("c{number}"), if number % 4 == 0 { 0 } else { version }))
        .collect();
    trees.push(if version.is_multiple_of(2) { small("guest", 0) } else { Tree::new("guest").unwrap() });
    trees
}

/// Not a test: what the killed process runs.
#[test]
#[ignore = "run by another test"]
fn child_that_is_killed() {
    let Some(out) = std::env::var_os(CHILD) else { return };
    let version = std::env::var("VERSION").unwrap().parse().unwrap();
    let trees = fleet(version);
    println!("READY");
    std::io::stdout().flush().unwrap();
    Writer::new(PathBuf::from(out)).write(&trees).unwrap();
}

fn files_of(out: &Path, name: &str) -> Option<Vec<(String, String)>> {
    let folder = out.join(name);
    folder.exists().then(|| contents(&folder).into_iter().collect())
}

#[test]
fn each_cluster_is_old_or_new() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    println!("seed {seed}");
    let mut random = u64::from(seed) | 1;
    let mut random = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let folder = workspace();
    // The second is what each version should look like.
    let (out, model) = (folder.path().join("out"), folder.path().join("model"));
    write(&out, &fleet(0));
    for number in 0..CLUSTERS {
        put(&out, &format!("c{number}/notes/mine.md"), "mine");
    }
    let mine = look(&out);
    let trial = folder.path().join("trial");
    write(&trial, &fleet(0));
    let begin = Instant::now();
    write(&trial, &fleet(1));
    let mut whole = begin.elapsed();

    let (mut old_seen, mut new_seen, mut both_seen, mut killed) = (0, 0, 0, 0);
    for version in 1..=ROUNDS {
        let _ = fs::remove_dir_all(&model);
        write(&model, &fleet(version));
        for number in 0..CLUSTERS {
            put(&model, &format!("c{number}/notes/mine.md"), "mine");
        }
        let names: Vec<String> = fleet(version).iter().map(|tree| tree.name().to_owned()).collect();
        let before: Vec<_> = names.iter().map(|name| files_of(&out, name)).collect();

        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child_that_is_killed", "--ignored", "--nocapture"])
            .env(CHILD, &out)
            .env("VERSION", version.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Kept open to the end: the child would stumble over a broken pipe.
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(output.any(|line| line.unwrap().contains("READY")));
        if version % 2 == 0 {
            thread::sleep(Duration::from_nanos(random() % u64::try_from(whole.as_nanos()).unwrap()));
        } else {
            // Aimed at the short moment in which folders change places, which begins with the journal.
            let journal = out.join(".infraflux-stage/journal");
            while !journal.exists() && child.try_wait().unwrap().is_none() {}
            // A sleep would be too long.
            let (begin, moment) = (Instant::now(), Duration::from_micros(random() % 400));
            while begin.elapsed() < moment {}
        }
        child.kill().unwrap();
        if child.wait().unwrap().signal() == Some(9) {
            killed += 1;
        } else {
            // Too late: from now on earlier.
            whole = whole * 9 / 10;
        }

        let (mut old, mut new) = (0, 0);
        for (name, before) in names.iter().zip(before) {
            let now = files_of(&out, name);
            let after = files_of(&model, name);
            if before == after {
                assert_eq!(now, after, "round {version}, seed {seed}: {name} should not have changed");
            } else if now == before {
                old += 1;
            } else {
                assert_eq!(now, after, "round {version}, seed {seed}: {name} is neither old nor new");
                new += 1;
            }
        }
        old_seen += old;
        new_seen += new;
        both_seen += usize::from(old > 0 && new > 0);

        write(&out, &fleet(version));
        assert_eq!(contents(&out), contents(&model), "round {version}, seed {seed}: not repaired");
        for (path, seen) in look(&out).iter().filter(|(path, _)| path.ends_with("mine.md")) {
            assert_eq!(seen, &mine[path], "round {version}, seed {seed}: a file of the user's changed");
        }
    }
    println!(
        "{killed} of {ROUNDS} killed in time: {old_seen} folders old, {new_seen} new, {both_seen} rounds saw both"
    );
    assert!(killed > ROUNDS / 5, "the moments are badly chosen: only {killed} were in time");
}
