"""What the parts of the dashboard use of the app, so that each can be tested with a stub in its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from textual.geometry import Size
from textual.screen import Screen

from tui.screens.base import AppScreen

if TYPE_CHECKING:
    from tui.screens.task_list import TaskListScreen

Severity = Literal["information", "warning", "error"]


class AppAccess(Protocol):
    """The app, as its parts see it."""

    @property
    def screens(self) -> Sequence[AppScreen[Any]]:
        """The screens on the stack, the topmost last; none while the app ends."""

    @property
    def task_list(self) -> TaskListScreen | None:
        """The list below all other screens; None while the app ends."""

    @property
    def size(self) -> Size:
        """The size of the terminal."""

    def notify(
        self, message: str, *, title: str = "", severity: Severity = "information", timeout: float | None = None,
        markup: bool = True,
    ) -> None:  # fmt: skip
        """Show a notice."""

    def push_screen(self, screen: Screen[Any]) -> object:
        """Show a screen in front of the others."""

    async def push_screen_wait(self, screen: Screen[Any]) -> Any:
        """Show a screen in front of the others; return its result."""

    def run_worker(self, work: Callable[[], Awaitable[Any]], *, group: str, exclusive: bool = False) -> object:
        """Run an asynchronous function beside all else; `exclusive` cancels what runs in the same group.

        A function and no coroutine: one that is cancelled before it begins would never be awaited.
        """

    def open_task(self, task_id: str) -> None:
        """Open the screen of a task."""

    def open_url(self, url: str) -> None:
        """Open a web address in a browser."""
