"""The screen of a task: its timeline, search, events and inspector, and that closing it frees them."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, open_dashboard
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector
from tui.widgets.virtual_list import VirtualList


async def test_the_timeline_shows_spans_and_a_scale(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24)) as operator:
        await operator.press("enter")
        await operator.until(lambda: "TOL" in operator.text)
        await operator.press("v")
        await operator.until(lambda: "Timeline" in operator.text and "longest:" in operator.text)
        assert "█" in operator.text
        assert "≈" in operator.text
        await operator.press("v")
        await operator.until(lambda: "waits: approval" in operator.text)


async def test_a_search_unfolds_what_it_finds(serve: Serve, tmp_path: Path) -> None:
    # Private: the depth of rows out of sight is not visible from outside.
    async with serve(pace=200) as here:
        told = {"input": {"text": "Brief me"}, "title": "Brief me", "events_streaming": True}
        made = here.local.platform.create("researcher", told)
        await here.until(made["id"], "completed")
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "Brief me" in operator.text)
            await operator.press("enter")
            await operator.until(lambda: "■ " in operator.text and "SUB" in operator.text)
            tree = operator.app.screen.query_one(ActivityTree)
            await operator.press("z", "R")
            await operator.until(
                lambda: any(getattr(row, "depth", 0) for row in map(tree._rows.row, range(tree.count())))
            )
            await operator.press("z", "M")
            inner = "TOL"
            assert not any(getattr(row, "depth", 0) for row in map(tree._rows.row, range(tree.count())))
            assert inner not in operator.text
            await operator.press("slash", *"web.search", "enter")
            await operator.until(lambda: "1 of" in operator.text)
            assert inner in operator.text
            await operator.press("escape")
            assert tree.has_focus


async def test_events_are_filtered_wrapped_shown_raw_and_marked(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("enter", "2")
        pane = operator.app.screen.query_one(EventPane)
        await operator.until(lambda: "tool_call_result" in operator.text)
        everything = pane.count()
        await operator.press("home", "o")
        assert 0 < pane.count() < everything
        await operator.press("o")
        assert pane.count() >= everything
        await operator.press("slash", *"tool_call")
        await operator.until(lambda: 0 < pane.count() < everything)
        await operator.press("escape")
        await operator.until(lambda: pane.count() >= everything)
        await operator.press("W")
        await operator.until(lambda: '{"' in operator.text)
        lines = pane.count()
        await operator.press("w")
        await operator.until(lambda: pane.count() > lines)
        await operator.press("home")
        first = pane.cursor
        await operator.press("space", "end", "apostrophe")
        assert pane.cursor == first


async def test_the_inspector_folds_searches_and_copies_json(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyperclip

    copied: list[str] = []
    monkeypatch.setattr(pyperclip, "determine_clipboard", lambda: (copied.append, None))
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("enter")
        await operator.until(lambda: "TOL" in operator.text)
        await operator.press("home", "3")
        inspector = operator.app.screen.query_one(Inspector)
        await operator.until(lambda: "▸ whole entry" in operator.text)
        await operator.press("slash", *"content", "enter", "escape")
        await operator.until(lambda: "▾ whole entry" in operator.text)
        await operator.press("y", "p")
        await operator.until(lambda: copied == ["content"])
        await operator.press("y", "s")
        await operator.until(lambda: len(copied) == 2)
        assert json.loads(copied[1])["text"] == "Pay it"
        await operator.press("h")
        await operator.until(lambda: "▸ content" in operator.text)
        assert inspector.has_focus


async def test_closing_a_task_screen_frees_its_widgets(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("enter")
        screen = operator.app.screen
        assert isinstance(screen, TaskScreen)
        drawn = [weakref.ref(lines) for lines in screen.query(VirtualList)]
        assert len(drawn) == 4
        del screen
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.press("j")
        await operator.until(lambda: gc.collect() >= 0 and not any(widget() for widget in drawn))
