# Each target does its own set-up and repeats none of it; the scripts in .ci/ do the work.
# PYTHON=python3.12 picks the interpreter, ARGS="..." reaches the program or pytest.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
export PYTHON ARGS

.DEFAULT_GOAL := help
.PHONY: help run test test-noqt test-cluster check format bench fuzz soak screenshots lock clean

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run:  ## open HOWK Studio, or show what it does where there is no display
	@.ci/start

test:  ## every test, the window's under Xvfb where it can be had
	@.ci/test

test-noqt:  ## the engine's tests in an environment without Qt
	@.ci/test-noqt

test-cluster:  ## the tests against a real Kafka broker and a real redis-server
	@.ci/test-cluster

check:  ## ruff, mypy --strict and the import contracts
	@.ci/check

format:  ## let ruff rewrite what it can
	@.ci/setup dev
	@.venv/bin/ruff check --quiet --fix-only .
	@.venv/bin/ruff format --quiet .

bench:  ## the benchmarks
	@.ci/system-packages venv qt
	@.ci/setup dev
	@QT_QPA_PLATFORM=offscreen .venv/bin/python -m tests.bench $(ARGS)

fuzz:  ## attack the sandbox with 100,000 made-up scripts
	@.ci/system-packages venv
	@.ci/setup dev
	@.venv/bin/python -m tests.fuzz $(ARGS)

soak:  ## 100,000 good, bad and hostile runs, and the memory they take
	@.ci/system-packages venv
	@.ci/setup dev
	@.venv/bin/python -m tests.soak $(ARGS)

screenshots:  ## the README's pictures, drawn by the program itself
	@.ci/system-packages venv qt
	@.ci/setup run
	@mkdir -p resources/screenshots
	@for theme in light dark; do \
		QT_QPA_PLATFORM=offscreen .venv/bin/howk-studio gui --theme $$theme --script order_enrich \
			--screenshot resources/screenshots/$$theme.png 2>/dev/null || exit; \
	done
	@QT_QPA_PLATFORM=offscreen .venv/bin/python -m tests.shots resources/screenshots

lock:  ## pin all dependencies anew from pyproject.toml
	@.ci/lock

clean:  ## remove the environments, caches and build output
	@rm -rf .venv .venv-noqt build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
