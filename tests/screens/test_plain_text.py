"""Copied text: the whole of what is selected, masked, without glyphs, fold marks, indentation and cuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tests.screens.test_task_parts import NOW, state_of
from tui.client.events import Event
from tui.client.log_entries import parse_entry
from tui.domain.activity_log import Gap
from tui.domain.state import EventSeen
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import TreeRow
from tui.screens.plain_text import item_text, row_text
from tui.security.redact import Redactor
from tui.widgets.inspector import Inspector

SECRET = "key-of-this-test-0123456789"
REDACTOR = Redactor([SECRET])
LONG = "All of it.\n\n" + "word " * 4_000 + "\n  the end"
CALL = {"id": "c", "tool_name": "pay", "payload": {"to": ["a", "b"], "note": LONG}, "finished_at": "2026-11-28T12:00Z"}


def test_a_message_is_copied_whole_as_it_was_written() -> None:
    state = state_of({"id": "m", "role": "agent", "content": {"text": LONG}})
    activity = state.activity("t")
    assert activity is not None
    assert row_text(TreeRow(3, "t", activity.nodes[0]), state, "t", REDACTOR) == LONG


def test_a_call_is_copied_with_its_arguments_its_reason_and_its_whole_result() -> None:
    reason = {"title": "It is due", "description": "since May"}
    text = item_text(parse_entry({**CALL, "reasoning": reason, "result": LONG, "is_error": True}), REDACTOR)
    assert text.startswith('pay\n\npayload\n{\n  "to": [')
    assert "\n\nwhy, in the agent's words\nIt is due\nsince May\n\nerror\nAll of it." in text
    assert text.endswith(LONG)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"type": "chunk", "data": "a piece"}, "chunk\na piece"),
        ({"type": "think", "data": {"payload": {"input": {"title": "Look", "thought": "x\ny"}}}}, "Look\nx\ny"),
        ({"type": "brand_new", "data": {"n": 1}}, 'brand_new\n{\n  "n": 1\n}'),
        ({"type": "tool_call_request", "data": {"request_id": "r", "tool_name": "t", "payload": {}}}, "t"),
        ({"type": "ask_user_questions", "data": {"id": "c", "questions": ["Where to?"]}}, "Where to?\nopen"),
        ({"type": "odd"}, "odd"),
    ],
)
def test_an_event_is_copied_whole(event: dict[str, Any], text: str) -> None:
    assert item_text(Event.from_value(event), REDACTOR) == text


def test_what_is_no_entry_is_copied_by_its_words() -> None:
    assert item_text(Gap(NOW, 12.4), REDACTOR).endswith("for 12.4s, back-filled: not known yet")
    assert item_text(None, REDACTOR) == ""
    state = state_of(result="All done")
    wait = StatusRow("wait", " ‖ ", "waits: approval since noon")
    assert row_text(wait, state, "t", REDACTOR) == "waits: approval since noon"
    assert row_text(StatusRow("end", " ■ ", "completed"), state, "t", REDACTOR).startswith("result\nAll done\n\n")


def test_a_streamed_reply_is_copied_from_its_beginning() -> None:
    pieces = [{"type": "chunk", "task_id": "t", "data": f"piece {number} "} for number in range(1_000)]
    state = state_of().after([EventSeen("t", Event.from_value(piece), NOW) for piece in pieces])
    text = row_text(StatusRow("streaming", "AGT", "… piece 999"), state, "t", REDACTOR)
    assert text.startswith("piece 0 piece 1 ")
    assert text.rstrip().endswith("piece 999")


def test_secrets_and_control_characters_are_not_copied() -> None:
    text = item_text(parse_entry({**CALL, "result": f"\x1b[2J {SECRET}"}), REDACTOR)
    assert SECRET not in text
    assert "\x1b" not in text


async def test_an_operator_copies_the_text_of_what_is_looked_at(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24)) as operator:
        copied: list[str] = []
        monkeypatch.setattr(operator.app.services.copying, "copy", lambda name, text: copied.append(text))
        await operator.press("enter")
        await operator.until(lambda: "waits: approval" in operator.text)
        await operator.press("home", "y", "enter")
        await operator.until(lambda: copied)
        assert copied.pop() == "Pay it"
        await operator.press("3", "home")
        inspector = operator.app.screen.query_one(Inspector)
        await operator.until(lambda: inspector.has_focus and inspector.cursor == 0)
        await operator.press("y", "x")
        await operator.until(lambda: copied)
        assert copied == ["Pay it"]
