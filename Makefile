# Two commands need nothing done before: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo screenshots test check cover mutants bench ratios interop conformance trust lowest matrix audit clean

test: .venv/installed
	$(BIN)/pytest -n auto $(PYTEST_ARGS)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# How much of tui/ the tests run, with the processes that they start: what decides, decodes, cleans or masks is run whole.
# A test that fails only here was too slow while it was measured: `make test` judges that.
WHOLE := tui/client/sse.py,tui/domain/activity_log.py,tui/domain/open_entries.py,tui/domain/waits.py,tui/domain/tree_rows.py,tui/domain/state.py,tui/domain/observations.py,tui/security/sanitize.py,tui/security/redact.py,tui/security/known_secrets.py,tui/domain/action.py,tui/services/actions.py,tui/services/action_checks.py,tui/services/action_requests.py,tui/domain/evidence.py,tui/services/confirmation.py,tui/services/earlier_actions.py
cover: .venv/installed
	rm -f .coverage .coverage.*
	-$(BIN)/coverage run -m pytest -n auto $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under 95
	$(BIN)/coverage report --fail-under 100 --include $(WHOLE)

# The same files changed in one place at a time, and whether a test notices: MUTANTS="--sample 40" for so many of each.
mutants: .venv/installed
	$(BIN)/python -m benchmarks.mutants $(MUTANTS)

# The dashboard on a platform of its own, whatever this shell is set up for.
demo: .venv/installed
	@env -u XPANDER_API_KEY -u XPANDER_BASE_URL -u XPANDER_API_URL -u XPANDER_ORGANIZATION_ID $(BIN)/xp-tui

screenshots: .venv/installed
	$(BIN)/python screenshots/make.py

# The vendor's own client against the local platform, and a fuzzer against its routes. Where a newer client is published than
# the pinned one, it says so and runs it as well, which fails nothing.
interop: .venv/installed .venv-interop/installed
	$(BIN)/python -m tests.interop.run .venv-interop/bin/python
	.venv-interop/bin/python tests/interop/secret_fields.py
	$(BIN)/python -m tests.interop.fuzz .venv-interop/bin/schemathesis
	-$(BIN)/python -m tests.interop.newest .venv-interop/bin/python $(BIN)/uv

# Every figure beside what others do, as a table in Markdown, a quarter of an hour; BENCH="--quick" takes seven minutes,
# BENCH="--rows 1,12" some rows, BENCH="--page" puts the table into docs/performance.md too.
# A peer that cannot be installed is left out, and its row says so.
PEERS := $(patsubst benchmarks/peers/%.txt,benchmarks/.peers/%/installed,$(wildcard benchmarks/peers/*.txt))
bench: .venv/installed
	-$(MAKE) --keep-going .venv-interop/installed $(PEERS)
	$(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python -m benchmarks.cuts $(wildcard .venv-interop/bin/python)

# Of the same the rows that take half a minute, for CI: it fails where a ratio is more than twice as bad as recorded.
ratios: .venv/installed
	$(BIN)/pytest --quiet benchmarks
	$(BIN)/python -m benchmarks --quick --rows 4,5,6,7,12

# Every case of the event-stream table against our decoder, httpx-sse and the SDK.
conformance: .venv/installed
	$(BIN)/python -m benchmarks.conformance $(wildcard .venv-interop/bin/python)

# Everything that SECURITY.md promises, attacked at full length, half an hour or so; `make test` does the same in small, but for what takes
# more than three seconds (the marker `long`). It ends with a table.
LONG := XP_STATUSES=all XP_PACE=15 XP_STORM=10000 XP_RUNS=10000 XP_RACES=1000 XP_KILLS=200 XP_SEEDS=10 XP_FAULTS=1000 XP_ROUNDS=100 XP_EVENTS=1000000 XP_MUTATED=1000000 XP_FUZZ=10000
trust: .venv/installed conformance
	XP_LONG=1 $(LONG) $(BIN)/pytest -n auto -m long $(PYTEST_ARGS)
	$(LONG) $(BIN)/pytest -n auto --dist worksteal tests/trust tests/screens/test_stories.py tests/screens/test_review.py \
		tests/screens/test_network_trouble.py tests/app/test_terminal.py tests/local/test_crash.py tests/client/test_event_stream.py \
		tests/services/test_actions_over_http.py tests/services/test_task_follower.py $(PYTEST_ARGS)

# The tests on the oldest dependencies that pyproject.toml admits. Left out is what builds, and the longest attacks: the storms of keys,
# every payload through a whole terminal, and the hunt for secrets through every screen.
lowest: .venv-lowest/installed
	.venv-lowest/bin/pytest -n auto --ignore tests/test_wheel.py --ignore tests/trust/test_supply.py --ignore tests/trust/test_secrets.py \
		--deselect tests/trust/test_hostile.py::test_no_hostile_text_reaches_the_terminal \
		--deselect tests/screens/test_stories.py::test_random_keys_decide_nothing $(PYTEST_ARGS)

# The tests on every Python from 3.11 up that this machine has, with the newest and with the oldest dependencies;
# MATRIX="--quick" runs a part of them on the newest Python, within a minute.
matrix: .venv/installed
	$(BIN)/python -m tests.matrix $(BIN)/uv $(MATRIX)

# Whether a version in uv.lock has a known vulnerability; it fails as well when that cannot be known.
audit: .venv/installed
	$(BIN)/python -m tests.trust.audit $(BIN)/uv

.venv/installed: pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --group dev
	touch $@

.venv-interop/installed: tests/interop/requirements.txt
	test -x .venv-interop/bin/python || $(PYTHON) -m venv .venv-interop
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-interop/bin/python -r tests/interop/requirements.txt
	touch $@

benchmarks/.peers/%/installed: benchmarks/peers/%.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python benchmarks/.peers/$*
	$(BIN)/uv pip install --quiet --compile-bytecode --python benchmarks/.peers/$*/bin/python -r $<
	touch $@

.venv-lowest/installed: pyproject.toml .venv/installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[local]'
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-lowest/bin/python --group dev
	touch $@

clean:
	rm -rf .venv .venv-interop .venv-interop-newest .venv-lowest .venv-matrix benchmarks/.peers dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
