"""Entries of an activity log: their class, kind, label and state."""

from __future__ import annotations

from typing import Any

import pytest

from tui.client.log_entries import (
    Confirmation,
    Decision,
    Entry,
    Message,
    Other,
    Questions,
    Reasoning,
    SignIn,
    parse_entry,
)
from tui.client.questions import Question


@pytest.mark.parametrize(
    ("told", "kind", "label"),
    [
        ({"role": "system", "content": "x"}, "message", "x"),
        ({"type": "think", "action": "free text", "thought": "hm"}, "reasoning", "hm"),
        ({"type": "login_required", "data": {"server_name": "Gmail"}}, "sign-in", "Gmail login required"),
        ({"tool_name": "t"}, "tool", "t"),
        ({"agent_id": "a", "reasoning": {}, "query": "q"}, "sub-agent", "q"),
        ({"action": "create_execution", "query": "q"}, "sub-agent", "q"),
        ({"action": "stop_execution", "created_execution_id": "c"}, "decision", "stop execution"),
        ({"action": "brand_new"}, "other", "brand_new"),
        (5, "other", "entry"),
    ],
)
def test_each_entry_has_its_kind_and_label(told: Any, kind: str, label: str) -> None:
    assert (parse_entry(told).kind, parse_entry(told).label) == (kind, label)


def test_each_entry_has_its_class_even_if_the_sdk_has_none() -> None:
    assert isinstance(parse_entry({"type": "think", "title": "x", "confidence": 0.5, "action": "do it"}), Reasoning)
    assert isinstance(parse_entry({"role": "user", "content": "plain"}), Message)
    assert isinstance(parse_entry({"action": "approval_card"}), Other)


@pytest.mark.parametrize(
    ("told", "kind", "label", "is_open"),
    [
        ({"type": "token_ready", "data": {"server_url": "https://x"}}, SignIn, "https://x token ready", False),
        ({"type": "login_required", "data": "odd"}, SignIn, "login required", True),
        ({"action": "ask_execution", "title": "Ask it"}, Decision, "Ask it", None),
        ({"questions": [{"text": "Which?"}], "answers": ["a"]}, Questions, "Which?", False),
        ({"questions": [7], "title": "Some"}, Questions, "7", True),
        ({"questions": [], "title": "Some"}, Questions, "Some", True),
        ({"questions": []}, Questions, "question", True),
        ({"request_id": "r", "type": "confirm_action", "title": "Pay?"}, Confirmation, "Pay?", True),
        ({"request_id": "r", "action": "confirm", "approved": False}, Confirmation, "confirm", False),
        ({"request_id": "r", "action": "other"}, Other, "other", None),
        ({"type": "task_made_smaller"}, Other, "task_made_smaller", None),
        ({}, Other, "entry", None),
    ],
)
def test_an_entry_says_what_it_is_and_whether_it_waits(
    told: dict[str, Any], kind: type[Entry], label: str, is_open: bool | None
) -> None:
    entry = parse_entry(told)
    assert (type(entry), entry.label) == (kind, label)
    assert getattr(entry, "is_open", None) is is_open
    assert kind.from_value(entry) is entry


def test_a_sign_in_entry_has_the_url() -> None:
    assert SignIn.from_value({"type": "login_required", "data": {"url": "https://x/in"}}).url == "https://x/in"
    assert SignIn.from_value({"type": "login_required", "data": "https://x/in"}).url is None


def test_questions_are_read_with_their_options() -> None:
    told = [
        {"question_id": "q", "question": "Which?", "options": [{"value": "a", "label": "First"}, "Second", {}, 4]},
        {"title": "Why?", "options": "none"},
        "Bare?",
    ]
    first, second, third = Questions.from_value({"questions": told}).asked
    assert first == Question("q", "Which?", (("a", "First"), ("Second", "Second"), ("3", "3"), ("4", "4")))
    assert (second.id, second.text, second.options) == ("q2", "Why?", ())
    assert (third.id, third.text, third.options) == ("q3", "Bare?", ())
