//! `infraflux eject`: an editable copy of the catalogue.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{files, report};
use crate::{
    catalog::Catalog,
    finding::{Finding, Findings, codes, suggest},
    yaml::Source,
};

/// Write an editable copy of the built-in catalogue
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to write it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only these files and folders, for instance `clusters/aws`
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Overwrite files that were changed
    #[arg(long)]
    force: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match eject(arguments) {
        Ok((written, same)) => {
            let text = format!("{written} files written, {same} unchanged in {}\n", arguments.out.display());
            report::stdout(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(findings) => report::findings(&findings),
    }
}

fn eject(arguments: &Arguments) -> Result<(usize, usize), Findings> {
    let catalog = Catalog::embedded();
    let chosen = choose(&catalog, &arguments.paths)?;
    let folders = chosen.iter().flat_map(|(path, _)| Path::new(path).ancestors().skip(1));
    check_folders(&arguments.out, folders.collect())?;
    // All are looked at before the first is written.
    let mut missing = Vec::new();
    let mut findings = Findings::new();
    let mut same = 0;
    for (path, source) in chosen {
        let target = arguments.out.join(path);
        // A link may lead anywhere, and one that leads nowhere would make a file there.
        if target.is_symlink() {
            findings.push(
                Finding::error(&codes::LINK_IN_THE_WAY, format!("`{}` is a symbolic link", target.display()))
                    .hint("move it away: files are not written through a link"),
            );
            continue;
        }
        match fs::read(&target) {
            Ok(bytes) if bytes == source.text().as_bytes() => same += 1,
            Ok(_) if !arguments.force => findings.push(
                Finding::error(
                    &codes::EJECT_CHANGED,
                    format!("`{}` was changed and is not overwritten", target.display()),
                )
                .hint("move it away, name only the paths that you need, or use --force"),
            ),
            Ok(_) => missing.push((target, source)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing.push((target, source)),
            Err(error) => findings.extend(files::unreadable(&target.display().to_string(), &error)),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let written = missing.len();
    for (target, source) in missing {
        write(&target, source)?;
    }
    Ok((written, same))
}

/// Refuses an output folder that is a link or no folder, and links and files in the place of folders below it.
fn check_folders(out: &Path, below: BTreeSet<&Path>) -> Result<(), Findings> {
    let mut findings = Findings::new();
    // Without a slash at the end, with which the system follows a link.
    let out: PathBuf = out.components().collect();
    for folder in below {
        let is_out = folder == Path::new("");
        let path = if is_out { out.clone() } else { out.join(folder) };
        let shown = path.display();
        let finding = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let code = if is_out { &codes::OUT_IS_A_LINK } else { &codes::LINK_IN_THE_WAY };
                Finding::error(code, format!("`{shown}` is a symbolic link"))
                    .hint("name the folder itself: files are not written through a link")
            }
            Ok(metadata) if !metadata.is_dir() => {
                let code = if is_out { &codes::OUT_NOT_A_FOLDER } else { &codes::FILE_IN_THE_WAY };
                Finding::error(code, format!("`{shown}` is not a folder"))
                    .hint("move it away, or name another folder with --out")
            }
            _ => continue,
        };
        findings.push(finding);
        // What lies below it would say the same again.
        if is_out {
            break;
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn choose<'catalog>(
    catalog: &'catalog Catalog,
    paths: &[String],
) -> Result<Vec<(&'catalog str, &'catalog Source)>, Findings> {
    let all: Vec<(&str, &Source)> = catalog.files().map(|(path, source)| (path, &**source)).collect();
    if paths.is_empty() {
        return Ok(all);
    }
    let mut findings = Findings::new();
    let paths: Vec<&str> = paths.iter().map(|path| as_listed(path)).collect();
    for wanted in &paths {
        if !all.iter().any(|(path, _)| is_below(path, wanted)) {
            let folders =
                all.iter().flat_map(|(path, _)| Path::new(path).ancestors().filter_map(Path::to_str));
            let hint = match suggest::nearest(wanted, folders.filter(|path| !path.is_empty())).first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the folders are clusters, crossplane, management, recipes and sops".to_owned(),
            };
            findings
                .push(Finding::error(&codes::USAGE, format!("the catalogue has no `{wanted}`")).hint(hint));
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let chosen = all.into_iter().filter(|(path, _)| paths.iter().any(|wanted| is_below(path, wanted)));
    Ok(chosen.collect())
}

/// A path as the catalogue has it: shells complete `./clusters/aws/`.
fn as_listed(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}

fn is_below(path: &str, folder: &str) -> bool {
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn write(target: &Path, source: &Source) -> Result<(), Findings> {
    let trouble = |error: std::io::Error| -> Findings {
        Finding::error(&codes::EJECT_WRITE, format!("`{}` cannot be written: {error}", target.display()))
            .hint("check the permissions of the folder and the space on the disk")
            .into()
    };
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(trouble)?;
    }
    fs::write(target, source.text()).map_err(trouble)
}
