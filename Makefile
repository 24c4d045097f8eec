# varisk: every task of a developer and of CI. 'make demo' and 'make test' are all a newcomer needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# What set-up brings: ONNX Runtime, libclang, tools of the linters and oracles.
TOOLS := $(CURDIR)/.varisk
export ORT_DYLIB_PATH ?= $(TOOLS)/onnxruntime
export LIBCLANG_PATH ?= $(TOOLS)/libclang
# The wheel of libclang has no headers of its own; the C compiler's serve.
export BINDGEN_EXTRA_CLANG_ARGS ?= -I$(shell cc -print-file-name=include)
export VARISK_SHARED ?= $(abspath $(CURDIR)/../shared)
export PATH := $(TOOLS)/bin:$(PATH)
# The demo's report pages, which a browser opens to check and to picture them.
PAGES := demo-report.pages

.PHONY: help setup build install demo test test-data test-fhir test-pages test-nextflow test-snakemake test-cluster test-pipelines test-filesystems test-packages test-containers wheel sbom screenshots oracles fhir browser nextflow workflows cluster packages cargo-cyclonedx program lint licences docs bench fuzz clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Bring what the build and the tests need into .varisk (idempotent)
	@.ci/setup

build: setup ## Build the release program: target/release/varisk
	cargo build --release --locked --package varisk

# Where 'make install' puts the program, and for which device.
PREFIX ?= /usr/local
DEVICE ?= cpu
install: setup ## Build the release and install it with ONNX Runtime under PREFIX [/usr/local]; DEVICE=cuda for NVIDIA
	pipeline/packages/install $(PREFIX) $(DEVICE)

wheel: setup packages cargo-cyclonedx ## The release as a Python wheel for manylinux_2_17: target/wheels
	pipeline/packages/wheel $${CARGO_TARGET_DIR:-target}/wheels release

cargo-cyclonedx:
	@command -v cargo-cyclonedx >/dev/null || cargo install cargo-cyclonedx --locked --version 0.5.9 --root $(TOOLS)

sbom: cargo-cyclonedx ## What the program is built from, as CycloneDX: target/sbom (installs cargo-cyclonedx, some minutes)
	pipeline/packages/sbom $${CARGO_TARGET_DIR:-target}/sbom

demo: setup ## Run the main job on the bundled cohort and say where the report is
	cargo build --locked --workspace
	rm -rf demo-report demo-report.partial demo-report.knowledge demo-report.panel demo-report.models demo-report.pages
	$${CARGO_TARGET_DIR:-target}/debug/varisk demo --data testdata --output demo-report

test: setup ## The whole self-contained test suite
	cargo test --locked --workspace
	cargo build --locked --workspace
	$${CARGO_TARGET_DIR:-target}/debug/varisk-xtask testdata --check

test-data: setup oracles fhir ## Real data in VARISK_SHARED against outside oracles
	@test -d "$(VARISK_SHARED)/data" || { echo "test-data: $(VARISK_SHARED)/data is not there; set VARISK_SHARED to the folder that holds the shared data" >&2; exit 1; }
	cargo test --locked --workspace --features varisk/data-tests,varisk-reference/data-tests,varisk-readers/data-tests,varisk-encode/data-tests,varisk-knowledge/data-tests,varisk-annotate/data-tests,varisk-alignments/data-tests,varisk-polygenic/data-tests,varisk-ancestry/data-tests,varisk-risk/data-tests,varisk-report/data-tests,varisk-evaluation/data-tests,varisk-explanation/data-tests,varisk-train/data-tests,varisk-exchange/data-tests --test 'data_*'

test-fhir: fhir ## The FHIR validator on the guide's own examples, good and broken (test-data validates ours by it)
	.ci/fhir/self-test

test-nextflow: nextflow program ## The Nextflow pipeline under two releases: runs, refusals, kills (workflows/nextflow)
	.ci/nextflow/check

test-packages: packages program ## Recipe, Dockerfile and scripts checked; a wheel of the debug build made, installed and used
	.ci/packages/check

test-containers: setup packages ## Dockerfile and Apptainer definition built and run without Docker (root, buildah, debootstrap; a release build)
	.ci/packages/containers $(DEVICE)

oracles:
	@.ci/setup --oracles

packages:
	@.ci/setup --packages

browser:
	@.ci/setup --browser

$(PAGES)/index.html:
	$(MAKE) demo

test-pages: browser ## The demo's report pages in headless Chromium (after a test of that test)
	node .ci/browser/self-test.mjs
	$(MAKE) $(PAGES)/index.html
	node .ci/browser/check.mjs $(PAGES)

test-snakemake: workflows program ## The Snakemake workflow and its wrappers on the test data, on this machine
	.ci/snakemake/check

test-cluster: workflows cluster program ## The job array and Snakemake through a SLURM that is started here (as root)
	.ci/slurm/check

test-pipelines: nextflow workflows cluster program ## The commands of docs/pipelines.md, as written
	.ci/pipelines/as-written "By hand"
	.ci/pipelines/as-written Snakemake
	.ci/pipelines/as-written Nextflow
	.ci/pipelines/as-written SLURM

test-filesystems: program ## Shards on other file systems, a shared one too (as root)
	@.ci/setup --filesystems
	.ci/filesystems/check

screenshots: browser $(PAGES)/index.html ## Pictures of the demo's report pages into docs/images
	node .ci/browser/screenshots.mjs $(PAGES) docs/images

fhir:
	@.ci/setup --fhir

nextflow:
	@.ci/setup --nextflow

workflows:
	@.ci/setup --workflows

cluster:
	@.ci/setup --cluster

# What the checks of workflows run: VARISK_BINARY where it is set.
program: setup
	@test -n "$${VARISK_BINARY:-}" || cargo build --locked --workspace

lint: setup ## Format, clippy with warnings denied, documentation, dependency rules
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	.ci/dependency-rules

licences: ## Licences, sources and duplicates of dependencies (installs cargo-deny, some minutes)
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version 0.20.2 --root $(TOOLS)
	cargo deny --all-features check bans licenses sources

docs: ## Build the book into docs/book (installs mdBook, some minutes)
	@command -v mdbook >/dev/null || cargo install mdbook --locked --no-default-features --root $(TOOLS)
	mdbook build docs

bench: setup oracles ## Measure beside the named peers; figures go to docs/benchmarks.md
	cargo xtask bench

fuzz: ## Run every fuzz target for ten minutes (needs nightly and cargo-fuzz)
	crates/fuzz/run.sh 600

clean: ## Remove what was built; .varisk stays
	cargo clean
	rm -rf demo-report demo-report.partial demo-report.knowledge demo-report.panel demo-report.models demo-report.pages docs/book
