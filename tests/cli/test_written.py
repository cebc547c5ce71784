"""Lines that are printed as they were written say what those of tasks that were read say."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.api.models import Task, page_of
from tui.api.sheets import Written, sheet
from tui.api.wirejson import loads
from tui.cli.output import Output
from tui.cli.session import task_json
from tui.cli.written import _ABSENT, _MOMENTS, _TEXTS, MOST, SHORT, Lines
from tui.masks import Masks, is_secret

KEY = "key-of-the-platform-0123456789"
AGENTS = {"a1": "Agent one", "a2": f"with {KEY}", "": "nameless"}
TEXTS = st.sampled_from(
    ["", " ", "t1", "a1", "a2", "[1]", '{"token": "abcdefgh"}', "password: hunter2hunter2", f"x{KEY}y", "é\u200b", "\x7f",
     "sk-abcdefghijklmnopqrstuv", '"', "\n", "%b", "2026-11-01T00:00:07.000Z", "1e3", "completed", "paused", "running"]
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


def lines_of(task: Task, masks: Masks) -> str:
    """The line of a task that was read."""
    out = Output(io.StringIO(), io.StringIO(), masks, "ndjson")
    out.json(task_json(task, task.wait, AGENTS.get(task.agent_id)))
    return str(out.stdout.getvalue())  # type: ignore[attr-defined]


def printed(content: bytes, *known: str) -> list[tuple[str | None, str]]:
    """Each row as it was written, where it can be, and as it is read."""
    masks = Masks([KEY, *known])
    lines = Lines(masks, AGENTS)
    apart = sheet(content)
    if apart is None:
        return []
    whole = page_of(loads(content), Task.row, 1)
    parts = page_of(apart, Task.row, 1)
    assert (parts.total, parts.pages, len(parts.items)) == (whole.total, whole.pages, len(whole.items))
    assert parts.items == whole.items
    return [(lines.line(part), lines_of(one, masks)) for part, one in zip(parts.items, whole.items, strict=True)]


@given(st.lists(rows | JSON, max_size=3), st.booleans(), st.sampled_from([None, 1]))
def test_a_row_is_printed_as_if_it_were_read(items: list[Any], is_ascii: bool, indent: int | None) -> None:
    page = {"items": items, "total": 3}
    content = json.dumps(page, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass")
    for line, read in printed(content):
        assert line in {None, read}


def test_what_is_odd_in_a_row_is_printed_as_if_it_were_read() -> None:
    deep = "[" * 300 + "]" * 300
    odd = [
        "-0",
        "1e400",
        "1.50",
        "1E5",
        "9" * 40,
        "9" * 5000,
        r'"\u0041\ud83d\ude00"',
        '"\u00e9"',
        '"\x7f"',
        deep,
        f'"{deep}"',
    ]
    for value in odd:
        row = f'{{"id": "t1", "status": "completed", "x": {value}, "x": {value}, "password": "a", "token": null}}'
        (line, read), = printed(f'{{"items": [{row}], "total_pages": 1e3}}'.encode())  # fmt: skip
        assert line == read


PLAIN = {"id": "t1", "agent_id": "a1", "status": "failed", "title": "x", "updated_at": "2026-11-01T00:00:07+02:00"}


@pytest.mark.parametrize(
    "row",
    [
        PLAIN,
        {**PLAIN, "agent_id": None, "title": None, "status": "executing"},
        {**PLAIN, "agent_id": "a2", "title": f"{KEY} and sk-abcdefghijklmnopqrstuv"},
        {**PLAIN, "title": 'é "x"', "parent_execution": "t0", "x": {"pin": "1234"}},
        {**PLAIN, "parent_task_id": "", "parent_execution": "t0", "pin": "1234"},
        {**PLAIN, "updated_at": "2026-11-07T09:09:09Z", "headers": {"x": "1234"}},
    ],
)
def test_the_usual_rows_are_not_read(row: dict[str, Any]) -> None:
    (line, read), = printed(json.dumps({"items": [row]}).encode(), "2026-11-07T09")  # fmt: skip
    assert line == read
    assert line is not None
    for secret in (KEY, "1234", "2026-11-07T09"):
        assert secret not in line


@pytest.mark.parametrize(
    "more",
    [
        {"id": " "},
        {"id": 1},
        {"title": 1},
        {"status": "paused"},
        {"tokens": {"total_tokens": 3}},
        {"deep_planning": {"tasks": [{"completed": True}]}},
        {"status": "executing", "pending_eca_request": {"connector_name": "x"}},
        {f"n{KEY}": 1},
    ],
)
def test_what_a_line_tells_otherwise_is_read(more: dict[str, Any]) -> None:
    (line, _), = printed(json.dumps({"items": [{**PLAIN, **more}]}).encode())  # fmt: skip
    assert line is None


def test_what_is_remembered_of_values_has_an_end_and_lets_no_secret_through() -> None:
    lines = Lines(Masks([KEY]), AGENTS)
    told = [{**PLAIN, "title": title} for title in ("x", "y" * 1000, "x", KEY, "x", KEY)]
    apart = sheet(json.dumps({"items": told + [{**PLAIN, "id": f"t{number}"} for number in range(2 * MOST)]}).encode())
    assert apart is not None
    printed = [lines.line(Task.row(row)) or "" for row in apart["items"]]
    assert all(printed)
    assert not any(KEY in line for line in printed)
    assert len(lines._open) <= MOST + len(PLAIN)
    assert not any(len(value) > SHORT for value in lines._open)


def test_what_a_line_says_first_has_names_of_no_secret() -> None:
    assert not any(map(is_secret, ("agent", "at", "status", *_TEXTS, *_MOMENTS, *_ABSENT)))


def test_a_row_taken_apart_is_the_row() -> None:
    content = b'{"items": [{"id": "t1", "tokens": {"total_tokens": 3}, "hitl_request": {"title": "x"}}]}'
    apart = sheet(content)
    assert apart is not None
    task = Task.row(apart["items"][0])
    assert isinstance(task.made_of, Written)
    assert task == Task.row(loads(content)["items"][0])
    assert (task.id, task.tokens and task.tokens.total, task.title) == ("t1", 3, None)
