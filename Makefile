# Reelay. `make` alone lists what there is to do.
.DEFAULT_GOAL := help
.PHONY: help
SHELL := /bin/bash

# The Lambda runtime's interpreter where this machine has one, else the machine's own.
PYTHON := $(shell bash dev/python.sh)
PY := .venv/bin/python
SAM := .venv-sam/bin/sam

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

ifeq ($(PYTHON),)
$(error Reelay needs Python 3.11 or newer)
endif

# -- environments: each made once, and again when its lock changes ----------------------------------------------------

# The locks name every package, so nothing is resolved: older pips cannot do that with extras and hashes.
# `--without-pip` and the base interpreter's own pip: a bare Debian python3 has venv but not ensurepip.
INSTALL = $(PYTHON) -m pip --python $(1)/bin/python install --quiet --disable-pip-version-check --no-warn-conflicts --no-deps --require-hashes -r requirements/$(2).txt

.venv/bin/python:
	@echo "Reelay uses $(PYTHON) ($$($(PYTHON) -V)); the first time it installs what it needs, for a minute or so"
	@$(PYTHON) -m venv --without-pip --clear .venv

.venv/.run: requirements/run.txt | .venv/bin/python
	@$(call INSTALL,.venv,run) && touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@$(call INSTALL,.venv,dev) && touch $@

.venv-sam/.sam: requirements/sam.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-sam
	@$(call INSTALL,.venv-sam,sam) && touch $@

.venv-ministack/.ministack: requirements/ministack.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-ministack
	@$(call INSTALL,.venv-ministack,ministack) && touch $@

.venv-checkov/.checkov: requirements/checkov.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-checkov
	@$(call INSTALL,.venv-checkov,checkov) && touch $@

.venv-fuzz/.fuzz: requirements/fuzz.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-fuzz
	@$(call INSTALL,.venv-fuzz,fuzz) && touch $@

.venv-litellm/.litellm: requirements/litellm.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-litellm
	@$(call INSTALL,.venv-litellm,litellm) && touch $@

.venv-langchain/.langchain: requirements/langchain.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-langchain
	@$(call INSTALL,.venv-langchain,langchain) && touch $@

.venv-bench/.bench: requirements/bench.txt
	@$(PYTHON) -m venv --without-pip --clear .venv-bench
	@$(call INSTALL,.venv-bench,bench) && touch $@

.venv-cli/.cli: requirements/cli.txt cli/pyproject.toml $(wildcard cli/reelay_cli/*.py)
	@$(PYTHON) -m venv --without-pip --clear .venv-cli
	@$(call INSTALL,.venv-cli,cli)
	@$(PYTHON) -m pip --python .venv-cli/bin/python install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation ./cli && touch $@

.node/.clients: tests/clients/node/package.json tests/clients/node/package-lock.json
	@mkdir -p .node/clients && cp $^ .node/clients/
	@npm ci --prefix .node/clients --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && touch $@

.node/.contract: dev/node/package.json dev/node/package-lock.json
	@mkdir -p .node/contract && cp $^ .node/contract/
	@npm ci --prefix .node/contract --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && touch $@

# Where there is no npm, the contract is not compared with the released one; in CI that fails.
NODE_CONTRACT := $(if $(shell command -v npm),.node/.contract)

# Where there is no npm, the tests of OpenAI's Node client are skipped; in CI they fail.
NODE_CLIENTS := $(if $(shell command -v npm),.node/.clients)

# -- what a person does ------------------------------------------------------------------------------------------------

.PHONY: run dev cli probe test pictures tenant keys check contract explore mutate docs clients fuzz load bench build deploy smoke undeploy deploy-local sam-local sam-local-smoke lock
export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/core

ARCHITECTURE ?= arm64
# Without credentials SAM waits 10 s for an answer from STS; a closed loopback port says no at once.
SAM_OFFLINE := SAM_CLI_TELEMETRY=0 AWS_ENDPOINT_URL=http://127.0.0.1:9 AWS_DEFAULT_REGION=us-east-1

run: .venv/.run ## The documented request through the local stack, with a live bar; the video lands in out/
	@$(PY) -m dev.run

dev: .venv/.run ## The same stack, kept up on PORT (8080), with curl and SDK lines to try
	@$(PY) -m dev.up --port $(or $(PORT),8080)

cli: .venv-cli/.cli ## The command line for a relay, .venv-cli/bin/reelay (docs/CLI.md)
	@echo 'export PATH="$(CURDIR)/.venv-cli/bin:$$PATH"'

probe: .venv/.run ## One paid request to the real v98store, after asking: where its answer departs from upstream.yaml; WHOLE=1 MODEL=... YES=1
	@$(PY) -m dev.probe $(if $(WHOLE),--whole) $(if $(MODEL),--model "$(MODEL)") $(if $(YES),--yes)

WORKERS ?= auto

test: .venv/.dev $(NODE_CLIENTS) $(NODE_CONTRACT) ## The whole test suite, in WORKERS processes (as many as there are cores)
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile

pictures: .venv/.dev .venv-cli/.cli ## The pictures of the studio and of the command line in docs/; needs Chromium, and port 8080
	@$(PY) -m tests.studio
	@PYTHONPATH="$(PYTHONPATH):cli" $(PY) -m tests.cli

tenant: .venv/.run ## Which tenant a key is, for the parameter EventsTenant; asks for the key
	@$(PY) -m dev.tenant

keys: .venv/.run ## A key of Reelay's own on a deployed stack, shown once: make keys NAME=alice PLAN=<output KeysPlanId>
	@$(PY) -m dev.keys --name "$(NAME)" --plan "$(PLAN)" --tenant-secret "$(TENANT_SECRET)"

check: .venv/.dev .venv-sam/.sam .venv-checkov/.checkov $(NODE_CONTRACT) ## ruff, mypy strict, breaking changes of the contract, sam validate --lint, checkov and sam build
	@$(PY) -m ruff format --check -q .
	@$(PY) -m ruff check -q .
	@$(PY) -m mypy
	@$(PY) -m dev.released
	@$(SAM_OFFLINE) $(SAM) validate --lint
	@.venv-checkov/bin/checkov -f template.yaml
	@$(MAKE) --no-print-directory build

contract: .venv/.dev ## Good and bad requests made of openapi.yaml against the local stack, for minutes; EXAMPLES=200 SEED=7
	@$(PY) -m tests.contract_runs $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED))

explore: .venv/.dev ## Random interleavings of deliveries, deaths and rivals, 20,000 of them: looks for a second payment
	@$(PY) -m tests.integration.interleavings

mutate: .venv/.dev ## Takes away one guard after another and expects the tests to notice
	@$(PY) -m tests.mutation

docs: .venv/.dev ## The tables of docs/ that are made of the code
	@$(PY) -m tests.security
	@$(PY) -m tests.contract.breaking
	@$(PY) -m tests.compatibility

clients: .venv/.dev .venv-litellm/.litellm .venv-langchain/.langchain ## LiteLLM's client and LangChain's ChatOpenAI against the stack; OpenAI's own are in make test
	@$(PY) -m pytest -q tests/clients/optional.py

fuzz: .venv-fuzz/.fuzz ## What reads bytes from outside, fuzzed for SECONDS (60) in all; TARGET=sse for one
	@.venv-fuzz/bin/python -m tests.fuzz.guided --seconds $(or $(SECONDS),60) $(TARGET)

load: .venv/.dev ## A mix of calls against the stack for SECONDS (120): speed, growth; fails on anything lost or paid twice
	@$(PY) -m tests.load --seconds $(or $(SECONDS),120)

bench: .venv/.dev .venv-sam/.sam .venv-bench/.bench ## Speed, size and cost beside what people use instead, a quarter of an hour; ONLY=latency for one row; writes docs/BENCHMARKS.md
	@$(PY) -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

build: .venv/.dev .venv-sam/.sam ## Layer and functions for ARCHITECTURE (arm64), with their sizes, and a check that they run
	@$(SAM_OFFLINE) ARCHITECTURE=$(ARCHITECTURE) MAKEFLAGS= $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(PY) -m dev.build_size
	@MAKEFLAGS= $(PY) -m dev.build_check --architecture $(ARCHITECTURE)

STACK ?= reelay

deploy: build ## Into the AWS account of your credentials, as STACK (reelay): asks, deploys, prints lines; PARAMETERS="Name=value ..." YES=1
	@$(PY) -m dev.deploy --stack $(STACK) --architecture $(ARCHITECTURE) --sam $(SAM) $(if $(YES),--yes) $(PARAMETERS)

smoke: .venv/.dev ## Does a deployed stack work? URL=... KEY=rk-... MODEL=... VIDEO=1 YES=1; says first what it costs
	@KEY="$(KEY)" $(PY) -m dev.deploy.smoke --url "$(URL)" --model "$(or $(MODEL),gpt-4o-mini)" $(if $(VIDEO),--video) $(if $(YES),--yes)

undeploy: .venv/.run .venv-sam/.sam ## The stack STACK (reelay) goes; says what stays, and how to remove it
	@$(PY) -m dev.deploy.undeploy --stack $(STACK) --sam $(SAM) $(if $(YES),--yes)

deploy-local: .venv/.dev .venv-sam/.sam .venv-ministack/.ministack ## The same template into MiniStack on loopback: every trigger fired, all deleted again
	@$(PY) -m dev.ministack

sam-local: .venv/.dev .venv-sam/.sam ## The application in containers under `sam local start-api`, kept up on PORT (3000), with lines to try (docs/SAM-LOCAL.md)
	@$(PY) -m dev.sam_local --port $(or $(PORT),3000)

sam-local-smoke: .venv/.dev .venv-sam/.sam ## Every sample of events/ and every route in containers, then all removed; installs an engine where root has none
	@$(PY) -m dev.sam_local --smoke

lock: ## Resolve requirements/*.in again, with hashes (needs uv)
	@for name in layer run dev cli sam checkov ministack fuzz litellm langchain bench; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --no-annotate requirements/$$name.in -o requirements/$$name.txt; done
