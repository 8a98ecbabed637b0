# Two commands matter: `make run` and `make test`. Both do all of their own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
PODMAN ?= own
SEED ?= 0
RUNS ?= 500
# scenarios wait as long as they compute
WORKERS ?= 3
BENCH ?=

.PHONY: help run test check e2e sim bench build clean setup setup-test

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup:
	@deploy/setup run

setup-test:
	@deploy/setup test

run: setup ## a demo home of two slots with a real model, the operator in the foreground
	@$(BIN)/python -m deploy.demo.run

test: setup-test ## every test: units, simulator, conformance, real Podman end to end; then the second Podman
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup
	PODMAN=other $(BIN)/python -m pytest -m "podman or leftovers" -q

check: setup-test ## formatting, lint, types, import layers, sizes, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	shellcheck deploy/setup tests/support/podman5-chroot.sh .ci/run
	$(BIN)/python -m pytest -q tests/tidy

e2e: setup-test ## scenarios on real Podman alone; PODMAN=other: on the second one
	PODMAN=$(PODMAN) $(BIN)/python -m pytest tests/e2e

sim: setup-test ## the simulator: SEED=n RUNS=m
	$(BIN)/python -m tests.sim --seed $(SEED) --runs $(RUNS)

bench: setup-test ## the figures of tests/bench/README.md, measured here; BENCH=--quick: a smoke run
	@$(BIN)/python -m pip install --quiet 'podman-compose>=1.5'
	@command -v nginx >/dev/null && command -v wrk >/dev/null || apt-get install -y -qq --no-install-recommends nginx-light wrk >/dev/null
	$(BIN)/python -m tests.bench $(BENCH)

build: setup-test ## a wheel below dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove the demo's containers and all that was made in this checkout
	@if [ -x $(BIN)/python ] && [ -d .run/home ] && command -v podman >/dev/null; then \
	  home=$$($(BIN)/python -c 'import os; from hal0_operator.home.identity import home_id; print(home_id(os.path.abspath(".run/home"), ""))') && \
	  podman ps -aq --filter label=dev.hal0.home=$$home | xargs -r podman rm -f -t 1 >/dev/null; \
	  podman image rm localhost/hal0-llama:demo >/dev/null 2>&1 || true; \
	fi
	rm -rf .run dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .venv
