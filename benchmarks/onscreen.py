"""One widget on a screen of 120×40 in this process, drawn to a terminal that only counts: what it costs until all is painted."""

from __future__ import annotations

import asyncio
import cProfile
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, Self

from textual import events
from textual.app import App, ComposeResult
from textual.driver import Driver
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget

from benchmarks import steady
from tui.app import themes
from tui.app.sanitize_filter import SanitizeFilter
from tui.screens import stylesheets
from tui.screens.base import BaseScreen

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


class CountingDriver(Driver):
    """A driver that counts the frames that a terminal would be sent, and their bytes."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        assert isinstance(app, Painted)
        self.app = app

    def start_application_mode(self) -> None:
        """Send the first size."""
        self.send_message(events.Resize(Size(*SIZE), Size(*SIZE)))

    def write(self, data: str) -> None:
        """Count the bytes."""
        self.app.written += len(data.encode())

    def flush(self) -> None:
        """Count the frame: Textual flushes behind each."""
        self.app.count_frame()

    def disable_input(self) -> None:
        """Do nothing: there is no input."""

    def stop_application_mode(self) -> None:
        """Do nothing: there is no terminal to restore."""


class Painted(App[None]):
    """An app on a terminal that only counts: each frame is rendered into the bytes that a terminal would be sent."""

    IS_OURS = True

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.driver_class = CountingDriver
        self.frames = self.written = 0
        """How many frames there were, and how many bytes."""
        self._shown = asyncio.Event()
        self._awaited: list[tuple[Callable[[], object], asyncio.Future[float]]] = []

    def on_ready(self) -> None:
        """Note that the first screen is shown."""
        self._shown.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Run the app in a task of its own while this lasts."""
        task = asyncio.create_task(self.run_async(mouse=False, size=SIZE))
        task.add_done_callback(lambda _: self._shown.set())
        await self._shown.wait()
        try:
            if task.done():
                raise RuntimeError("the app ended before it was shown")
            yield self
        finally:
            self.exit(return_code=self.return_code or 0)
            await task
        if self.return_code:
            raise RuntimeError(f"the app ended with {self.return_code}")

    async def within(self, act: Callable[[], Any]) -> None:
        """Do something in a turn of the app's own, as its handlers do."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def turn() -> None:
            try:
                if inspect.isawaitable(result := act()):
                    await result
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                done.set_exception(error)
            else:
                done.set_result(None)

        self.call_next(turn)
        await done

    def count_frame(self) -> None:
        """Count a frame, and tell those who wait for what it shows."""
        self.frames += 1
        now = time.perf_counter()
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
            await self.within(act)
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
    """A widget of ours by itself, drawn as in the dashboard: its colours, its sizes, its screen, its first filter."""

    IS_OURS = True
    CSS_PATH = [stylesheets.stylesheet(name) for name in ("app", "tasks", "task", "review", "dialogs")]

    def __init__(self, widget: Widget | None = None) -> None:
        super().__init__(widget)
        if home := stylesheets.styles_directory():
            for name, colours in themes.own_themes(home).items():
                self.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
        self.theme = themes.DEFAULT_THEME
        self._door = SanitizeFilter()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes, as in the dashboard: first it is made harmless."""
        return [self._door, *super().get_line_filters()]

    def get_default_screen(self) -> Screen[Any]:
        """A screen as the dashboard's are."""
        return BaseScreen()


def done(work: Callable[[], Any]) -> Any:
    """Run what is asynchronous."""
    return asyncio.run(work())
