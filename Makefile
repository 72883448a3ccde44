# `make help` lists what there is. Set-up happens by itself, once, and again where what it depends on has changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
SETUP := scripts/setup
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help run install models test check fix bench chaos clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up, start everything, analyse the sample persona; Ctrl-C stops it
	@$(SETUP) run
	@exec $(BIN)/echosphere up --sample

install: ## Set up only: virtual environment, Python packages, system packages
	@$(SETUP) run

models: ## Add the neural extra (torch, about 5 GB) and fetch the local models
	@$(SETUP) run models
	@$(BIN)/python scripts/fetch_models.py

test: ## Set up, neural extra included, and run all tests
	@$(SETUP) run dev models
	@$(BIN)/python -m pytest $(PYTEST)

check: ## Lint, format, types, layers; changes nothing
	@$(SETUP) run dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: ## Mend what lint and format can mend
	@$(SETUP) run dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: ## Throughput and latency of the fleet against plain processes
	@$(SETUP) run dev
	@$(BIN)/python -m benchmarks $(BENCH)

chaos: ## A long run under random kill -9; SEED=... repeats one, SECONDS_LONG=... says how long
	@$(SETUP) run dev
	@$(BIN)/python -m pytest -m chaos tests/acceptance $(PYTEST)

clean: ## Stop the fleet and remove the virtual environment and caches; your data in .local stays
	@if [ -x $(BIN)/echosphere ]; then $(BIN)/echosphere down; fi
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
