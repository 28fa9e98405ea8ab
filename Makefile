# Everything that is done to this project. On a fresh machine `make demo` and `make test` do all their set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JS := tests/conformance/aws/js tests/conformance/azure/js tests/conformance/gcp/js tests/conformance/azure/cosmos/js \
	tests/conformance/azure/tables/js tests/conformance/gcp/firestore/js examples/testing/vitest
# One more than a small machine's two cores: there is always a test that waits, Terraform's for minutes.
JOBS ?= 3

# Where Python is told not to keep what it compiles, each worker would rewrite the assertions of all tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check bench unit format lint types contracts reference lock toolchains clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Run the event pipeline for real, with a crash in the middle
	$(BIN)/python -m examples.signups

test: $(READY) toolchains ## Run the whole test suite
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

unit: $(READY) ## Run the tests that need nothing but Python
	$(BIN)/python -m pytest -n $(JOBS) tests/unit

check: $(READY) format lint types contracts ## Check format, lint, types, import contracts, tidiness, unit tests
	$(BIN)/python tools/tidy.py
	$(BIN)/python -m pytest -q -n $(JOBS) tests/unit

format: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

bench: $(READY) ## Measure speed and memory of our own server
	$(BIN)/python -m bench

reference: $(READY) toolchains ## Write docs/reference from the code and from what tests show
	rm -rf .cache/conformance
	FOGBANK_RECORD=1 $(BIN)/python -m pytest -q -n $(JOBS) tests/conformance
	$(BIN)/python tools/reference.py

# What tests need beyond Python: PostgreSQL's server, Node with the AWS SDK for JavaScript and Azure's and Google's libraries for functions. A test whose
# toolchain can't be had is skipped and says what is missing.
toolchains: $(READY)
	@tools/toolchains.sh $(JS)

lock: ## Renew the pinned versions
	uv pip compile --universal --group dev --extra postgres pyproject.toml -o requirements.lock --no-header --no-annotate --upgrade

clean: ## Remove everything that was made here
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis $(JS:=/node_modules)
