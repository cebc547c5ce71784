"""The summary of a request in one line, and its content apart from its envelope."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.request_summary import MAX_PARTS, request_summary, split_request
from tui.security.redact import Redactor
from tui.security.sanitize import sanitize_text

SECRET = "xpl-known-secret-0123456789"
REDACTOR = Redactor([SECRET])
TRANSFER = {
    "operation": "bank.transfer", "amount": "642.75", "currency": "EUR", "to": "Nordlicht GmbH",
    "notify": ["ap@example.com"], "memo": "", "cc": None, "empty": [],
}  # fmt: skip


def summary_of(content: Any) -> str:
    return request_summary({"wait_node_id": "w", "title": "Pay?", "content": content}, REDACTOR)


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (TRANSFER, "bank.transfer · 642.75 EUR · Nordlicht GmbH · +1 field"),
        (json.dumps(TRANSFER), "bank.transfer · 642.75 EUR · Nordlicht GmbH · +1 field"),
        ({"to": "A", "action": "mail"}, "mail · A"),
        ({"unit": "kg", "weight": 3}, "3 kg"),
        ({"percent": 100, "currency": "", "dry_run": False}, "percent: 100 · dry_run: false"),
        ({"amount": "12", "to": "A", "currency": "EUR"}, "amount: 12 · A · EUR"),
        ({"a": {"b": 1}, "c": [1], "to": "A"}, "A · +2 fields"),
        ({f"n{n}": "x" for n in range(11)}, " · ".join(["x"] * MAX_PARTS) + " · +3 fields"),
        ({"to": "A · 9 EUR"}, '"A · 9 EUR"'),
        ({"to": "two\nlines  here"}, "two lines here"),
        ({"to": "x" * 70}, "x" * 59 + "…"),
        ({"to": "admin\u200b.exe \x1b[2J"}, "admin⟨U+200B⟩.exe ␛[2J"),
        ({"password": "hunter2-hunter2", "to": f"use {SECRET}"}, "••••ter2 · use ••••"),
        ("pay 5 EUR", "pay 5 EUR"),
        (7, "7"),
        (None, ""), ("", ""), ({}, ""), ([1, 2], ""), ({"a": None}, ""),
    ],
)  # fmt: skip
def test_a_summary_joins_the_operation_and_the_fields_of_the_content(content: Any, summary: str) -> None:
    assert summary_of(content) == summary


def test_a_tool_call_is_summed_up_by_its_name_and_its_arguments() -> None:
    payload = {"payload": {"body_params": {"host": "db-2", "command": "rm -rf /old"}, "headers": {"toolcallid": "c"}}}
    call = {"id": "e1", "tool_name": "shell.run", "payload": payload, "result": "it waits"}
    assert request_summary(call, REDACTOR) == "shell.run · db-2 · rm -rf /old"
    content, envelope = split_request(call)
    assert content == {"body_params": {"host": "db-2", "command": "rm -rf /old"}}
    assert envelope == {"id": "e1", "tool_name": "shell.run", "result": "it waits"}


@pytest.mark.parametrize(
    ("request_", "content", "envelope"),
    [
        ({"wait_node_id": "w"}, None, {"wait_node_id": "w"}),
        ({"wait_node_id": "w", "content": 0, "x": 1}, 0, {"wait_node_id": "w", "x": 1}),
        ({"wait_node_id": "w", "surprise": 1}, {"wait_node_id": "w", "surprise": 1}, {}),
        ({"connector_name": "Gmail", "auth_url": "https://a.example"}, {"connector_name": "Gmail", "auth_url": "https://a.example"}, {}),
        ({"questions": [1], "id": "q"}, [1], {"id": "q"}),
        ("text", "text", {}), (None, None, {}), ([1], [1], {}),
    ],
)  # fmt: skip
def test_a_request_is_split_into_content_and_envelope(request_: Any, content: Any, envelope: dict[str, Any]) -> None:
    assert split_request(request_) == (content, envelope)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(max_size=12), items, max_size=6),
    max_leaves=20,
)


@given(JSON)
def test_any_request_has_a_summary_in_one_safe_line(request_: Any) -> None:
    for summary in (request_summary(request_, REDACTOR), summary_of(request_)):
        assert "\n" not in summary
        assert sanitize_text(summary, reveals=True) == summary
        assert len(summary) < (MAX_PARTS + 1) * 200


@given(st.text(), st.sampled_from(["to", "operation"]))
def test_a_text_cannot_look_like_two_parts(text: str, name: str) -> None:
    summary = summary_of({name: f"a · b{text}"})
    assert summary.startswith('"')
    assert summary.endswith('"')


def test_a_known_secret_is_never_in_a_summary() -> None:
    assert SECRET not in summary_of({"operation": SECRET, "to": SECRET, SECRET: 5, "n": f"token={SECRET}"})
