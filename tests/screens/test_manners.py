"""What an operator expects of every screen: palette, command line, other keys, rings, marks, folds, mouse."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.command import CommandPalette
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import QUICK, at_the_screens, invoice, make_invoice, waiting
from tui.app.app import XpTui
from tui.app.keymap import all_bindings, checked_keys
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.client.task_rows import Page, TaskQuery
from tui.domain.state import LogSeen, State, TasksSeen
from tui.domain.task_list_rows import TaskLine
from tui.screens.approval_base import DEAD_KEY_SECONDS
from tui.screens.base import OverlayScreen, SizeNotice
from tui.screens.bulk_review import BulkReviewScreen
from tui.screens.palette import screen_commands
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.security.redact import Redactor
from tui.services.list_poller import ACTIVE_STATUSES
from tui.storage.json_store import JsonStore
from tui.storage.settings import BadSettings
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_the_palette_does_what_the_key_does(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("ctrl+p")
        await operator.until(lambda: "Search for screen_commands" in operator.text)
        await operator.press(*"review")
        await operator.until(lambda: ":review" in operator.text)
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))


async def test_nothing_in_the_palette_decides(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("a", "end")
        screen = await operator.ready_to_decide()
        assert not {"approve", "reject"} & set(screen_commands(screen))
        assert {"say", "undo", "next", "copy", "reload", "later"} <= set(screen_commands(screen))


@pytest.mark.parametrize("quickly", ["/quit", "/acme XRAc", "/a X", "/title:Pay"])
async def test_keys_in_one_burst_go_where_the_first_of_them_leads(serve: Serve, tmp_path: Path, quickly: str) -> None:
    async with waiting(serve, tmp_path) as operator:
        names = {"/": "slash", " ": "space", ":": "colon"}
        for char in quickly:
            operator.app.post_message(events.Key(names.get(char, char), char))
        await operator.until(lambda: operator.app.screen.query_one(Input).value == quickly[1:])
        for key in ("enter", "X"):
            operator.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await operator.until(lambda: operator.app.screen.query_one(Input).value == quickly[1:])
        await operator.until(lambda: "Stop this task?" in operator.text or "Nothing of" in operator.text)


async def test_two_escapes_go_back_by_two_and_no_further(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("enter")
        await operator.until(lambda: "TOL" in operator.text)
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        for _ in range(6):
            operator.app.post_message(events.Key("escape", None))
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.pilot.pause(0.2)
        assert isinstance(operator.app.screen, TaskListScreen)


async def test_a_key_on_its_way_when_everything_is_taken_down_ends_nothing(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        key = events.Key("x", "x")
        key._set_forwarded()
        await operator.app._close_all()
        await operator.app.on_event(key)


async def test_every_action_has_a_name(serve: Serve, tmp_path: Path) -> None:
    wanted = "open mark range continue new copy stop review filter sort turn times agents more reload help take_back"
    async with waiting(serve, tmp_path) as operator:
        known = screen_commands(operator.app.screen)
        assert set(wanted.split()) <= set(known)
        assert all(one.description and one.keys for one in known.values())
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        wanted = "timeline errors reasoning plan fold unfold follow pause only wrap raw mark marked search larger smaller zoom"
        assert set(wanted.split()) <= set(screen_commands(operator.app.screen))


async def test_a_command_by_its_name(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("colon", *"filtr", "enter")
        await operator.until(lambda: "did you mean filter?" in operator.text)
        await operator.press(*["backspace"] * 5, *"filter id:nothing", "enter")
        await operator.until(lambda: "Nothing of 1 loaded tasks is shown" in operator.text)
        await operator.press("colon", *f"open {invoice(operator)['id'][:8]}", "enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        await operator.press("colon", *"theme xp-light", "enter")
        await operator.until(lambda: operator.app.theme == "xp-light")
        await operator.press("colon", *"theme none", "enter")
        await operator.until(lambda: "there is no theme none" in operator.toasts())


async def test_keys_of_my_own(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, keys=checked_keys({"tasks.stop": "f8"})) as operator:
        await operator.press("X")
        assert isinstance(operator.app.screen, TaskListScreen)
        await operator.press("f8")
        await operator.until(lambda: "Stop this task?" in operator.text)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"tasks.stpo": "f8"}, "did you mean tasks.stop?"),
        ({"tasks.stop": ""}, "is no key"),
        ({"review.approve": "enter"}, "never decides"),
        ({"review.reject": "ctrl+r"}, "never decides"),
    ],
)
def test_keys_that_cannot_be(keys: dict[str, str], words: str) -> None:
    with pytest.raises(BadSettings, match=words.replace("?", r"\?")):
        checked_keys(keys)


def test_no_key_with_ctrl_changes_anything_and_no_id_comes_twice() -> None:
    found = list(all_bindings())
    harmless = {"app.quit", "app.suspend", "lines.half_down", "lines.half_up"}
    assert {one.id for one in found if "ctrl+" in one.key} <= harmless
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids))


async def test_a_terminal_that_is_too_small_says_so(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.pilot.resize_terminal(50, 12)
        await operator.until(lambda: isinstance(operator.app.screen, SizeNotice) and "50×12" in operator.text)
        await operator.pilot.resize_terminal(60, 15)
        await operator.until(lambda: "Pay invoice 7" in operator.text)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (100, 30), (200, 50), (300, 100)])
async def test_every_size_shows_what_waits_and_decides(serve: Serve, tmp_path: Path, size: tuple[int, int]) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("a")
        await operator.until(lambda: "Review" in operator.text)
        await operator.pilot.resize_terminal(*size)
        if size < (80, 24):
            await operator.until(lambda: "were not shown yet: pgdn" in operator.text)
            await operator.read_by_pages(operator.app.screen.query_one("#payload", Inspector))
            await operator.until(lambda: "shift+tab, pgdn" in operator.text)
        await operator.ready_to_decide()
        assert "A approve" in operator.text
        assert all(len(line) == size[0] for line in operator.text.split("\n"))
        await operator.press("A")
        await operator.until(lambda: "approved, on record as" in operator.text)


async def test_drawn_in_ascii(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, is_ascii=True) as operator:
        await operator.until(lambda: "= approval" in operator.text)
        for keys, words in (
            ("", "Needs you"),
            ("X", "Keep running"),
            ("escape", ""),
            ("enter", "Activity"),
            ("v", "Timeline"),
        ):
            if keys:
                await operator.press(keys)
            await operator.until(lambda: words in operator.text)
            assert operator.text.isascii(), [char for char in operator.text if not char.isascii()]


async def test_without_colours_the_cursor_is_seen(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with waiting(serve, tmp_path) as operator:
        _, row = operator.at("Pay invoice 7")
        strips = operator.app.screen._compositor.render_strips()
        assert any(style and style.reverse for _, style, _ in strips[row])
        colours = {style.color.name for strip in strips for _, style, _ in strip if style and style.color}
        assert colours <= {"default"}


async def test_a_new_wait_rings_when_nobody_looks(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr("tui.app.app.write_to_terminal", lambda app, sequence: written.append(sequence))
    monkeypatch.setattr(XpTui, "bell", lambda self: written.append("bell"))
    monkeypatch.delenv("TMUX", raising=False)
    async with waiting(serve, tmp_path) as operator:
        assert written[-1] == "\x1b]0;1 need you · xp-tui\x07"
        operator.app.post_message(events.AppBlur())
        make_invoice(operator.here, 8)
        await operator.until(lambda: "\x1b]9;2 need you · xp-tui\x07" in written)
        assert "bell" in written
        await operator.until(lambda: "Pay invoice 8" in operator.toasts())


async def test_several_at_once_each_with_its_outcome(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        ids = [invoice(operator)["id"], make_invoice(operator.here, 8), make_invoice(operator.here, 9)]
        await operator.until(lambda: "3 need you" in operator.text and "‖ paused" not in operator.text)
        await operator.press("home", "space", "down", "v")
        assert "3 marked" in operator.text
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        screen = operator.app.screen
        assert isinstance(screen, BulkReviewScreen)
        await operator.press("A")
        assert operator.sent == []
        for _ in ids:
            await operator.press("tab")
            await operator.read_by_pages(screen.query_one("#payload", Inspector))
            await operator.until(lambda: screen.query_one("#payload", Inspector).is_read)
            await operator.press("tab")
            await operator.until(lambda: screen.query_one("#tasks").has_focus)
            await operator.press("down")
        await operator.until(lambda: not screen.blocked_now)
        await operator.pilot.pause(DEAD_KEY_SECONDS)
        operator.here.local.decisions.decide(ids[1], False, "no", "Dana Reyes")
        await operator.press("A")
        await operator.until(lambda: operator.text.count("approved, on record as") >= 2)
        await operator.until(lambda: "already rejected by Dana Reyes" in operator.text or "gone" in operator.text)
        assert operator.sent == ["approve", "approve"]


async def test_stop_several_and_see_what_became_of_each(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        other = make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("home", "space", "space", "X")
        await operator.until(lambda: "Stop these 2 tasks?" in operator.text)
        await operator.press("tab", "enter")
        await operator.until(lambda: operator.text.count("stopped") >= 2)
        for task_id in (invoice(operator)["id"], other):
            await operator.here.until(task_id, "stopped")


async def test_what_is_held_is_seen_on_every_screen(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, hold=30.0) as operator:
        await operator.hold_an_approval()
        await operator.until(lambda: "approve Pay invoice 7 in" in operator.text)
        await operator.press("q")
        await operator.until(lambda: "Quit now?" in operator.text)
        await operator.press("enter", "u")
        await operator.until(lambda: "taken back" in operator.toasts())
        await operator.until(lambda: "approve Pay invoice 7 in" not in operator.text)
        assert operator.sent == []


async def test_a_grey_key_tells_why(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, read_only=True) as operator:
        await operator.press("X")
        assert "read-only mode" in operator.text
        assert isinstance(operator.app.screen, TaskListScreen)


async def test_filters_are_completed_and_remembered(serve: Serve, tmp_path: Path) -> None:
    memory = JsonStore(tmp_path / "screens.json")
    async with waiting(serve, tmp_path, memory=memory) as operator:
        await operator.press("slash", *"ag")
        await operator.until(lambda: "agent:" in operator.text)
        await operator.press("tab", *'"inv')
        await operator.until(lambda: 'oice bot"' in operator.text)
        await operator.press("tab", "enter")
        assert operator.app.screen.query_one(Input).value == 'agent:"Invoice bot"'
        await operator.until(lambda: "agent asked of the platform: 1" in operator.text)
        await operator.press("escape", "slash", "up")
        assert operator.app.screen.query_one(Input).value == 'agent:"Invoice bot"'
    assert json.loads((tmp_path / "screens.json").read_text())["filters"] == 'agent:"Invoice bot"'


async def test_load_more_until_all_is_there(serve: Serve, tmp_path: Path) -> None:
    async with serve(tasks=450) as here, at_the_screens(here, tmp_path) as operator:
        await operator.until(lambda: "450 total" in operator.text)
        await operator.press("end")
        await operator.until(lambda: "enter loads more" in operator.text)
        while "450 loaded" not in operator.text:
            before = len(operator.app.services.store.state.tasks)
            for _ in range(3):
                operator.app.post_message(events.Key("m", "m"))
            await operator.until(lambda: len(operator.app.services.store.state.tasks) > before)
        await operator.press("m")
        assert "all there is, is loaded" in operator.text


async def test_choose_an_agent(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("at")
        await operator.until(lambda: "type to narrow" in operator.text)
        await operator.press(*"release", "enter")
        await operator.until(lambda: "Nothing of 1 loaded" in operator.text)
        assert operator.app.screen.query_one(Input).value == 'agent:"Release bot"'
        await operator.press("at", *"writer", "f3")
        await operator.until(lambda: "A new task" in operator.text and "Writer" in operator.text)
        await operator.press(*"hello", "f4", *"A title", "f2")
        await operator.until(lambda: operator.sent == ["create"])
        await operator.until(lambda: operator.here.local.store.tasks({"agent_id": "writer"}))
        assert operator.here.local.store.tasks({"agent_id": "writer"})[0]["title"] == "A title"


async def test_times_in_three_ways(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.until(lambda: "ago" in operator.text or "now" in operator.text)
        await operator.press("t", "t")
        await operator.until(lambda: operator.app.ui.time_format == "utc")
        stamp = invoice(operator)["updated_at"][11:16]
        await operator.until(lambda: f"{stamp}" in operator.text)


async def test_groups_fold(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("left")
        await operator.until(lambda: "▸ Needs you (1)" in operator.text and "approval" not in operator.text)
        await operator.press("right")
        await operator.until(lambda: "▾ Needs you (1)" in operator.text and "Pay invoice 7" in operator.text)
        await operator.click("Needs you (1)")
        await operator.until(lambda: "▸ Needs you (1)" in operator.text)


async def test_never_touch_the_keys(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, (120, 50)) as operator:
        await operator.click("TITLE")
        await operator.until(lambda: "TITLE ▴" in operator.text)
        await operator.click("1 need you")
        await operator.click("Pay invoice 7", times=2)
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        await operator.until(lambda: "TOL" in operator.text)
        await operator.click("2 Events")
        assert operator.app.screen.query_one(EventPane).has_focus
        await operator.click("xp-tui ›")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.click("a review")
        await operator.ready_to_decide()
        await operator.click("A approve")
        await operator.until(lambda: "approved, on record as" in operator.text)
        assert operator.sent == ["approve"]


async def test_text_can_be_selected(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        column, row = operator.at("Pay invoice 7")
        await operator.pilot.mouse_down(offset=(column, row))
        await operator.pilot.hover(offset=(column + 8, row))
        await operator.pilot.mouse_up(offset=(column + 11, row))
        await operator.pilot.pause()
        assert (operator.app.screen.get_selected_text() or "").startswith("Pay invoice")


async def test_the_run_as_a_timeline(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path, (80, 24)) as operator:
        await operator.press("enter")
        await operator.until(lambda: "TOL" in operator.text)
        await operator.press("v")
        await operator.until(lambda: "Timeline" in operator.text and "longest:" in operator.text)
        assert "█" in operator.text
        assert "≈" in operator.text
        await operator.press("v")
        await operator.until(lambda: "waits: approval" in operator.text)


async def test_a_search_opens_what_it_finds(serve: Serve, tmp_path: Path) -> None:
    async with serve(pace=200) as here:
        told = {"input": {"text": "Brief me"}, "title": "Brief me", "events_streaming": True}
        made = here.local.platform.create("researcher", told)
        await here.until(made["id"], "completed")
        async with at_the_screens(here, tmp_path) as operator:
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


async def test_events_by_kind_by_words_wrapped_raw_and_marked(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
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
        await operator.press("home", "down", "space", "end", "apostrophe")
        assert pane.cursor == 1


async def test_json_is_folded_searched_and_copied(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyperclip

    copied: list[str] = []
    monkeypatch.setattr(pyperclip, "determine_clipboard", lambda: (copied.append, None))
    async with waiting(serve, tmp_path) as operator:
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


async def test_the_title_tells_no_more_than_it_knows(serve: Serve, tmp_path: Path) -> None:
    assert QUICK.lists < 1
    async with waiting(serve, tmp_path) as operator:
        await operator.press("slash", *"nothing-like-this")
        await operator.until(lambda: "0 of 1 loaded" in operator.text)
        await operator.press("escape", "escape", "2")
        await operator.until(
            lambda: "only running: esc shows all" in operator.text and "0 of 1 loaded" in operator.text
        )
        await operator.press("1")
        await operator.until(lambda: "only needs you" in operator.text and "1 of 1 loaded" in operator.text)


async def test_ten_thousand_tasks_are_filtered_and_sorted_while_keys_are_answered(serve: Serve, tmp_path: Path) -> None:
    began = datetime(2026, 11, 20, tzinfo=UTC)
    rows = [
        {"id": f"many-{n}", "agent_id": "a", "status": "completed", "title": f"Sum {n}", "tokens": {"total_tokens": n},
         "created_at": (began + timedelta(seconds=n)).isoformat()}
        for n in range(10_000)
    ]  # fmt: skip
    async with serve() as here, at_the_screens(here, tmp_path) as operator:
        for at in range(0, len(rows), 500):
            operator.app.services.store.add(TasksSeen(tuple(map(Task.from_value, rows[at : at + 500])), began))
        await operator.until(lambda: "10,0" in operator.text and not operator.app.services.store.has_pending)
        listing = operator.app.screen
        assert isinstance(listing, TaskListScreen)
        await operator.press("slash", *"title:77")
        await operator.until(lambda: "280 of 10,0" in operator.text)  # every letter had its list, the last one stays
        updated = {**rows[5], "title": "Sum 777777", "updated_at": (began + timedelta(days=1)).isoformat()}
        await operator.press("7")
        operator.app.services.store.add(TasksSeen((Task.from_value(updated),), began + timedelta(days=1)))
        await operator.until(lambda: "Sum 777777" in operator.text and "Sum 7770" in operator.text)
        await operator.press("enter", "escape", "s", "s")
        await operator.until(
            lambda: listing.list_pane.listing.view.column == "title" and len(listing.list_pane.listing) == 10_000
        )
        first = listing.list_pane.listing.row(0)
        assert isinstance(first, TaskLine)
        assert first.task.name.casefold() == min(
            known.task.name.casefold() for known in operator.app.services.store.state.tasks.values()
        )


async def test_the_keys_at_the_bottom_are_those_that_work_and_a_click_presses_them(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve() as here, at_the_screens(here, tmp_path) as operator:
        here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": "A run"})
        await operator.until(lambda: "A run" in operator.text)

        def keys() -> str:
            return operator.text.rstrip("\n").split("\n")[-1]

        await operator.press("enter")
        await operator.until(lambda: "tree, timeline" in keys())
        await operator.press("2")
        await operator.until(lambda: "tree, timeline" not in keys())
        await operator.click("esc back")
        await operator.until(lambda: "⏎ open" in keys())
        await operator.click("^p palette")
        await operator.until(lambda: "Search for screen_commands" in operator.text)
        await operator.press("escape")
        await operator.pilot.resize_terminal(60, 24)
        await operator.until(lambda: "a review  …" in keys() and keys().endswith("▏^p palette "))


async def test_a_task_that_was_closed_takes_no_memory(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.press("enter")
        screen = operator.app.screen
        assert isinstance(screen, TaskScreen)
        drawn = [weakref.ref(lines) for lines in screen.query(VirtualList)]
        assert len(drawn) == 4
        del screen
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.press("j")
        await operator.until(lambda: gc.collect() >= 0 and not any(one() for one in drawn))


async def test_what_may_need_a_person_is_asked_for_apart_unless_the_newest_are_all(
    serve: Serve, tmp_path: Path
) -> None:
    async with waiting(serve, tmp_path) as operator:
        client, lists = operator.app.client, operator.app.services.lists
        listed, told = client.tasks, lists.read_tasks
        asked: list[TaskQuery | None] = []
        hidden: set[str] = set()

        async def tasks(query: TaskQuery | None = None, *, at_most: int | None = None) -> int:
            asked.append(query)
            return await told(query, at_most=at_most)

        async def pages(query: TaskQuery | None = None) -> AsyncGenerator[Page, None]:
            async for page in listed(query):
                kept = tuple(task for task in page.items if query is not None or task.id not in hidden)
                yield msgspec.structs.replace(page, items=kept)

        def again(query: TaskQuery | None) -> bool:
            return query in asked[-2:]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lists, "read_tasks", tasks)
            patch.setattr(client, "tasks", pages)
            await operator.until(lambda: len(asked) > 4 and asked[-4:] == [None] * 4)
            made = operator.here.local.platform.create("invoice-bot", {"input": {"text": "Pay"}, "title": "Pay 8"})
            await operator.until(lambda: "Pay 8" in operator.text)
            hidden.add(made["id"])  # now a list without a filter does not show all that one with a filter does
            await operator.until(lambda: again(TaskQuery(status=ACTIVE_STATUSES)) and again(None))
            assert not operator.app.services.store.state.is_gone(made["id"])


async def test_a_log_that_grows_makes_its_task_another_row_only_when_it_waits_otherwise() -> None:
    """A sign-in that is over is not shown as open, whichever of record and log told of it last."""
    screen = TaskListScreen(UIContext(lambda: NOW, Redactor(), "test"))

    def seen(state: State) -> set[str]:
        scheduler = screen.list_pane.scheduler
        before, scheduler._changed = scheduler._changed, set()
        screen.update_state(state, ())
        found, scheduler._changed = scheduler._changed, before
        return found

    def log(*types: str) -> LogSeen:
        told = [{"id": f"s{n}", "type": kind, "created_at": NOW.isoformat()} for n, kind in enumerate(types)]
        return LogSeen("a", Log(tuple(map(parse_entry, told))), NOW)

    def task(status: str, minute: int) -> TasksSeen:
        raw = {"id": "a", "status": status, "updated_at": (NOW + timedelta(minutes=minute)).isoformat()}
        return TasksSeen((Task.from_value(raw),), NOW)

    state = State()
    for change, is_other in (
        (task("queued", 0), True),
        (log("login_required"), False),  # one that does not run waits for nobody
        (task("executing", 1), True),  # now it does
        (log("login_required", "token_ready"), True),
        (log("login_required", "token_ready"), False),
    ):
        state = state.after([change])
        assert (seen(state) == {"a"}) is is_other


async def test_the_palette_is_opened_once_however_often_it_is_asked_for(serve: Serve, tmp_path: Path) -> None:
    async with waiting(serve, tmp_path) as operator:
        for key in ("ctrl+p", "escape"):
            for _ in range(3):
                operator.app.simulate_key(key)
        await operator.press("ctrl+p")
        await operator.until(lambda: "Search for screen_commands" in operator.text)
        await operator.pilot.resize_terminal(30, 10)  # the request for more room is above it now
        await operator.press("ctrl+p")
        await operator.pilot.resize_terminal(120, 40)
        await operator.until(lambda: "Search for screen_commands" in operator.text)
        await operator.press("escape", "ctrl+p", "escape", "ctrl+p")
        await operator.until(lambda: "Search for screen_commands" in operator.text)


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
async def test_the_palette_turns_no_page_where_its_list_has_no_room(serve: Serve, tmp_path: Path, key: str) -> None:
    async with waiting(serve, tmp_path) as operator:
        await operator.pilot.resize_terminal(80, 4)
        await operator.until(lambda: "Too small" in operator.text)
        await operator.press("ctrl+p")
        await operator.until(lambda: isinstance(operator.app.screen, CommandPalette))
        await operator.press("down", "down", key)
        await operator.pilot.resize_terminal(80, 24)
        await operator.press("down", key)
        await operator.until(lambda: "Search for screen_commands" in operator.text)


class Question(OverlayScreen[None]):
    """A screen that looks for its parts when it is mounted."""

    def compose(self) -> ComposeResult:
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Input).focus()


async def test_an_app_that_ends_while_a_screen_opens_ends_well() -> None:
    app = App[int]()
    async with app.run_test():
        app.push_screen(Question())
        app.exit(0)  # from here on Textual mounts no widgets, but still tells the screen that it is mounted
