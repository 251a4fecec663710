# Reelay. `make` alone lists what there is to do.
.DEFAULT_GOAL := help
.PHONY: help
SHELL := /bin/bash

# The Lambda runtime's interpreter where this machine has one, else the machine's own.
PYTHON := $(shell bash dev/python.sh)
PY := .venv/bin/python
SAM := .venv-sam/bin/sam

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14
