"""How the screens look on platforms that never change, to the letter and to the style of every cell.

`XP_SNAPSHOTS=write pytest tests/screens/test_snapshots.py` takes what is shown now for right.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import string
import time
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from tests.screens.fixed_platforms import KEY, PLATFORMS, FixedPlatform
from tests.screens.operator import is_page_seen
from tui.app.app import XpTui
from tui.screens.agent_page import AgentDocument, AgentScreen
from tui.screens.answer import AnswerScreen
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.security.redact import Redactor
from tui.services.audit_log import Journal
from tui.services.list_poller import PollIntervals
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector
from tui.widgets.question_form import QuestionForm
from tui.widgets.task_list_pane import PREVIEW_DELAY_SECONDS
from tui.widgets.virtual_list import VirtualList

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 40), (200, 50)]
QUICK = PollIntervals(lists=0.05, polled=5.0)
ROUNDS = 2
"""How many readings of the lists must have changed nothing, the one under way included, before a screen stands still."""
RESTED = PREVIEW_DELAY_SECONDS + 0.1
"""Seconds after the last key, when what a resting cursor asks for has come as well."""
LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits


class Cell(NamedTuple):
    """One character and its style."""

    text: str
    style: Style

    def __str__(self) -> str:
        """The look in words: colours, what stands out, and what a click on it does; of a blank only its ground is seen."""
        style = self.style
        marks = [name for name in MARKS if getattr(style, name)]
        is_blank = self.text == " " and not LINES.intersection(marks)
        ink = "" if is_blank else f"{_colour(style.color)} "
        click = [f"click={style.meta['@click']}"] if "@click" in style.meta else []
        link = [f"link={style.link}"] if style.link else []
        return " ".join([f"{ink}on {_colour(style.bgcolor)}", *([] if is_blank else marks), *click, *link])


MARKS = ("bold", "dim", "italic", "underline", "underline2", "strike", "reverse", "blink", "conceal", "overline")
LINES = frozenset({"underline", "underline2", "strike", "reverse", "overline"})
"""What of these is seen on a blank as well."""


def _colour(colour: Color | None) -> str:
    return colour.get_truecolor().hex if colour else "nothing"


class ScreenImage:
    """The image of a screen at one moment."""

    def __init__(self, app: XpTui) -> None:
        self._parts = [list(strip) for strip in app.screen._compositor.render_strips()]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScreenImage) and self._parts == other._parts

    @cached_property
    def lines(self) -> list[list[Cell]]:
        """The characters, line by line."""
        return [[Cell(char, part.style or Style()) for part in parts for char in part.text] for parts in self._parts]

    @property
    def texts(self) -> list[str]:
        """The texts, line by line."""
        return ["".join(cell.text for cell in line) for line in self.lines]

    def __str__(self) -> str:
        """The words, then one letter for the look of every cell, then what the letters mean; a dot is the blank ground."""
        looks = [[look for cell in line for look in [str(cell)] * cell_len(cell.text)] for line in self.lines]
        counts = Counter(look for line in looks for look in line)
        ground = max(counts, key=lambda look: (look.startswith("on "), counts[look]))
        letters = {ground: ".", **dict(zip((look for look in counts if look != ground), LETTERS, strict=False))}
        assert len(letters) == len(counts), f"there are more than {len(LETTERS)} looks"
        grid = ["".join(letters[look] for look in line).rstrip(".") for line in looks]
        legend = [f"{letter} {look}" for look, letter in letters.items()]
        return "\n\n".join("\n".join(line.rstrip() for line in block) for block in (self.texts, grid, legend)) + "\n"


class Visitor:
    """An operator that opens a screen and takes its image."""

    def __init__(self, app: XpTui, pilot: Pilot[None], state: FixedPlatform) -> None:
        self.app = app
        self.pilot = pilot
        self._state = state
        self._rests_at = time.monotonic() + RESTED

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(20):
            while not holds():
                await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        self._rests_at = time.monotonic() + RESTED

    async def walk(self, screen: str) -> ScreenImage:
        """Open a screen from where the dashboard starts, and return its image."""
        if screen in WALKS:
            await self.until(lambda: self._rounds > ROUNDS)
            await WALKS[screen](self)
        return await self.still()

    async def still(self) -> ScreenImage:
        """Return the image once nothing is requested, moves or blinks any more."""
        for writing in (*self.app.screen.query(Input), *self.app.screen.query(TextArea)):
            writing.cursor_blink = False
        look, since = ScreenImage(self.app), self._rounds
        async with asyncio.timeout(20):
            while self._rounds < since + ROUNDS:
                self.app.clear_notifications()
                await self.pilot.pause(0.03)
                before, look = look, ScreenImage(self.app)
                if look != before or time.monotonic() < self._rests_at:
                    since = self._rounds
        return look

    @property
    def _rounds(self) -> int:
        return max(self._state.asked.values(), default=0)


@asynccontextmanager
async def visiting(state: FixedPlatform, size: tuple[int, int], path: Path) -> AsyncIterator[Visitor]:
    """Run the dashboard on a fixed platform."""
    journal = Journal(path / "journal.jsonl")
    async with state.client() as client:
        redactor = Redactor([KEY])
        app = XpTui(
            client, journal, {}, redactor=redactor, state_folder=path, place="prod", intervals=QUICK, is_still=True
        )
        async with app.run_test(size=size) as pilot:
            yield Visitor(app, pilot, state)


async def _at_task(visitor: Visitor) -> None:
    await visitor.press("2", "enter")
    await visitor.until(lambda: isinstance(visitor.app.screen, TaskScreen))
    await visitor.until(lambda: visitor.app.screen.query(EventPane))
    await visitor.until(lambda: visitor.app.screen.query_one(EventPane).total > 10)


async def _at_agent(visitor: Visitor) -> None:
    """Open the page of the agent whose task waits for its workflow's node."""
    await visitor.press(":", *"agent release-bot", "enter")
    await visitor.until(lambda: isinstance(visitor.app.screen, AgentScreen))
    await visitor.until(lambda: visitor.app.screen.query_one(AgentDocument).count() > 10)


async def _at_review(visitor: Visitor) -> None:
    """Open the approval that has waited longest, read it to its end, and scroll back to its start."""
    await visitor.press("a")
    await visitor.until(lambda: isinstance(visitor.app.screen, ReviewScreen))
    screen = visitor.app.screen
    assert isinstance(screen, ReviewScreen)
    payload = screen.query_one("#payload", VirtualList)
    await visitor.until(lambda: payload.has_focus and payload.count() > 20)
    for pane in screen.query(Inspector):
        pane.reveal_all()
        for _ in range(pane.count()):
            await visitor.until(lambda: pane.is_read or is_page_seen(pane))
            if pane.is_read:
                break
            pane.action_leap(1.0)
        pane.hide_all()
    payload.focus()
    await visitor.press("end")
    await visitor.until(lambda: payload.scroll_offset.y == payload.max_scroll_y and not screen.blocked_now)
    await visitor.press("home")


async def _at_stop(visitor: Visitor) -> None:
    await visitor.press("X")
    await visitor.until(lambda: isinstance(visitor.app.screen, ModalScreen))


async def _at_compose(visitor: Visitor) -> None:
    await visitor.press("c")
    await visitor.until(lambda: visitor.app.screen.query(TextArea))
    await visitor.press(*"No 4")


async def _at_answer(visitor: Visitor) -> None:
    """Open the form of the only question, read it, and pick the first choice."""
    await visitor.press("slash", *"region", "enter", "c")
    await visitor.until(lambda: isinstance(visitor.app.screen, AnswerScreen))
    screen = visitor.app.screen
    assert isinstance(screen, AnswerScreen)
    await visitor.until(lambda: screen.query_one(QuestionForm).is_read)
    await visitor.press("1")
    await visitor.until(lambda: not screen.blocked_now)


async def _at_copy(visitor: Visitor) -> None:
    await visitor.press("y")
    await visitor.until(lambda: isinstance(visitor.app.screen, ModalScreen))


async def _at_help(visitor: Visitor) -> None:
    await visitor.press("question_mark")
    await visitor.until(lambda: isinstance(visitor.app.screen, ModalScreen))


WALKS: dict[str, Callable[[Visitor], Awaitable[None]]] = {
    "task": _at_task, "review": _at_review, "stop": _at_stop, "compose": _at_compose,
    "answer": _at_answer, "copy": _at_copy, "help": _at_help, "agent": _at_agent,
}  # fmt: skip
"""The way to a screen from the list of tasks, where the dashboard begins."""
SHOWN = [
    *(("tasks", platform) for platform in PLATFORMS),
    *((screen, platform) for screen in ("task", "review") for platform in ("busy", "hostile")),
    *((screen, "busy") for screen in ("stop", "compose", "answer", "copy", "help", "agent")),
]


@pytest.fixture(autouse=True)
def utc_and_colours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show times in UTC, and colours, on every machine."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def see_that_it_holds_together(look: ScreenImage, width: int) -> None:
    """Check that every line ends at the right edge and that no character controls a terminal."""
    for number, line in enumerate(look.texts):
        assert cell_len(line) == width, f"line {number} is {cell_len(line)} cells wide: {line!r}"
        steering = {char for char in line if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
        assert not steering, f"line {number} has {steering}: {line!r}"


def see_that_it_is(look: ScreenImage, file: Path) -> None:
    """Compare the image with the snapshot file, or write the file."""
    shown = str(look)
    if os.environ.get("XP_SNAPSHOTS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown, encoding="utf-8")
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    if shown != known:
        lines = difflib.unified_diff(known.split("\n"), shown.split("\n"), file.name, "what is shown now", lineterm="")
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("screen", "platform"), SHOWN)
async def test_a_screen_looks_like_its_snapshot(
    screen: str, platform: str, size: tuple[int, int], tmp_path: Path
) -> None:
    async with visiting(PLATFORMS[platform](), size, tmp_path) as visitor:
        look = await visitor.walk(screen)
    see_that_it_holds_together(look, size[0])
    see_that_it_is(look, SNAPSHOTS / f"{screen}-{platform}-{size[0]}x{size[1]}.txt")


@pytest.mark.parametrize(("screen", "widget"), [("tasks", "#tasks"), ("task", "#tree"), ("review", "#payload")])
async def test_hostile_text_breaks_no_line(screen: str, widget: str, tmp_path: Path) -> None:
    async with visiting(PLATFORMS["hostile"](), (80, 60), tmp_path) as visitor:
        await visitor.walk(screen)
        lines = visitor.app.screen.query_one(widget, VirtualList)
        lines.focus()
        await visitor.press("home")
        before = -1
        while lines.cursor != before:
            before = lines.cursor
            look = ScreenImage(visitor.app)
            see_that_it_holds_together(look, 80)
            assert not [cell for line in look.lines for cell in line if cell.style.link or "@click" in cell.style.meta]
            await visitor.press("pagedown")
        assert 20 < lines.cursor == lines.count() - 1


def test_no_snapshot_is_unused() -> None:
    wanted = {f"{screen}-{platform}-{w}x{h}.txt" for screen, platform in SHOWN for w, h in SIZES}
    assert {file.name for file in SNAPSHOTS.glob("*.txt")} == wanted
