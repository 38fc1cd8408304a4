//! All codes, by the hundred: 00 reading, 01 plan schema, 02 plan meaning, 03 catalogue and templates, 04 versions,
//! 05 schemas of objects, 06 CEL, 07 rules of admission webhooks, 08 references, 09 the Flux graph, 10 secrets,
//! 11 writing, 12 functions and plugins, 13 the command line.

use std::fmt::Write as _;

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
    PLAN_RANGE = "IF0106", Content, "a number of the plan is out of its range",
        "The field takes numbers between two limits, which `infraflux schema` shows. They are those of the API that the value \
         goes to, or keep a slip of the finger from ordering a thousand machines.";
    PLAN_LENGTH = "IF0107", Content, "a text or list of the plan is too short or too long",
        "An empty text is not the same as a field that is left out: remove the field to get its default. Upper limits are \
         those of the API that the value goes to.";
    PLAN_FORM = "IF0108", Content, "a text of the plan does not have the form of its field",
        "Ids, versions and durations have a fixed form. The message shows one that fits; `infraflux schema` shows the pattern.";

    // 02 plan meaning
    PLAN_NAME = "IF0201", Content, "a name cannot be used",
        "A cluster's name becomes part of DNS names, cloud resources and Cilium's identity: a DNS label of at most 32 \
         characters; some providers allow less. Pools are DNS labels of at most 20 characters.";
    PLAN_UNKNOWN_NAME = "IF0202", Content, "the plan names something that the catalogue does not have",
        "Profiles, recipes and their variables are files of the catalogue. The message lists the nearest names.";
    PLAN_VERSION = "IF0203", Content, "a version cannot be read or is not known",
        "A minor such as \"1.36\" means the newest patch that the profile knows; a full version is taken as it is. Versions \
         are written in quotes, because 1.30 without quotes is the number 1.3.";
    PLAN_REPLICAS = "IF0204", Content, "a number of control planes that is refused or unwise",
        "etcd needs a majority: two members stop as soon as one does, which is worse than one alone and refused. Four survive one \
         failure as three do, and more than seven make writes slow; both work, so they are warnings (etcd-io/website \
         `content/en/docs/v3.6/faq.md`).";
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
    EXAMPLE_VALUE = "IF0212", Content, "an example value is still in force",
        "`values.example.yaml` is the lowest layer of every plan, so that a first render needs no file. Some values only you can \
         know (an image, a subscription, addresses); the examples for them work nowhere on purpose. The README of \
         `clusters/<provider>/` says where to find the right ones; `infraflux eject --out DIR clusters/<provider>` writes it.";
    MANAGEMENT_CIDRS = "IF0213", Content, "who may reach the machines is not said, or everybody may",
        "The control-plane provider on the hub bootstraps machines through the Talos API, port 50000. On AWS and Google Cloud \
         only the networks of `network.managementCIDRs` get there, so a hub in the cluster's own network must be listed too; on \
         Azure the virtual network and its peers get there without; on Proxmox, in an existing network on Azure and in a shared \
         VPC the firewall is yours, and the list only says who may come. `0.0.0.0/0` opens the port to the world: the API asks \
         for a client certificate, but a network that cannot reach it cannot try.";
    NETWORK_FORM = "IF0214", Content, "not a network, an address or a range",
        "A network is written as address and prefix with no bits set behind the prefix, such as `10.244.0.0/16`; Kubernetes and \
         the clouds refuse others or cut them in silence. A pool of addresses takes addresses, ranges `first-last` and networks.";
    NETWORK_OVERLAP = "IF0215", Content, "networks of one cluster overlap",
        "Pods, services and machines each need addresses of their own. Where two of these networks share addresses, packets to \
         one of them go to the other, and the cluster breaks in ways that are hard to see.";
    NETWORK_SIZE = "IF0216", Content, "a network is too small or too large for its use",
        "Every node gets a /24 of the IPv4 pod network and a /64 of the IPv6 one (kubernetes/kubernetes \
         `cmd/kube-controller-manager`, `--node-cidr-mask-size`); Talos gives the tenth service address to DNS; AWS takes VPCs \
         from /16 to /28.";
    DUAL_STACK = "IF0217", Content, "address families do not fit together",
        "The first network of each list decides the primary family, and pods and services must agree on it. A list holds at most \
         one network of each family.";
    ENDPOINT = "IF0218", Content, "the API endpoint cannot work",
        "The endpoint is an address or a DNS name, without a scheme and without a port, that no machine gets. On Proxmox it is a \
         virtual address that Talos moves between control planes: it has to lie in the machines' network, and the API server \
         behind it listens on 6443.";
    POOL_SIZE = "IF0219", Content, "there are not enough addresses for the machines",
        "Each machine takes an address of the pool; the gateway and the first and last address of the network are not given \
         out. A rollout makes the new machine before the old one goes, so it needs spare addresses.";
    VM_IDS = "IF0220", Content, "the range of VM ids cannot work",
        "Each machine takes an id of `proxmox.vmIDRange`, and ids are unique in a Proxmox cluster: clusters on one Proxmox \
         cluster need ranges of their own.";
    BLOCK_FIELDS = "IF0221", Content, "fields of the provider's block exclude or need each other",
        "Some fields are two ways to say one thing, and some mean nothing without another one. InfraFlux does not guess which \
         one was meant.";
    FLEET_CLASH = "IF0222", Content, "two clusters claim the same thing",
        "Cluster names, hub namespaces, API endpoints, machine addresses and mesh numbers belong to one cluster each. Equal pod \
         and service networks are normal, unless the clusters are in one mesh; overlapping machine networks only matter when \
         the networks are ever connected, so they are a warning.";
    TAINT_FORM = "IF0223", Content, "a label, annotation or taint that Kubernetes refuses",
        "Keys are `name` or `prefix/name`; names and values have at most 63 letters, digits, `-`, `_`, `.`. Talos keeps taints \
         in a mapping by key, so one key can have one taint only.";
    RESERVED_LABEL = "IF0224", Content, "a node may not give itself this label or taint",
        "Talos writes labels as the node itself, and Kubernetes' NodeRestriction admission lets a node set only a few labels below \
         `kubernetes.io` and `k8s.io` (siderolabs/docs `kubernetes-guides/advanced-guides/node-labels.mdx`). One refused label \
         keeps all of them off. Labels of pools below `node-role.kubernetes.io`, `node-restriction.kubernetes.io` and \
         `node.cluster.x-k8s.io` are fine: Cluster API sets them.";
    NOTHING_SCHEDULABLE = "IF0225", Content, "no machine takes ordinary pods",
        "Every pool is empty or has a taint that keeps pods away, and control planes do not take pods. DNS, Flux's charts and the \
         Gateway would wait for ever.";
    STORAGE_COPIES = "IF0226", Content, "more copies of volumes than machines",
        "Longhorn puts each copy of a volume on another node. With fewer nodes than copies every volume stays degraded, and \
         rollouts wait for volumes that never become healthy.";
    CILIUM_AND_TALOS = "IF0227", Content, "the CNI's settings and the Talos patches contradict each other",
        "Who brings the CNI, who replaces kube-proxy and where the API is found is decided in two places: Cilium's values and the \
         machine configuration. A patch of yours comes last and wins on the Talos side only.";
    CILIUM_OPTIONS = "IF0228", Content, "options of the CNI or the Gateway that do not work together",
        "Cilium's Gateway API, its L2 announcements and BGP stand on other options of it (cilium/cilium \
         `Documentation/network/servicemesh/gateway-api`, `Documentation/network/l2-announcements.rst`).";
    GPU_PARTS = "IF0229", Content, "GPU machines and the GPU bundle belong together",
        "`gpu: nvidia` puts the driver into the machine's image; the bundle `gpu` brings the device plugin through which pods ask \
         for one. Each is of no use without the other. Driver extensions come in branches (lts, production) that must not be \
         mixed.";
    HOST_FORM = "IF0230", Content, "not a host name, URL or image reference as its field takes it",
        "Mirrors are URLs, certificate names and time servers are bare host names or addresses, extensions are `owner/name` \
         without a tag.";
    SIZE_FORM = "IF0231", Content, "not a size or duration",
        "Sizes are a number with a unit, such as `100GiB`; durations are Go durations, such as `10m` or `1h30m`.";
    PLACE_FORM = "IF0232", Content, "a region or zone that the provider does not have",
        "Regions and zones have a fixed form on each cloud, and a zone belongs to one region: machines in a zone of another \
         region are never created.";
    NAMESPACE_TAKEN = "IF0233", Content, "a namespace that belongs to something else",
        "A cluster's objects live in a hub namespace of their own, which is deleted with the cluster. Namespaces of Kubernetes, \
         Flux and Cluster API controllers must not be that.";
    ROLLOUT_ROOM = "IF0234", Content, "a rollout that cannot move",
        "A rollout either makes a machine more than wanted or takes one away first. With neither it never starts; a control \
         plane makes at most one more.";
    NOT_IN_USE = "IF0235", Content, "a field without effect",
        "The field belongs to something that this plan switches off or does not have. It is reported because the person who \
         wrote it expects something of it.";
    NO_TABLE_ENTRY = "IF0236", Content, "a machine type that does not do what the plan asks",
        "The provider's table `clusters/<provider>/instances.yaml` knows this type, and it lacks what the plan asks for.";
    NAME_CUT = "IF0237", Content, "a derived name is cut",
        "Kubernetes names that become labels have at most 63 characters. A longer one is cut and ends in a hash of the whole, so \
         that two names stay apart.";
    MACHINE_PICKED = "IF0238", Content, "a machine type was picked",
        "`cpu` and `memoryGiB` pick the smallest type of the provider's table that has at least both. To pin it, write \
         `instanceType` instead.";
    ZONES_AT_RANDOM = "IF0239", Content, "control planes are spread over zones at random",
        "The Talos control-plane provider picks a random zone for each control plane, so three of them may share one. \
         `controlPlane.failureDomains` limits the zones where the infrastructure has such a field; an even spread cannot be \
         promised (siderolabs/cluster-api-control-plane-provider-talos `controllers/taloscontrolplane_controller.go`).";
    FLUX_SETTING = "IF0240", Content, "a Flux setting that does harm",
        "Intervals, paths and names of `spec.gitops` go into every Kustomization of the cluster as they are.";
    OWN_CLOUD_CONTROLLER = "IF0241", Content, "nodes wait for a cloud controller manager that is not rendered",
        "With `addons.cloudProvider.enabled: false` kubelets still start with an external cloud provider, because that is what a \
         cloud controller manager of your own needs. Until it runs, nodes keep the taint \
         `node.cloudprovider.kubernetes.io/uninitialized` and have no provider id, so Cluster API matches no machine to its node.";
    FLEET_LEFT_OVER = "IF0242", Content, "a cluster that left its fleet and not the output folder",
        "`up` writes the clusters of its plans and leaves the others in the output folder alone: they may come from other plans. \
         This one came from the same FleetPlan, which does not name it any more. What syncs the folder still applies it.";
    ONE_ZONE = "IF0243", Content, "a pool whose machines are all in one zone",
        "Without `failureDomains` the provider puts all machines of a pool into the first zone (Google Cloud) or the first subnet \
         (AWS) that it finds. When that zone is gone, so is the pool. With zones named, there is one MachineDeployment for each.";
    MACHINE_TYPE_UNKNOWN = "IF0244", Content, "a machine type that is not in InfraFlux's table",
        "`clusters/<provider>/instances.yaml` lists the types from which `cpu` and `memoryGiB` pick, and a few more. Any other may be \
         named in `instanceType`; its size, its GPUs and whether the region has it are then not checked.";
    MACHINE_SMALL = "IF0245", Content, "a machine that is smaller than Talos asks for",
        "Talos wants 2 CPUs and 2 GiB for a control plane, 1 CPU and 1 GiB for a worker (siderolabs/docs \
         `public/talos/v1.13/getting-started/system-requirements.mdx`). Below that, etcd and the API server are killed for memory.";
    ARCHITECTURE = "IF0246", Content, "one image for machines of two architectures",
        "An AMI is made for x86-64 or for ARM. AWS refuses to start it on a machine type of the other one; \
         `spec.aws.poolAMIs` gives a pool an image of its own.";
    BUNDLE_VALUES_DIFFER = "IF0250", Content, "one variable with two values",
        "A variable of the same name has one value in all bundles of a cluster. What the plan gives to one of them counts for \
         every bundle that declares the name: with two zones, external-dns would write records in one and Grafana would wait \
         for a name in the other.";
    BUNDLE_PLACEHOLDER = "IF0251", Content, "a recipe's variable still has its placeholder",
        "Some variables of bundles only you can know, for instance the zone of your names or the address of an object store. Their \
         defaults work nowhere and are there so that a first render needs no file; `bundle.yaml` marks them with \
         `placeholder: true`. Where several bundles declare one name, give it once.";
    NO_LOAD_BALANCER = "IF0252", Content, "nothing gives load balancers an address",
        "Clouds give Services of type LoadBalancer their addresses; on Proxmox Cilium does, from `addons.cilium.loadBalancer`. \
         Without it the Gateway's Service stays pending and the Gateway is never programmed. Where something else gives addresses \
         (MetalLB, the nodes' own), say so in Cilium's values: `defaultLBServiceIPAM: none` or `nodeipam`.";
    DNS_NOWHERE = "IF0253", Content, "DNS records are not written anywhere",
        "Proxmox has no DNS, so external-dns starts with a provider that keeps records in memory and writes nowhere. Names of \
         routes resolve when records exist: by a DNS service that external-dns knows, or by hand.";
    DNS_RIGHTS = "IF0254", Content, "nothing may write DNS records yet",
        "On AWS the metadata service answers pods on workers only with `aws.metadataHopLimit: 2`, and then every pod there has the \
         machine's rights and can read its configuration. The default is 1, so external-dns and cert-manager need a key in a Secret, \
         or a role of their own. Patches on `base` count as somebody having taken care of it.";
    AUTOSCALER_NEEDED = "IF0255", Content, "a pool needs the Cluster Autoscaler",
        "`autoscaling` writes what the Cluster Autoscaler reads from a MachineDeployment. The autoscaler itself runs on the hub, once \
         for each cluster, in a version of the cluster's own Kubernetes minor; docs/gitops.md shows its HelmRelease.";
    KUBELET_CERTIFICATES = "IF0256", Content, "kubelets' requests for certificates stay pending",
        "The Talos cloud controller manager approves the serving certificates of kubelets; it takes the first DNS name of a \
         request for the name of the node (siderolabs/talos-cloud-controller-manager `pkg/talos/helper.go`). On AWS a machine \
         with a public address also has a public name, which stands first, so its request is neither approved nor denied. A \
         certificate that it got before the cloud controller manager set the node's addresses is not renewed.";

    GATEWAY_ISSUER = "IF0257", Content, "the Gateway's issuer is not one of the bundles'",
        "The Gateway asks the ClusterIssuer of `addons.gateway.issuer` for its certificate. `base` brings `internal-ca`, and on the \
         clouds `acme`; another one has to come from a bundle of your own, and until then there is no HTTPS.";

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
    RENDERED_TEXT = "IF0308", Content, "rendered text does not say what it should",
        "Everything that `up` writes is read again by an independent YAML reader. A difference is a bug in InfraFlux; nothing \
         is written.";

    // 04 versions
    PROFILE = "IF0401", Content, "a version profile is missing or wrong",
        "Profiles are files in `management/profiles/`: they pin Kubernetes, Talos, the Cluster API providers and the \
         charts. `infraflux versions` prints them.";
    PAIR_NOT_DECLARED = "IF0402", Content, "versions that nobody declares to work together",
        "The tables of `management/profiles/compatibility.yaml` hold what each project says of the versions around it. This pair \
         is in none of them: it may work, and nobody has said so. `infraflux versions` prints the tables with their sources.";
    PAIR_KNOWN_BAD = "IF0403", Content, "versions that are known not to work together",
        "Somebody has found out, or the program itself refuses it. The message says why, the hint what to use instead.";
    TALOS_TOO_OLD = "IF0404", Content, "Talos is too old for what is rendered",
        "From Talos 1.12 on registry mirrors, host names and shared addresses are documents of their own; older forms are not \
         written.";
    END_OF_SERVICE = "IF0405", Content, "something has ended or ends soon",
        "Said for the date given with `--as-of`, from 180 days before. Without a date nothing is said, because the output \
         depends on the input alone and on no clock.";
    EXPERIMENTAL_PROFILE = "IF0406", Content, "the profile is experimental",
        "Not every part of it has been checked together, and some of its schemas could not be had. `infraflux versions` says \
         which.";
    COMPATIBILITY = "IF0407", Content, "the tables of versions are missing or wrong",
        "`management/profiles/compatibility.yaml` of the catalogue cannot be read. `infraflux eject \
         management/profiles/compatibility.yaml` writes the original.";
    RELEASE_UNKNOWN = "IF0408", Content, "a release that the profile does not know",
        "A profile names the newest patch release of each minor that was there when it was made. A later one may exist by now; a \
         mistyped one does not, and machines would wait for an image that nobody has.";

    // 05 schemas of objects
    SCHEMA_UNKNOWN_FIELD = "IF0501", Content, "a field that the kind does not have",
        "The schema of this kind and version does not list the field, so the API server drops it in silence or, with strict \
         field validation (the default of kubectl), refuses the object. Mostly it is misspelt, stands one level too high or \
         low, or belongs to another version.";
    SCHEMA_TYPE = "IF0502", Content, "a value has the wrong type",
        "The schema wants another type. Quotes decide: `\"3\"` is a string, `3` a number, and unquoted `yes`, `no`, `on` and \
         `off` are booleans to Kubernetes.";
    SCHEMA_MISSING = "IF0503", Content, "a field that must be there is missing",
        "The schema requires the field. A field that is `null` counts as missing.";
    SCHEMA_CHOICE = "IF0504", Content, "a word that is not among those allowed",
        "The field takes one of a few words; capital letters matter.";
    SCHEMA_FORM = "IF0505", Content, "a text that does not have the form required",
        "The text must match a pattern or have a format (a network, a duration, base64, a time) that the schema names.";
    SCHEMA_BOUNDS = "IF0506", Content, "a value or a size is out of bounds",
        "A number is too small or large, a text or list too short or long, or a mapping has too few or many keys.";
    SCHEMA_DUPLICATE = "IF0507", Content, "an entry is there twice in a list that allows each once",
        "The entries of this list are told apart by their value or by some of their keys. With two of the same the API server \
         refuses the object.";
    SCHEMA_ALTERNATIVES = "IF0508", Content, "fields that exclude each other, or none of several",
        "The schema describes alternatives (`oneOf`, `anyOf`, `not`), and the object fits none of them or too many.";
    SCHEMA_VERSION = "IF0509", Content, "a version that is not served",
        "The kind exists, this version of it is not served by the CRD or by this Kubernetes. Fields may differ between \
         versions.";
    SCHEMA_DEPRECATED = "IF0510", Content, "a version that is deprecated",
        "The CRD says that this version will go. The API server still takes it and warns.";
    SCHEMA_NONE = "IF0511", Content, "objects without a schema were not checked",
        "Neither the CRDs given nor the kinds of Kubernetes have a schema for this kind. Nothing is known about its fields: \
         give the CRD with `--crds`, or keep it for the project with `infraflux crds import`.";
    SCHEMA_SCOPE = "IF0512", Content, "a namespace that is missing or has no meaning",
        "Objects of most kinds live in a namespace; some belong to the whole cluster and have none.";
    SCHEMA_NAME = "IF0513", Content, "a name, label or annotation that the API server refuses",
        "Names are DNS names for most kinds and DNS labels for some; labels and annotations have rules for keys, and labels \
         for values too.";
    CRD_UNUSABLE = "IF0514", Content, "a CRD that cannot be used",
        "The document is no CustomResourceDefinition of `apiextensions.k8s.io/v1`, or it lacks what every one has. \
         `kubectl get crds -o yaml` prints those of a cluster.";
    SCHEMA_MANY = "IF0515", Content, "more problems in one object than are listed",
        "After a hundred problems the others of an object are not listed: mostly it is of another kind or version than it says.";
    SCHEMA_PARTLY = "IF0516", Content, "a part of a schema is not checked",
        "The CRD has something that cannot be checked here, for instance a regular expression that only Go knows. Everything \
         else of the schema is checked.";

    // 06 CEL
    CEL_RULE = "IF0601", Content, "a rule of the CRD does not hold",
        "CRDs carry rules in CEL (`x-kubernetes-validations`) for what a schema cannot say. The message is the one that the \
         API server would give. Rules about changes compare with the previous render.";
    CEL_UNCHECKED = "IF0602", Content, "a rule of the CRD was not checked",
        "The rule uses something that this evaluator does not have, does not compile, or would take too long. It is neither \
         held to be true nor false: the API server may still refuse the object.";
    CEL_ERROR = "IF0603", Content, "a rule of the CRD fails with an error",
        "The rule reads something that the object does not have. The API server refuses an object when a rule ends in an error.";

    // 07 rules of admission webhooks and controllers
    TEMPLATE_CHANGED = "IF0701", Content, "an immutable template was changed in place",
        "Machine templates cannot be changed: the provider's webhook refuses it, or nothing would happen to machines that \
         exist. Give the changed template a new name and let its owner refer to that; machines then roll one by one. \
         InfraFlux does this itself with a hash in the name.";
    FIELD_CHANGED = "IF0702", Content, "a field that is fixed after creation was changed",
        "The provider's webhook refuses a change of this field, or nothing follows the change. Keep the old value; where \
         the new one is really wanted, a new object (mostly a new cluster) is the way.";
    REFERENCE_FORM = "IF0703", Content, "a reference is not written the way its field wants it",
        "Cluster API `v1beta2` references are `{apiGroup, kind, name}`: no `apiVersion`, no `namespace`. A few fields of \
         other projects still want `apiVersion`. The two forms do not mix.";
    OLD_FIELD = "IF0704", Content, "a field of an older API version",
        "The field was renamed or moved. The API server drops or refuses the old name, so its value never takes effect.";
    EMPTY_VALUE = "IF0705", Content, "an empty value where the field must be left out",
        "Cluster API `v1beta2` refuses `{}`, `[]` and `\"\"` in most places. Leave the field out instead of writing it empty.";
    CLUSTER_MISMATCH = "IF0706", Content, "parts of one object name different clusters",
        "The cluster's name stands in several places of these objects and must be the same in all of them.";
    SELECTOR = "IF0707", Content, "a selector that is invalid, or selects nothing or the wrong things",
        "Selectors decide which machines an object owns or watches. One that does not match its own template is refused; \
         one that matches nothing does nothing, in silence.";
    VERSION_FORM = "IF0708", Content, "not a version as the field wants it",
        "Cluster API wants a full semantic version with a leading `v`, such as `v1.36.2`.";
    NAME_FORM = "IF0709", Content, "a name that the API or the cloud refuses",
        "Names become labels, DNS names and names of cloud resources, each with its own limits on length and characters.";
    REPLICAS = "IF0710", Content, "replicas and autoscaling contradict each other",
        "The cluster autoscaler needs both size annotations, takes over only while the replica count lies between them, \
         and is overruled by every apply that sets `replicas`. Leave `replicas` out of autoscaled pools.";
    ROLLOUT = "IF0711", Content, "rollout settings that cannot work",
        "A rollout needs room: either one machine more than wanted, or one less, for the time of the change.";
    HEALTH_CHECK = "IF0712", Content, "a MachineHealthCheck that cannot do what it says",
        "Health checks replace machines. Their selectors, timeouts and limits are checked by the webhook, and some \
         combinations are accepted but never act.";
    TAINT = "IF0713", Content, "a taint that Cluster API does not let through",
        "Some taint keys are reserved for Kubernetes, cloud controllers and Cluster API itself.";
    METADATA_FORM = "IF0714", Content, "labels, annotations or tags that are not valid",
        "Label keys and values, annotation keys and cloud tags have limits on length and characters.";
    ADDRESS_FORM = "IF0715", Content, "not a valid address, range or CIDR, or not where it belongs",
        "The value must be an IP address, a range `first-last` or a CIDR block, of the right family and inside the network \
         that it is part of.";
    MISSING_PART = "IF0716", Content, "something that must be given is missing",
        "The schema allows to leave this out, the webhook or the controller does not.";
    DO_NOT_COMBINE = "IF0717", Content, "fields that exclude or need each other",
        "The provider's webhook refuses this combination.";
    REFUSED_VALUE = "IF0718", Content, "a value that the provider refuses",
        "The schema allows the value, the webhook or the cloud does not.";
    FEATURE_GATE = "IF0719", Content, "a field that needs a feature gate of the provider",
        "Without the feature gate on the management cluster the webhook refuses the object.";
    NOT_SERVED = "IF0720", Content, "an API version that is not served, or will not be for long",
        "The API server refuses objects of a version that the installed provider does not serve.";
    PROVIDER_ID = "IF0721", Content, "a providerID in a template",
        "The providerID is the cloud's id of one machine. In a template it is refused, or given to every machine alike. \
         The size of a machine belongs into `instanceType` (AWS, GCP) or `vmSize` (Azure).";
    MACHINE_SIZE = "IF0722", Content, "a machine template without a size",
        "The cloud cannot create a machine without knowing its type.";
    POOL_ADDRESSES = "IF0723", Content, "an address pool that cannot serve its cluster",
        "The control-plane endpoint must lie outside the pool, and the pool needs an address for every machine and one to \
         spare for rolling updates.";
    OPEN_TO_WORLD = "IF0724", Content, "a port that is open to everybody",
        "The provider opens this port to any source unless told otherwise.";
    ZONE = "IF0725", Content, "a zone that does not exist for this cluster, or none at all",
        "Machines are created in the failure domain that they name; without one some providers put all of them into the same zone.";
    SPOT = "IF0726", Content, "spot machines where they do harm",
        "A spot machine can vanish at any time. A control plane that loses two of three members loses its data.";
    OVERLAP = "IF0727", Content, "networks that overlap",
        "Addresses of pods, services and nodes must not overlap, or packets go the wrong way.";
    IDENTITY_USE = "IF0728", Content, "an identity that this cluster may not use",
        "Identities name the namespaces that may use them; without that list nobody may.";
    TALOS_TYPE = "IF0730", Content, "a machine type that Talos does not have, or the wrong one here",
        "`generateType` decides which machine configuration is generated: `controlplane` for control planes, `worker` for \
         the rest, `none` for configuration that is given whole in `data`.";
    TALOS_VERSION = "IF0731", Content, "a Talos version that is missing or not one",
        "`talosVersion` decides the shape of the generated configuration. Without it the newest version that the provider \
         knows is taken, and that changes with every upgrade of the provider.";
    TALOS_JSON_PATCH = "IF0732", Content, "JSON patches do not work with this Talos version",
        "From Talos 1.12 the generated configuration has several documents; JSON patches (RFC 6902) only work on one. \
         Write the change as a strategic patch.";
    TALOS_PATCH_SYNTAX = "IF0733", Content, "a Talos patch that cannot be read",
        "Each entry of `strategicPatches` is a text with one or more YAML documents, each a mapping.";
    TALOS_PATCH_DIALECT = "IF0734", Content, "a Talos patch in the dialect of another version",
        "Talos 1.14 moved the Kubernetes part of the machine configuration into documents of their own. Older versions do \
         not know these, and 1.14 refuses the old fields beside them.";
    TALOS_PATCH_KEY = "IF0735", Content, "a key that the Talos machine configuration does not have",
        "Talos refuses configuration with unknown keys, so the machine would not come up.";
    TALOS_PATCH_ROLE = "IF0736", Content, "a Talos patch for the other kind of machine",
        "Some documents and fields are for control planes only; a worker with them refuses its configuration.";
    TALOS_PATCH_VALUE = "IF0737", Content, "a value that Talos refuses in a machine configuration",
        "Talos checks its configuration before it applies it. A machine with a refused one never joins.";
    TALOS_PATCH_OWNED = "IF0738", Content, "a Talos patch for something that Cluster API sets",
        "The bootstrap provider takes these values from the Cluster object. A patch hides them, so that the two differ in silence.";
    TALOS_CONTROL_PLANE = "IF0739", Content, "a TalosControlPlane that cannot work as written",
        "The control-plane provider needs a configuration for its machines and an odd number of them.";
    NO_USER_DATA = "IF0740", Content, "Talos would not receive its configuration",
        "Talos reads its machine configuration from the user data of the platform, as it is. Anything that wraps or moves \
         the user data leaves the machine in maintenance mode.";
    NO_TALOS_IMAGE = "IF0741", Content, "the machine would not boot Talos",
        "Without an image the provider looks one up that was made for kubeadm.";
    NO_HEALTHY_ENDPOINT = "IF0742", Content, "the load balancer would never see a healthy API server",
        "The health probe is an anonymous HTTPS request; Talos up to 1.13 answers it with 401 unless anonymous requests \
         are allowed, so that nothing reaches the API server. An internal load balancer of Google Cloud passes packets on \
         with its own address, which the machines must carry.";
    NO_GUEST_TOOLS = "IF0743", Content, "the provider would wait for a program that Talos does not have",
        "Talos has no cloud-init and no cloud agents. Checks that ask for them never succeed.";
    TALOS_PORTS = "IF0744", Content, "ports that Talos needs are closed",
        "Workers join through 50001 on the control planes, and the control-plane provider bootstraps them through 50000. \
         Neither port can be changed.";
    NODE_IDENTITY = "IF0745", Content, "nodes that would not be matched to their machines",
        "Cluster API matches a node to its machine by `providerID`; without a match the machine never becomes ready.";
    CLUSTER_MOVED = "IF0746", Content, "a cluster in another namespace than before",
        "An object in another namespace is another object. The old Cluster stays, and the new one makes machines with the same \
         endpoint and addresses beside it.";
    KUBERNETES_STEP = "IF0747", Content, "a change of the Kubernetes version that control planes do not survive",
        "An API server is upgraded one minor version at a time and never goes back: what a newer one has stored, an older one may \
         not be able to read. The judgement compares with the render before this one (`--against`).";
    TALOS_STEP = "IF0748", Content, "a change of the Talos version that nobody has tested",
        "Upgrades are tested between neighbouring minor versions only, and a configuration of a newer Talos may be refused by an \
         older one. The judgement compares with the render before this one (`--against`).";

    // 08 references
    DANGLING = "IF0801", Content, "a reference to something that is not there",
        "Nothing in the checked set has this kind and name, and nobody declared that it exists elsewhere. The controller \
         would wait for it for ever.";
    WRONG_TARGET = "IF0802", Content, "a reference to the wrong kind or version",
        "The name is right, the kind, group or version is not, or the field cannot refer to such a kind.";
    OTHER_NAMESPACE = "IF0803", Content, "a reference that crosses namespaces where it cannot",
        "These references only reach objects of their own namespace.";
    DUPLICATE_OBJECT = "IF0804", Content, "one object is given twice",
        "kubectl takes the last one, kustomize refuses, and two Flux Kustomizations would fight for ever. Keep one.";
    SHARED_PART = "IF0805", Content, "two owners for one object",
        "Cluster API gives each of these objects exactly one owner; the second one never gets it.";
    UNUSED_PART = "IF0806", Content, "an object that nothing refers to",
        "Control planes and infrastructure clusters wait until a Cluster owns them.";
    MISSING_KEY = "IF0807", Content, "a key that the referenced object does not have",
        "The Secret or ConfigMap is there, the key that is asked for is not.";

    // 09 the Flux graph
    FLUX_BUILD = "IF0901", Content, "a folder that Flux reads does not build",
        "kustomize would refuse the folder, and the Kustomization over it would never become ready. `kubectl kustomize` on \
         the folder says the same.";
    FLUX_NOT_CHECKED = "IF0902", Content, "a part of a folder was not checked",
        "The offline build follows the part of kustomize and of Flux's substitution that catalogues use. What goes beyond \
         may be right, but nobody looked at what comes out.";
    FLUX_PATH = "IF0903", Content, "a Kustomization points at a folder that is not there",
        "The path is seen from the root of the source (`spec.gitops.path` is the catalogue's place in it), a component's from the \
         path. `infraflux validate` reads sources in the Git work tree around the input and where `--local-sources` says.";
    FLUX_SOURCE = "IF0904", Content, "a Flux source that nobody declares",
        "A reference to a source names its kind, and its namespace unless that is the same. InfraFlux's own sources live in \
         `management/flux/sources/`, one file each, listed in `management/flux/kustomization.yaml`; the one with the catalogue is \
         named by `spec.gitops.sourceRef`.";
    FLUX_KUBECONFIG = "IF0905", Content, "something for the workload cluster would land on the hub",
        "`kubeConfig` alone decides where the result of a Kustomization or HelmRelease goes. Without it the hub's controllers \
         install on the hub, in silence.";
    FLUX_REMOTE = "IF0906", Content, "Flux objects would land on a cluster without Flux",
        "A Kustomization with `kubeConfig` applies everything to the workload cluster, HelmReleases and sources included, \
         and no controller reads them there. HelmReleases belong to the stage `releases`, which stays on the hub.";
    FLUX_NAMESPACE = "IF0907", Content, "a Namespace under `targetNamespace`",
        "kustomize renames Namespace objects to the target namespace. Namespaces of the workload cluster belong to the \
         stage `prereqs`.";
    FLUX_PREFIX = "IF0908", Content, "a name prefix breaks references",
        "kustomize knows the references of built-in kinds only: `dependsOn`, `chartRef`, `sourceRef` and `valuesFrom` keep \
         the old names. Clusters are kept apart by their hub namespaces instead.";
    FLUX_DEPENDENCY = "IF0909", Content, "a dependency that is not there",
        "`dependsOn` names objects of the same kind: a Kustomization waits for Kustomizations, a HelmRelease for \
         HelmReleases. To wait for a HelmRelease, depend on a Kustomization whose `healthChecks` name it.";
    FLUX_CYCLE = "IF0910", Content, "dependencies go in a circle",
        "Each waits for the next, for ever. Take one of the edges out.";
    FLUX_WAIT = "IF0911", Content, "a dependency that does not wait for what it applies",
        "Without `wait: true` or `healthChecks` a Kustomization is ready as soon as its objects are applied, so whoever \
         depends on it starts too early.";
    FLUX_TIMEOUT = "IF0912", Content, "a timeout shorter than what it waits for",
        "A Kustomization that waits for HelmReleases fails when their installation takes longer than its own `timeout`. It \
         must be above the sum along the longest chain of `dependsOn`. For bundles it stands in `bundle.yaml`.";
    FLUX_RELEASE = "IF0913", Content, "a HelmRelease leaves a name to its defaults",
        "Without `releaseName` the target namespace becomes a part of the name; without `targetNamespace` and \
         `storageNamespace` Helm uses a namespace of the hub's name, which the workload cluster does not have.";
    FLUX_LOCAL = "IF0914", Content, "a reference that is not local",
        "Secrets and ConfigMaps of a Flux object are read in its own namespace on the hub; kubeconfigs are those of the \
         Cluster that lives there.";
    FLUX_API_VERSION = "IF0915", Content, "a Flux API version that is not served any more",
        "Flux 2.9 serves one version of each kind, and the betas of sources, Kustomizations and HelmReleases are gone.";
    FLUX_VARIABLE = "IF0916", Content, "variables used, declared and supplied are not the same",
        "Flux 2.9 refuses a variable without a value; a value that nothing uses, or a declaration without a use, is mostly a \
         misspelt name.";
    FLUX_LEFTOVER = "IF0917", Content, "a `${` is left in a rendered object",
        "Whatever applies the hub's objects may substitute once more and would take it for a variable. A literal one is \
         fine in an object annotated with `kustomize.toolkit.fluxcd.io/substitute: disabled`.";
    FLUX_ORPHAN = "IF0918", Content, "deleting this would wait for a cluster that is gone",
        "Flux deletes what a Kustomization applied before the Kustomization itself goes. When the cluster went first that \
         never ends, so what lies on a workload cluster is orphaned: `deletionPolicy: Orphan`.";
    FLUX_SHARED_NAMESPACE = "IF0919", Content, "two clusters in one hub namespace",
        "Kustomizations, HelmReleases and the gate of two clusters have the same names; a namespace for each keeps them \
         apart.";
    FLUX_OWNER = "IF0920", Content, "one object is applied by two Kustomizations",
        "They would overwrite each other at every interval, and removing one takes the object away from the other.";
    FLUX_PATCH = "IF0921", Content, "a patch that does nothing, or cannot be applied",
        "A patch whose target matches no object is silently nothing for Flux.";
    FLUX_SUSPENDED = "IF0922", Content, "something waits for a suspended bundle",
        "A suspended Kustomization keeps the state that it had. On a new cluster it never becomes ready, and neither does \
         what depends on it.";
    FLUX_STUCK = "IF0923", Content, "something never becomes ready",
        "The bring-up of the cluster was walked through as the controllers would, and this stayed behind.";
    FLUX_CILIUM = "IF0924", Content, "Cilium's values and the machine configuration disagree",
        "Talos and Cilium share the work: who runs kube-proxy, where the API is reached, who loads kernel modules. Where \
         they disagree the network does not come up.";
    FLUX_SHARED = "IF0925", Content, "two clusters share what each needs for itself",
        "Cluster ids of one mesh, owner ids of DNS records, ranges of VM ids: with the same value two clusters change or \
         delete each other's things.";
    FLUX_RETIRED = "IF0926", Content, "a chart from a retired source",
        "The source is listed for what still depends on it, and gets no updates or images that can be pulled. \
         `management/flux/README.md` names what took its place.";

    // 10 secrets
    SECRET_PLAIN = "IF1001", Content, "a secret value stands in plain text",
        "Whoever reads the repository reads the value, and Git keeps it for ever: treat it as known and make a new one. \
         Write the new one into a file named `*.sops.yaml` and encrypt it with `sops encrypt -i FILE`. Empty values are \
         placeholders and fine, and so is a value that is one Flux variable.";
    SECRET_NOT_ENCRYPTED = "IF1002", Content, "a file that should be encrypted is not",
        "The name says `.sops.` or a rule of `.sops.yaml` covers the path, but the file (or one of its documents) has no \
         `sops` block. Run `sops encrypt -i FILE`. If values were committed before, treat them as known.";
    SOPS_INCOMPLETE = "IF1003", Content, "the sops block is incomplete",
        "sops writes `mac`, `version` and at least one recipient; without them nothing can be decrypted. Mostly somebody \
         merged or cut the file by hand: take it from Git's history and change it with `sops edit`.";
    SOPS_NO_RULE = "IF1004", Content, "no rule of .sops.yaml covers an encrypted file",
        "The next person who makes such a file gets an error, and nobody can tell whether the recipients are right. Move \
         the file to a folder that has a rule, or write one. Paths are seen from the folder of `.sops.yaml`, and the first \
         rule whose `path_regex` matches counts.";
    SOPS_RECIPIENTS = "IF1005", Content, "a file is encrypted to other recipients than its rule says",
        "Rules are read when a file is made. After a change of `.sops.yaml` run `sops updatekeys -y FILE`, and `sops rotate \
         -i FILE` when a recipient was taken out. Until then a new key holder cannot read the file and an old one still can.";
    SOPS_SELECTION = "IF1006", Content, "a file encrypts other keys than its rule says",
        "`encrypted_regex` and its kin are copied into the file when it is made. `sops edit` keeps the old choice: decrypt \
         the file and encrypt it again.";
    SOPS_METADATA = "IF1007", Content, "apiVersion, kind or metadata is encrypted",
        "Flux must read them to know what the object is, and refuses the file. Give the rule `encrypted_regex: \
         ^(data|stringData)$`, decrypt the file and encrypt it again.";
    PRIVATE_KEY = "IF1008", Content, "a private key stands in the text",
        "An age identity, a PEM private key or the base64 of one, as Talos writes them. Whoever reads the repository has \
         it, and Git keeps it for ever: make a new key, then take this one out.";
    CREDENTIAL = "IF1009", Content, "a credential stands in the text",
        "The text has the form of an access key or token of a well-known service. Withdraw it at the service, make a new \
         one, and keep that in a Secret encrypted with sops.";
    DECRYPTION_MISSING = "IF1010", Content, "a Kustomization reads an encrypted file but does not decrypt it",
        "Flux refuses the whole Kustomization (`is SOPS encrypted, configuring decryption is required`). Add `spec.decryption: \
         {provider: sops}`, with a `secretRef` in the same namespace unless the controller runs with `--sops-age-secret`.";
    SOPS_CONFIG = "IF1011", Content, "a rule of .sops.yaml cannot be used",
        "sops reads `.sops.yaml` leniently: a misspelt key is ignored, and a misspelt `encrypted_regex` encrypts the whole \
         file. So everything that sops would ignore or refuse is reported here.";
    SOPS_CATCH_ALL = "IF1012", Content, "a rule of .sops.yaml covers every folder",
        "A secret in an unplanned place should be refused, not encrypted to whoever the last rule names. Anchor \
         `path_regex` with `^` at the folder that it is for.";
    SOPS_FEW_RECIPIENTS = "IF1013", Content, "a rule of .sops.yaml has fewer than two recipients",
        "When the one key is lost, every secret under the rule is lost with it. Add a second one: a person's beside a \
         machine's, or one that is kept offline.";
    SOPS_PLACEHOLDER = "IF1014", Content, "a recipient is no key",
        "sops refuses to encrypt to it. In a fresh copy these are the placeholders of `.sops.yaml`: put the public keys \
         there that `age-keygen` prints (`age1...`). `sops/README.md` has the steps.";

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
    PREVIOUS_UNREADABLE = "IF1116", Content, "an earlier render cannot be compared with",
        "What cannot change after creation is judged against the render before this one: what lies in `out/` (or in the folder \
         of `--against`), or the items that an earlier call of the function made. A file that cannot be read is not compared.";

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

    // 13 the command line
    USAGE = "IF1301", Usage, "the command line is wrong",
        "An unknown flag, a flag without its value, or a value that the flag does not take. `infraflux help` and \
         `infraflux help COMMAND` list what there is.";
    PROJECT = "IF1302", Content, "infraflux.yaml cannot be read",
        "`infraflux.yaml` in the working directory names what a project always passes: `catalog`, `out`, \
         `crds`, and the hub's settings under `management`.";
    EJECT_CHANGED = "IF1303", Content, "an ejected file was changed",
        "`infraflux eject` writes originals; a file that differs may hold your changes, so it is left alone.";
    EJECT_WRITE = "IF1304", System, "an ejected file cannot be written",
        "The operating system refused to write into the folder given with `--out`.";
    PLUGIN_INSTALL = "IF1305", Content, "the legacy plugin cannot be installed",
        "kustomize looks for legacy plugins in `$KUSTOMIZE_PLUGIN_HOME`, `$XDG_CONFIG_HOME/kustomize/plugin`, \
         `$HOME/.config/kustomize/plugin` and `$HOME/kustomize/plugin`; the first that exists is the only one it searches.";
    PLUGIN_INSTALL_IO = "IF1306", System, "the legacy plugin cannot be written",
        "The operating system refused to make the links in kustomize's plugin home.";
    NOTHING_TO_CHECK = "IF1320", Content, "there is nothing to check",
        "The input holds no Kubernetes object. Kustomizations, values files and empty documents are not objects of a cluster.";
    CRD_NONE = "IF1321", Content, "there is no CRD where CRDs were expected",
        "`--crds`, `infraflux.yaml` or `infraflux crds import` name a file or folder without a CustomResourceDefinition.";
    CRD_TWICE = "IF1322", Content, "one CRD is given twice",
        "Two CRDs have the same group and kind and differ: mostly two releases in one folder. The later one counts.";
    CRD_STORE = "IF1323", Content, "the project's CRDs cannot be used",
        "`.infraflux/crds.json` is written by `infraflux crds import` and not meant to be edited.";
    CRD_STORE_WRITE = "IF1324", System, "the project's CRDs cannot be written",
        "The operating system refused to write `.infraflux/crds.json`.";
    ADMISSION_SPEC = "IF1325", Content, "the spec of an Admission is wrong",
        "An `Admission` has `spec.emit` (`items` or `none`), `spec.strict` (true or false) and `spec.references` (`check`, \
         `warn` or `ignore`).";
    CHECKED = "IF1326", Content, "what was checked, and what was not",
        "A remark with the counts of a check: objects, those with a schema, CEL rules, and everything that was not checked.";
    NO_KUSTOMIZATION = "IF1327", Content, "a folder holds no kustomization",
        "`infraflux doctor` reads what kustomize reads: `kustomization.yaml`, `kustomization.yml` or `Kustomization` in the folder \
         that is named.";
    NO_CRDS = "IF1328", Content, "objects were checked without any CRDs",
        "`infraflux validate` was given no CRDs at all, so that objects of kinds that are not Kubernetes' own were held against the \
         built-in rules only. Import those of the hub once with `infraflux crds import`, or name them with `--crds`.";
    INIT_KEEPS = "IF1329", Content, "an example would replace a setting of the hub",
        "An earlier run of `infraflux init` wrote a repository's address, and this one neither finds it among that run's settings nor \
         was given any. Pass it again, or keep it under `management` in infraflux.yaml, where every run finds it.";
    PLUGIN_FOREIGN = "IF1330", Content, "something that InfraFlux did not install is where its plugin belongs",
        "`infraflux plugin install` and `uninstall` replace and remove their own links, and copies that are byte for byte this \
         program; anything else may be yours. Move it away, or use `--force`.";
    INIT_EXAMPLE = "IF1340", Content, "an example value of the hub is still in force",
        "`infraflux init` fills in what it cannot know with values that can never work by accident. Replace each one before \
         the result is committed; `--strict` makes the warning an error.";
    INIT_SETTING = "IF1341", Usage, "a setting of the hub is wrong",
        "A flag of `infraflux init`, or the field of the same name under `management` in infraflux.yaml, has a value that \
         cannot be meant. `infraflux help init` says what each takes.";
    INIT_EXPERIMENTAL = "IF1342", Content, "the hub's profile is experimental",
        "Not every part of the profile has been checked together, and some of its schemas could not be had.";
    RUNBOOK = "IF1343", Content, "a runbook of the catalogue cannot be read",
        "Files in `management/runbooks` hold a title and steps; each step has a title and may have `text`, `run`, `check`, \
         `expect` and `trouble`.";
    DESTROY_NO_CLUSTER = "IF1344", Content, "the cluster cannot be found",
        "`infraflux destroy` and `infraflux apply` read the cluster's objects from the output folder, or render them from a \
         plan given with `--file`.";
    APPLY_NEVER = "IF1345", Content, "InfraFlux applies nothing",
        "It renders and checks. What reaches a hub is what stands in Git, so that two people never apply two different \
         things; `infraflux apply` prints the commands.";
    DESTROY_UNKNOWN = "IF1346", Content, "an object in the cluster's folder has no name",
        "A file in the cluster's folder holds something that is no Kubernetes object with `apiVersion`, `kind` and \
         `metadata.name`; what becomes of it cannot be said.";
    INIT_KEPT = "IF1347", Content, "settings of an earlier run are kept",
        "`infraflux init` writes the flags that it was given to `management/settings.yaml` in the output folder, and the next run \
         starts from them. Flags of the new run win, then `management` in infraflux.yaml; `--reset` starts anew.";
    INIT_RECORD = "IF1348", Content, "what an earlier run of init was given cannot be read",
        "`management/settings.yaml` in the output folder is written by `infraflux init`, in the form of infraflux.yaml. Correct \
         it, or pass `--reset` with all flags, which writes it anew.";
}

/// What the hundreds mean.
const GROUPS: [(&str, &str); 14] = [
    ("IF00", "Reading"),
    ("IF01", "The plan's schema"),
    ("IF02", "What the plan means"),
    ("IF03", "Catalogue and templates"),
    ("IF04", "Versions"),
    ("IF05", "Schemas of objects"),
    ("IF06", "CEL rules"),
    ("IF07", "Rules of webhooks and controllers"),
    ("IF08", "References"),
    ("IF09", "The Flux graph"),
    ("IF10", "Secrets"),
    ("IF11", "Writing"),
    ("IF12", "Functions and plugins"),
    ("IF13", "The command line"),
];

/// The page `docs/findings.md`: every code as `infraflux explain` tells it.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(
        "<!-- Generated from src/finding/codes.rs by tests/fn_config.rs; change that and run it with INFRAFLUX_UPDATE=1. -->\n\
         # Findings\n\n\
         Every message of InfraFlux carries a code that stays the same. `infraflux explain CODE` prints what is here. As an error a\n\
         finding ends the program with the exit code given, and nothing is written; as a warning it does so with `--strict`. Where the\n\
         value of a flag is what is wrong, the exit code is 2 instead of 1.\n",
    );
    for (prefix, title) in GROUPS {
        let codes: Vec<&&Code> = ALL.iter().filter(|code| code.id.starts_with(prefix)).collect();
        if codes.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {title}\n");
        for code in codes {
            let exit = code.class.exit_code();
            let _ =
                write!(out, "\n### {}: {}\n\n{} Exit code {exit}.\n", code.id, code.title, code.explanation);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{ALL, GROUPS};

    #[test]
    fn ids_are_in_order_unique_and_in_a_group() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
        for code in ALL {
            assert!(GROUPS.iter().any(|(prefix, _)| code.id.starts_with(prefix)), "{}", code.id);
        }
    }
}
