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
}
