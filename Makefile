# The commands of the README, and those of whoever works on the project. `make` lists them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# What `make quick` tests: the packages whose tests need no simulator, no warehouse and no process of their own.
FAST := $(addprefix aps_pipeline_tests/,api parse planning site tables) \
	$(filter-out %/test_wiring.py,$(wildcard aps_pipeline_tests/test_*.py))

.DEFAULT_GOAL := help
.PHONY: help install demo dev ui notebook test coverage quick lint check docs bench clean

help:
	@echo "make demo     backfill a simulated fleet through Dagster and query it (no account needed)"
	@echo "make dev      open the Dagster UI on the demo data"
	@echo "make ui       open it on your own data (APS_APP_ID and friends in .env)"
	@echo "make notebook open the notebooks in JupyterLab, on the demo data or APS_DATA_DIR"
	@echo "make test     run every test"
	@echo "make quick    lint, types, import contracts and the fast tests, in under a minute"
	@echo "make check    lint, types, import contracts, definitions"
	@echo "make coverage run every test and measure the branches that they reach (what CI does)"
	@echo "make docs     write docs/data-dictionary.md, .env.example and the README's settings from declarations"
	@echo "make bench    ratios that should not get worse"
	@echo "make install  set up .venv (the others do it themselves)"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 14) or sys.exit("Python 3.11 to 3.14 is needed: make PYTHON=python3.11")'
	@echo "setting up .venv (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,postgres]'
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	@$(BIN)/aps demo

dev: $(STAMP)
	@$(BIN)/python -m aps_pipeline.orchestration.dev

ui: $(STAMP)
	@$(BIN)/python -m aps_pipeline.orchestration.home data/dagster
	@DAGSTER_HOME=$(CURDIR)/data/dagster $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1

notebook: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[notebooks]'
	@$(BIN)/jupyter lab notebooks

test: $(STAMP)
	@$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: $(STAMP)
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

quick: lint
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" --hypothesis-profile=quick $(FAST)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/dg check defs --no-check-yaml

docs: $(STAMP)
	@$(BIN)/python -m aps_pipeline.dictionary > docs/data-dictionary.md
	@$(BIN)/python -m aps_pipeline.dictionary.settings

bench: $(STAMP)
	@$(BIN)/python -m aps_pipeline_tests.bench

clean:
	rm -rf .venv data/demo
