"""The words of a review, and when a request counts as another one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App

from tui.client.log_entries import Log
from tui.client.models import Task, Wait, WaitKind
from tui.domain.action import Action, Verb
from tui.domain.review import ReviewSnapshot
from tui.screens.base import HeldActions, Segments
from tui.screens.review import ReviewScreen
from tui.screens.review_status import StatusNotes, button_segments, hold_bar, running_segments, waiting_segments
from tui.screens.review_words import deadline_words, is_another_request, payload_title
from tui.security.redact import Redactor
from tui.widgets.inspector import Inspector
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
UI = UIContext(lambda: NOW, Redactor(), "test")


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


def texts(segments: Segments) -> list[str]:
    return [piece.text.strip() for piece, _ in segments if piece.text.strip()]


@pytest.fixture
async def screen() -> AsyncIterator[ReviewScreen]:
    """A review screen."""
    async with App[None]().run_test() as pilot:
        await pilot.app.push_screen(shown_screen := ReviewScreen("t", UI))
        yield shown_screen


async def test_each_wait_has_its_own_buttons(screen: ReviewScreen) -> None:
    request = ReviewSnapshot(
        Task.from_value({"id": "t", "status": "paused", "hitl_request": {"wait_node_id": "n"}}),
        Log(()), Wait(WaitKind.APPROVAL, NOW), {},
    )  # fmt: skip
    assert texts(button_segments(screen, request, UI, "")) == ["A approve", "R reject…"]
    card = ReviewSnapshot(request.task, Log(()), Wait(WaitKind.APPROVAL, NOW), {}, request_id="k", is_in_log=True)
    assert texts(button_segments(screen, card, UI, "")) == ["A confirm", "R dismiss"]
    assert texts(button_segments(screen, shown(WaitKind.QUESTION), UI, "")) == ["c answer"]
    assert texts(button_segments(screen, shown(WaitKind.UNKNOWN), UI, "")) == []
    assert texts(button_segments(screen, None, UI, "")) == []
    sign_in = {"connector_name": "Mail", "auth_url": "https://a.example"}
    task = Task.from_value({"id": "t", "status": "paused", "pending_eca_request": sign_in})
    signing_in = ReviewSnapshot(task, Log(()), Wait(WaitKind.SIGN_IN, NOW), sign_in)
    assert texts(button_segments(screen, signing_in, UI, "")) == ["b open in a browser", "y copy the address"]
    far = replace(UI, no_browser=lambda: "no browser on this machine")
    assert texts(button_segments(screen, signing_in, far, "")) == ["y copy the address"]
    styles = {piece.style for piece, name in button_segments(screen, request, UI, "a moment") if name}
    assert styles == {"button-off"}


async def test_blocked_buttons_make_room_for_the_reason(screen: ReviewScreen) -> None:
    question = shown(WaitKind.QUESTION)
    short, long = (StatusNotes("", "x" * length, False) for length in (20, 75))
    assert texts(waiting_segments(screen, question, UI, short)) == ["c answer", "x" * 20]
    assert texts(waiting_segments(screen, question, UI, long)) == ["x" * 75]


async def test_the_bar_of_a_hold_is_left_out_with_reduced_motion(screen: ReviewScreen) -> None:
    action = Action(Verb.APPROVE, "t", hold=10.0)
    held = HeldActions("", {action.id: 4.2}, is_paused=False)
    moving = running_segments(screen, action, UI, held, is_retractable=True)
    assert texts(moving) == ["approve in 4 s", "█████░░░░░", "u takes it back"]
    long = running_segments(screen, replace(action, comment="why " * 40), UI, held, is_retractable=True)
    assert sum(len(piece.text) for piece, _ in long) <= screen.size.width
    assert texts(long)[-1] == "u takes it back"
    still = running_segments(screen, action, replace(UI, is_still=True), held, is_retractable=True)
    assert texts(still) == ["approve in 4 s", "u takes it back"]


@pytest.mark.parametrize(
    ("left", "total", "bar"),
    [(10, 10, "█" * 10), (9.9, 10, "█" * 10), (0.1, 10, "█" + "░" * 9), (0, 10, "░" * 10), (99, 10, "█" * 10), (-1, 10, "░" * 10), (5, 0, "")],
)  # fmt: skip
def test_the_bar_of_a_hold_empties(left: float, total: float, bar: str) -> None:
    assert hold_bar(left, total) == bar


@pytest.mark.parametrize(
    ("deadline", "words"),
    [
        (NOW + timedelta(minutes=8), "decide by 12:08, in 8m"),
        (NOW + timedelta(days=2), "decide by 11-30 12:00, in 2d"),
        (NOW, "the deadline 12:00 is over"),
        (NOW - timedelta(days=1), "the deadline 11-27 12:00 is over"),
    ],
)
def test_a_deadline_is_told_with_the_time_that_is_left(
    deadline: datetime, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        assert deadline_words(deadline, NOW) == words
    time.tzset()


async def test_the_title_of_the_payload_says_what_is_masked(screen: ReviewScreen) -> None:
    payload = screen.query_one("#payload", Inspector)
    payload.is_read = True
    assert payload_title(screen, payload, 0, holds_own_secret=False)[1][0] == ("", "faint")
    masked = payload_title(screen, payload, 2, holds_own_secret=False)
    assert masked[1][0] == ("2 masked, as they may be secrets: M shows them for 10 s", "faint")
    own = payload_title(screen, payload, 0, holds_own_secret=True)
    assert own[1][0] == ("your own API key is in it, and stays masked", "need")
