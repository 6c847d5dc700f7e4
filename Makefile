.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install repro test check format lock

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv with everything in it, at the tested versions

.venv/installed: requirements.txt pyproject.toml
	@echo "Installing into .venv (TensorFlow is large: some minutes on a slow line) …"
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --python $(BIN)/python --compile-bytecode --requirements requirements.txt && \
	  uv pip install --python $(BIN)/python --quiet --no-deps --editable .; \
	else \
	  $(PYTHON) -m venv .venv && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@touch $@

repro: install ## run the whole pipeline: collect, clean, split, train, evaluate
	dvc repro
	@dvc metrics show results/evaluate/metrics.json

test: install ## run all tests
	pytest

check: install ## lint, check formatting and types
	ruff check .
	ruff format --check .
	mypy

format: install ## bring the code into its format
	ruff check --fix-only --quiet .
	ruff format .

lock: install ## renew requirements.txt from pyproject.toml
	uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --upgrade \
	  --no-header --quiet --output-file requirements.txt
