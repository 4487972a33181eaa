PYTHON ?= python3
DOCKER ?= docker
PYTEST_ARGS ?=
COVERAGE_MIN ?= 95

VENV := .venv
PY := $(VENV)/bin/python
ORACLES := .venv-oracles
NODE := .node
DOCS := .venv-docs
UV := $(VENV)/bin/uv
PINNED := --quiet --require-hashes --no-deps --requirement
CODE := $(wildcard service client tests examples benchmarks migrations docs/*.py)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test quick chaos check docs fix lock bench image clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## install what is missing, migrate, and serve on 127.0.0.1:8000 (FITD_HOST, FITD_PORT, ...)
	@exec $(PY) -m service serve

test: $(VENV)/.dev $(ORACLES)/.ready $(NODE)/.ready ## run all the tests (PYTEST_ARGS="tests/api -k jobs" for some)
ifdef PYTEST_ARGS
	$(PY) -m pytest -n auto $(PYTEST_ARGS)
else
	$(PY) -m pytest -n auto --cov --cov-report= $(COVERED_TESTS)
	$(PY) -m coverage report --fail-under=$(COVERAGE_MIN) --include='service/*' --omit='$(UNCOVERED)'
	$(PY) -m pytest -n auto $(OTHER_TESTS)
endif
# What only a running server goes through is not counted.
COVERED_TESTS := $(wildcard tests/house tests/unit tests/property tests/parity tests/api)
OTHER_TESTS := $(filter-out $(COVERED_TESTS) tests/support tests/__pycache__,$(wildcard tests/*))
UNCOVERED := service/__main__.py,service/api/*,service/worker/*,service/processes/*

quick: $(VENV)/.dev ## what to run after each change: the rules of the house and the unit tests
	$(PY) -m pytest -n auto -q tests/house tests/unit

chaos: $(VENV)/.dev ## kill and pause processes at random for an hour or so, and see that no job is lost
	$(PY) -m tests.e2e.chaos --actions 3000

check: $(VENV)/.dev ## format, lint, types, imports, spelling: all that is told without running the code
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy $(CODE)
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/codespell
	$(VENV)/bin/yamllint --strict .
	$(VENV)/bin/hadolint Dockerfile

fix: $(VENV)/.dev ## format, and mend what the linter can mend
	$(PY) -m ruff check --fix $(CODE)
	$(PY) -m ruff format $(CODE)

bench: $(VENV)/.dev ## measure the speed
	$(PY) -m benchmarks

lock: $(UV) ## resolve the dependencies anew (requirements*.txt)
	$(UV) pip compile $(LOCK) --extra postgres --extra dask --group dev --output-file requirements-dev.txt
	$(UV) pip compile $(LOCK) --extra postgres --constraint requirements-dev.txt --output-file requirements.txt
	$(UV) pip compile $(LOCKED) --group oracles --output-file requirements-oracles.txt
	$(UV) pip compile $(LOCKED) --group docs --output-file requirements-docs.txt
LOCKED := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
LOCK := pyproject.toml $(LOCKED)

docs: $(VENV)/.dev $(DOCS)/.ready ## write the documentation as a site to build/site
	rm -rf build/docs build/site && mkdir -p build && cp -R docs build/docs
	$(PY) -m docs.generate build/docs/reference
	$(DOCS)/bin/zensical build --strict

image: ## build the container image fitd
	$(DOCKER) build --tag fitd .

clean: ## remove the environment and every cache; data stays
	rm -rf $(VENV) $(ORACLES) $(NODE) $(DOCS) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Fitd needs Python 3.11 or newer; $(PYTHON) is not. Try: make PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Making the environment $(VENV) ..."
	@$(PYTHON) -m pip --python $(PYTHON) --version >/dev/null 2>&1 && $(PYTHON) -m venv --without-pip $(VENV) || \
		$(PYTHON) -m venv $(VENV)
	@touch $@

# uv installs a lock several times as fast as pip, which remains for where uv cannot (behind an index that only pip knows).
# $(1): an environment. $(2): its lock. $(3): what that is. $(4): how long it takes.
define install
@echo "Installing $(3) into $(1); this happens only once, and takes about $(4) ..."
@$(UV) pip install --no-cache --python $(1)/bin/python $(PINNED) $(2) 2>/dev/null || \
	$(call pip,$(1)) install --disable-pip-version-check $(PINNED) $(2)
@touch $@
endef

pip = $$(test -x $(1)/bin/pip && echo $(1)/bin/python -m pip || echo $(PYTHON) -m pip --python $(1)/bin/python)

$(UV): requirements-uv.txt | $(VENV)/.python
	@$(call pip,$(VENV)) install --disable-pip-version-check $(PINNED) requirements-uv.txt
	@touch $@

$(VENV)/.runtime: requirements.txt | $(UV)
	$(call install,$(VENV),requirements.txt,what the service needs,ten seconds)

$(VENV)/.dev: requirements-dev.txt | $(UV)
	$(call install,$(VENV),requirements-dev.txt,what the tests need,half a minute)
	@touch $(VENV)/.runtime # the development lock holds the whole runtime lock

$(ORACLES)/.ready: requirements-oracles.txt | $(UV)
	@$(PYTHON) -m venv --without-pip $(ORACLES)
	$(call install,$(ORACLES),requirements-oracles.txt,the Keras that judges our files,a minute)

$(NODE)/.ready: tests/clients/package.json tests/clients/package-lock.json
	@command -v npm >/dev/null || { echo "There is no npm here: the tests leave out redocly, spectral and the client in TypeScript." >&2; exit 0; }; \
		echo "Installing what checks the OpenAPI document and its client in TypeScript (half a minute)" >&2; \
		mkdir -p $(NODE) && cp $^ $(NODE) && cd $(NODE) && npm ci --ignore-scripts --no-audit --no-fund --silent && touch .ready

$(DOCS)/.ready: requirements-docs.txt | $(UV)
	@$(PYTHON) -m venv --without-pip $(DOCS)
	$(call install,$(DOCS),requirements-docs.txt,what writes the documentation,five seconds)
