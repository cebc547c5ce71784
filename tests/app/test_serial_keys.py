"""SerialKeys: each key of a burst is handled by the screen that the key before it opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tui.screens.review import ReviewScreen
from tui.screens.task_list import TaskListScreen


@pytest.mark.parametrize(
    ("quickly", "words"),
    [
        ("/quit", "Nothing of 1 loaded"),
        ("/acme XRAc", "Nothing of 1 loaded"),
        ("/a X", "Nothing of 1 loaded"),
        ("/title:Pay", "Stop this task?"),
    ],
)
async def test_keys_in_one_burst_go_to_the_screen_that_the_first_key_opens(
    serve: Serve, tmp_path: Path, quickly: str, words: str
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        names = {"/": "slash", " ": "space", ":": "colon"}
        for char in quickly:
            operator.app.post_message(events.Key(names.get(char, char), char))
        await operator.until(lambda: operator.app.screen.query_one(Input).value == quickly[1:])
        for key in ("enter", "X"):
            operator.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await operator.until(lambda: operator.app.screen.query_one(Input).value == quickly[1:])
        await operator.until(lambda: words in operator.text)


async def test_a_burst_of_escapes_goes_back_to_the_list_and_no_further(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("enter")
        await operator.until(lambda: "TOL" in operator.text)
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        for _ in range(6):
            operator.app.post_message(events.Key("escape", None))
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.pilot.pause(0.2)
        assert isinstance(operator.app.screen, TaskListScreen)


async def test_a_key_that_arrives_while_the_app_closes_is_harmless(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        key = events.Key("x", "x")
        key._set_forwarded()
        await operator.app._close_all()
        await operator.app.on_event(key)
        assert operator.app.screen_stack == []
