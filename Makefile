PYTHON ?= python3
DOCKER ?= docker
PYTEST_ARGS ?=
COVERAGE_MIN ?= 95

VENV := .venv
PY := $(VENV)/bin/python
ORACLES := .venv-oracles
PINNED := -m pip install --quiet --require-hashes --no-deps --disable-pip-version-check
PIP_INSTALL := $(PY) $(PINNED)
CODE := $(wildcard service tests examples benchmarks migrations)
FAST_TESTS := $(wildcard tests/house tests/unit tests/property tests/parity)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos check fix lock bench image clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## install what is missing, migrate, and serve on 127.0.0.1:8000 (FITD_HOST, FITD_PORT, ...)
	@exec $(PY) -m service serve

test: $(VENV)/.dev $(ORACLES)/.ready ## run all the tests (PYTEST_ARGS="tests/api -k jobs" for some)
	$(PY) -m pytest -n auto $(PYTEST_ARGS)

chaos: $(VENV)/.dev ## kill and pause processes at random for an hour or so, and see that no job is lost
	$(PY) -m tests.e2e.chaos --actions 3000

check: $(VENV)/.dev ## format, lint, types, imports, spelling, and the fast tests under coverage
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy $(CODE)
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/codespell
	$(VENV)/bin/yamllint --strict .
	$(VENV)/bin/hadolint Dockerfile
	$(PY) -m pytest -n auto --cov --cov-report= $(FAST_TESTS)
	$(PY) -m coverage report --fail-under=$(COVERAGE_MIN) --include='service/*' --omit='service/__main__.py,service/api/*,service/worker/*,service/processes/*'

fix: $(VENV)/.dev ## format, and mend what the linter can mend
	$(PY) -m ruff check --fix $(CODE)
	$(PY) -m ruff format $(CODE)

bench: $(VENV)/.dev ## measure the speed
	$(PY) -m benchmarks

lock: $(VENV)/.uv ## resolve the dependencies anew (requirements*.txt)
	$(VENV)/bin/uv pip compile $(LOCK) --extra postgres --extra dask --group dev --output-file requirements-dev.txt
	$(VENV)/bin/uv pip compile $(LOCK) --extra postgres --constraint requirements-dev.txt --output-file requirements.txt
	$(VENV)/bin/uv pip compile $(LOCKED) --group oracles --output-file requirements-oracles.txt
LOCKED := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
LOCK := pyproject.toml $(LOCKED)

image: ## build the container image fitd
	$(DOCKER) build --tag fitd .

clean: ## remove the environment and every cache; data stays
	rm -rf $(VENV) $(ORACLES) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Fitd needs Python 3.11 or newer; $(PYTHON) is not. Try: make PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Making the environment $(VENV) ..."
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.txt | $(VENV)/.python
	@echo "Installing what the service needs into $(VENV); this takes about half a minute, and only the first time ..."
	$(PIP_INSTALL) --requirement requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.python
	@echo "Installing what the tests need into $(VENV); this takes about a minute, and only the first time ..."
	$(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $@ $(VENV)/.runtime # the development lock holds the whole runtime lock

$(ORACLES)/.ready: requirements-oracles.txt | $(VENV)/.python
	@echo "Installing Keras, which judges our files, into $(ORACLES); this takes a few minutes, and only the first time ..."
	$(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python $(PINNED) --requirement requirements-oracles.txt
	@touch $@

$(VENV)/.uv: | $(VENV)/.python
	$(PY) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@touch $@
