#!/usr/bin/env bash
# `infraflux validate` beside `kubernetes-validate` (PyPI) on the same objects in one run. The jsonschema crate is measured in
# admission.rs, because it is a library.
#
#   benches/beside.sh [OBJECTS]       default 10000; BINARY=path measures a binary that is there already
set -euo pipefail
cd "$(dirname "$0")/.."
objects=${1:-10000}
binary=${BINARY:-}
if [ -z "$binary" ]; then
  cargo build --quiet --release
  binary=target/release/infraflux
fi
binary=$(realpath "$binary")
command -v kubernetes-validate >/dev/null || { echo "pip install kubernetes-validate" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Deployments and Services, which both tools know without being given a CRD.
for ((number = 0; number < objects / 2; number++)); do
  cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-$number, namespace: apps, labels: {app: app-$number}}
spec:
  replicas: $((number % 5 + 1))
  selector: {matchLabels: {app: app-$number}}
  template:
    metadata: {labels: {app: app-$number}}
    spec:
      containers:
        - name: app
          image: registry.example.org/app:1.$number
          ports: [{name: http, containerPort: 8080}]
          resources: {requests: {cpu: 100m, memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: app-$number, namespace: apps}
spec:
  selector: {app: app-$number}
  ports: [{name: http, port: 80, targetPort: http}]
---
YAML
done >objects.yaml

TIMEFORMAT='%R s, %U s of CPU'
printf 'infraflux validate:    '
time "$binary" validate --external-everything objects.yaml >ours 2>&1 || { tail -5 ours; exit 1; }
printf 'kubernetes-validate:   '
time kubernetes-validate --quiet objects.yaml >theirs 2>&1 || { tail -5 theirs; exit 1; }
