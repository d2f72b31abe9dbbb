# The one door to everything. `make help` lists what is behind it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Flags for `innkeeper up`, for example: make up UP='--bare --listen 127.0.0.1:9100'
UP ?=

# How long `make fuzz` stays with each target.
SECONDS ?= 3600

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: ## Install what is missing, build, start everything, print the two addresses
	@scripts/install-packages run
	cargo build --release --locked --bin innkeeper
	@exec target/release/innkeeper up $(UP)

.PHONY: doctor
doctor: ## Say what is missing on this machine, and the command that mends it
	cargo run --release --locked --quiet --bin innkeeper -- doctor

.PHONY: test
test: ## Install what is missing and run every test
	@scripts/install-packages test
	@scripts/run-tests

.PHONY: test-db
test-db: ## Start the throw-away PostgreSQL of the tests and print how to use it
	@scripts/install-packages test
	@echo "export INNKEEPER_TEST_POSTGRES='$$(scripts/test-postgres)'"

.PHONY: bench
bench: ## Measure what docs/performance.md tells
	@scripts/install-packages test
	cargo build --release --locked --bin innkeeper
	@benches/run

.PHONY: fuzz
fuzz: ## Fuzz every SAML parser that a stranger can reach, each for SECONDS (3600)
	@scripts/install-packages test
	@fuzz/run $(SECONDS)

.PHONY: assets
assets: ## Build web/ into crates/site/assets
	@scripts/build-assets

.PHONY: clean
clean: ## Remove what was built, and the database of the tests
	@! command -v pg_ctl >/dev/null && [[ ! -d /usr/lib/postgresql ]] || scripts/test-postgres stop
	cargo clean
