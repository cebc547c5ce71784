"""Protocol of the app as its parts use it, so that tests can put a stub in the place of the app."""

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
    """The properties and methods of the app that its parts have access to."""

    @property
    def screens(self) -> Sequence[AppScreen[Any]]:
        """The screens on the stack, the topmost last; empty while the app shuts down."""

    @property
    def task_list(self) -> TaskListScreen | None:
        """The task list below all other screens; None while the app shuts down."""

    @property
    def size(self) -> Size:
        """The size of the terminal."""

    def notify(
        self, message: str, *, title: str = "", severity: Severity = "information", timeout: float | None = None,
        markup: bool = True, is_logged: bool = True,
    ) -> None:  # fmt: skip
        """Notify the operator with a toast."""

    def push_screen(self, screen: Screen[Any]) -> object:
        """Push a screen in front of the others."""

    async def push_screen_wait(self, screen: Screen[Any]) -> Any:
        """Push a screen in front of the others, and wait for its result."""

    def run_worker(self, work: Callable[[], Awaitable[Any]], *, group: str, exclusive: bool = False) -> object:
        """Run an asynchronous function as a worker; `exclusive` cancels the running workers of the same group.

        Takes a function and not a coroutine: a coroutine that is cancelled before it starts would never be awaited.
        """

    def open_task(self, task_id: str) -> None:
        """Open the screen of a task."""

    def pop_screen(self) -> object:
        """Remove the topmost screen."""

    def open_url(self, url: str) -> None:
        """Open a URL in a browser."""
