# Two commands need nothing done before: `make test` and, once the local platform is here, `make demo`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench interop clean

test: .venv/installed
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: .venv/installed
	$(BIN)/python -m tests.interop.demo

# The vendor's own client against the local platform, and a fuzzer against its routes.
interop: .venv/installed .venv-interop/installed
	$(BIN)/python -m tests.interop.run .venv-interop/bin/python
	$(BIN)/python -m tests.interop.fuzz .venv-interop/bin/schemathesis

bench: .venv/installed
	$(BIN)/python benchmarks/start.py
	$(BIN)/python -m benchmarks.cuts $(SDK_PYTHON)

.venv/installed: pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --quiet --frozen --group dev
	touch $@

.venv-interop/installed: tests/interop/requirements.txt
	test -x .venv-interop/bin/python || $(PYTHON) -m venv .venv-interop
	$(BIN)/uv pip install --quiet --python .venv-interop/bin/python -r tests/interop/requirements.txt
	touch $@

clean:
	rm -rf .venv .venv-interop dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
