"""One widget on a screen of 120×40 in this process, painted as for a terminal: what it costs until all is painted."""

from __future__ import annotations

import asyncio
import cProfile
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, NamedTuple

from rich.console import Console
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget

from benchmarks import steady
from tui import looks
from tui.app import THEME
from tui.door import Door
from tui.screens.keyed import Keyed

SIZE = (120, 40)
QUIET = 0.05
"""Seconds without a frame after which nothing more is expected: three frames."""
PATIENCE = 120.0
NAMES = {":": "colon", '"': "quotation_mark", " ": "space", "-": "minus"}
profile: cProfile.Profile | None = None
"""Where benchmarks.profile looks at what is ours."""


@contextmanager
def looked_at(is_ours: bool = True) -> Iterator[None]:
    """What benchmarks.profile looks at, where it runs."""
    if profile and is_ours:
        profile.enable()
    try:
        yield
    finally:
        if profile and is_ours:
            profile.disable()


class Cost(NamedTuple):
    """What something cost: CPU until all was painted, and how long it took to the frame that was waited for, in ms."""

    cpu: float
    wall: float


class Painted(App[None]):
    """An app without a terminal that paints all the same: each frame is made into what a terminal would be sent."""

    IS_OURS = True

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.frames = self.written = 0
        """How many there were, and how many bytes."""
        self._paper = Console(file=StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)
        self._awaited: list[tuple[Callable[[], object], asyncio.Future[float]]] = []

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate) and not self._batch_count:
            self.written += len(renderable.render_segments(self._paper).encode())
            self.frames += 1
            self._tell_those_who_wait(time.perf_counter())

    def _tell_those_who_wait(self, now: float) -> None:
        """Tell those who wait for what this frame shows."""
        waiting, self._awaited = self._awaited, []
        for holds, told in waiting:
            if told.done():
                continue
            if holds():
                told.set_result(now)
            else:
                self._awaited.append((holds, told))

    def until(self, holds: Callable[[], object]) -> asyncio.Future[float]:
        """The first frame from now on at which something holds; the answer is when it was."""
        told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._awaited.append((holds, told))
        return told

    async def quiet(self) -> None:
        """Wait until nothing more is painted."""
        seen = -1
        while seen != self.frames:
            seen = self.frames
            await asyncio.sleep(QUIET)

    async def cost(self, act: Callable[[], Any], holds: Callable[[], object] = lambda: True) -> Cost:
        """Do something; its cost until it is painted, and nothing more is."""
        for pause in steady.pauses():
            await asyncio.sleep(pause)
        with looked_at(self.IS_OURS):
            cpu, wall = time.process_time(), time.perf_counter()
            painted = self.until(holds)
            with self._context():
                if inspect.isawaitable(done := act()):
                    await done
            async with asyncio.timeout(PATIENCE):
                wall = await painted - wall
            await self.quiet()
            cpu = time.process_time() - cpu
        return Cost(cpu * 1e3, wall * 1e3)

    def key(self, name: str) -> None:
        """Press a key, by its name or as the letter that it is, as a terminal does."""
        self.post_message(events.Key(NAMES.get(name, name), name if len(name) == 1 else None))


class Peer(Painted):
    """A widget of Textual's own, by itself."""

    IS_OURS = False

    def __init__(self, widget: Widget | None = None) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        """The widget, where it is not to be put there later."""
        if self.widget:
            yield self.widget


class Alone(Peer):
    """A widget of ours by itself, drawn as in the dashboard: its colours, its sizes, its frames, its last door."""

    IS_OURS = True
    CSS_PATH = [looks.sheet(name) for name in ("app", "tasks", "task", "review", "dialogs")]

    def __init__(self, widget: Widget | None = None) -> None:
        super().__init__(widget)
        if home := looks.styles():
            for name, colours in looks.themes(home).items():
                self.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
        self.theme = THEME
        self._filters.insert(0, Door())

    def get_default_screen(self) -> Screen[Any]:
        """A screen that puts its frames together as all of the dashboard's do."""
        return Keyed()


def done(work: Callable[[], Any]) -> Any:
    """Run what is asynchronous."""
    return asyncio.run(work())
