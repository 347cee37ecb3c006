# Every target works from a clean checkout: `setup` is a prerequisite of all of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_DATA ?= .demo
DEMO_PORT ?= 8700
CHAIN_PORT ?= 9944
WORKERS ?= logical
EXAMPLES ?= 100
STEPS ?= 400
SEED ?=
SEEDS ?= 200
WINDOWS ?= 50
BLOCKS ?= 1000
SDK := .cache/sdk

.PHONY: setup demo demo-reset demo-check test model lint format lock kill crash bench clean curve-campaign attack soak
.PHONY: sdk lock-sdk

setup: $(STAMP)
	@$(BIN)/python -m amm.kernel_cache

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/taobourse demo --data-dir $(DEMO_DATA) --port $(DEMO_PORT) --chain-port $(CHAIN_PORT)

demo-reset: setup
	$(BIN)/taobourse demo --data-dir $(DEMO_DATA) --reset

demo-check: setup
	$(BIN)/taobourse demo --data-dir $(DEMO_DATA)-check --port 0 --chain-port 0 --fast --check

# One process per core, each with a database server of its own; WORKERS=0 runs all tests in one process.
test: setup
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile

kill: setup
	$(BIN)/python -m tests.end_to_end.kill_cycles --cycles $(or $(CYCLES),20)

# SIGKILL at every named point and at any moment, of exchange and database; SEED=n draws the same kills again.
crash: setup
	$(BIN)/python -m tests.campaigns.crash --cycles $(or $(CYCLES),100) --shape $(or $(SHAPE),embedded) $(if $(SEED),--seed $(SEED))

# Long random histories on the engine and its oracle; a failure prints its seed, and SEED=n plays it again.
model: setup
	$(BIN)/python -m tests.model.histories --examples $(EXAMPLES) --steps $(STEPS) $(if $(SEED),--seed $(SEED))

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --upgrade --output-file requirements.lock

clean:
	rm -rf $(VENV) .cache

# Ten million random powers, compiled against the reference: about half an hour on one core.
curve-campaign: setup
	$(BIN)/python -m tests.campaigns.weighted_curve

# Informed traders, pushers of the chain and silence, many seeds; prints the house's loss beside its bound.
attack: setup
	$(BIN)/python -m tests.campaigns.attack --seeds $(SEEDS) --windows $(WINDOWS)

# Many blocks of trading on a real chain with emission on; custody equals the chain at every head.
soak: setup
	$(BIN)/python -m tests.campaigns.soak --blocks $(BLOCKS)

# The public network's newest client, unmodified, in an environment of its own, against a node of ours.
sdk: setup $(SDK)/.installed
	TAOBOURSE_PYTHON=$(CURDIR)/$(BIN)/python $(SDK)/bin/python -m pytest -c tests/sdk/pytest.ini --rootdir tests/sdk tests/sdk

$(SDK)/.installed: requirements-sdk.lock
	rm -rf $(SDK)
	$(PYTHON) -m venv $(SDK)
	$(SDK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-sdk.lock
	touch $(SDK)/.installed

lock-sdk: $(STAMP)
	$(BIN)/uv pip compile requirements-sdk.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade --output-file requirements-sdk.lock
