# From a fresh clone to a pushed multi-platform image: make up. Everything else: make help.
.DEFAULT_GOAL := help
STACK ?= dev
SHELL := /bin/sh

.PHONY: help up down test test-kubernetes soak campaign check format bench sim

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf 'make %-15s  %s\n' "$$name" "$$text"; done

up: ## tools, runners, registry, then the images of stack dev (STACK=NAME for another)
	@tools/up.sh $(STACK)

down: ## destroys the stack and ends its processes
	@tools/down.sh $(STACK)

test: ## everything that can be tested on this machine
	@tools/test.sh

test-kubernetes: ## the tests on a real Kubernetes cluster, whose programs it builds first (once, 25 minutes)
	@tools/setup.sh --kubernetes
	@tools/kubernetes.sh
	@. ./tools/env.sh && npx jest --runInBand --testPathPatterns /tests/kubernetes/

soak: ## the longer series of the tests: 200 connections around the idle stop of runners on the simulated EC2
	@tools/soak.sh

campaign: ## 200 random steps of a stack on the simulated EC2, each followed by an up that must be enough
	@tools/campaign.sh

check: ## types, lint, format, shell scripts
	@tools/check.sh

format: ## puts the code into the project's format
	@npx biome check --write .

bench: ## measures the example against plain buildx; results in bench/results
	@tools/bench.sh

sim: ## the simulated EC2 in the foreground, to try stack prod without an account: see docs/aws.md
	@tools/setup.sh --check
	@tools/sim.sh run
