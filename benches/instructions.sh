#!/usr/bin/env bash
# Instructions per cluster, beside `cat` of the same bytes: the same on every run of one build and machine, whatever else runs there.
#
#   benches/instructions.sh [CLUSTERS]        default 200; needs valgrind
#
# Judge a change by the ratio of two builds. BINARY=path measures a binary that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
clusters=${1:-200}
binary=${BINARY:-}
if [ -z "$binary" ]; then
  cargo build --quiet --profile profiling
  binary=target/profiling/infraflux
fi
binary=$(realpath "$binary")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A fleet of small clusters that differ in name and addresses, as in render.rs.
fleet() {
  printf '%s\n' 'apiVersion: infraflux.io/v1alpha1' 'kind: FleetPlan' 'metadata: {name: fleet}' 'spec:' '  defaults:' \
    '    provider: proxmox' '    region: home' '    network: {managementCIDRs: [198.51.100.0/24], podCIDRs: [172.16.0.0/16]}' \
    '    proxmox: {dnsServers: [192.0.2.3], gateway: 10.0.0.1, prefix: 8}' '  clusters:'
  for ((number = 0; number < $1; number++)); do
    net="10.$((number / 250 + 1)).$((number % 250))"
    printf '    - {name: c%d, network: {endpoint: {host: %s.10}, serviceCIDRs: [172.20.0.0/16]}, proxmox: {addresses: [%s.20-%s.60]}}\n' \
      "$number" "$net" "$net" "$net"
  done
}

count() {
  # RAYON_NUM_THREADS=1: valgrind runs one thread at a time anyway, and the split of the work must not vary.
  RAYON_NUM_THREADS=1 valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.$1" "${@:2}" >"$work/stdout" 2>"$work/stderr" || true
  sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p' "$work/stderr"
}

fleet 1 >one.yaml
fleet "$((clusters + 1))" >many.yaml
"$binary" up -f many.yaml --out written >/dev/null 2>&1 || { "$binary" up -f many.yaml --out written; exit 1; }
# shellcheck disable=SC2046
bytes=$(find written -name '*.yaml' -path '*/c*' -print0 | xargs -0 cat | wc -c)

start=$(count start "$binary" --version)
one=$(count one "$binary" up -f one.yaml --dry-run --out none)
many=$(count many "$binary" up -f many.yaml --dry-run --out none)
find written -name '*.yaml' -print0 | xargs -0 cat >all
copy=$(count copy cat all)

printf 'start of the process         %12d instructions\n' "$start"
printf 'first cluster, with the rest %12d\n' "$one"
printf 'each further cluster         %12d\n' "$(((many - one) / clusters))"
printf '  bytes of each              %12d\n' "$((bytes / (clusters + 1)))"
printf 'cat of the bytes of each     %12d\n' "$((copy / (clusters + 1)))"
if [ -n "${KEEP:-}" ]; then cp "$work"/callgrind.* "$KEEP"; fi
