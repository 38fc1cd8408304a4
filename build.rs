//! Embeds the catalogue: a table of every file under the catalogue's folders, sorted by path, so that a new file is picked
//! up and the order never depends on the file system.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// The folders that users read, copy and replace.
const FOLDERS: [&str; 5] = ["clusters", "crossplane", "management", "recipes", "sops"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for folder in FOLDERS {
        // Cargo watches a folder with everything below it.
        println!("cargo::rerun-if-changed={folder}");
        collect(&root, Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for path in &files {
        let absolute = root.join(path);
        // Writing to a String cannot fail.
        let _ = writeln!(table, "    ({path:?}, include_str!({:?})),", absolute.display().to_string());
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("catalog.rs"), table)
}

/// Adds the files below a folder as slash-separated paths; editors' leftovers and hidden files stay out.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    let absolute = root.join(folder);
    if !absolute.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(absolute)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = folder.join(&name);
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            files.push(parts.join("/"));
        }
    }
    Ok(())
}
