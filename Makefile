# The commands of the README, and those of whoever works on the project. `make` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Each kind of installation has a stamp of its own: a command installs what it needs, and no more.
USE := .venv/.installed-use
DEV := .venv/.installed-dev
NOTEBOOKS := .venv/.installed-notebooks
# What `make quick` tests: the packages whose tests need no simulator, no warehouse and no process of their own.
FAST := $(addprefix aps_pipeline_tests/,api parse planning site tables) \
	$(filter-out %/test_wiring.py,$(wildcard aps_pipeline_tests/test_*.py))

.DEFAULT_GOAL := help
.PHONY: help install demo dev ui notebook test coverage quick lint check docs bench clean

help:
	@echo "make demo     backfill a simulated fleet through Dagster and query it (no account needed)"
	@echo "make dev      open the Dagster UI on the demo data"
	@echo "make ui       open it on your own data (aps init sets it up)"
	@echo "make notebook open the notebooks in JupyterLab, on the demo data or APS_DATA_DIR"
	@echo "make test     run every test"
	@echo "make quick    lint, types, import contracts and the fast tests, in under a minute"
	@echo "make check    lint, types, import contracts, definitions"
	@echo "make coverage run every test and measure the branches that they reach (what CI does)"
	@echo "make docs     write docs/data-dictionary.md, .env.example and the README's settings from declarations"
	@echo "make bench    ratios that should not get worse"
	@echo "make install  set up .venv to work with (each of the others sets up what it needs)"

$(USE): EXTRAS := postgres
$(DEV): EXTRAS := dev,postgres
$(NOTEBOOKS): EXTRAS := notebooks,postgres
$(USE) $(DEV) $(NOTEBOOKS): WHAT = --constraint constraints.txt --editable '.[$(EXTRAS)]'

# uv takes a fraction of pip's time. Where it cannot be had, or cannot do it, pip does the same.
$(USE) $(DEV) $(NOTEBOOKS): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 14) or sys.exit("Python 3.11 to 3.14 is needed: make PYTHON=python3.11")'
	@echo "setting up .venv: $(patsubst .venv/.installed-%,%,$@) (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv 2>/dev/null || true
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --compile-bytecode $(WHAT) 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check $(WHAT)
	@touch $@

install: $(USE)

demo: $(USE)
	@$(BIN)/aps demo

dev: $(USE)
	@$(BIN)/python -m aps_pipeline.orchestration.dev

ui: $(USE)
	@$(BIN)/aps ui

notebook: $(NOTEBOOKS)
	@$(BIN)/jupyter lab notebooks

test: $(DEV)
	@$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: $(DEV)
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

quick: lint
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" --hypothesis-profile=quick $(FAST)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/dg check defs --no-check-yaml

docs: $(USE)
	@$(BIN)/python -m aps_pipeline.dictionary > docs/data-dictionary.md
	@$(BIN)/python -m aps_pipeline.dictionary.settings

bench: $(DEV)
	@$(BIN)/python -m aps_pipeline_tests.bench

clean:
	rm -rf .venv data/demo
