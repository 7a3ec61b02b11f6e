# Everything happens in .venv, which the first command makes. Two commands do all: make backtest, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread per process: these are many small jobs, and several threads each would only get in each other's way.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help backtest test check bench bench-data bench-features oracles bench-models format picture clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

backtest: $(VENV)/.installed  ## Install what is needed and backtest trend_classifier on real bars
	$(BIN)/python backtests/run_bt.py trend_classifier

test: $(VENV)/.installed-test  ## Install what tests need and run them all
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.installed-test  ## Format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed  ## Time against stock Backtrader, and of the tear sheet: some minutes
	$(BIN)/python backtests/benchmarks/engines.py
	$(BIN)/python backtests/benchmarks/tearsheet_cost.py

bench-data: $(VENV)/.installed  ## Time and memory of loading bars, and what the rules find: some minutes
	$(BIN)/python backtests/benchmarks/market_data.py
	$(BIN)/python backtests/benchmarks/quality_rules.py

bench-features: $(VENV)/.installed-test  ## Time features against the package ta: ten minutes, most of them ta's
	$(BIN)/python backtests/benchmarks/features_speed.py

bench-models: $(VENV)/.installed-test  ## Every model on planted patterns and on noise, 50 seeds: some minutes
	$(BIN)/python backtests/benchmarks/models_on_patterns.py

oracles: $(VENV)/.installed-test  ## Print what each feature was compared with, and how far it is off
	$(BIN)/python tests/features/oracle_table.py

format: $(VENV)/.installed-test  ## Format the code and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

picture: $(VENV)/.installed  ## Make the picture of a tear sheet for the README (needs Chromium)
	$(BIN)/python docs/picture.py

clean:  ## Remove .venv and all that tools leave behind
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# A folder called quantstrats (what a clone is called) would hide an editable install from whoever stands above it. With
# the root on Python's path the package wins, and what an older build left there of metadata must not.
ROOT_ON_PATH = rm -rf quantstrats.egg-info; \
	echo '$(CURDIR)' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/quantstrats.pth"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "quantstrats needs Python 3.11 or newer; say which with: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The installed versions are those of constraints.txt; a change there, or in setup.cfg, installs again.
$(VENV)/.installed: $(VENV)/bin/python setup.cfg constraints.txt
	@echo "installing into $(VENV): a minute or two the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt --editable '.[ml-cpu,deep]'
	@$(ROOT_ON_PATH)
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python setup.cfg constraints.txt
	@echo "installing into $(VENV), with what tests need: a minute or two the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt --editable '.[test,portfolio,ml-cpu,lightgbm,deep,bench,live,simulator]'
	@$(ROOT_ON_PATH)
	@touch $@ $(VENV)/.installed
