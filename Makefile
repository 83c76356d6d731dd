# Assent. From a bare machine with Python 3.11 or later: `make demo` runs it, `make test` tests it.

PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python

.PHONY: help setup demo test lint mutants docs bench lock clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: .venv/.runtime ## Make .venv with the command .venv/bin/assent

demo: .venv/.runtime ## Run the main job: visitors, six destinations, consent enforced, live
	$(BIN)/assent demo

test: .venv/.dev .venv/.clients ## Run every test
	$(BIN)/pytest -n 2 --dist worksteal -q

lint: .venv/.dev ## Run the linters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: .venv/.dev ## Break the engine on purpose and see the tests notice
	$(BIN)/python -m tests.mutants

docs: .venv/.dev ## Build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: .venv/.dev ## Measure, side by side with what one would use instead
	$(BIN)/python -m benchmarks --write docs/guide/benchmarks.md

lock: .venv/.uv ## Resolve the dependencies of pyproject.toml anew
	@for group in uv runtime dev; do ./requirements/lock $$group; done

clean: ## Remove the environment and everything built
	rm -rf .venv site build node_modules web/node_modules tests/clients/node_modules .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "Assent needs Python 3.11 or later; there is none on the PATH."; exit 1; }
	@./requirements/make-venv $(PYTHON)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.runtime: .venv/.uv requirements/runtime.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/runtime.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.clients: tests/clients/package-lock.json web/package-lock.json tests/clients/install
	@./tests/clients/install
	@mkdir -p .venv && touch $@
