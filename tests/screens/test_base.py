"""All screens: the notice of a small terminal, greyed keys, and selecting text."""

from __future__ import annotations

from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tui.screens.base import OverlayScreen, SizeNotice
from tui.screens.task_list import TaskListScreen


async def test_a_terminal_that_is_too_small_says_so(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.pilot.resize_terminal(50, 12)
        await operator.until(lambda: isinstance(operator.app.screen, SizeNotice) and "50×12" in operator.text)
        await operator.pilot.resize_terminal(60, 15)
        await operator.until(lambda: "Pay invoice 7" in operator.text)


async def test_a_greyed_key_tells_why_it_is_disabled(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, read_only=True) as operator:
        await operator.press("X")
        assert "read-only mode" in operator.text
        assert isinstance(operator.app.screen, TaskListScreen)


async def test_text_can_be_selected(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        column, row = operator.at("Pay invoice 7")
        await operator.pilot.mouse_down(offset=(column, row))
        await operator.pilot.hover(offset=(column + 8, row))
        await operator.pilot.mouse_up(offset=(column + 11, row))
        await operator.pilot.pause()
        assert (operator.app.screen.get_selected_text() or "").startswith("Pay invoice")


class QuestionScreen(OverlayScreen[None]):
    """A screen that queries its widgets when it is mounted."""

    def compose(self) -> ComposeResult:
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Input).focus()


async def test_an_app_that_exits_while_a_screen_opens_exits_cleanly() -> None:
    app = App[int]()
    async with app.run_test():
        app.push_screen(QuestionScreen())
        app.exit(7)  # from here on Textual mounts no widgets, but still tells the screen that it is mounted
    assert (app.return_value, app.return_code) == (7, 0)
