# Everything sets itself up: a virtual environment in .venv, with the versions of constraints.txt.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
READY_CONTAINERS := .venv/ready-containers
# Tests run side by side, each with servers of its own.
JOBS ?= 2
# Fewer of them, where they are counted: make coverage TESTS=tests/cli
TESTS ?= tests
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# Tests start migplan again and again: what is compiled is kept, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

# Read without a server: make check does so, and no other target once more.
HOUSE := tests/test_house.py
# What looks side by side says one after the other what it found, where make can do so (from 4.0 on).
GATHERED := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help demo quick test test-containers coverage check types docs house lint fix bench clean

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

demo: $(READY)  ## the main job, end to end, on an embedded PostgreSQL
	$(BIN)/migplan demo --out build/demo

quick: $(READY)  ## the tests that need no crash, no big database and no older server
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow" --ignore $(HOUSE)

test: $(READY)  ## the tests, on every PostgreSQL that is at hand
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --ignore $(HOUSE)

test-containers: $(READY_CONTAINERS)  ## the same tests, on containers of PostgreSQL 13 to 18
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --containers --ignore $(HOUSE)

coverage: $(READY)  ## the tests, and what they go through: here, and in build/coverage/html
	rm -rf build/coverage
	mkdir -p build/coverage
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist worksteal $(TESTS)
	$(BIN)/coverage combine
	$(BIN)/coverage html -q
	$(BIN)/coverage report

check: $(READY)  ## look: lint, format, types, structure, documentation
	@$(MAKE) --no-print-directory --keep-going -j $(JOBS) $(GATHERED) types docs house lint

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python docs/generate.py --check

house: $(READY)
	$(BIN)/python -m pytest -q $(HOUSE)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fix: $(READY)  ## change: format, fix what can be fixed, write the generated documentation
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python docs/generate.py

bench: $(READY)  ## measure, side by side with the peers
	$(BIN)/python -m bench

clean:  ## take away all that was made
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install -c constraints.txt -e '.[dev,servers]'
	touch $@

$(READY_CONTAINERS): $(READY)
	$(PIP) install -c constraints.txt -e '.[containers]'
	touch $@
