# Two commands need nothing done before: `make test` and, once the local platform is here, `make demo`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: test check bench clean

test: .venv/installed
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/python benchmarks/start.py
	$(BIN)/python -m benchmarks.cuts $(SDK_PYTHON)

.venv/installed: pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --quiet --frozen --group dev
	touch $@

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
