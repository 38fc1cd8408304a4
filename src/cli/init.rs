//! `infraflux init`: writes `out/management/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{
    catalog,
    count::count,
    files, project,
    report::{self, Format},
};
use crate::{
    catalog::Index,
    finding::{Finding, Findings, codes, suggest},
    management::{Record, RenderedHub, Settings, hub, record},
    output::{Edited, MANAGEMENT, RelativePath, Tree, Writer},
    plan::Provider,
    yaml::{Limits, Node, Source, Sources, read, scalar::Schema},
};

/// The file with the repository that Flux reads.
const SOURCE: &str = "sync/source.yaml";

/// Render the management cluster and write it to out/management/
///
/// Cluster API's operator and providers at pinned versions, Flux with the settings that workload clusters need, the order in which
/// all of that comes up, the identities that plans refer to, and BOOTSTRAP.md with every command that a person runs, from nothing to
/// the first workload cluster. Nothing is applied, and nothing in it is secret.
///
/// Running it again changes nothing: a run starts from the flags of earlier ones, which it keeps in out/management/settings.yaml.
/// Settings may also stand under `management` in infraflux.yaml. A run's own flags win, then that file, then earlier flags.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  infraflux init --providers aws,proxmox --repo-url ssh://git@git.example.org/platform/fleet.git --repo-secret infraflux-git

Exit codes: 0 written, 1 the content is wrong, 2 the command line is wrong, 3 the operating system said no.
With an error nothing is written.")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Arguments {
    /// The providers, separated by commas: aws, azure, gcp, proxmox
    #[arg(long, visible_alias = "provider", value_name = "A,B", value_delimiter = ',')]
    providers: Vec<String>,
    /// The set of versions: stable or current [default: stable]
    #[arg(long)]
    profile: Option<String>,
    /// The repository that Flux reads, `https://...` or `ssh://...`
    #[arg(long, value_name = "URL")]
    repo_url: Option<String>,
    /// Its branch [default: main]
    #[arg(long)]
    branch: Option<String>,
    /// The Secret in flux-system with which Flux reads a private repository
    #[arg(long, value_name = "NAME")]
    repo_secret: Option<String>,
    /// Where the output folder lies in the repository, if `--out` does not say it
    #[arg(long, value_name = "PATH")]
    out_path: Option<String>,
    /// Run Flux in this many shards beside the main controllers; needs the Flux operator
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = count::<u16>(0, 65535))]
    shards: Option<u16>,
    /// Others than the platform team write Flux objects on the hub: hold them to their own namespaces
    #[arg(long)]
    multitenant: bool,
    /// Bring up Crossplane too
    #[arg(long)]
    crossplane: bool,
    /// The hub has a cert-manager already
    #[arg(long)]
    no_cert_manager: bool,
    /// Set a variable of the templates, for instance `--set AZURE_TENANT_ID=...`; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Forget the flags of earlier runs
    #[arg(long)]
    reset: bool,

    /// A folder whose files replace those of the built-in catalogue
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// The parent of management/ [default: out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// How findings and the summary are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let format = arguments.format;
    let (hub, out) = match prepare(arguments) {
        Ok(prepared) => prepared,
        Err(findings) => return report::all(&findings, format, None),
    };
    let mut findings = hub.findings.clone();
    if arguments.strict {
        findings.make_strict();
    }
    if findings.has_errors() {
        return report::all(&findings, format, None);
    }
    let edited = if arguments.strict { Edited::Refuse } else { Edited::default() };
    let writer = Writer::new(out).edited(edited);
    let written = tree(&hub)
        .and_then(|tree| if arguments.dry_run { writer.plan(&[tree]) } else { writer.write(&[tree]) });
    match written {
        Ok(outcome) => {
            findings.extend(outcome.findings);
            if format == Format::Text {
                report::stdout(outcome.summary.text().as_bytes())?;
            }
            report::all(&findings, format, Some(("output", outcome.summary.json())))
        }
        Err(errors) => {
            findings.extend(errors);
            report::all(&findings, format, None)
        }
    }
}

fn prepare(arguments: &Arguments) -> Result<(RenderedHub, PathBuf), Findings> {
    let project = project::load()?;
    let out = arguments.out.clone().or(project.out).unwrap_or_else(|| PathBuf::from("out"));
    let flags = Record { catalog: arguments.catalog.as_deref().map(slashes), management: given(arguments)? };
    let file = Record { catalog: project.catalog.as_deref().map(slashes), management: project.management };
    let earlier = if arguments.reset { Record::default() } else { earlier(&out)? };
    let kept = earlier.without(&file).without(&flags);
    let record = kept.clone().under(flags.clone());
    let Record { catalog, management: settings } = kept.clone().under(file).under(flags);
    let index = Index::new(catalog::load(catalog.as_deref().map(Path::new))?);
    let place = hub::Place { out: slashes(&out), catalog };
    let mut hub = hub::render(&settings, &index, &place)?;
    if settings.repo_url.is_none() {
        keeps_the_repository(&hub, &out)?;
    }
    if record != Record::default() {
        hub.files.push((record::FILE.to_owned(), record.text()));
    }
    let flags = kept.flags();
    if !flags.is_empty() {
        hub.findings.push(
            Finding::info(&codes::INIT_KEPT, format!("kept from an earlier run: `{flags}`"))
                .hint("give a flag again to change it; `--reset` forgets the flags of earlier runs"),
        );
    }
    Ok((hub, out))
}

/// What earlier runs into this folder were given.
fn earlier(out: &Path) -> Result<Record, Findings> {
    let path = out.join(MANAGEMENT).join(record::FILE);
    if !path.exists() {
        return Ok(Record::default());
    }
    Record::read(files::source(&path, Limits::PLAN)?)
}

/// Refuses to put the example in the place of the repository's address that an earlier run wrote.
fn keeps_the_repository(hub: &RenderedHub, out: &Path) -> Result<(), Findings> {
    let path = out.join(MANAGEMENT).join(SOURCE);
    let Ok(written) = fs::read_to_string(&path) else { return Ok(()) };
    let Some((_, rendered)) = hub.files.iter().find(|(name, _)| name == SOURCE) else { return Ok(()) };
    let (Some(before), Some(now)) = (repository(&written), repository(rendered)) else { return Ok(()) };
    if before == now {
        return Ok(());
    }
    Err(Finding::error(
        &codes::INIT_KEEPS,
        format!("`{}` reads `{before}`, and without --repo-url the example would take its place", path.display()),
    )
    .hint(format!(
        "pass `--repo-url {before}` again, with the other flags that BOOTSTRAP.md shows; or write `repoURL: {before}` under \
         `management:` in infraflux.yaml"
    ))
    .into())
}

/// The address in the first GitRepository of a text.
fn repository(text: &str) -> Option<String> {
    let mut sources = Sources::new();
    let id = sources.add(Source::new(SOURCE, text));
    let documents = read(&sources, id, Schema::Core, Limits::PLAN).ok()?;
    let source = documents
        .iter()
        .find(|document| document.root.get("kind").and_then(Node::as_str) == Some("GitRepository"))?;
    source.root.at(["spec", "url"]).and_then(Node::as_str).map(str::to_owned)
}

fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// The flags that were given.
fn given(arguments: &Arguments) -> Result<Settings, Findings> {
    let mut findings = Findings::new();
    let mut providers = Vec::new();
    for word in &arguments.providers {
        if let Some(provider) = Provider::parse(word.trim()) {
            providers.push(provider);
            continue;
        }
        if word.trim().is_empty() {
            let message = "`--providers` has an empty name in its list";
            findings.push(Finding::error(&codes::USAGE, message).hint("separate the names by single commas"));
            continue;
        }
        let finding = Finding::error(&codes::USAGE, format!("there is no provider `{word}`"));
        findings.push(match suggest::hint(word, Provider::ALL.map(Provider::as_str)) {
            Some(hint) => finding.hint(hint),
            None => finding,
        });
    }
    let mut settings = Settings {
        providers: (!arguments.providers.is_empty()).then_some(providers),
        profile: arguments.profile.clone(),
        repo_url: arguments.repo_url.clone(),
        branch: arguments.branch.clone(),
        repo_secret: arguments.repo_secret.clone(),
        out_path: arguments.out_path.clone(),
        shards: arguments.shards,
        multitenant: arguments.multitenant.then_some(true),
        crossplane: arguments.crossplane.then_some(true),
        cert_manager: arguments.no_cert_manager.then_some(false),
        ..Settings::default()
    };
    for text in &arguments.set {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                settings.variables.insert(name.to_owned(), scalar(value));
            }
            _ => findings.push(
                Finding::error(
                    &codes::USAGE,
                    format!("`--set {text}` has no `=` between a name and a value"),
                )
                .hint("for instance `--set AZURE_TENANT_ID=...`"),
            ),
        }
    }
    if findings.is_empty() { Ok(settings) } else { Err(findings) }
}

/// A list, a mapping or a boolean as JSON; everything else is text.
fn scalar(text: &str) -> serde_json::Value {
    let structured = text.starts_with(['[', '{']) || ["true", "false"].contains(&text);
    let parsed = structured.then(|| serde_json::from_str(text).ok()).flatten();
    parsed.unwrap_or_else(|| serde_json::Value::from(text))
}

fn tree(hub: &RenderedHub) -> Result<Tree, Findings> {
    let mut tree = Tree::new(MANAGEMENT)?;
    for (path, text) in &hub.files {
        tree.insert(RelativePath::new(path).map_err(Findings::from)?, text.as_str())?;
    }
    Ok(tree)
}
