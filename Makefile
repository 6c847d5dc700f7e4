.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install repro test check format lock

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## .venv with everything in it, at the tested versions

.venv/installed: requirements.txt pyproject.toml
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --python $(BIN)/python -r requirements.txt && \
	  uv pip install --quiet --python $(BIN)/python --no-deps -e .; \
	else \
	  $(PYTHON) -m venv .venv && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .; \
	fi
	@touch $@

repro: install ## the whole pipeline: collect, clean, split, train, evaluate
	dvc repro
	@dvc metrics show results/evaluate/metrics.json

test: install ## all tests
	pytest

check: install ## lint, formatting, types
	ruff check .
	ruff format --check .
	mypy

format: install ## put the code into its format
	ruff check --fix-only --quiet .
	ruff format .

lock: install ## renew requirements.txt from pyproject.toml
	uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --upgrade \
	  --no-emit-index-url --no-emit-find-links --quiet -o requirements.txt
