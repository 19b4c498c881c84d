.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
# Each holds Beam and torch, about 1.5 GB.
PYTEST_JOBS ?= 2
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
# fastText is compiled with -march=native by default; a virtual environment that moves to an older CPU would crash.
export CXXFLAGS ?= -O3 -march=x86-64-v2
ifneq ($(shell uname -m),x86_64)
export CXXFLAGS := -O3
endif

need_java = for tool in java mvn; do command -v $$tool >/dev/null \
	|| { echo "error: $$tool is needed for this test (apt-get install openjdk-17-jdk-headless maven)"; exit 2; }; done

.PHONY: help setup demo test check lint types arrows kernels pytest test-linear test-exhaustive test-spark-small test-spark test-flink test-hosts test-image test-exports docs bench bench-memory proof proof-evaluation conformance bench-peers agreement clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: Python 3.11, 3.12 or 3.13 is needed, found $$($(PYTHON) --version)"; exit 2; }
	@command -v $${CXX:-c++} >/dev/null || { echo "error: a C++ compiler is needed to build fastText (apt-get install g++)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	touch $@

setup: $(VENV)/.ready ## Make the virtual environment and install the tested set

demo: setup ## Run the main job end to end on the embedded default and print where the report is
	$(BIN)/gristmill demo

test: setup ## Lint, types, import contract, all tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync kernels check
	@$(MAKE) --no-print-directory pytest

check: lint types arrows ## Lint, types and import contract

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

arrows: setup
	$(BIN)/lint-imports

# Files go to whoever is free in the order of tests/conftest.py: the long ones first.
SPREAD := --numprocesses $(PYTEST_JOBS) --dist loadfile --no-loadscope-reorder

kernels: setup
	$(BIN)/python -m tests.kernels

pytest: setup
	$(BIN)/pytest $(SPREAD)

# Threads of several trainings on few cores only wait for each other.
pytest test-exhaustive: export OMP_NUM_THREADS := 1
# Hundreds of commands are started: none compiles our sources again.
unexport PYTHONDONTWRITEBYTECODE

test-linear: setup ## Every pattern, recognizer and scan on long repetitions: none may take more than linear time
	$(BIN)/pytest -m linear --numprocesses $(PYTEST_JOBS) tests/test_linear.py tests/pipelines/read/formats/test_damaged_json.py

test-exhaustive: setup ## Every change, kill and damage of whole runs of which `make test` takes some of each kind; compiled code
	$(BIN)/pytest -m exhaustive $(SPREAD)

test-spark-small: setup ## A small recipe on a real Spark cluster on loopback, against local: what CI does at every change
	@$(need_java)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev,spark]'
	$(BIN)/pytest -m cluster tests/runs/cluster/test_small.py

test-spark: setup ## The whole recipe on a real Spark cluster on loopback, against local, with everything killed in turn
	@$(need_java)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev,spark]'
	$(BIN)/pytest -m cluster tests/runs/cluster/test_spark*.py

test-flink: setup ## The whole recipe on Flink's embedded cluster, against local
	@$(need_java)
	$(BIN)/pytest -m cluster tests/runs/cluster/test_flink*.py

test-hosts: setup ## Spark and Flink on several hosts (namespaces with private networks and disks, an S3 server), one of them killed; needs root
	@$(need_java)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev,spark]'
	$(BIN)/pytest -m cluster tests/runs/hosts

IMAGE_ENV ?= .venv-image
test-image: setup ## What the image of Dataflow holds: its install steps in a clean environment, and jobs run in that
	rm -rf $(IMAGE_ENV) && $(BIN)/python -m venv $(IMAGE_ENV)
	$(IMAGE_ENV)/bin/python -m pip install --quiet --no-deps --require-hashes --requirement infra/dataflow/lock.txt
	$(IMAGE_ENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	cd / && env -u PYTHONPATH $(abspath $(IMAGE_ENV))/bin/python -m gristmill.infra.dataflow check
	GRISTMILL_IMAGE_PYTHON=$(abspath $(IMAGE_ENV))/bin/python $(BIN)/pytest -k bytes_of_a_local_run tests/runs/services/test_dataflow.py

READERS ?= .venv-readers
test-exports: setup ## Every format of `gristmill export RUN`, read back by the project that it is for
	$(BIN)/uv pip install --quiet --python $(BIN)/python --target $(READERS) --no-deps \
		datasets==5.2.0 dill==0.4.1 multiprocess==0.70.19 pandas==3.1.1 python-dateutil==2.9.0.post0 pytz==2026.6 six==1.17.0 tzdata==2026.6 \
		megatron-core==0.16.1 mosaicml-streaming==0.13.0 cramjam==2.14.0 pillow==12.3.0 python-snappy==0.7.3 zstd==1.5.7.2 \
		webdataset==1.0.2 braceexpand==0.1.7
	GRISTMILL_READERS=$(abspath $(READERS)) $(BIN)/pytest tests/tokenizer/shards/exports/test_foreign_readers.py

docs: setup ## Print the generated pages: recipe, rules, command line, errors
	$(BIN)/python -m gristmill.pipelines.cli.docs

bench: setup ## Measure speed and memory (docs/benchmarks.md); CORPUS names a folder of Parquet files
	$(BIN)/python tests/benchmarks/run.py

OUT ?= runs/proof
proof: setup ## Prove that the stages of alignment do what they are for, three seeds (docs/alignment.md)
	$(BIN)/python -m tests.benchmarks.proof.proof --out $(OUT)

proof-evaluation: setup ## Prove that evaluation tells what models have learnt, three seeds (docs/evaluation.md)
	$(BIN)/python -m tests.benchmarks.proof.evaluation.proof --out $(OUT)-evaluation

bench-memory: setup ## Measure the memory of deduplication: two million short documents against as many bytes of long ones
	$(BIN)/python tests/benchmarks/bench_partitions.py

PEERS ?= .venv-peers
conformance: setup ## Compare presets with datatrove's and Dolma's own filters, rule by rule; CORPUS names a folder of Parquet files
	$(PYTHON) -m venv $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python 'datatrove[processing]==0.10.0' 'spacy==3.8.7'
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --no-deps dolma==1.2.1
	$(BIN)/python tests/benchmarks/conformance.py --peers $(PEERS)/bin/python $(CORPUS)

# Dolma asks for numpy 1, datatrove for numpy 2.
DEDUP_PEERS ?= .venv-peers-dedup
ROUNDS ?= 3
bench-peers: setup ## Time deduplication beside datatrove, rensa, text-dedup and Dolma in one run; CORPUS names a folder of Parquet files
	$(PYTHON) -m venv $(DEDUP_PEERS)
	$(PYTHON) -m venv $(DEDUP_PEERS)/dolma
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(DEDUP_PEERS)/bin/python \
		'datatrove[processing]==0.10.1' spacy==3.8.18 rensa==0.5.0 text-dedup==0.4.0 datasets==5.2.0 pyarrow==26.0.1 numpy==2.4.6
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(DEDUP_PEERS)/dolma/bin/python dolma==1.2.1 numpy==1.26.4
	$(BIN)/python -m tests.benchmarks.peers_dedup.bench_peers_dedup --peers $(DEDUP_PEERS)/bin/python \
		--dolma $(DEDUP_PEERS)/dolma/bin/dolma --rounds $(ROUNDS) $(CORPUS)

AGREEMENT ?= .venv-lm-eval
agreement: setup ## Compare `gristmill eval` with lm-evaluation-harness, item by item; MODEL names a folder that `gristmill export` wrote
	$(PYTHON) -m venv $(AGREEMENT)
	$(BIN)/uv pip install --quiet --python $(AGREEMENT)/bin/python --constraint constraints.txt torch transformers 'lm_eval[hf]==0.4.13'
	$(BIN)/python -m tests.benchmarks.agreement $(MODEL) --peer $(AGREEMENT)/bin/python

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
