# Two commands matter: `make demo` and `make test`. Both set up what is missing, and a second run skips what is done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3.11
PYTHON_FOUND := $(shell command -v $(PYTHON) || command -v python3)
BIN := .venv/bin
DEMO_ARGS ?=
TEST_ARGS ?=
TEST_WORKERS ?= 2
BENCH_ARGS ?=
ASSURANCE_ARGS ?=
MODEL_ARGS ?=
REPLAY_ARGS ?=

.PHONY: help setup contracts circuits demo up test lint format typecheck layers models replays bench gas ape audit assurance \
  sbom clean

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Python into .venv, npm packages into node_modules, contracts compiled
	@$(MAKE) --no-print-directory --jobs 2 .venv/.done contracts

.venv/.done: requirements.lock pyproject.toml
	@echo "Setting up .venv (a few minutes the first time)"
	@$(PYTHON_FOUND) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	  || { echo "Plumbline needs Python 3.11 or 3.12; found $$($(PYTHON_FOUND) --version). Set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON_FOUND) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib oracle models || true # commands start three times faster
	@touch $@

node_modules/.done: package.json package-lock.json
	@echo "Setting up node_modules"
	@command -v node >/dev/null || { echo "Plumbline needs Node.js 20 or newer on PATH"; exit 1; }
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --no-update-notifier
	@touch $@

contracts: node_modules/.done ## Compile contracts/ into build/
	@node scripts/compile.mjs

demo: setup ## Replay a market: observe, prove, publish, lend, liquidate
	@$(BIN)/plumbline demo $(DEMO_ARGS)

up: setup ## The embedded stack: Anvil, contracts, service, API
	@$(BIN)/plumbline up

test: setup lint ## Linters, types, layers, then every test, files side by side
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist loadfile --max-worker-restart 0 $(TEST_ARGS)

lint: setup ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/licences.py --check
	@$(BIN)/python scripts/attacks.py --check

format: setup ## Rewrite Python in the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

models: setup ## Train every model family again, score it, and print every bar (MODEL_ARGS=--check: write nothing)
	@$(BIN)/python scripts/train_model.py --all $(MODEL_ARGS)

replays: setup ## Four crashes through perp, options and lending, into docs/replays.md (REPLAY_ARGS="--data FOLDER")
	@$(BIN)/python scripts/replays.py $(REPLAY_ARGS)

bench: setup ## Speed and gas, ours and others' networks, against ezkl in the same run; hours (BENCH_ARGS=--resume: go on)
	@$(BIN)/python -m bench.examples build/bench/networks
	@$(BIN)/python -m bench --onnx-dir build/bench/networks --json build/bench/bench.json --plot build/bench/bench.png $(BENCH_ARGS)

gas: setup ## Rewrite the gas snapshot after a deliberate change
	@PLUMBLINE_UPDATE_GAS=1 $(BIN)/pytest tests/contracts tests/gas

ape: setup ## The contracts' suite under eth-ape
	@scripts/ape test

audit: .venv-audit/.done ## halmos, slither, cosmic-ray and the like, in an environment of their own

.venv-audit/.done: requirements-audit.lock
	@echo "Setting up .venv-audit (some minutes)"
	@test -x .venv-audit/bin/python || $(PYTHON_FOUND) -m venv .venv-audit
	@.venv-audit/bin/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-audit.lock
	@touch $@

assurance: setup ## Every assurance suite at nightly counts, in one table (ASSURANCE_ARGS=--short: those of make test)
	@$(MAKE) --no-print-directory audit || echo "No audit environment here: its suites are skipped"
	@$(BIN)/python scripts/assurance.py $(ASSURANCE_ARGS)

sbom: setup ## Parts lists of both lock files as CycloneDX, in build/sbom
	@$(BIN)/python scripts/sbom.py

clean: ## Remove what the commands above made, but no state of a running stack
	@rm -rf .venv .venv-audit node_modules build .ape .solcx .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
