# Every target sets up what it needs: `make test` works on a machine that has only Python and make.

BASE_PYTHON ?= python3
VENV        ?= .venv
ARGS        ?=
# Most tests wait for a clock or a server, not for a processor: so more at once than there are of these.
AT_ONCE     ?= 6

PYTHON  = $(VENV)/bin/python
LINKS   = $(VENV)/links/callboard
PARTS   = __init__.py py.typed actors transports supervision examples
INSTALL = $(PYTHON) -m pip install --quiet --disable-pip-version-check -e

# A run of the tests starts a thousand processes: without its byte code each compiles every module.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint types bench soak failures examples docs dev clean python

help:  ## show this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1 # /p' $(MAKEFILE_LIST) | while IFS='#' read -r name text; do printf '%-9s%s\n' "$$name" "$$text"; done

demo: $(VENV)/.base  ## run the demonstration, with nothing but the base package
	$(VENV)/bin/callboard demo $(ARGS)

test: $(VENV)/.dev  ## run the tests; ARGS="-k mailbox" goes to pytest
	$(PYTHON) -m pytest -n $(AT_ONCE) --dist loadfile $(ARGS)

check: lint types test  ## everything that must be green: format, lint, types, tests

lint: $(VENV)/.dev  ## form and style
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types: $(VENV)/.dev  ## both type checkers, in strict mode
	$(PYTHON) -m pyright --pythonpath $(PYTHON)
	$(PYTHON) -m mypy --python-executable $(PYTHON)
	$(PYTHON) -m mypy --python-executable $(PYTHON) $(wildcard tests benchmarks)

bench: $(VENV)/.bench  ## measure against the peers and print the table
	$(PYTHON) -m benchmarks $(ARGS)

soak: $(VENV)/.dev  ## ten minutes of random trouble; everything must be accounted for
	CALLBOARD_SOAK_SECONDS=600 $(PYTHON) -m pytest -m soak --log-cli-level=INFO $(ARGS)

failures: $(VENV)/.dev  ## break everything that can break, and print docs/failures.md
	rm -f $(VENV)/failures.jsonl
	CALLBOARD_FAULTS=full CALLBOARD_FAULTS_FILE='$(abspath $(VENV))/failures.jsonl' $(PYTHON) -m pytest tests/faults --deselect tests/faults/test_table.py $(ARGS)
	CALLBOARD_FAULTS=full $(PYTHON) -m tests.faults.table $(VENV)/failures.jsonl > docs/failures.md

examples: $(VENV)/.dev  ## talk with each conversational example, offline; ARGS="debate" for one
	$(PYTHON) -m callboard.examples.talking.tour $(ARGS)

docs: $(VENV)/.dev  ## run every snippet of the documentation
	$(PYTHON) -m pytest tests/docs $(ARGS)

dev: $(VENV)/.dev  ## install the checkout and the tools into .venv

clean:  ## remove .venv and whatever tools have left behind
	rm -rf $(VENV) build dist callboard.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: an installation is repeated only when a file that describes it has changed.

$(VENV)/.base: setup.cfg pyproject.toml | python
	$(INSTALL) .
	@$(lay-links)
	@touch $@

$(VENV)/.dev: setup.cfg pyproject.toml | python
	$(INSTALL) '.[dev]'
	@$(lay-links)
	@touch $(VENV)/.base $@

$(VENV)/.bench: setup.cfg pyproject.toml | python
	$(INSTALL) '.[bench]'
	@$(lay-links)
	@touch $(VENV)/.base $@

# Static tools cannot see through the finder of an editable installation, so a .pth line leads them to
# these links. Never into site-packages itself: an installer would write through them into the checkout.
define lay-links
mkdir -p $(LINKS); \
for part in $(PARTS); do ln -sfn '$(CURDIR)'/$$part $(LINKS)/$$part; done; \
echo '$(abspath $(LINKS)/..)' > "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/callboard_links.pth"
endef

python:
	@command -v $(BASE_PYTHON) >/dev/null || { echo 'callboard needs Python 3.11 or later: no $(BASE_PYTHON) here (give BASE_PYTHON=...)'; exit 1; }
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "callboard needs Python 3.11 or later: $(BASE_PYTHON) is $$($(BASE_PYTHON) -V 2>&1) (give BASE_PYTHON=...)"; exit 1; }
	@test -e $(PYTHON) || $(BASE_PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'no virtual environment could be made: install python3-venv (Debian: apt-get install python3-venv)'; exit 1; }
	@$(PYTHON) -c 'import pip' 2>/dev/null || { echo '$(VENV) has no pip: install python3-venv, run "make clean" and try again'; exit 1; }
ifneq ($(origin BASE_PYTHON),file)
	@test "$$($(PYTHON) -V)" = "$$($(BASE_PYTHON) -V)" || { echo "$(VENV) is $$($(PYTHON) -V), not $$($(BASE_PYTHON) -V): run \"make clean\", or give VENV=... for a second one"; exit 1; }
endif
