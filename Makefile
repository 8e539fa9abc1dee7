# make claims     set up, run the quick tier, print where the report is
# make test       set up, run the tests
# make lint       set up, check style and types
# make protocols  set up, write docs/protocols.md with the timings of the last quick session
# make bench      set up, time hw1bench against the plain PyTorch loop, JAX and the machine's floor
PYTHON ?= python3
BIN := .venv/bin
.PHONY: claims test lint protocols bench setup

claims: setup
	$(BIN)/python -m pytest claims/ $(ARGS)

test: setup
	$(BIN)/python -m pytest -n auto --maxprocesses 8 $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

protocols: setup
	$(BIN)/python -m hw1bench.sources reports/benchmark.json docs/protocols.md

bench: setup
	$(BIN)/python -c 'import jax' 2> /dev/null || $(BIN)/python -m pip install --quiet --constraint constraints.txt jax
	$(BIN)/python -m benchmarks $(ARGS)

setup: .venv/ready

# Exact versions come from constraints.txt. The stamp is up to date if it is newer than all files that define the environment.
.venv/ready: pyproject.toml constraints.txt setup.py $(wildcard hw1bench/training/kernels/*.cpp hw1bench/training/kernels/*.h)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@echo 'setting up .venv: the first time takes minutes'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,lint]'
	touch $@
