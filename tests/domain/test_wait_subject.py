"""wait_subject: what a task waits for, in the words of its payload, masked and in one line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.activity_sources import activity_of
from tui.client.log_entries import parse_entry
from tui.client.models import Task
from tui.domain.wait_subject import wait_subject
from tui.security.redact import Redactor

SECRET = "sk-secret-of-mine-123456"
REQUEST = {"title": "Pay?", "content": '{"amount": 642.75, "currency": "EUR", "to": "Nordlicht GmbH"}'}


@pytest.mark.parametrize(
    ("fields", "entry", "subject"),
    [
        ({"hitl_request": REQUEST}, None, "642.75 EUR · Nordlicht GmbH"),
        ({"hitl_request": {"title": "Pay?", "description": "It is\nlate"}}, None, "Pay? · It is late"),
        ({"hitl_request": {"wait_node_id": "n"}}, None, ""),
        ({"pending_eca_request": {"connector_name": "Gmail"}}, None, "Gmail"),
        ({}, {"questions": [{"question": "Which region?"}]}, "Which region?"),
        ({}, {"tool_name": "shell.run", "payload": {"host": "db-2"}, "approval_request_id": "r"}, "shell.run · db-2"),
        ({}, {"action": "ask_for_secret", "name": "TOKEN", "reason": "to log in"}, "TOKEN, to log in"),
        ({}, {"request_id": "k", "type": "confirmation", "title": "Delete?", "description": "For ever"}, "Delete?, For ever"),
        ({}, {"type": "login_required", "data": {"server_name": "Gmail"}}, "Gmail"),
        ({}, {"action": "self_schedule", "run_at": "2026-11-21T12:00:00Z"}, ""),
        ({}, None, ""),
    ],
)  # fmt: skip
def test_the_payload_says_what_the_wait_is_about(fields: Any, entry: Any, subject: str) -> None:
    task = Task.from_value({"id": "t", "status": "paused", **fields})
    assert wait_subject(task, parse_entry(entry) if entry else None, Redactor()) == subject


def test_secrets_and_control_characters_are_never_shown() -> None:
    hostile = f"pay\x1b[31m {SECRET} \u202enow" + "x" * 500
    for fields in ({"hitl_request": {"description": hostile}}, {"hitl_request": {"content": {"to": hostile}}}):
        subject = wait_subject(Task.from_value({"id": "t", **fields}), None, Redactor([SECRET]))
        assert SECRET not in subject
        assert subject.isprintable()
        assert len(subject) <= 300


def test_the_card_of_a_held_call_is_told_in_the_words_of_the_call() -> None:
    held = {"id": "c", "tool_name": "shell.run", "payload": {"command": "rm -rf /old"}, "approval_request_id": "r"}
    card = {"id": "k", "action": "approval_requested", "title": "Run shell.run?", "approval_request_id": "r"}
    for entries, subject in (([held, card], "shell.run · rm -rf /old"), ([card], "Run shell.run?")):
        activity = activity_of("t", *entries)
        task = Task.from_value({"id": "t", "status": "paused"})
        assert wait_subject(task, activity.open_entry, Redactor()) == subject
