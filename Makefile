# Each target does its own set-up: it makes the virtual environment, installs with constraints.txt, and runs.
# Other interpreters and places: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= $(shell .ci/find-python 3.11 3.12 3.13 3.14)
VENV ?= .venv
PYTEST_ARGS ?=
CASES ?= 100000
BIN := $(VENV)/bin
SOURCES := $(shell find src -name '*.py')

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow fuzz package nightly house lint format types docs bench constraints clean

help:  ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: demo/.done  ## Make a small world with a known network, find its regulons, knock factors out: demo/report.html.
	@echo "Open demo/report.html; make clean removes demo/, and it is made again when the code changes."

demo/.done: $(VENV)/installed-run $(SOURCES)
	$(BIN)/reguloom demo -o demo --force
	@touch $@

# One process per core, each with whole files of tests, since those of a file share what is slow to make.
test: $(VENV)/installed-test  ## Run the tests, without the slow ones (on one core: PYTEST_ARGS="-n 0").
	$(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 8 --dist loadfile $(PYTEST_ARGS)

test-slow: $(VENV)/installed-test  ## Run the slow tests.
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

house: $(VENV)/installed-test  ## Check who imports whom, the import budget and the conventions of signatures.
	$(BIN)/python -m pytest -q tests/test_layering.py tests/test_import_budget.py tests/test_api_conventions.py

lint: $(VENV)/installed-dev  ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-dev  ## Mend style and formatting.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed-dev  ## Check types.
	$(BIN)/mypy

docs: $(VENV)/installed-docs  ## Build the documentation to docs/_build/html; a warning is an error.
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

fuzz: $(VENV)/installed-fuzz  ## Break the files of every reader a hundred thousand times (make fuzz CASES=1000 for a look).
	$(BIN)/python -m tests.fuzz.campaign --cases $(CASES)
	$(BIN)/python -m tests.fuzz.coverage_guided --cases $(CASES)

# Every extra on the oldest Python; on the newest all but PyTorch, whose default build for it is gigabytes large.
package: $(VENV)/installed-dev  ## Build wheel and sdist, install each with every extra into a new environment and run it there.
	.ci/check-package "$(PYTHON)" "[all]"
	newer=$$(.ci/find-python 3.14 3.13 3.12) && .ci/check-package "$$newer" "[boolean,motif,scanpy,distributed]"

nightly: test-slow fuzz package bench  ## What takes too long for every change: slow tests, fuzzing, packages, benchmarks.

bench: $(VENV)/installed-bench  ## Run the benchmarks once, quickly, on this checkout.
	cd benchmarks && ../$(BIN)/asv machine --yes && ../$(BIN)/asv run --quick --show-stderr --python=same

constraints:  ## Resolve every dependency again, on Python 3.11 and a newer one, into constraints.txt.
	set -e; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	for version in 3.11 "3.13 3.14 3.12"; do \
	    name=$${version%% *}; "$$(.ci/find-python $$version)" -m venv "$$work/$$name"; \
	    "$$work/$$name/bin/pip" install -q "pip>=25.1"; \
	    "$$work/$$name/bin/pip" install -q --dry-run --ignore-installed --report "$$work/$$name.json" \
	        ".[all]" --group dev --group docs --group bench --group fuzz; \
	done; \
	"$$work/3.11/bin/python" .ci/pin.py "$$work/3.11.json" "$$work/3.13.json"

clean:  ## Remove what make made, the virtual environments included.
	rm -rf .venv .venv-newer demo docs/_build docs/api/generated build dist

# pip learnt --group in 25.1; the one that comes with Python 3.11 is older.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "reguloom needs Python 3.11 or later; install one, or give it: make PYTHON=..." >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check "pip>=25.1"

INSTALL = $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e

$(VENV)/installed-run: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) .
	@touch $@

# The tests of motif scanning, of several machines and of the learned models need these extras. PyTorch, the large one,
# goes with the oldest Python alone: on a newer one its tests are skipped, and the rest of the library is tested without.
DEEP := $(shell "$(PYTHON)" -c 'import sys; print(",deep" if sys.version_info[:2] == (3, 11) else "")' 2>/dev/null)
$(VENV)/installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) ".[motif,distributed$(DEEP)]" --group test
	@touch $@ $(VENV)/installed-run

$(VENV)/installed-dev $(VENV)/installed-docs $(VENV)/installed-bench $(VENV)/installed-fuzz: $(VENV)/installed-%: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) . --group $*
	@touch $@ $(VENV)/installed-run
