# Two commands need nothing done before: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo screenshots test check bench interop conformance trust clean

test: .venv/installed
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The dashboard on a platform of its own, whatever this shell is set up for.
demo: .venv/installed
	@env -u XPANDER_API_KEY -u XPANDER_BASE_URL -u XPANDER_API_URL -u XPANDER_ORGANIZATION_ID $(BIN)/xp-tui

screenshots: .venv/installed
	$(BIN)/python screenshots/make.py

# The vendor's own client against the local platform, and a fuzzer against its routes.
interop: .venv/installed .venv-interop/installed
	$(BIN)/python -m tests.interop.run .venv-interop/bin/python
	$(BIN)/python -m tests.interop.fuzz .venv-interop/bin/schemathesis

bench: .venv/installed
	$(BIN)/python benchmarks/start.py
	$(BIN)/python -m benchmarks.cuts $(SDK_PYTHON)

# Every case of the event-stream table against our decoder, httpx-sse and the SDK.
conformance: .venv/installed
	$(BIN)/python -m benchmarks.conformance $(wildcard .venv-interop/bin/python)

# Everything that SECURITY.md promises, attacked.
trust: .venv/installed conformance
	$(BIN)/pytest -n auto tests/trust tests/screens/test_stories.py tests/screens/test_deciding.py tests/screens/test_terminal.py tests/local/test_crash.py

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
