"""What is shown is what is decided: the two keys work once every line was in sight and every masked part revealed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from tests.local.conftest import Serve
from tests.screens.operator import Operator, waiting
from tui.screens.deciding import DEAD
from tui.screens.review import ReviewScreen

HELD = "u takes it back"


async def decidable(operator: Operator) -> ReviewScreen:
    """Open the review, and wait until its keys decide."""
    await operator.press("a", "end")
    return await operator.ready_to_decide()


def refocus(operator: Operator) -> None:
    """Let the terminal lose the focus and regain it, as the driver tells the app."""
    operator.app.post_message(events.AppBlur())
    operator.app.post_message(events.AppFocus())


async def press_at_once(operator: Operator, *told: events.Event) -> None:
    """Post events to the app as the driver does, with no pause between them, and let them be handled."""
    for event in told:
        operator.app.post_message(event)
    await operator.pilot.pause()


async def test_the_keys_are_dead_after_the_terminal_regains_the_focus(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, hold=60.0) as operator:
        screen = await decidable(operator)
        await press_at_once(operator, events.AppBlur(), events.AppFocus(), events.Key("A", "A"))
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        assert HELD not in operator.text
        await operator.until(lambda: not screen.hindrance)


async def test_a_key_that_brings_the_focus_back_does_not_decide(serve: Serve, tmp_path: Path) -> None:
    """Some terminals tell the key before the focus, or never tell the focus."""
    async with waiting(serve, tmp_path, hold=60.0) as operator:
        await decidable(operator)
        await press_at_once(operator, events.AppBlur(), events.Key("A", "A"))
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        assert HELD not in operator.text


async def test_the_click_that_focuses_the_window_does_not_decide(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, hold=60.0) as operator:
        await decidable(operator)
        refocus(operator)
        await operator.click("A approve")
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        assert HELD not in operator.text


async def away_and_back(operator: Operator) -> None:
    await operator.press("question_mark")
    await operator.until(lambda: "Command line" in operator.text)
    await operator.press("escape")


async def resized(operator: Operator) -> None:
    await operator.pilot.resize_terminal(119, 40)


@pytest.mark.parametrize("disturb", [away_and_back, resized])
async def test_the_keys_are_dead_after_the_screen_comes_back_or_changes_its_size(
    serve: Serve, tmp_path: Path, disturb: Callable[[Operator], object]
) -> None:
    async with waiting(serve, tmp_path, hold=60.0) as operator:
        screen = await decidable(operator)
        now = screen._clock()
        screen._clock = lambda: now  # the moment lasts
        await disturb(operator)  # type: ignore[misc]
        await operator.until(lambda: operator.app.screen is screen and screen._armed_at == now + DEAD)
        await operator.press("A")
        assert "a moment: it has just appeared" in operator.text
        assert HELD not in operator.text
