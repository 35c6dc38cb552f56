.DEFAULT_GOAL := help
.PHONY: help demo test check bench run up clean

PYTHON ?= python3
BIN := .venv/bin
SYNCED := .venv/.synced
EXTRAS := --extra payment --extra escrow --extra payout-scheduler --extra audit --extra settings --extra devstack --group bench

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(SYNCED) ## A marketplace's day, end to end, with everything embedded
	@$(BIN)/holdfast demo

test: check ## Every check and every test, on real PostgreSQL 16 and 18 and real RabbitMQ
	@infra/install.sh
	@$(BIN)/pytest -n 2 --dist worksteal

check: $(SYNCED) ## Format, lint, types, import rules, generated contracts
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m contracts.events.generate --check

bench: $(SYNCED) ## Benchmarks as JSON lines; make bench NAME=append for one
	@infra/install.sh
	@$(BIN)/python -m tests.bench $(NAME)

run: $(SYNCED) ## PostgreSQL, the Stripe twin and all services in one process, until Ctrl-C
	@$(BIN)/holdfast devstack up

up: ## The distributed set in containers
	docker compose up --build --detach --wait

clean: ## Remove what was installed, built and kept here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Holdfast needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ echo "Python cannot make a venv: install the package python3-venv." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# --inexact: uv itself lives in the same venv and would be swept out.
$(SYNCED): pyproject.toml uv.lock | $(BIN)/uv
	@$(BIN)/uv sync --frozen --inexact --quiet $(EXTRAS)
	@touch $@
