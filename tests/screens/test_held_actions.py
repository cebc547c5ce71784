"""A held decision can be taken back on every screen, with the keys that the screen names."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.screen import ModalScreen

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice
from tui.screens.copy_dialog import COPY_KEYS
from tui.services import actions, review_loader

HOLD_SECONDS = 300.0
PROMISE = re.compile(r"(\S+(?:, then \S+)?) takes it back")


class Place(NamedTuple):
    """A place that can be open while a decision is held: how to open it, and what it shows."""

    keys: tuple[str, ...]
    words: str
    promise: str = "u"
    size: tuple[int, int] = (120, 40)


PLACES = {
    "list": Place((), "Needs you ("),
    "task": Place(("enter",), "Activity"),
    "review": Place(("a",), "what exactly"),
    "quit": Place(("q",), "Quit now?"),
    "help": Place(("question_mark",), "│  Keys  "),
    "copy": Place(("y",), "x-api-key"),
    "stop": Place(("X",), "Stop this task?"),
    "too small": Place((), "Too small", size=(58, 12)),
    "filter": Place(("slash",), " / ", "esc, then u"),
    "search": Place(("enter", "slash"), "Enter finds", "esc, then u"),
    "agents": Place(("at",), "type to narrow", "esc, then u"),
    "new task": Place(("n",), "A new task: which agent?", "esc, then u"),
    "composer": Place(("c",), "Say more in", "esc, then u"),
    "command line": Place(("colon",), "command", "esc, then u"),
    "palette": Place(("ctrl+p",), "Search for commands", "esc, then u"),
    "themes": Place(("f10",), "Search for themes", "esc, then u"),
}


async def open_place(operator: Operator, place: Place) -> None:
    """Hold an approval, then open a place and wait until it is shown."""
    await operator.hold_an_approval()
    if place.size != (120, 40):
        await operator.pilot.resize_terminal(*place.size)
    for key in place.keys:
        await operator.press(key)
    await operator.until(lambda: place.words in operator.text)


def outcomes(operator: Operator) -> list[str]:
    """Return the outcomes in the journal."""
    return [f"{line['verb']} {line['outcome']}" for line in operator.journal.lines() if line["kind"] == "done"]


@pytest.mark.parametrize("name", PLACES)
async def test_the_named_keys_take_back_in_every_place(serve: Serve, tmp_path: Path, name: str) -> None:
    place = PLACES[name]
    async with dashboard_with_invoice(serve, tmp_path, hold=HOLD_SECONDS) as operator:
        await open_place(operator, place)
        await operator.until(lambda: PROMISE.findall(operator.text) == [place.promise])
        for key in place.promise.replace("esc", "escape").split(", then "):
            await operator.press(key)
        await operator.until(lambda: outcomes(operator) == ["approve taken back"])
        assert operator.sent == []


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.long
async def test_a_hold_pauses_while_a_dialog_is_open(serve: Serve, tmp_path: Path, name: str) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=HOLD_SECONDS) as operator:
        await open_place(operator, PLACES[name])
        is_dialog = isinstance(operator.app.screen, ModalScreen)
        await operator.until(lambda: ("stands still" in operator.text) is is_dialog)
        held, asked, is_paused = operator.app.services.actions, list[bool](), operator.app.services.actions.is_paused

        def counted() -> bool:
            asked.append(is_paused())
            return asked[-1]

        held.is_paused = counted
        (before,) = held.seconds_left.values()
        await operator.until(lambda: len(asked) >= 3)
        (after,) = held.seconds_left.values()
        assert (after == before) is is_dialog


@pytest.mark.long
async def test_a_hold_resumes_when_the_dialog_is_closed(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=5.0) as operator:
        await open_place(operator, PLACES["help"])
        await operator.until(lambda: "stands still" in operator.text)
        await operator.press("escape")
        await operator.until(lambda: "approve Pay invoice 7 in" in operator.text)
        await operator.until(lambda: outcomes(operator) == ["approve confirmed"])


async def test_a_hold_that_is_paused_too_long_is_taken_back(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert actions.MAX_PAUSED_SECONDS == 60.0
    monkeypatch.setattr(actions, "MAX_PAUSED_SECONDS", 1.5)
    async with dashboard_with_invoice(serve, tmp_path, hold=3.0) as operator:
        await open_place(operator, PLACES["help"])
        await operator.until(lambda: outcomes(operator) == ["approve taken back"])
        assert "a dialog was open for" in operator.toasts()
        assert operator.sent == []


async def test_clicking_the_hold_line_of_a_dialog_takes_back(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=HOLD_SECONDS) as operator:
        await open_place(operator, PLACES["copy"])
        await operator.until(lambda: "stands still" in operator.text)
        await operator.click("takes it back")
        await operator.until(lambda: outcomes(operator) == ["approve taken back"])


async def test_an_open_reason_input_leaves_the_take_back_key_to_the_held_decision(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=HOLD_SECONDS) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("R")
        await operator.until(lambda: "why not?" in operator.text)
        await operator.ready_to_decide()
        await operator.click("A approve")
        await operator.until(lambda: "u takes it back" in operator.text)
        await operator.pilot.pause(0.35)
        await operator.press("u")
        await operator.until(lambda: outcomes(operator) == ["approve taken back"])


def test_no_copy_key_is_the_take_back_key() -> None:
    assert "u" not in COPY_KEYS.values()


def read_again_when(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Delay the second reading of a decision until the event is set."""
    may_read, shown = asyncio.Event(), review_loader.load_review

    async def slow(*about: Any) -> Any:
        await may_read.wait()
        return await shown(*about)

    monkeypatch.setattr(actions, "load_review", slow)
    return may_read


async def test_a_decision_that_is_being_checked_can_be_taken_back_in_the_review(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = read_again_when(monkeypatch)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "reading it again …  u takes it back" in operator.text)
        await operator.pilot.pause(0.35)
        await operator.press("u")
        may_read.set()
        await operator.until(lambda: outcomes(operator) == ["approve taken back"])
        assert "nothing is held" not in operator.text
        assert operator.sent == []


async def test_a_decision_that_is_being_checked_can_be_taken_back_in_the_list(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = read_again_when(monkeypatch)
    async with dashboard_with_invoice(serve, tmp_path, hold=1.0) as operator:
        await operator.hold_an_approval()
        await operator.until(lambda: "is read again   u takes it back" in operator.text)
        await operator.press("u")
        may_read.set()
        await operator.until(lambda: outcomes(operator) == ["approve taken back"])
        assert operator.sent == []


async def test_the_quit_dialog_says_being_sent_only_of_sent_actions(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = read_again_when(monkeypatch)
    async with dashboard_with_invoice(serve, tmp_path, hold=1.0) as operator:

        async def never_answered(*_: Any) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(operator.app.client, "approve", never_answered)
        await operator.hold_an_approval()
        await operator.until(lambda: "is read again" in operator.text)
        await operator.press("q")
        await operator.until(lambda: "held: it is not sent then" in operator.text)
        assert "being sent" not in operator.text
        may_read.set()
        await operator.until(lambda: operator.sent == ["approve"])
        await operator.until(lambda: "being sent: what comes of it is not told" in operator.text)
        assert "it is not sent then" not in operator.text


async def test_a_stop_is_shown_as_requested_only_once_it_is_sent(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=HOLD_SECONDS) as operator:
        await operator.hold_an_approval()
        await operator.press("X", "tab", "enter")
        await operator.until(lambda: "stop requested" in operator.toasts())
        assert operator.sent == ["stop"]
        assert "already under way" not in operator.toasts()


async def test_a_held_decision_is_shown_on_the_list_and_when_quitting(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=30.0) as operator:
        await operator.hold_an_approval()
        await operator.until(lambda: "approve Pay invoice 7 in" in operator.text)
        await operator.press("q")
        await operator.until(lambda: "Quit now?" in operator.text)
        await operator.press("enter", "u")
        await operator.until(lambda: "taken back" in operator.toasts())
        await operator.until(lambda: "approve Pay invoice 7 in" not in operator.text)
        assert operator.sent == []
