.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# the Python to make .venv with: the one that is named (make PYTHON=...), else the first that fits
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.PHONY: help install anew repro test check coverage docs format lock

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv with everything in it, at the tested versions

# `anew` where the Python in it doesn't fit or is gone; uv fetches one where none is found.
# --seed: with pip, which people type for packages of their own, such as jupyterlab
.venv/installed: requirements.txt pyproject.toml $(if $(shell $(BIN)/python -c '$(FITS)' 2>&1 || echo no),anew)
	@if [ -f .venv/pyvenv.cfg ] && ! $(BIN)/python -c '$(FITS)' 2>/dev/null; then rm -r .venv; fi
	@if [ ! -f .venv/pyvenv.cfg ]; then \
	  for python in $(PYTHONS) none; do $$python -c '$(FITS)' 2>/dev/null && break; done; \
	  if [ $$python = none ]; then \
	    [ -z "$(PYTHON)" ] && uv venv --quiet --allow-existing --python 3.13 --seed .venv 2>/dev/null || { \
	      echo "Python 3.11, 3.12 or 3.13 is needed, and none of these is one: $(PYTHONS)."; \
	      echo "Install one, and name it: make PYTHON=/path/to/python3.12"; \
	      exit 1; } >&2; \
	  elif command -v uv >/dev/null; then \
	    uv venv --quiet --allow-existing --python $$python --seed .venv; \
	  else \
	    $$python -m venv .venv; \
	  fi; \
	fi
	@echo "Installing into .venv (TensorFlow is large: some minutes on a slow line) …"
	@if command -v uv >/dev/null; then \
	  uv pip install --python $(BIN)/python --compile-bytecode --requirements requirements.txt && \
	  uv pip install --python $(BIN)/python --quiet --no-deps --editable .; \
	else \
	  $(BIN)/python -m ensurepip >/dev/null && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $@

repro: install ## run the whole pipeline: collect, clean, split, train, evaluate
	$(BIN)/dvc repro
	@$(BIN)/dvc metrics show results/evaluate/metrics.json

test: install ## run all tests
	$(BIN)/pytest

check: install ## lint, check formatting, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

coverage: install ## run all tests and list the lines that none of them runs
	$(BIN)/pytest --cov

docs: install ## build the pages of docs/ into site/
	$(BIN)/mkdocs build --strict --quiet

format: install ## bring the code into its format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: install ## renew requirements.txt from pyproject.toml
	uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --upgrade \
	  --no-header --quiet --output-file requirements.txt
