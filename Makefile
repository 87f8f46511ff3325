# The verbs of this project. `make demo` and `make test` work from a fresh clone with Python 3.11 or newer.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
export TIDEGATE_HOME ?= $(CURDIR)/var
export VIRTUAL_ENV = $(CURDIR)/$(VENV)

.PHONY: help install install-dev lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## what the service needs, into .venv
install-dev: $(VENV)/.installed-dev ## the same and what tests and linters need

# uv is fast and pip is everywhere: pip brings uv, and is the net when uv can't be had. Both read the same hashed file.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Tidegate needs Python 3.11 or newer, and none was found. On Debian: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python could not make a virtual environment. On Debian: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || echo "uv could not be installed; going on with pip, which is slower."

define sync
	@if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --quiet --require-hashes -r $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi
	@printf '%s\n' '$(CURDIR)/src' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tidegate-source.pth"
	@for c in tidegate:tidegate.cli.main pipedrive-sandbox:pipedrive_sandbox.__main__; do \
	  printf '#!%s\nimport sys\nfrom %s import main\nsys.exit(main())\n' "$(CURDIR)/$(BIN)/python" "$${c#*:}" > $(BIN)/$${c%%:*}; chmod +x $(BIN)/$${c%%:*}; done
endef

$(VENV)/.installed: $(VENV)/bin/python requirements.txt
	$(call sync,requirements.txt)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python requirements-dev.txt
	$(call sync,requirements-dev.txt)
	@touch $@ $(VENV)/.installed

lock: $(VENV)/bin/python ## compile requirements*.txt anew from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev -o requirements-dev.txt pyproject.toml
