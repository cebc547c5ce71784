"""The words of a review, and when a request counts as another one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from textual.app import App

from tui.client.log_entries import Log
from tui.client.models import Task, Wait, WaitKind
from tui.domain.review import ReviewSnapshot
from tui.screens.review import ReviewScreen
from tui.screens.review_words import hint_for_wait, is_another_request, payload_title
from tui.security.redact import Redactor
from tui.widgets.inspector import Inspector
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def shown(kind: WaitKind = WaitKind.APPROVAL, held: Any = None) -> ReviewSnapshot:
    """Return a waiting task as it is reviewed."""
    return ReviewSnapshot(Task.from_value({"id": "t", "status": "paused"}), Log(()), Wait(kind, NOW), held)


@pytest.mark.parametrize(
    ("held", "is_another"),
    [({"pay": 1}, False), ({"pay": True}, True), ({"pay": 1.0}, True), ({"pay": 2}, True)],
)
def test_a_request_is_another_one_if_its_json_differs(held: Any, is_another: bool) -> None:
    assert is_another_request(shown(held=held), shown(held={"pay": 1})) is is_another


def test_a_request_is_another_one_if_the_wait_differs_or_nothing_was_shown() -> None:
    assert is_another_request(shown(WaitKind.QUESTION), shown())
    assert is_another_request(shown(), None)


async def test_a_wait_that_is_no_approval_has_a_hint_with_its_key() -> None:
    async with App[None]().run_test() as pilot:
        await pilot.app.push_screen(screen := ReviewScreen("t", ui := UIContext(lambda: NOW, Redactor(), "test")))
        assert hint_for_wait(screen, shown(WaitKind.QUESTION), ui) == ": c answers it"
        assert hint_for_wait(screen, shown(WaitKind.SIGN_IN), ui) == ": b opens the sign-in, in a browser"
        assert hint_for_wait(screen, shown(), ui) == ""
        assert hint_for_wait(screen, None, ui) == ""
        far = UIContext(lambda: NOW, Redactor(), "test", no_browser=lambda: "no browser on this machine")
        assert hint_for_wait(screen, shown(WaitKind.SIGN_IN), far).startswith(": y copies the address")


async def test_the_title_of_the_payload_says_what_is_masked() -> None:
    async with App[None]().run_test() as pilot:
        await pilot.app.push_screen(screen := ReviewScreen("t", UIContext(lambda: NOW, Redactor(), "test")))
        payload = screen.query_one("#payload", Inspector)
        payload.is_read = True
        assert payload_title(screen, payload, 0, holds_own_secret=False) == ("▌ Payload", "faint")
        masked = payload_title(screen, payload, 2, holds_own_secret=False)
        assert masked == ("▌ Payload  2 masked, as they may be secrets: M shows them for 10 s", "faint")
        own = payload_title(screen, payload, 0, holds_own_secret=True)
        assert own == ("▌ Payload  your own API key is in it, and stays masked", "need")
