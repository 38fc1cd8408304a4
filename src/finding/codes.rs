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

    // 04 versions
    PROFILE = "IF0401", Content, "a version profile is missing or wrong",
        "Profiles are files in `management/profiles/`: they pin Kubernetes, Talos, the Cluster API providers and the \
         charts. `infraflux versions` prints them.";

    // 12 functions and plugins
    NOT_A_RESOURCE_LIST = "IF1201", Content, "the input is not a ResourceList",
        "Without arguments the program acts as a KRM function: it reads one document of kind `ResourceList` from standard \
         input, as kustomize and kpt write it. To render a plan by hand, use `infraflux up -f FILE`, or `-f -` for a pipe.";
    BAD_RESOURCE_LIST = "IF1202", Content, "a part of the ResourceList has the wrong shape",
        "`items` is a list of mappings, `functionConfig` a mapping, and each key stands there once. Clients always write it \
         so; a list made by hand or by another function is the usual cause.";
    ALIAS_ACROSS_ITEMS = "IF1203", Content, "an alias refers to an anchor in another item",
        "kustomize and kpt take the items of a ResourceList apart and then fail with `unknown anchor`. Anchors and aliases \
         inside one item are fine.";
    UNKNOWN_CONFIG_KIND = "IF1204", Content, "the function configuration is of a kind that is not known",
        "A functionConfig is a `ClusterPlan`, `FleetPlan` or `Admission` of `infraflux.io/v1alpha1`, or a `v1` `ConfigMap` \
         whose data are the names of the flags. Without one, plans among the items are rendered.";
    NOTHING_TO_RENDER = "IF1205", Content, "there is no plan, so nothing was rendered",
        "The function was called without a configuration (or with an empty ConfigMap) and no item is a `ClusterPlan` or \
         `FleetPlan`. The items were returned as they came.";
    PLAN_NOT_LOCAL = "IF1206", Content, "a plan lies among kustomize resources and would be applied",
        "A plan is input for the renderer, not an object for a cluster. With the annotation \
         `config.kubernetes.io/local-config: \"true\"` kustomize leaves it out of what it builds.";
    OBJECT_EXISTS = "IF1207", Content, "a rendered object is already among the items",
        "Two items of one group, kind, namespace and name make kustomize fail, and kpt keeps both without a word. Only items \
         that carry the annotation `infraflux.io/plan` with this plan's name are replaced.";
    BAD_ITEM_PATH = "IF1208", Content, "a rendered item has a path that clients refuse",
        "kpt takes only relative paths with slashes that stay in the package.";
    LEFT_BEHIND = "IF1209", Content, "items of a plan that is not here any more",
        "These items were rendered from a plan that is not among the items now. They are kept, because another call with its \
         own configuration may own them. Delete them if the plan is gone for good.";
    UNKNOWN_EMIT = "IF1210", Content, "`spec.emit` has an unknown value",
        "`items` (the default) returns the items that were checked, `none` returns none. kustomize's `validators` need \
         `none`; under `transformers` and in kpt `none` would delete everything.";
    UNKNOWN_PLAN_KIND = "IF1211", Content, "an item of group `infraflux.io` that is not known",
        "Only known kinds of `infraflux.io/v1alpha1` are plans; another one is passed through, and nothing is rendered \
         from it. Mostly a misspelt kind or version.";
    BAD_RENDERED_ITEM = "IF1212", Content, "a rendered item is not one YAML mapping",
        "Every template renders exactly one object. This is a fault of a template (look at your own catalogue first).";
    BAD_INPUT_LIMIT = "IF1213", Usage, "`INFRAFLUX_MAX_INPUT_MIB` is not a size",
        "The variable holds a whole number of MiB, from 1 to 4095. Without it 40 MiB of standard input are read.";
    EXEC_NEVER_RUN = "IF1220", Content, "kubectl skips this function without a word",
        "`kubectl kustomize` and `kubectl apply -k` never run exec functions, and stand-alone kustomize only with \
         `--enable-alpha-plugins --enable-exec`. The build succeeds without what the function makes. The legacy plugin \
         form (`infraflux plugin install`, and no function annotation) works in both.";
    EXEC_ARGS = "IF1221", Content, "`exec.args` is not known to every kustomize",
        "kustomize up to 5.6 (kubectl up to 1.33) refuses the build with `unknown field \"args\"`. InfraFlux needs no \
         argument to act as a function.";
    EXEC_PATH = "IF1222", Content, "the path of the executable may not be found",
        "kustomize resolves a path with a slash against the folder of the kustomization, kpt against the caller's, and \
         neither expands `~` or variables. A bare name is looked up on PATH by both.";
    PLUGIN_MISSING = "IF1223", Content, "the legacy plugin is not installed",
        "kustomize looks for `<plugin home>/<group>/<version>/<kind in lower case>/<Kind>` with the execute bit set. \
         `infraflux plugin install` puts it there.";
    OUTSIDE_ROOT = "IF1224", Content, "a file outside the kustomization",
        "kustomize refuses plugin configurations that do not lie in or below the folder of the kustomization.";
    ECHO_UNDER_VALIDATORS = "IF1225", Content, "a function under `validators` that returns items",
        "kustomize adds annotations itself and then fails with `validator shouldn't modify the resource map` when items \
         come back. An `Admission` with `spec.emit: none` works there; under `transformers` the check works as it is.";
    EMPTY_UNDER_TRANSFORMERS = "IF1226", Content, "an Admission under `transformers` that returns no items",
        "With `spec.emit: none` nothing comes back, and kustomize builds an empty result with exit code 0. That choice is \
         for `validators` only.";
    BAD_FUNCTION_ANNOTATION = "IF1227", Content, "the function annotation cannot be read",
        "The annotation `config.kubernetes.io/function` is a YAML text that kustomize reads strictly: `exec` with `path`, \
         `args` and `envs`, or `container` with `image`, `network` and `mounts`, and `deferFailure`.";
    CONTAINER_WINS = "IF1228", Content, "the function annotation names a container and an executable",
        "With both, the container is run and the executable never.";
    CONFIG_WITHOUT_NAME = "IF1229", Content, "a plugin configuration without a name",
        "kustomize refuses generators, transformers and validators without `metadata.name`.";
    MISSPELT_ANNOTATION = "IF1230", Content, "an annotation that looks like the function annotation and is not",
        "A misspelt annotation is ignored; kustomize then looks for a legacy plugin instead.";
    ENV_DROPPED = "IF1231", Content, "an environment entry that kustomize drops",
        "In the exec form an entry with more than one `=` does not arrive.";
    BAD_KUSTOMIZATION = "IF1232", Content, "the kustomization is not one mapping",
        "A `kustomization.yaml` is a single YAML document with a mapping.";
}
