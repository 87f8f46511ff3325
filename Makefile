# The verbs of this project. `make demo` and `make test` work from a fresh clone with Python 3.11 or newer.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
export TIDEGATE_HOME ?= $(CURDIR)/var
export VIRTUAL_ENV = $(CURDIR)/$(VENV)

.PHONY: help demo clean-demo up test e2e chaos bench check messages conformance bench-sandbox browser install install-dev lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# exec: what is started is what gets the signals.
demo: install ## Tidegate beside a Pipedrive sandbox, with sample data (PROSPECTS=my.csv: with yours)
	@exec $(BIN)/python -m tidegate demo $(if $(PROSPECTS),--prospects "$(PROSPECTS)")

clean-demo: install ## remove the demo's data: the next demo starts from nothing
	@exec $(BIN)/python -m tidegate demo --clean

up: install ## Tidegate alone, for real work
	@exec $(BIN)/python -m tidegate up

# Files are dealt out in the order of collection: those of the browser come last for each process (see tests/conftest.py).
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

test: check browser ## linters, types, import contracts and all tests (TESTS=tests/unit: only these, one after another)
	@unset TIDEGATE_HOME; exec $(BIN)/python -m pytest $(or $(TESTS),$(PARALLEL))

e2e: install-dev browser ## the stories alone: the pages in a real browser, the real processes
	@unset TIDEGATE_HOME; exec $(BIN)/python -m pytest $(wildcard tests/e2e tests/processes)

chaos: install-dev ## random histories until both sides must agree (STEPS=10000 SEED=n; FIRST=75 FIRST_HTTP=3: from these episodes on)
	@unset TIDEGATE_HOME; CHAOS_STEPS=$(or $(STEPS),10000) CHAOS_SEED=$(or $(SEED),1) CHAOS_FIRST=$(FIRST) CHAOS_FIRST_HTTP=$(FIRST_HTTP) exec $(BIN)/python -m pytest tests/integration/engine/test_chaos.py tests/integration/engine/test_chaos_over_http.py

bench: install-dev ## measure the real processes: the tables of docs/benchmarks.md (PART="latency tokens": only these)
	@unset TIDEGATE_HOME; PYTHONPATH=src:. exec $(BIN)/python -m bench $(PART)

check: install-dev ## linters, types and import contracts alone
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; exit 1; }
	@TIDEGATE_HOME="$$(mktemp -d)" && export TIDEGATE_HOME && trap 'rm -rf "$$TIDEGATE_HOME"' EXIT && $(BIN)/mypy
	@said=$$(PYTHONPATH=src $(BIN)/lint-imports --no-cache) || { echo "$$said"; exit 1; }

messages: install ## gather every text into a language's catalogue and compile it (LANGUAGE=de); needs GNU gettext
	@exec $(BIN)/python tools/messages.py $(LANGUAGE)

conformance: install ## Pipedrive's own JavaScript client and an independent Python client against the sandbox
	@exec $(BIN)/python tests/conformance/run.py

bench-sandbox: install ## how long the sandbox takes to seed a million persons, and how many requests it serves
	@exec $(BIN)/python bench/sandbox.py

# Tests of the pages need Chromium. Root on Debian gets it, once; others are told by the tests themselves.
browser:
	@if ! command -v chromium chromium-browser google-chrome >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the tests of the pages."; \
	  { timeout 300 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 900 apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 </dev/null \
	    || echo "Chromium could not be installed; the tests that need it are skipped."; \
	fi

install: $(VENV)/.installed ## what the service needs, into .venv
install-dev: $(VENV)/.installed-dev ## the same and what tests and linters need

# uv is fast and pip is everywhere: pip brings uv, and is the net when uv can't be had. Both read the same hashed file.
# Stamps are written last: whatever was interrupted is done again.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Tidegate needs Python 3.11 or newer, and none was found. On Debian: apt install python3 python3-venv"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); } \
	  || { echo "Python could not make a virtual environment. On Debian: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || echo "uv could not be installed; going on with pip, which is slower."
	@touch $@

define sync
	@echo "Installing what $(1) names into $(VENV). This is done once."
	@again=; test ! -e $(VENV)/.installing || again=1; touch $(VENV)/.installing; \
	if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --quiet $${again:+--reinstall} --require-hashes -r $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check $${again:+--force-reinstall} --require-hashes -r $(1); fi
	@printf '%s\n' '$(CURDIR)/src' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tidegate-source.pth"
	@for c in tidegate:tidegate.cli.main pipedrive-sandbox:pipedrive_sandbox.__main__; do \
	  printf '#!%s\nimport sys\nfrom %s import main\nsys.exit(main())\n' "$(CURDIR)/$(BIN)/python" "$${c#*:}" > $(BIN)/$${c%%:*}; chmod +x $(BIN)/$${c%%:*}; done
	@rm $(VENV)/.installing
endef

$(VENV)/.installed: $(VENV)/.made requirements.txt
	$(call sync,requirements.txt)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made requirements-dev.txt
	$(call sync,requirements-dev.txt)
	@touch $@ $(VENV)/.installed

lock: $(VENV)/.made ## compile requirements*.txt anew from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev -o requirements-dev.txt pyproject.toml
