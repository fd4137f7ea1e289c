# Everything a developer does here. Needed: Python 3.11 or newer with venv, make, git.
# `make` alone lists the targets. All of them build .venv from the lock file first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUF    := .ci/node_modules/.bin/buf
BUILD  := build

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The system's npm and node where it has them, else those that the lock file installs.
export PATH := $(PATH):$(CURDIR)/$(BIN)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

say = @printf '%s\n'

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# ---------------------------------------------------------------------------------- environment

.PHONY: venv
venv: $(VENV)/.project ## Build .venv from requirements.lock

# A changed lock file builds the environment anew, so that nothing left over is imported by chance.
$(VENV)/.locked: requirements.lock
	@command -v $(PYTHON) > /dev/null || { \
	  echo "$(PYTHON) is not there. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Building $(VENV) from requirements.lock; the first time takes a minute or two ..."
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "$(PYTHON) cannot make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install -qq --require-hashes -r requirements.lock || { \
	  echo "The packages of requirements.lock could not be installed, see above. Behind a mirror, set PIP_INDEX_URL."; exit 1; }
	@touch $@

$(VENV)/.project: $(VENV)/.locked pyproject.toml
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --no-index -e .
	@touch $@

.ci/node_modules/.locked: .ci/package-lock.json | $(VENV)/.project
	@cd .ci && npm ci --ignore-scripts --loglevel=error > /dev/null || { \
	  echo "The tools of .ci/package-lock.json could not be installed, see above. Behind a mirror, set npm_config_registry."; exit 1; }
	@touch $@

.PHONY: lock
lock: $(VENV)/.project ## Write the lock files after a change in pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/uv pip compile pyproject.toml --quiet --group dev --all-extras --universal --python-version 3.11 \
	  --generate-hashes --custom-compile-command 'make lock' --no-emit-index-url $(if $(UPGRADE),--upgrade) -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --quiet --group build --universal --python-version 3.11 -c requirements.lock \
	  --generate-hashes --custom-compile-command 'make lock' --no-emit-index-url -o deploy/container/requirements.lock

# --------------------------------------------------------------------------------------- running

.PHONY: demo
demo: $(VENV)/.project ## Run the main job: four parties, one release, verified
	@$(BIN)/gateway demo

.PHONY: bench
bench: $(VENV)/.project ## Run the benchmarks; results in build/bench/*.json
	@mkdir -p $(BUILD)/bench
	@for program in tests/benchmarks/[a-z]*.py; do \
	  echo "$$program"; \
	  $(BIN)/python "$$program" --json "$(BUILD)/bench/$$(basename "$$program" .py).json"; \
	done

# --------------------------------------------------------------------------------------- holding

.PHONY: test
test: $(VENV)/.project ## Pass every test
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

.PHONY: check check-lint check-types check-imports check-protos
check: check-lint check-types check-imports check-protos ## Lint, types, import rules, proto checks
	$(say) "All checks passed."

check-lint: $(VENV)/.project
	$(say) "Lint (ruff)"
	@$(BIN)/ruff check --quiet . || { echo "To fix what can be fixed: $(BIN)/ruff check --fix ."; exit 1; }
	@$(BIN)/ruff format --quiet --check . || { \
	  $(BIN)/ruff format --check . || true; echo "To format: $(BIN)/ruff format ."; exit 1; }

check-types: $(VENV)/.project
	$(say) "Types (mypy)"
	@$(BIN)/mypy --no-error-summary

check-imports: $(VENV)/.project
	$(say) "Import rules (import-linter)"
	@$(BIN)/lint-imports --no-cache --no-logo > $(VENV)/imports.txt || { \
	  cat $(VENV)/imports.txt; echo "The rooms and who may import whom: [tool.importlinter] in pyproject.toml"; exit 1; }

check-protos: $(VENV)/.project .ci/node_modules/.locked
	$(say) "Protos (fresh code, buf lint, buf breaking)"
	@$(BIN)/python protos/generate.py --check
	@$(BIN)/python protos/generate.py --image $(BUILD)/protos.binpb
	@$(BUF) lint $(BUILD)/protos.binpb --config protos/buf.yaml --path gateway
	@$(BUF) breaking $(BUILD)/protos.binpb --against protos/baseline.binpb --config protos/buf.yaml --path gateway || { \
	  echo "A caller of the last release would break. Keep the old form and add the new one beside it;"; \
	  echo "if the old form was never released: make proto-baseline."; exit 1; }

.PHONY: proto proto-baseline
proto: $(VENV)/.project ## Generate gateway/api/pb from the protos
	@$(BIN)/python protos/generate.py

proto-baseline: $(VENV)/.project ## At a release: make today's protos what later ones may not break
	@$(BIN)/python protos/generate.py --image protos/baseline.binpb --no-source-info

.PHONY: clean
clean: ## Remove the environment, caches and build results
	@rm -rf $(VENV) $(BUILD) dist .ci/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
