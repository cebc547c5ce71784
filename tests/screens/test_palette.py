"""The command palette: what it lists, what it never lists, and how it opens."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandPalette

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tui.screens.palette import screen_commands
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen


async def test_the_palette_does_what_the_key_does(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("ctrl+p")
        await operator.until(lambda: "Search for commands" in operator.text)
        await operator.press(*"review")
        await operator.until(lambda: ":review" in operator.text)
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))


async def test_nothing_in_the_palette_decides(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        screen = await operator.ready_to_decide()
        assert not {"approve", "reject"} & set(screen_commands(screen))
        assert {"say", "undo", "next", "copy", "reload", "later"} <= set(screen_commands(screen))


async def test_the_palette_lists_every_action_with_its_keys(serve: Serve, tmp_path: Path) -> None:
    wanted = "open mark range continue new copy stop review filter sort turn times agents more reload help take_back"
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        known = screen_commands(operator.app.screen)
        assert set(wanted.split()) <= set(known)
        assert all(one.description and one.keys for one in known.values())
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        wanted = "timeline errors reasoning plan fold unfold follow pause only wrap raw mark marked search larger smaller zoom"
        assert set(wanted.split()) <= set(screen_commands(operator.app.screen))


async def test_the_palette_opens_only_once(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        for key in ("ctrl+p", "escape"):
            for _ in range(3):
                operator.app.simulate_key(key)
        await operator.press("ctrl+p")
        await operator.until(lambda: "Search for commands" in operator.text)
        await operator.pilot.resize_terminal(30, 10)  # the request for more room is above it now
        await operator.press("ctrl+p")
        await operator.pilot.resize_terminal(120, 40)
        await operator.until(lambda: "Search for commands" in operator.text)
        await operator.press("escape", "ctrl+p", "escape", "ctrl+p")
        await operator.until(lambda: "Search for commands" in operator.text)


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
async def test_paging_in_a_palette_without_room_is_harmless(serve: Serve, tmp_path: Path, key: str) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.pilot.resize_terminal(80, 4)
        await operator.until(lambda: "Too small" in operator.text)
        await operator.press("ctrl+p")
        await operator.until(lambda: isinstance(operator.app.screen, CommandPalette))
        await operator.press("down", "down", key)
        await operator.pilot.resize_terminal(80, 24)
        await operator.press("down", key)
        await operator.until(lambda: "Search for commands" in operator.text)
