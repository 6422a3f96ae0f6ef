# `make demo` and `make test` do all of the set-up. They need Python 3.11 or newer, make and a package index.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3 2>/dev/null))
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help env demo test check bench clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

env: $(STAMP) ## create the environment in .venv

$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.11" >&2; exit 5; }
	"$(PYTHON)" -m venv "$(VENV)"
	"$(BIN)/python" -m pip install --quiet --constraint constraints.txt --editable '.[demo,test,check]'
	@touch "$@"

demo: $(STAMP) ## build both indexes from a real dump and ask them
	"$(BIN)/python" docs/demo/run.py --output demo

test: $(STAMP) ## run every test
	"$(BIN)/python" -m pytest --quiet

check: $(STAMP) ## lint, types, the import seams, and that every extra can be installed
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/hadolint" Dockerfile
	"$(BIN)/python" -m pytest --quiet tests/house/test_seams.py
	"$(BIN)/python" .ci/resolve_extras.py

bench: $(STAMP) ## list the benchmarks, or run one: make bench RUN=parse_rate ARGS=--help
ifdef RUN
	"$(BIN)/python" -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	"$(BIN)/python" -m "benchmarks.$(RUN)" $(ARGS)
else
	@"$(BIN)/python" benchmarks/list.py
endif

clean: ## remove the environment and what the demo built
	rm -rf "$(VENV)" demo build dist *.egg-info
