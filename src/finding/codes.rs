//! All codes, by the hundred: 00 reading, 01 plan schema, 02 plan meaning, 03 catalogue and templates, 04 versions,
//! 05 schemas of objects, 06 CEL, 07 rules of admission webhooks, 08 references, 09 the Flux graph, 10 secrets,
//! 11 writing, 12 functions and plugins, 13 the command line.

use super::{Class, Code};

macro_rules! codes {
    ($($name:ident = $id:literal, $class:ident, $title:literal, $explanation:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Code = Code {
                id: $id,
                title: $title,
                explanation: $explanation,
                class: Class::$class,
            };
        )*
        /// Every code, ordered by id.
        pub static ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    // 00 reading
    UNREADABLE = "IF0001", System, "a file cannot be read",
        "The operating system refused to open or read a file that was named. Check the path and its permissions.";
    NOT_UTF8 = "IF0002", Content, "the input is not UTF-8 text",
        "Plans, templates and ResourceLists are YAML or JSON in UTF-8. Binary input is usually a wrong file or a \
         compressed one.";
    EMPTY_INPUT = "IF0003", Content, "the input is empty",
        "There is nothing to read. In a pipe this mostly means that the command before it failed.";
    YAML_SYNTAX = "IF0004", Content, "the text is not valid YAML",
        "The YAML reader stopped at the place shown. Look at indentation, unclosed quotes and tabs, at that line and the \
         one above.";
    TOO_LARGE = "IF0005", Content, "the input is larger than a reader should take",
        "Inputs have a size limit so that a mistake (a core dump in a pipe) does not fill the memory. \
         `INFRAFLUX_MAX_INPUT_MIB` raises it.";
    TOO_DEEP = "IF0006", Content, "the input is nested too deeply",
        "No Kubernetes object needs this depth. The limit keeps a hostile document from exhausting the stack.";
    ALIAS_BOMB = "IF0007", Content, "aliases expand to too much",
        "Each alias (`*name`) stands for a copy of its anchor. This document would grow beyond any useful size when they \
         are followed.";
    DUPLICATE_KEY = "IF0008", Content, "a key is given twice in one mapping",
        "YAML readers disagree on which one counts: the last one for kubectl, an error for kustomize. Keep one.";
    UNSUPPORTED_YAML = "IF0009", Content, "a YAML feature that Kubernetes clients do not share",
        "Mapping keys that are themselves lists or mappings, and tags of programming languages, mean nothing in Kubernetes \
         objects.";

    // 01 plan schema
    PLAN_SCHEMA = "IF0101", Content, "a field of the plan is unknown or of the wrong type",
        "Plans are read strictly: a misspelt field is an error rather than a default in silence. `infraflux schema` prints \
         every field with its type and default.";
    PLAN_MISSING = "IF0102", Content, "a field that has no default is missing",
        "Most fields have defaults or example values; `spec.provider` and the name do not.";
    PLAN_FOREIGN_BLOCK = "IF0103", Content, "the block of another provider is present",
        "Exactly the block of the chosen provider may be there (`aws`, `azure`, `gcp` or `proxmox`): another one would be \
         ignored in silence.";
    PLAN_KIND = "IF0104", Content, "a document is not a plan",
        "Plans are `ClusterPlan` and `FleetPlan` of `infraflux.io/v1alpha1`, or a ConfigMap with the short names of the \
         command line (`provider`, `name`, `region`, `workers`, `cpu`, `memory`, `k8s`, `recipes`, `namespace`, `profile`).";
    CONFIG_MAP_VALUE = "IF0105", Content, "a ConfigMap has a wrong value",
        "A ConfigMap as functionConfig takes the same names as the flags of `infraflux up`, with strings as values. An unknown \
         name is an error, so that a misspelt one is not ignored.";

    // 02 plan meaning
    PLAN_NAME = "IF0201", Content, "a name cannot be used",
        "A cluster's name becomes part of DNS names, cloud resources and Cilium's identity: a DNS label of at most 32 \
         characters; some providers allow less. Pools are DNS labels of at most 20 characters.";
    PLAN_UNKNOWN_NAME = "IF0202", Content, "the plan names something that the catalogue does not have",
        "Profiles, recipes and their variables are files of the catalogue. The message lists the nearest names.";
    PLAN_VERSION = "IF0203", Content, "a version cannot be read or is not known",
        "A minor such as \"1.36\" means the newest patch that the profile knows; a full version is taken as it is. Versions \
         are written in quotes, because 1.30 without quotes is the number 1.3.";
    PLAN_REPLICAS = "IF0204", Content, "an even number of control planes",
        "etcd needs a majority: two members fail as soon as one does, four are no safer than three.";
    PLAN_AUTOSCALING = "IF0205", Content, "autoscaling contradicts itself",
        "A pool is either of a fixed size or scaled between `min` and `max`. With autoscaling the number of replicas is left \
         to the autoscaler, and both annotations must be there.";
    PLAN_NOT_OFFERED = "IF0206", Content, "the provider does not offer this",
        "Spot capacity, zones, GPUs and machine types exist only on some providers.";
    PLAN_NO_INSTANCE = "IF0207", Content, "no machine type is large enough",
        "`cpu` and `memoryGiB` pick the smallest type of the provider's table `clusters/<provider>/instances.yaml` that has \
         at least both. The table can be extended with `--catalog`.";
    PLAN_VALUE = "IF0208", Content, "a value cannot be used here",
        "The value is of the right type, but means nothing in this field.";
    PLAN_SCHEMATIC = "IF0209", Content, "an image cannot be described offline",
        "Image Factory ids are computed from canonical YAML. Where the spelling of an entry in it is not established, \
         InfraFlux refuses instead of printing an id that no factory knows.";
    BUNDLE_VARIABLE = "IF0210", Content, "a recipe's variable is missing or wrong",
        "The variables that a recipe's files use, those that its `bundle.yaml` declares and those that are supplied must be \
         the same: Flux 2.9 refuses a variable without a value.";
    PLAN_PATCH = "IF0211", Content, "a Talos patch cannot be used",
        "Patches are strategic: mappings of what shall be different, or strings that hold such YAML documents. JSON patches \
         (lists of `op`, `path`, `value`) do not work with the many documents of Talos 1.12 and later.";

    // 03 catalogue and templates
    TEMPLATE_SYNTAX = "IF0301", Content, "a template cannot be parsed",
        "Templates are YAML with `${NAME}` in scalars. Anchors, aliases and tags are not used in them, a variable inside \
         `[ ]` or `{ }` is quoted, and an optional `${?NAME}` is the whole value of an entry in block style.";
    TEMPLATE_UNSET = "IF0302", Content, "a template needs a variable that has no value",
        "Nothing is ever left unresolved in what is rendered. Either the name is misspelt, or the field of the plan that \
         sets it is missing, or the template should give a default (`${NAME:-x}`) or make the entry optional (`${?NAME}`).";
    TEMPLATE_COLLECTION = "IF0303", Content, "a list or mapping stands inside text",
        "A variable that holds a list or a mapping can only be a whole value (`key: ${NAME}`), never a part of a string \
         or a key.";
    TEMPLATE_DUPLICATE_KEY = "IF0304", Content, "a filled template gives a key twice",
        "A key that holds a variable came out equal to another key of the same mapping.";
    CATALOG_FILE = "IF0305", Content, "a file of the catalogue is missing or wrong",
        "The catalogue is a set of folders: `clusters`, `recipes`, `management` and others. A file given by `--catalog` \
         replaces the embedded one of the same path. `infraflux eject --out DIR` writes the embedded files to compare with.";
    TEMPLATE_ANNOTATION = "IF0306", Content, "a template lacks the annotation that marks InfraFlux's objects",
        "Every rendered object carries `infraflux.io/plan`, so that a later run of the function replaces it in place instead of \
         rendering it a second time. Templates set it with `infraflux.io/plan: ${PLAN}`.";
    TEMPLATE_DUPLICATE_OBJECT = "IF0307", Content, "two templates render the same object",
        "No object has two owners: kustomize and the API server would refuse or mix them.";

    // 04 versions
    PROFILE = "IF0401", Content, "a version profile is missing or wrong",
        "Profiles are files in `management/profiles/`: they pin Kubernetes, Talos, the Cluster API providers and the \
         charts. `infraflux versions` prints them.";

    // 11 writing
    BAD_PATH = "IF1101", Content, "a name cannot be a path in the output folder",
        "Names of clusters and of templates become paths. A path must stay inside its folder (no `..`, no `/` in front) and \
         mean the same on Linux, macOS and Windows: printable ASCII without `<>:\"|?*\\`, no name of a Windows device, \
         nothing in `.git`, nothing that begins with `.infraflux`.";
    PATH_CLASH = "IF1102", Content, "two files need the same place",
        "Two plans have one name, or two templates render the same path, or paths that differ only by upper and lower case \
         and are one file on macOS and Windows, or one needs a file where the other needs a folder.";
    OUT_NOT_A_FOLDER = "IF1103", System, "the output path is not a folder",
        "`--out` names the folder above the clusters' folders. It is created when it does not exist; something else of that \
         name is never replaced.";
    OUT_IS_A_LINK = "IF1104", System, "the output folder is a symbolic link",
        "InfraFlux replaces and removes files in the output folder. It does not do that through a symbolic link, whose target \
         may be something that you did not mean. Name the folder itself.";
    LINK_IN_THE_WAY = "IF1105", Content, "a symbolic link is where a rendered file belongs",
        "Writing through a link would change something outside the output folder, and replacing it would lose the link. Nothing \
         was written. Remove the link, or move it to another name.";
    FILE_IN_THE_WAY = "IF1106", Content, "a file of yours is where a rendered one belongs",
        "Files that InfraFlux did not write are never overwritten. What it wrote is listed in `.infraflux.sha256` in each \
         cluster's folder, which belongs into Git like the rest: without it InfraFlux cannot know its own files when they \
         differ from what it renders now. Two kustomizations in one folder (`kustomization.yml` beside `kustomization.yaml`) \
         count as well, because kustomize refuses them.";
    EDITED = "IF1107", Content, "a generated file was edited",
        "The output is a function of the plan: equal plans give equal bytes, so an edit of a generated file does not last. \
         It is overwritten with this warning; with `--strict` nothing is written instead. Put the change into the plan \
         (`overrides`, Talos patches, add-on values) or into a template of your own; what was lost is in Git.";
    BAD_INVENTORY = "IF1108", Content, "an inventory is damaged",
        "`.infraflux.sha256` lists the files that InfraFlux wrote, one a line: SHA-256, two spaces, path. Conflict markers of \
         Git are fine; any other line is not guessed at, because files are removed by this list.";
    WRITE_FAILED = "IF1109", System, "the output cannot be written",
        "The operating system refused a write: a full disk, missing permissions, a read-only file system. New trees are put \
         together aside and put in place only when all of them are complete, so the output is what it was before, byte for \
         byte.";
    OUT_UNREADABLE = "IF1110", System, "the output folder cannot be read",
        "What is in the output folder is compared with what is rendered, so all of it must be readable.";
    LOCKED = "IF1111", System, "another run is writing to the same folder",
        "Two runs at once would undo each other's work. The lock is the kernel's and ends with the process that holds it, \
         so there is never one to remove by hand.";
    NO_LOCK = "IF1112", System, "the output folder cannot be locked",
        "This file system or operating system has no locks on folders. The run goes on; that no second one writes to the same \
         folder at the same time is yours to see to. Locks on network file systems may also not be seen by other machines.";
    INTERRUPTED = "IF1113", Content, "an earlier run was stopped",
        "A run that is killed leaves every cluster's folder as it was or as it should be, but perhaps not all of them alike. \
         Its leftovers are removed; it is not carried out after the fact, because the plan may have changed since.";
    LEFT_OVER = "IF1114", System, "something temporary cannot be removed",
        "The folder `.infraflux-stage` holds what a run puts together and what it has replaced. A file that is in the way of \
         removing it stays there until the next run.";
    OTHER_FILE_SYSTEM = "IF1115", System, "a cluster's folder lies on another file system",
        "A new tree takes the place of the old one by a rename, which works only inside one file system. This is a mount point \
         in the output folder.";

    // 13 the command line
    USAGE = "IF1301", Usage, "the command line is wrong",
        "An unknown flag, a flag without its value, or a value that the flag does not take. `infraflux help` and \
         `infraflux help COMMAND` list what there is.";
}
