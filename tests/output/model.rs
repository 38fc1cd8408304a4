//! Properties: no path leads outside, and any sequence of runs gives what is rendered plus what is the user's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path},
};

use infraflux::output::{RelativePath, Tree, Writer};
use proptest::prelude::*;

use super::{contents, look, workspace};

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_leads_outside(path in prop_oneof![
        any::<String>(),
        r"[./\\a:~ \x00-\x1f]{0,12}",
        r"(\.\.|\.|a|/|\\|//|C:|con|nul|\.git|~|%2e|%2f|\u{2024}|\u{ff0f}){0,8}",
    ]) {
        if let Ok(checked) = RelativePath::new(&path) {
            prop_assert_eq!(checked.as_str(), path.as_str());
            let joined = checked.under(Path::new("/root"));
            let inner = joined.strip_prefix("/root").unwrap();
            prop_assert!(inner.components().count() > 0);
            prop_assert!(inner.components().all(|part| matches!(part, Component::Normal(_))), "{}", path);
            prop_assert_eq!(inner.components().count(), checked.parts().count());
            prop_assert!(!path.bytes().any(|byte| byte == b'\\' || byte == b':' || !(b' '..=b'~').contains(&byte)));
        }
        if Tree::new(path.as_str()).is_ok() {
            prop_assert_eq!(Path::new(&path).components().count(), 1);
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        }
    }
}

const PATHS: [&str; 8] = ["a", "a/b", "a/b/c", "b", "b/d", "e", "kustomization.yaml", "x/y/z"];

#[derive(Debug, Clone)]
enum Step {
    /// A run: which files, and their texts.
    Render(BTreeMap<usize, u8>),
    /// The user saves a file.
    Save(usize, u8),
    /// The user deletes a file or a folder.
    Delete(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop::collection::btree_map(0..PATHS.len(), 0u8..3, 0..5).prop_map(Step::Render),
        2 => (0..PATHS.len(), 0u8..3).prop_map(|(path, text)| Step::Save(path, text)),
        1 => (0..PATHS.len()).prop_map(Step::Delete),
    ];
    prop::collection::vec(step, 1..8)
}

/// Files only.
fn files(root: &Path) -> BTreeMap<String, String> {
    if !root.exists() {
        return BTreeMap::new();
    }
    let mut files = contents(root);
    files.retain(|path, text| text != "/" && !path.ends_with(".infraflux.sha256"));
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn runs_give_what_is_rendered_and_what_is_the_users(steps in steps()) {
        let folder = workspace();
        let out = folder.path().join("out");
        let lab = out.join("lab");
        fs::create_dir_all(&lab).unwrap();
        // What InfraFlux wrote last, by path.
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Save(path, text) => {
                    let path = lab.join(PATHS[path]);
                    // Fails where a file is in the place of a folder, or the other way round: then nothing is saved.
                    if fs::create_dir_all(path.parent().unwrap()).is_ok() {
                        let _ = fs::write(path, format!("text {text}"));
                    }
                }
                Step::Delete(path) => {
                    let path = lab.join(PATHS[path]);
                    let _ = fs::remove_file(&path);
                    let _ = fs::remove_dir_all(&path);
                }
                Step::Render(rendered) => {
                    let mut tree = Tree::new("lab").unwrap();
                    let mut new = BTreeMap::new();
                    for (path, text) in rendered {
                        let text = format!("text {text}");
                        if tree.insert(RelativePath::new(PATHS[path]).unwrap(), text.clone()).is_ok() {
                            new.insert(PATHS[path].to_owned(), text);
                        }
                    }
                    fs::create_dir_all(&lab).unwrap();
                    let before = files(&lab);
                    let seen = look(folder.path());
                    // A file is the user's unless InfraFlux wrote one of that name or would write these bytes.
                    let users: BTreeMap<String, String> =
                        before.iter().filter(|(path, _)| !written.contains_key(*path)).map(|(path, text)| (path.clone(), text.clone())).collect();
                    match Writer::new(&out).write(std::slice::from_ref(&tree)) {
                        Ok(outcome) => {
                            let mut expected = users.clone();
                            expected.extend(new.clone());
                            prop_assert_eq!(files(&lab), expected);
                            for (path, text) in &users {
                                prop_assert!(new.get(path).is_none_or(|new| new == text), "{} was the user's", path);
                            }
                            let again = Writer::new(&out).plan(std::slice::from_ref(&tree)).unwrap();
                            prop_assert_eq!(again.summary.counts().changes(), 0);
                            let changed: BTreeSet<&str> = outcome.summary.folders[0].changed.iter().chain(&outcome.summary.folders[0].created).map(RelativePath::as_str).collect();
                            for (path, now) in look(&out) {
                                let same = seen.get(&format!("out/{path}")) == Some(&now);
                                prop_assert!(same || now.content == "/" || path.ends_with(".infraflux.sha256") || path == "kustomization.yaml" || path.strip_prefix("lab/").is_some_and(|path| changed.contains(path)), "{}", path);
                            }
                            written = new;
                        }
                        Err(findings) => {
                            prop_assert_eq!(findings.exit_code(), 1, "{:?}", findings);
                            prop_assert_eq!(look(folder.path()), seen);
                            // Refused only when something of the user's is in the way: a file, or a folder.
                            let obstacles: BTreeSet<String> = look(&lab).into_keys().filter(|path| !written.contains_key(path)).collect();
                            let in_the_way = new.keys().any(|path| {
                                obstacles.contains(path) || users.keys().any(|user| path.starts_with(&format!("{user}/")) || user.starts_with(&format!("{path}/")))
                            });
                            prop_assert!(in_the_way, "{:?}", findings);
                        }
                    }
                }
            }
        }
    }
}
