# Two commands need nothing done before: `make demo` and `make test`.
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

# A platform of our own, what waits and runs on it, and one run live; Ctrl+C ends it.
demo: .venv/installed
	@set -e; PATH="$(CURDIR)/$(BIN):$$PATH"; data=$$(mktemp -d); \
	xp-tui local --data "$$data" > "$$data/exports" 2> "$$data/errors" & trap "kill $$!; rm -rf $$data" EXIT INT TERM; \
	until grep -q KEY "$$data/exports"; do kill -0 $$! || { cat "$$data/errors"; exit 1; }; sleep 0.2; done; \
	. "$$data/exports"; \
	xp-tui tasks --status paused --status executing --status failed; echo; \
	task=$$(xp-tui tasks --status executing -o ndjson | sed -n '$$s/^{"v":1,"kind":"task","id":"\([^"]*\)".*/\1/p'); \
	echo "xp-tui watch $$task"; xp-tui watch "$$task"

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
