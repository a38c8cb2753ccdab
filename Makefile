# Both ends of the day: `make demo` shows the whole loop, `make test` proves it. Neither needs root.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
MLFLOW = $(VENV)/bin/mlflow server --backend-store-uri sqlite:///$${PIPELINES_HOME:-.pipelines}/mlflow.db
export REQUEST := {"columns": ["temp"], "data": [[12.8]]}

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(STAMP) ## the environment in .venv, exactly as requirements.lock says

$(STAMP): requirements.lock .ci/setup
	@.ci/setup $(VENV)
	@touch $@

demo: setup ## train on real data, serve, ask, stop
	@trap '$(PY) pipelines/train.py serve --stop' EXIT; set -e; \
	echo "== run the pipeline; what is not better than what serves is not deployed"; \
	$(PY) pipelines/train.py run; \
	echo "== the champion answers $$REQUEST"; \
	$(PY) pipelines/train.py serve --detach; \
	$(PY) pipelines/train.py predict --data "$$REQUEST"; \
	echo "== every run, model and plot: $(MLFLOW), then http://127.0.0.1:5000"; \
	echo "== make demo again: what has not changed comes from the cache, and the champion is to be beaten"

test: setup lint ## lint, types, tests, compiled files up to date
	$(PY) pipelines/train.py compile --check
	$(PY) -m pytest -n 2 --dist loadfile -m "not cluster and not argo and not kserve"

test-cluster: setup ## tests that need a Kubernetes API at KUBECONFIG
	@if grep -rqE "mark\.(cluster|argo|kserve)" tests; then \
	$(PY) -m pytest -m "cluster or argo or kserve"; else echo "no tests for a cluster yet"; fi

lint: setup ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: setup ## rewrite the code as ruff wants it
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

compile: setup ## compiled/: what the KFP UI takes, and what Argo does
	$(PY) pipelines/train.py compile

bench: setup ## seconds a step, beside kfp.local; compiling for Argo; measured in one run
	$(PY) -m tests.bench.steps
	$(PY) -m tests.bench.argo

bench-serving: setup ## our model server beside MLServer, MLflow's own and KServe's; a quarter of an hour
	$(PY) -m tests.bench.serving $(BENCH)

pods: setup ## README's tables of pods, counted again
	$(PY) -m tests.bench.pods_table --write

lock: ## requirements.lock anew, from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev \
	    --custom-compile-command "make lock" --quiet pyproject.toml --output-file requirements.lock

clean: ## everything that make and runs have left here
	rm -rf $(VENV) .pipelines .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo test test-cluster lint format compile bench bench-serving pods lock clean
