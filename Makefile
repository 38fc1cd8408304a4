# What a person types. Everything here also runs in .ci/run.
INFRAFLUX ?= cargo run --quiet --release --

.PHONY: test lint docs render-sample hooks

test:
	cargo test

lint:
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	yamllint --strict .

docs:
	mkdocs build --strict

# Renders examples/ into out/example-lab/ and checks that the result is what a client takes.
render-sample:
	$(INFRAFLUX) up -f examples/standalone/plan.yaml --out out
	kubectl kustomize out/example-lab > out/example-lab.yaml
	@grep -q '^kind: TalosControlPlane$$' out/example-lab.yaml
	@grep -q '^kind: MachineDeployment$$' out/example-lab.yaml
	@echo "out/example-lab: $$(grep -c '^kind: ' out/example-lab.yaml) objects, built by kubectl kustomize"

# Uses the hooks of this repository for this clone.
hooks:
	git config core.hooksPath githooks
