"""Lines that are printed as they were written say what those of tasks that were read say."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.cli.context import task_json
from tui.cli.output import Output
from tui.cli.written import _ABSENT, _MOMENTS, _TEXTS, Lines
from tui.client.json_codec import loads
from tui.client.models import Task, page_of
from tui.client.page_decode import sheet
from tui.security.redact import Masks, is_secret

KEY = "key-of-the-platform-0123456789"
AGENTS = {"a1": "Agent one", "a2": f"with {KEY}", "": "nameless"}
TEXTS = st.sampled_from(
    ["", " ", "t1", "a1", "a2", "[1]", '{"token": "abcdefgh"}', "password: hunter2hunter2", f"x{KEY}y", "é\u200b", "\x7f",
     "sk-abcdefghijklmnopqrstuv", '{"pin": "123456"}', '[{"pin": "1"}]', '"', "\n", "%b", "2026-11-01T00:00:07.000Z", "1e3", "completed", "paused", "running"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ODD = ["parent_task_id", "parent_execution", "tokens", "deep_planning", "pending_eca_request", "hitl_request", "result",
       "updated_at", "api_key", "headers", "user_tokens", "x%b", "é", f"n{KEY}"]  # fmt: skip
USUAL = {
    "id": st.sampled_from(["t1", "t2 ", " "]),
    "agent_id": st.sampled_from(["a1", "a2", None]),
    "status": st.sampled_from(["completed", "executing", "failed", "paused"]),
    "title": TEXTS | st.text() | st.none(),
    "finished_at": st.none() | st.datetimes(timezones=st.sampled_from([UTC, None])).map(datetime.isoformat),
}
rows = st.builds(
    lambda usual, odd, order: dict(sorted({**usual, **odd}.items(), key=lambda item: hash((item[0], order)))),
    st.fixed_dictionaries(USUAL),
    st.dictionaries(
        st.sampled_from(ODD) | st.text(max_size=3),
        JSON | TEXTS,
        max_size=4,
    ),
    st.integers(),
)


def printer(*known: str) -> Output:
    """What prints lines of JSON, and knows these secrets."""
    return Output(io.StringIO(), io.StringIO(), Masks([KEY, *known]), "ndjson")


def is_read(task: Task, lines: Lines) -> bool:
    """Whether the line of a task has to be told by what reads tasks one by one."""
    return isinstance(lines._line(task, lines._look_at([task.made_of])), msgspec.Raw)


def printed(content: bytes, *known: str, decode: Callable[[bytes], Any] = sheet) -> tuple[str, str]:
    """The lines of a page, and those of its tasks when they are read one by one."""
    out = printer(*known)
    whole = page_of(loads(content), Task.row, 1)
    for task in whole.items:
        out.json(task_json(task, task.wait, AGENTS.get(task.agent_id)))
    read = str(out.stdout.getvalue())  # type: ignore[attr-defined]
    if (told := decode(content)) is None:
        return read, read
    page = page_of(told, Task.of, 1)
    assert (page.total, page.pages, len(page.items)) == (whole.total, whole.pages, len(whole.items))
    assert page.items == whole.items
    return Lines(out, AGENTS).of(page.items), read


@given(st.lists(rows | JSON, max_size=3), st.booleans(), st.sampled_from([None, 1]))
def test_rows_are_printed_as_if_they_were_read(items: list[Any], is_ascii: bool, indent: int | None) -> None:
    page = {"items": items, "total": 3}
    content = json.dumps(page, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass")
    for decode in (sheet, loads):
        lines, read = printed(content, decode=decode)
        assert lines == read


@given(st.lists(st.lists(rows, max_size=3), max_size=4))
def test_what_is_known_of_a_page_changes_nothing_of_the_next(pages: list[list[dict[str, Any]]]) -> None:
    out = printer()
    lines = Lines(out, AGENTS)
    for page in pages:
        tasks = [Task.of(row) for row in page]
        assert lines.of(tasks) == Lines(out, AGENTS).of(tasks)


def test_what_is_odd_in_a_row_is_printed_as_if_it_were_read() -> None:
    deep = "[" * 300 + "]" * 300
    odd = [
        "-0",
        "-0.0",
        "1e400",
        "1.50",
        "1E5",
        "1e16",
        "18446744073709551616",
        "9" * 40,
        "9" * 5000,
        r'"\u0041\ud83d\ude00"',
        '"\u00e9"',
        r'"\u0001\b\f\n\/\""',
        '"\x7f"',
        deep,
        f'"{deep}"',
    ]
    for value in odd:
        row = f'{{"id": "t1", "status": "completed", "x": {value}, "password": "a", "token": null}}'
        lines, read = printed(f'{{"items": [{row}], "total_pages": 1e3}}'.encode())
        assert lines == read


PLAIN = {"id": "t1", "agent_id": "a1", "status": "failed", "title": "x", "updated_at": "2026-11-01T00:00:07+02:00"}


@pytest.mark.parametrize(
    "row",
    [
        PLAIN,
        {**PLAIN, "agent_id": None, "title": None, "status": "executing"},
        {**PLAIN, "agent_id": "a2", "title": f"{KEY} and sk-abcdefghijklmnopqrstuv"},
        {**PLAIN, "title": 'é "x"', "parent_execution": "t0", "x": {"pin": "1234"}},
        {**PLAIN, "parent_task_id": "", "parent_execution": "t0", "pin": "1234"},
        {**PLAIN, "title": '{"pin":"1234"}'},
        {**PLAIN, "title": '[{"pin":"1234"}]'},
        {**PLAIN, "title": "half a pair: \ud800"},
        {**PLAIN, "updated_at": "2026-11-07T09:09:09Z", "headers": {"x": "1234"}},
        {
            **PLAIN,
            "updated_at": 1.5,
            "created_at": 1794000000,
            "finished_at": "soon",
            "tokens": {},
            "deep_planning": [],
        },
    ],
)
def test_the_usual_rows_are_not_read(row: dict[str, Any]) -> None:
    lines, read = printed(json.dumps({"items": [row]}).encode(), "2026-11-07T09", decode=loads)
    assert lines == read
    assert not is_read(Task.of(row), Lines(printer(), AGENTS))
    for secret in (KEY, "1234", "2026-11-07T09"):
        assert secret not in lines


@pytest.mark.parametrize(
    "more",
    [
        {"id": " "},
        {"id": 1},
        {"title": 1},
        {"status": "paused"},
        {"tokens": {"total_tokens": 3}},
        {"tokens": 0},
        {"deep_planning": {"tasks": [{"completed": True}]}},
        {"status": "executing", "pending_eca_request": {"connector_name": "x"}},
        {"created_at": True},
        {f"n{KEY}": 1},
        {"é": 1},
    ],
)
def test_what_a_line_tells_otherwise_is_read(more: dict[str, Any]) -> None:
    row = {**PLAIN, **more}
    lines, read = printed(json.dumps({"items": [row]}).encode())
    assert lines == read
    assert is_read(Task.of(row), Lines(printer(), AGENTS))


def test_what_is_remembered_of_values_is_one_page_and_lets_no_secret_through() -> None:
    lines = Lines(printer(), AGENTS)
    titles = ("x", "y" * 1000, "x", KEY, "x", KEY)
    told = [lines.of([Task.of({**PLAIN, "id": f"t{number}", "title": title})]) for number, title in enumerate(titles)]
    assert [json.loads(line)["title"] for line in told] == ["x", "y" * 1000, "x", "••••", "x", "••••"]
    assert len(lines._open) <= len(PLAIN)


def test_what_a_line_says_first_has_names_of_no_secret() -> None:
    assert not any(map(is_secret, ("agent", "at", "status", *_TEXTS, *_MOMENTS, *_ABSENT)))
