# Each target installs what is missing into .venv by itself; only git, make and Python 3.11 or 3.12 are needed.
PYTHON ?= python3
BIN := .venv/bin

# So many tests run at a time, of which some wait; those of one file one after the other, since they may share a product.
WORKERS ?= 3
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: up demo check test test-db soak bench clean

up: .venv/installed  ## run the product: Redis, SQLite, web, sessions, worker
	$(BIN)/warest up

demo: .venv/installed  ## the same on a WhatsApp network of its own: no phone, no internet
	$(BIN)/warest up --sandbox

check: .venv/installed  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: .venv/installed  ## the suite
	$(PYTEST)

test-db: .venv/installed  ## the store on PostgreSQL and MariaDB at 127.0.0.1, and several hosts
	$(PYTEST) -m 'server and not slow'

soak: .venv/installed  ## what takes long: time-outs, supervisors that take over from each other, chaos
	$(BIN)/pytest -s -m slow

bench: .venv/installed  ## print latency, throughput, searches and what media is made smaller by, taken in one run
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/broker.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/gateway.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/webhooks.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/sessions.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/media.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/search.py

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
