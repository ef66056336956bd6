# `make demo` and `make test` each work alone from a bare checkout: both begin with setup, which installs what is missing.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format evaluate notebooks lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Make .venv and install what is missing on the system (quick when nothing has changed)
	@tools/setup.sh

demo: setup ## Analyse the demo clip and say where the report is
	@.venv/bin/roundel demo

test: setup ## All checks: ruff, mypy, import-linter, pytest (ARGS="-k name" goes to pytest)
	@tools/test.sh $(ARGS)

lint: setup ## The checks without pytest
	@tools/test.sh --lint

format: setup ## Repair what ruff can repair
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

evaluate: setup ## Measure every figure of the model cards again and write the cards (needs ../shared; about half an hour)
	@tools/evaluate.sh

notebooks: setup ## Run the notebooks again and write their outputs into them (ARGS="first_video": only that one)
	@.venv/bin/python tools/notebooks.py $(ARGS)

lock: setup ## Remake the lock files from pyproject.toml (UPGRADE=1 moves every pin)
	@.venv/bin/python tools/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv and the caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
