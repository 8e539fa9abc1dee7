# make setup      create .venv with the exact versions of constraints.txt, and build the kernels
# make claims     judge the claims of the quick tier and write the report
# make full       judge the claims that are on record in the full tier against their rulings, on CUDA or else the CPU
#                 (ARGS="--budget 30": what 30 minutes allow)
# make test       run the tests
# make test-gpu   run the tests of what is special to a GPU, on one
# make lint       check style and types
# make record     put on record what is not, by rulings an hour, at the lowest priority of the machine (ARGS="--budget 60":
#                 in so many minutes); stop it at any time, and go on by running it again
# make record-page     write docs/record.md, what is on record and how far pilots agree with it
# make findings   draw the figures of docs/findings.md, and look up its numbers on record
# make picture    take the picture of the sample report's first screen that README shows; it needs chromium
# make protocols  write docs/protocols.md, with the seconds of the last quick session
# make scale      write the tables of docs/scale.md, how long the full tier takes on clusters
# make reference  write docs/reference.md, every public name, from the code
# make bench      time training and measuring against the plain PyTorch loop, torch.compile, JAX and the peak of the machine, and
#                 write the tables of docs/performance.md (ARGS="--only images": print one)
# make bench-gpu  time training on a GPU against the plain loop, a stacked loop, JAX if it is installed, and the floor of the card
# make wheel      build the wheel of this platform, for any Python, into dist/
# The others set up first. ARGS=... passes arguments to pytest, to the record or to the benchmarks.
PYTHON ?= python3
BIN := .venv/bin
.PHONY: claims full test test-gpu lint record record-page findings picture protocols scale reference bench bench-gpu wheel setup

claims: setup
	$(BIN)/python -m pytest claims/ $(ARGS)

# The record's own report holds what its rulings rest on, and stays as it is: the report goes elsewhere, the blocks are shared.
full: setup
	mkdir -p reports/full reports/record/blocks
	@[ -L reports/full/blocks ] || [ ! -e reports/full/blocks ] || \
		{ echo 'reports/full/blocks is a folder of its own: move it away, to use what the record has trained'; exit 1; }
	ln -sfn ../record/blocks reports/full/blocks
	$(BIN)/python -m pytest claims/ -m gpu --on-record --strict-rulings --report-dir reports/full \
		--device $$($(BIN)/python -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")') $(ARGS)

test: setup
	$(BIN)/python -m pytest -n auto --maxprocesses 8 $(ARGS)

test-gpu: setup
	$(BIN)/python -m pytest tests/test_resident.py tests/test_side_by_side.py tests/test_gpu_kernels.py tests/test_gpu_memory.py \
		tests/test_interruption.py tests/test_networks.py $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

record: setup
	$(BIN)/python -m hw1bench record claims --run $(ARGS)

record-page: setup
	$(BIN)/python -m hw1bench record claims --markdown docs/record.md

findings: setup
	$(BIN)/python -m hw1bench findings docs/findings.md

picture: setup
	$(BIN)/python -m hw1bench picture reports/sample docs/first-screen.png

protocols: setup
	$(BIN)/python -m hw1bench.sources reports/benchmark.json docs/protocols.md

scale: setup
	$(BIN)/python -m hw1bench plan --cluster --markdown docs/scale.md

reference: setup
	$(BIN)/python -m hw1bench.reference docs/reference.md

bench: setup
	$(BIN)/python -c 'import jax' 2> /dev/null || $(BIN)/python -m pip install --quiet --constraint constraints.txt jax
	$(BIN)/python -m benchmarks $(if $(findstring --only,$(ARGS)),,docs/performance.md) $(ARGS)

bench-gpu: setup
	$(BIN)/python -m benchmarks.gpu $(ARGS)

wheel: setup
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

setup: .venv/ready

# The environment is made again if a file that decides what is in it is newer than the stamp.
.venv/ready: pyproject.toml constraints.txt setup.py $(wildcard hw1bench/training/kernels/*.cpp hw1bench/training/kernels/*.h)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@echo 'setting up .venv: the first time takes minutes'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[cluster,test,lint]'
	touch $@
