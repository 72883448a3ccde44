# `make help` lists what there is. Set-up happens by itself, once, and again where what it depends on has changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
SETUP := scripts/setup
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help run install models stores stores-down test check fix bench chaos clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up, start everything, analyse the sample persona; Ctrl-C stops it
	@$(SETUP) run
	@exec $(BIN)/echosphere up --sample

install: ## Set up only: virtual environment, Python packages, system packages
	@$(SETUP) run

models: ## Add the neural extra (torch, about 5 GB) and fetch the local models
	@$(SETUP) run models
	@$(BIN)/python scripts/models.py pull

stores: ## Build and start the real servers locally; their addresses go to .local/stores.env
	@$(SETUP) run dev stores
	@$(BIN)/python -m scripts.stores up $(STORES)

stores-down: ## Stop them; their data in .local/stores stays
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m scripts.stores down $(STORES); fi

test: ## Set up, neural extra and servers included, and run all tests
	@$(SETUP) run dev models stores
	@$(BIN)/python -m scripts.stores build
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

bench: ## Throughput and latency of the fleet against plain processes; BENCH='--rounds 1' is quicker
	@$(SETUP) run dev
	@$(BIN)/python benchmarks/fleet.py $(BENCH)

chaos: ## Ten minutes of random kill -9; ECHO_TEST_SEED=... repeats one, ECHO_TEST_CHAOS_S=... says how long
	@$(SETUP) run dev
	@ECHO_TEST_CHAOS_S=$${ECHO_TEST_CHAOS_S:-600} $(BIN)/python -m pytest -s --timeout=0 -k chaos tests/acceptance $(PYTEST)

clean: ## Stop the fleet and remove the virtual environment and caches; your data in .local stays
	@if [ -x $(BIN)/echosphere ]; then $(BIN)/echosphere down; fi
	@$(MAKE) --no-print-directory stores-down
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
