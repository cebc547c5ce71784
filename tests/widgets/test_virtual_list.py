"""VirtualList: only visible lines are drawn, and partial drawing equals full drawing."""

from __future__ import annotations

import io
import random
from typing import Any

import pyte
import pytest
from rich.console import Console
from textual._compositor import Compositor, CompositorUpdate
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

from tests.widgets.widget_app import WidgetApp
from tui.screens.base import OverlayScreen
from tui.widgets.styled_text import StyledLine, StyledText
from tui.widgets.virtual_list import VirtualList

LINES = 100_000


class CountingList(VirtualList):
    """A very long list that counts how many lines were requested."""

    asked = 0

    def count(self) -> int:
        return LINES

    def styled_line(self, index: int, width: int) -> StyledLine:
        self.asked += 1
        return [StyledText(f"line {index} "), StyledText("faint", "faint")]


async def test_only_visible_lines_are_drawn() -> None:
    app = WidgetApp(CountingList())
    async with app.run_test(size=(80, 24)) as pilot:
        lines = app.widget
        assert isinstance(lines, CountingList)
        lines.focus()
        await pilot.press("G")
        assert lines.cursor == LINES - 1
        await pilot.press("g", "j", "down", "k", "ctrl+d", "pagedown", "pageup", "ctrl+u")
        assert lines.cursor == 1
        assert lines.asked < 24 * 12
        await pilot.press("enter")
        await pilot.pause()
        assert app.chosen == [1]


class RecordingList(CountingList):
    """A list that records which lines were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.drawn.append(self.scroll_offset.y + y)
        return super().render_line(y)


async def test_a_cursor_key_draws_only_the_two_changed_lines() -> None:
    app = WidgetApp(lines := RecordingList())
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


class ChangingList(VirtualList):
    """A list whose lines come, go and change; numbers that three divides are highlighted."""

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

    def styled_line(self, index: int, width: int) -> StyledLine:
        return [StyledText(f"{self.numbers[index]} in {width} ".ljust(width // 2, ".")), StyledText("faint", "faint")]


@pytest.mark.long
async def test_a_partly_drawn_list_equals_a_fully_drawn_one() -> None:
    # Private: the cached lines are thrown away, to draw all of them again.
    dice = random.Random(3)
    app = WidgetApp(lines := ChangingList())
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


class PatchworkScreen(OverlayScreen[None]):
    """A screen with widgets beside, in and over each other."""

    CSS = """
    PatchworkScreen { layers: below above; }
    #over { layer: above; offset: 17 5; width: 31; height: 6; }
    #inner { height: 60; }
    VerticalScroll { width: 40; }
    """

    def compose(self) -> ComposeResult:
        yield Static("a title", id="title")
        with Horizontal():
            with VerticalScroll():
                yield Static("\n".join(f"text {number}" for number in range(60)), id="inner")
            yield CountingList()
        yield Static("over\nall\nthis", id="over")


async def test_a_partial_frame_equals_a_full_one() -> None:
    dice = random.Random(7)
    async with App[None]().run_test(size=(100, 24)) as pilot:
        await pilot.app.push_screen(screen := PatchworkScreen())
        screen.query_one(VerticalScroll).scroll_to(y=7, animate=False, immediate=True)
        await pilot.pause()
        ours, theirs = screen._compositor, Compositor()
        theirs.__dict__.update(ours.__dict__)
        asked = screen.query_one(CountingList)
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


class WideCharacterList(ChangingList):
    """A list with characters that take two cells."""

    def styled_line(self, index: int, width: int) -> StyledLine:
        return [*super().styled_line(index, width), StyledText("界" * (self.numbers[index] % 7), "strong")]


class TerminalApp(WidgetApp):
    """An app whose output goes to a terminal in memory."""

    CSS = WidgetApp.CSS + "VirtualList { width: 1fr; } Static { width: 9; }"

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
        """Return whether the terminal equals one that got a full frame."""
        # Private: the cached lines are thrown away, to draw all of them again.
        scrollbar = self.widget.vertical_scrollbar
        for widget in (self.widget, scrollbar):
            widget._styles_cache.clear()
        self.widget._strips.clear()
        scrollbar._render_content()
        whole = self.send(pyte.Screen(1, 1), self.screen._compositor.render_full_update())
        places = [(y, x) for y in range(self.size.height) for x in range(self.size.width)]
        return all(self.terminal.buffer[y][x] == whole.buffer[y][x] for y, x in places)


@pytest.mark.long
async def test_partial_updates_leave_the_terminal_equal_to_the_screen() -> None:
    dice = random.Random(5)
    app = TerminalApp(lines := WideCharacterList())
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


async def test_removing_a_scrollbar_during_a_frame_is_harmless() -> None:
    app = TerminalApp(lines := WideCharacterList())
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


async def test_a_search_in_lines_wraps_around() -> None:
    app = WidgetApp(CountingList())
    async with app.run_test(size=(80, 24)):
        lines = app.widget
        assert lines.find("line 9999 ", 1) == (1, 1)
        assert lines.cursor == 9999
        assert lines.find("line 1 ", 1)[1] == 1
        assert lines.find("nowhere", 1) == (0, 0)
        assert lines.find("LINE 1", 0)[0] == 1
