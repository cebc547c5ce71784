"""The parts that the screens are made of: lines, documents, Markdown, spans, the palette's words, the keys of a line."""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from textual._compositor import Compositor, CompositorUpdate
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tests.test_large import entries_of
from tui.client.events import Event
from tui.client.log_entries import Log, ToolCall, parse_entry
from tui.client.models import Task
from tui.domain.activity_log import Activity, Gap, walk_tree
from tui.domain.activity_rows import ActivitySource
from tui.domain.entry_format import summary
from tui.domain.state import EventSeen, LogSeen, State, TasksSeen
from tui.domain.task_list import TaskListModel
from tui.domain.timeline import Span, SpanKind, bar_cells, longest_spans, spans, time_axis
from tui.screens.base import OverlayScreen
from tui.security.redact import Redactor
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.document_layout import Document, Part, ValueKey
from tui.widgets.event_pane import MAX_EVENTS, EventPane
from tui.widgets.markdown_layout import markdown_lines
from tui.widgets.styled_text import StyledLine, StyledText, wrap
from tui.widgets.task_table import TaskTable
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DESK = UIContext(lambda: NOW, Redactor(), "test")
LONG = 100_000


def shown(document: Document, width: int = 60) -> list[str]:
    """A document's lines as text."""
    return ["".join(piece.text for piece in row.pieces) for row in document.rows(width)]


class Counted(VirtualList):
    """Very many lines; how many were asked for is counted."""

    asked = 0

    def count(self) -> int:
        return LONG

    def pieces(self, index: int, width: int) -> StyledLine:
        self.asked += 1
        return [StyledText(f"line {index} "), StyledText("faint", "faint")]


class Alone(App[None]):
    """A widget by itself."""

    CSS = ".lines--cursor { background: red; } .lines--flash { background: blue; } Lines:focus { color: green; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget: Any = widget
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_virtual_list_chosen(self, event: VirtualList.Chosen) -> None:
        self.chosen.append(event.index)


async def test_only_what_is_in_sight_is_drawn() -> None:
    app = Alone(Counted())
    async with app.run_test(size=(80, 24)) as pilot:
        lines = app.widget
        assert isinstance(lines, Counted)
        lines.focus()
        await pilot.press("G")
        assert lines.cursor == LONG - 1
        await pilot.press("g", "j", "down", "k", "ctrl+d", "pagedown", "pageup", "ctrl+u")
        assert lines.cursor == 1
        assert lines.asked < 24 * 12
        await pilot.press("enter")
        await pilot.pause()
        assert app.chosen == [1]


class Noted(Counted):
    """Which lines of the view were drawn is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.drawn.append(self.scroll_offset.y + y)
        return super().render_line(y)


async def test_a_key_draws_the_two_lines_that_it_changes_wherever_the_view_is() -> None:
    app = Alone(lines := Noted())
    async with app.run_test(size=(80, 24)) as pilot:
        lines.focus()
        await pilot.press("pagedown", "pagedown", "up", "up", "up")
        await pilot.pause()
        lines.drawn.clear()
        await pilot.press("up")
        await pilot.pause()
        assert sorted(lines.drawn) == [lines.cursor, lines.cursor + 1]
        lines.drawn.clear()
        lines.rows_changed(lines.rows_will_change())
        await pilot.pause()
        assert not lines.drawn


class Changing(VirtualList):
    """Lines that come, go, and change; what has a number that three divides stands out."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = list(range(16))

    def count(self) -> int:
        return len(self.numbers)

    def key_of(self, index: int) -> object:
        return f"{self.numbers[index]}"

    def index_of(self, key: object) -> int | None:
        return next((place for place, number in enumerate(self.numbers) if f"{number}" == key), None)

    def background_class(self, index: int) -> str:
        return "lines--flash" if self.numbers[index] % 3 == 0 else ""

    def pieces(self, index: int, width: int) -> StyledLine:
        return [StyledText(f"{self.numbers[index]} in {width} ".ljust(width // 2, ".")), StyledText("faint", "faint")]


@pytest.mark.long
async def test_what_is_drawn_in_parts_is_what_would_be_drawn_anew() -> None:
    dice = random.Random(3)
    app = Alone(lines := Changing())
    async with app.run_test(size=(60, 12)) as pilot:
        lines.focus()
        for step in range(120):
            before = lines.rows_will_change()
            match dice.randrange(7):
                case 0:
                    lines.numbers.insert(dice.randrange(len(lines.numbers)), 100 + step)
                case 1 if len(lines.numbers) > 3:
                    lines.numbers.pop(dice.randrange(len(lines.numbers)))
                case 2:
                    await pilot.press(dice.choice(["j", "k", "pagedown", "pageup", "G", "g"]))
                    before = lines.rows_will_change()
                case 3:
                    lines.scroll_relative(y=dice.choice([-3, 3]), animate=False)
                case 4:
                    place = dice.choice([lines.cursor, dice.randrange(len(lines.numbers))])
                    lines.numbers[place] += 1000
                    before = lines.rows_will_change()
                case 5:
                    app.screen.set_focus(None if lines.has_focus else lines)
                case _:
                    await pilot.resize_terminal(dice.choice([40, 60]), dice.choice([8, 12]))
            with app._context():
                lines.rows_changed(before)
                if dice.random() < 0.5:
                    lines.action_move(dice.choice([-1, 1]))
            await pilot.pause()
            shown = app.screen._compositor.render_strips()
            lines._strips.clear()
            lines.refresh()
            assert app.screen._compositor.render_strips() == shown


async def test_a_tree_that_grows_is_what_it_would_be_if_it_were_arranged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.widgets.activity_pane.MAX_BLOCKING_SECONDS", math.inf)  # however slow the machine is
    dice = random.Random(7)
    app = Alone(pane := ActivityPane(DESK))
    async with app.run_test(size=(100, 24)):
        tree = pane.view
        for _ in range(30):
            activity, child = Activity("t"), Task.from_value({"id": "c", "agent_id": "other", "parent_task_id": "t"})
            children: dict[str, tuple[Task, ...]] = {"t": ()}
            log: list[dict[str, Any]] = []
            for step in range(30):
                at = NOW + timedelta(seconds=step)
                match dice.randrange(9):
                    case 0:
                        activity.add_gap(Gap(at, 1.0, dice.choice([None, 2])))
                    case 1:
                        children = {"t": (child,), "c": ()}
                    case 2:
                        piece = {"type": "chunk", "data": "piece ", "time": at.isoformat()}
                        activity.add_event(Event.from_sse(json.dumps(piece), str(step)), at)
                    case 3:
                        log.append({"id": f"d{step}", "agent_id": "other", "query": "x", "created_at": at.isoformat()})
                        activity.add_log(Log(tuple(map(parse_entry, log))), at)
                    case 4 | 5:
                        name = f"r{dice.randrange(step + 1)}"
                        kind = dice.choice(["tool_call_request", "tool_call_result"])
                        told = {"type": kind, "time": at.isoformat(), "data": {"request_id": name, "tool_name": "x"}}
                        activity.add_event(Event.from_sse(json.dumps(told), str(step)), at)
                    case _:
                        log.append(call(f"c{step}", created_at=at.isoformat()))
                        activity.add_log(Log((parse_entry(log[-1]),), first=len(log) - 1), at)
                status = "completed" if step == 29 else "executing"
                task = Task.from_value({"id": "t", "status": status})
                pane.show(ActivitySource("t", {"t": activity}, dict(children), {}, task))
            keys = [tree.key_of(index) for index in range(tree.count())]
            assert [tree.index_of(key) for key in keys] == list(range(len(keys)))
            pane._arrange(at_once=True)
            assert keys == [tree.key_of(index) for index in range(tree.count())]


def arranged_by_reading() -> Generator[None, None, bool]:
    """Stands in for the way of arranging rows that reads none of them."""
    return False
    yield


async def test_a_large_log_is_the_same_tree_with_nothing_looked_at_but_what_is_in_sight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[dict[str, Any]] = [
        call(f"c{n}", created_at=(NOW + timedelta(seconds=n)).isoformat(), is_error=n % 7 == 0) for n in range(400)
    ]
    for n in range(20, 400, 40):
        log[n] = {**log[n], "tool_name": None, "agent_id": "other", "query": f"do {n}", "sub_task_id": f"k{n}"}
    known = Task.from_value(
        {"id": "k100", "agent_id": "other", "parent_task_id": "t", "created_at": log[90]["created_at"]}
    )
    loose = Task.from_value({"id": "z", "agent_id": "nobody", "parent_task_id": "t"})
    panes = [ActivityPane(DESK), ActivityPane(DESK)]
    monkeypatch.setattr(panes[1].rows, "_arrange_unread", arranged_by_reading)
    apps = [Alone(pane) for pane in panes]
    trees = [pane.view for pane in panes]
    activities = [Activity("t"), Activity("t")]
    for activity in activities:
        activity.add_log(Log(entries_of(log, 100)), NOW)

    def both(children: tuple[Task, ...] = ()) -> None:
        for pane, activity in zip(panes, activities, strict=True):
            task = Task.from_value({"id": "t", "status": "completed"})
            pane.show(ActivitySource("t", {"t": activity}, {"t": children}, {}, task))
            pane._arrange(at_once=True)

    def unread() -> list[int]:
        return [sum(isinstance(item, int) for item in activity.nodes._items) for activity in activities]

    async with apps[0].run_test(size=(100, 24)) as pilot, apps[1].run_test(size=(100, 24)):
        both()
        await pilot.pause()
        assert (unread()[0] > 300, unread()[1]) == (True, 0)
        for children, opened in (((), False), ((known,), False), ((known, loose), False), ((known,), True)):
            for pane in panes:
                pane.rows.unfolded = {"k100"} if opened else set()
            both(children)
            keys = [[tree.key_of(place) for place in range(tree.count())] for tree in trees]
            assert keys[0] == keys[1]
            assert [trees[0].index_of(key) for key in keys[0]] == list(range(len(keys[0])))
            assert [tree.pieces(0, 90) for tree in trees[:1]] == [tree.pieces(0, 90) for tree in trees[1:]]
            assert opened or panes[0].rows._arrangement.is_plain
        told = {
            "type": "tool_call_request",
            "time": (NOW + timedelta(hours=1)).isoformat(),
            "data": {"request_id": "new"},
        }
        for activity in activities:
            activity.add_event(Event.from_sse(json.dumps(told), "1"), NOW)
        both((known,))
        assert [pane.find("do 300", 1) for pane in panes] == [(1, 1)] * 2
        assert trees[0].key_of(trees[0].cursor) == trees[1].key_of(trees[1].cursor)


async def test_of_a_large_log_the_pane_reads_what_is_in_sight() -> None:
    log = entries_of([call(f"c{n}", created_at=NOW.isoformat()) for n in range(MAX_EVENTS // 2 + 50)], 5_000)
    app = Alone(pane := EventPane(DESK))
    async with app.run_test(size=(100, 24)) as pilot:
        pane.add_changes([LogSeen("t", Log(log), NOW, log)])
        await pilot.pause()
        assert (pane.total, pane.count()) == (MAX_EVENTS // 2 + 50, MAX_EVENTS // 2)
        assert isinstance(pane.selected, ToolCall)
        assert pane.selected.id == f"c{MAX_EVENTS // 2 + 49}"
        pane.move_to(0)
        assert isinstance(pane.selected, ToolCall)
        assert pane.selected.id == "c50"


async def test_of_a_flood_every_line_is_there_and_a_trickle_is_shown_at_once() -> None:
    def told(first: int, count: int) -> list[EventSeen]:
        raw = [{"type": "think", "task_id": "t", "data": {"id": f"e{first + n}"}} for n in range(count)]
        return [EventSeen("t", Event.from_value(one), NOW) for one in raw]

    app = Alone(pane := EventPane(DESK))
    async with app.run_test(size=(100, 24)) as pilot:
        pane.add_changes(told(0, 100))
        assert pane.count() == 100  # it was not looked at for long
        pane.add_changes(told(100, 1))
        assert (pane.count(), pane.is_behind) == (101, False)
        pane.add_changes(told(101, 100))
        pane.add_changes(told(201, 100))
        assert (pane.count(), pane.total, pane.is_behind) == (101, 301, True)
        while pane.is_behind:
            await pilot.pause()
        assert (pane.count(), pane.cursor) == (301, 300)
        pane.action_mark()
        pane.add_changes(told(301, 50))
        pane.action_pause()
        assert pane.count() == 351  # what came before the pause
        pane.add_changes(told(351, 50))
        assert (pane.count(), pane.total, pane.is_behind) == (351, 401, False)
        pane.action_pause()
        assert pane.count() == 401
        pane.action_marked()
        assert pane.cursor == 300
        pane.add_changes(told(401, MAX_EVENTS))
        while pane.is_behind:
            await pilot.pause()
        assert (pane.count(), pane.key_of(0)) == (MAX_EVENTS // 2, (401 + MAX_EVENTS // 2 + 1, 0))
        assert pane.index_of((301, 0)) is None
        pane.action_marked()
        assert pane.cursor == 300  # the mark went with its line


@pytest.mark.parametrize("form", ["relative", "local"])
async def test_clocks_are_right_though_only_those_are_looked_at_that_change(form: str) -> None:
    dice, now, looked_at = random.Random(7), [NOW], []

    class Looked(TaskTable):
        def pieces(self, index: int, width: int) -> StyledLine:
            looked_at.append(index)
            return super().pieces(index, width)

    def task(number: int) -> Task:
        begun = NOW - timedelta(seconds=dice.choice([1, 59.5, 3599, 86_399, 400 * 86_400]), milliseconds=number)
        status = dice.choice(["completed", "executing", "paused"])
        raw = {"id": f"t{number}", "status": status, "started_at": begun.isoformat()}
        return Task.from_value(raw if number % 7 else {"id": f"t{number}", "status": status})

    listing, state = TaskListModel(), State().after([TasksSeen(tuple(map(task, range(30))), NOW)])
    tasks = Looked(UIContext(lambda: now[0], Redactor(), "test", {"time": form}))
    async with Alone(tasks).run_test(size=(120, 30)) as pilot:
        tasks.show(listing, lambda: listing.apply(state, state.touched.tasks))
        await pilot.pause()
        for _ in range(60):
            now[0] += timedelta(seconds=dice.choice([1, 1, 1, 1, 1, 58, 3600, 86_400, -7200]))
            tasks.tick()
            await pilot.pause()
            steady, width = dict(tasks._valid_until), tasks.scrollable_content_region.width
            tasks._cached_lines.clear()
            assert [tasks._drawn[y] for y in range(24)] == [tasks._line_key(y, width) for y in range(24)]
            tasks._valid_until = steady
        running = sum("▶" in tasks.text_of(index) for index in range(24))
        looked_at.clear()
        now[0] += timedelta(milliseconds=1)
        tasks.tick()
        assert len(looked_at) <= running < 24


class Patchwork(OverlayScreen[None]):
    """Widgets beside, in and over each other."""

    CSS = """
    Patchwork { layers: below above; }
    #over { layer: above; offset: 17 5; width: 31; height: 6; }
    #inner { height: 60; }
    VerticalScroll { width: 40; }
    """

    def compose(self) -> ComposeResult:
        yield Static("a title", id="title")
        with Horizontal():
            with VerticalScroll():
                yield Static("\n".join(f"text {number}" for number in range(60)), id="inner")
            yield Counted()
        yield Static("over\nall\nthis", id="over")


async def test_a_frame_has_what_it_would_have_if_all_were_rendered() -> None:
    dice = random.Random(7)
    async with App[None]().run_test(size=(100, 24)) as pilot:
        await pilot.app.push_screen(screen := Patchwork())
        screen.query_one(VerticalScroll).scroll_to(y=7, animate=False, immediate=True)
        await pilot.pause()
        ours, theirs = screen._compositor, Compositor()
        theirs.__dict__.update(ours.__dict__)
        asked = screen.query_one(Counted)
        for _ in range(100):
            regions = {
                Region(x, y, dice.randint(1, 100 - x), dice.randint(1, 24 - y) if dice.random() < 0.2 else 1)
                for x, y in ((dice.randrange(100), dice.randrange(24)) for _ in range(dice.randint(1, 4)))
            }
            ours._dirty_regions, theirs._dirty_regions = set(regions), set(regions)
            mine, all_of_it = ours.render_partial_update(), theirs.render_partial_update()
            assert mine is not None
            assert all_of_it is not None
            assert mine.spans == all_of_it.spans
            for y, begin, end in mine.spans:
                for x, until in zip(mine.chops[y], mine.chop_ends[y], strict=True):
                    assert x >= end or until <= begin or mine.chops[y][x] == all_of_it.chops[y][x]
        asked.asked = 0
        asked.refresh()
        ours._dirty_regions = {Region(0, 0, 100, 1)}
        ours.render_partial_update()
        assert asked.asked == 0


class Wide(Changing):
    """Some characters take two cells."""

    def pieces(self, index: int, width: int) -> StyledLine:
        return [*super().pieces(index, width), StyledText("界" * (self.numbers[index] % 7), "strong")]


class Sent(Alone):
    """What a terminal is sent goes to one in memory."""

    CSS = Alone.CSS + "Lines { width: 1fr; } Static { width: 9; }"

    def __init__(self, widget: VirtualList) -> None:
        super().__init__(widget)
        self.terminal = pyte.Screen(1, 1)

    def get_default_screen(self) -> Screen[Any]:
        return OverlayScreen()

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self.widget
            yield Static("beside\n" * 12)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate) and not self._batch_count:
            self.send(self.terminal, renderable)

    def send(self, terminal: pyte.Screen, update: CompositorUpdate) -> pyte.Screen:
        """Write a frame as the driver does."""
        terminal.resize(self.size.height, self.size.width)
        paper = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)
        pyte.Stream(terminal).feed(update.render_segments(paper))
        return terminal

    def is_shown(self) -> bool:
        """Whether the terminal has what it would have were all drawn anew at once."""
        scrollbar = self.widget.vertical_scrollbar
        for widget in (self.widget, scrollbar):
            widget._styles_cache.clear()
        self.widget._strips.clear()
        scrollbar._render_content()
        whole = self.send(pyte.Screen(1, 1), self.screen._compositor.render_full_update())
        places = [(y, x) for y in range(self.size.height) for x in range(self.size.width)]
        return all(self.terminal.buffer[y][x] == whole.buffer[y][x] for y, x in places)


@pytest.mark.long
async def test_the_terminal_has_what_the_screen_is_whatever_parts_it_was_sent() -> None:
    dice = random.Random(5)
    app = Sent(lines := Wide())
    async with app.run_test(size=(60, 12)) as pilot:
        lines.focus()
        for step in range(150):
            before = lines.rows_will_change()
            match dice.randrange(8):
                case 0:
                    at = dice.randrange(len(lines.numbers))
                    lines.numbers[at:at] = range(100 + step, 100 + step + dice.choice([1, 40]))
                case 1 if len(lines.numbers) > 3:
                    del lines.numbers[dice.choice([0, len(lines.numbers) // 2]) : -3]
                case 2:
                    lines.scroll_relative(y=dice.choice([-9, -3, -1, 1, 3, 9]), animate=False)
                case 3:
                    lines.numbers[dice.randrange(len(lines.numbers))] += dice.choice([1, 3, 1000])
                case 4:
                    app.screen.set_focus(None if lines.has_focus else lines)
                case 5:
                    await pilot.resize_terminal(dice.choice([30, 60]), dice.choice([8, 12]))
                case 6:
                    await pilot.hover(offset=(app.size.width - 10, dice.randrange(8)))
                case _:
                    await pilot.press(dice.choice(["j", "k", "pagedown", "pageup", "G", "g"]))
                    before = lines.rows_will_change()
            with app._context():
                lines.rows_changed(before)
            await pilot.pause()
            assert app.is_shown()


async def test_a_scrollbar_that_is_taken_away_while_a_frame_is_under_way_ends_nothing() -> None:
    app = Sent(lines := Wide())
    async with app.run_test(size=(60, 12)) as pilot:
        before = lines.rows_will_change()
        lines.numbers = [*range(100)]
        with app._context():
            lines.rows_changed(before)
        await pilot.pause()
        scrollbar = lines.vertical_scrollbar
        assert scrollbar in app.screen._compositor.visible_widgets
        scrollbar.refresh()
        scrollbar._detach()
        assert len(app.screen._compositor.render_strips()) == 12
        scrollbar._attach(lines)


async def test_a_search_in_lines_goes_round() -> None:
    app = Alone(Counted())
    async with app.run_test(size=(80, 24)):
        lines = app.widget
        assert lines.find("line 9999 ", 1) == (1, 1)
        assert lines.cursor == 9999
        assert lines.find("line 1 ", 1)[1] == 1
        assert lines.find("nowhere", 1) == (0, 0)
        assert lines.find("LINE 1", 0)[0] == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def leaves(value: Any) -> Iterator[Any]:
    """Every scalar."""
    match value:
        case dict():
            for item in value.values():
                yield from leaves(item)
        case list():
            for item in value:
                yield from leaves(item)
        case _:
            yield value


@given(JSON, st.integers(20, 120))
@settings(max_examples=300, deadline=None)
def test_a_document_fits_its_width_and_leaves_nothing_out(value: Any, width: int) -> None:
    document = Document([Part("all", value)], Redactor())
    document.set_all_open(is_open=True)
    lines = shown(document, width)
    numbers = len("⟨U+10FFFF⟩")  # what stands for a character without width in a name
    assert all(cell_len(line.rstrip()) <= width + 24 + numbers * line.count("⟨U+") for line in lines)
    text = "".join(lines).replace(" ", "")
    for leaf in leaves(value):
        if isinstance(leaf, int | float) and not isinstance(leaf, bool):
            assert str(leaf).replace(" ", "") in text
    for number, row in enumerate(document.rows(width)):
        document.value(row.key)  # every line is about something
        assert row.folds or number or not document.parts


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_folding_is_undone_by_unfolding(value: Any) -> None:
    document = Document([Part("all", value)], Redactor())
    before = shown(document)
    for key in {row.key for row in document.rows(60) if row.folds}:
        document.toggle(key)
        document.toggle(key)
    assert shown(document) == before
    document.set_all_open(is_open=False)
    assert len(document.rows(60)) == len(document.parts)


def test_what_is_found_is_uncovered() -> None:
    document = Document(
        [Part("all", {"a": {"b": {"c": {"d": list(range(20)), "hidden_place": "needle"}}}})], Redactor()
    )
    document.set_all_open(is_open=False)
    (found,) = document.find("NEEDLE")
    assert str(found) == "a.b.c.hidden_place"
    document.unfold_to(found)
    assert any("needle" in line for line in shown(document))
    assert document.value(found) == "needle"
    assert document.value(ValueKey(0, ("a", "b", "c", "d", 3))) == 3


def test_secrets_are_masked_in_documents() -> None:
    document = Document(
        [Part("all", {"password": "hunter2hunter2", "deep": '{"api_key": "abcdefghijklmnop"}'})], Redactor()
    )
    document.set_all_open(is_open=True)
    text = "\n".join(shown(document))
    assert "hunter2" not in text
    assert "abcdefghijkl" not in text


@given(st.text(max_size=200), st.integers(8, 60))
def test_wrapping_loses_no_character(text: str, width: int) -> None:
    lines = wrap([StyledText(text)], width)
    joined = "".join(piece.text for line in lines for piece in line)
    assert "".join(joined.split()) == "".join(text.split())
    assert all(cell_len("".join(piece.text for piece in line)) <= max(width, 2) for line in lines)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_is_some_markdown(text: str) -> None:
    for line in markdown_lines(text, 40):
        for piece in line:
            assert "\x1b" not in piece.text
            assert "\n" not in piece.text


def test_markdown_is_read_as_such() -> None:
    lines = markdown_lines(
        "# Head\n\nsome **bold** `code` [l](http://evil.example)\n\n- a\n  - b\n\n1. x\n\n> q\n\n```\nc  d\n```", 60
    )
    text = ["".join(piece.text for piece in line).rstrip() for line in lines]
    assert text[0] == "Head"
    assert text[2] == "some bold code l (http://evil.example)"
    assert text[4:] == ["- a", "  - b", "", "1. x", "", "│ q", "", "│ c  d"]
    assert StyledText("bold", "strong") in lines[2]


def test_an_entity_cannot_smuggle_a_control() -> None:
    assert "\x1b" not in str(markdown_lines("&#27;[31m &#x1b;]0;x&#7;", 60))


# Spans


def log_of(*entries: dict[str, Any]) -> Activity:
    """An activity with these entries, one second apart unless they say otherwise."""
    activity = Activity("t")
    told = [
        parse_entry({"id": f"e{number}", "created_at": (NOW + timedelta(seconds=number)).isoformat(), **entry})
        for number, entry in enumerate(entries)
    ]
    activity.add_log(Log(tuple(told)), NOW)
    return activity


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"tool_name": name, "operation_id": name, "request_id": name, "payload": {}, **more}


def test_what_was_told_is_exact_and_what_follows_is_derived() -> None:
    ends = {"started_at": NOW.isoformat(), "finished_at": (NOW + timedelta(seconds=7)).isoformat(), "result": "ok"}
    activity = log_of(call("exact", **ends), {"type": "think", "thought": "hm"}, call("open"))
    task = Task.from_value({"id": "t", "status": "executing"})
    rows = list(walk_tree({"t": activity}, {}, "t"))
    exact, thought, still = spans(rows, {"t": task}, NOW + timedelta(seconds=60)).values()
    assert {exact.kind, thought.kind, still.kind} == {SpanKind.TOOL, SpanKind.THOUGHT}
    told = {span.seconds: span for span in (exact, thought, still)}
    assert not told[7.0].is_derived
    assert told[1.0].is_derived
    assert told[58.0].is_open


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 200))
def test_a_bar_is_at_least_one_cell_and_within_the_axis(begin: int, length: int, whole: int, width: int) -> None:
    at = NOW + timedelta(seconds=begin)
    span = Span(SpanKind.TOOL, at, at + timedelta(seconds=length))
    first, last = bar_cells(span, NOW, NOW + timedelta(seconds=whole), width)
    assert 0 <= first < last <= width


def test_a_long_wait_does_not_squeeze_the_work() -> None:
    work = Span(SpanKind.TOOL, NOW, NOW + timedelta(seconds=10))
    wait = Span(SpanKind.PERSON, NOW + timedelta(seconds=10), NOW + timedelta(hours=9), is_open=True)
    assert time_axis([work, wait]) == (NOW, NOW + timedelta(seconds=12.5))
    assert longest_spans({0: work, 1: wait}) == [0]


def test_a_run_is_summed_up() -> None:
    activity = log_of(call("a", result="x"), call("b", result="no", is_error=True))
    times = {"created_at": NOW.isoformat(), "finished_at": (NOW + timedelta(seconds=90)).isoformat()}
    task = Task.from_value({"id": "t", "status": "failed", **times})
    assert summary(task, activity) == "failed in 90.0s · 2 calls, 1 failed"


async def test_the_same_call_again_and_again_is_called_a_loop() -> None:
    entries = [call("again", request_id=f"r{number}", result="x") for number in range(4)]
    app = Alone(pane := ActivityPane(DESK))
    async with app.run_test(size=(100, 24)):
        tree = pane.view
        assert isinstance(tree, ActivityTree)
        pane.show(
            ActivitySource("t", {"t": log_of(*entries)}, {}, {}, Task.from_value({"id": "t", "status": "executing"}))
        )
        lines = [tree.text_of(index) for index in range(tree.count())]
        assert ["loop" in line for line in lines] == [False, False, True, True]
        assert "loop×4" in lines[-1]


async def test_text_that_streams_is_seen_as_it_comes() -> None:
    activity = Activity("t")
    for number, piece in enumerate(("Hello ", "world")):
        at = NOW + timedelta(seconds=number)
        told = {"type": "chunk", "data": piece, "time": at.isoformat()}
        activity.add_event(Event.from_sse(json.dumps(told), str(number)), at)
    app = Alone(pane := ActivityPane(DESK))
    async with app.run_test(size=(100, 24)):
        tree = pane.view
        assert isinstance(tree, ActivityTree)
        pane.show(ActivitySource("t", {"t": activity}, {}, {}, Task.from_value({"id": "t", "status": "executing"})))
        assert "Hello world" in tree.text_of(tree.count() - 1)


@pytest.mark.parametrize("form", ["relative", "local", "utc"])
def test_a_moment_is_told_in_few_cells(form: str) -> None:
    ui = UIContext(lambda: NOW, Redactor(), "test", {"time": form})
    for seconds in (0, 59, 3600, 86_400, 400 * 86_400):
        assert 0 < len(ui.format_time(NOW - timedelta(seconds=seconds))) <= 12
