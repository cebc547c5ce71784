"""A stub of the app, for parts of the dashboard that see the app through a protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.geometry import Size


class StubScreen:
    """A stub of a screen that records its updates."""

    def __init__(self, **attributes: Any) -> None:
        self.told: list[tuple[str, Any]] = []
        self.states: list[Any] = []
        self.statuses: list[Any] = []
        self.is_modal = False
        self.followed_task = ""
        self.open_tasks: tuple[str, ...] = ()
        self.IS_APPROVAL = False
        self.about = ""
        """The task whose actions are shown here."""
        vars(self).update(attributes)

    def update_state(self, state: Any, changes: Any) -> None:
        self.states.append(state)

    def update_list_status(self, status: Any) -> None:
        self.statuses.append(status)

    def update_held(self, held: Any) -> None:
        self.told.append(("held", held))

    def update_action(self, action: Any) -> bool:
        is_shown = bool(action.target == self.about)
        if is_shown:
            self.told.append(("action", action))
        return is_shown

    def update_review(self, task_id: str, review: Any, state: Any) -> None:
        self.told.append(("review", task_id))

    def review_failed(self, task_id: str, reason: str) -> None:
        self.told.append(("failed", reason))

    def update_presence(self, words: str) -> None:
        self.told.append(("presence", words))

    def keys_to_take_back(self) -> str:
        return "u"

    def filter(self, text: str) -> None:
        self.told.append(("filter", text))

    def select(self, task_id: str) -> None:
        self.told.append(("select", task_id))


class StubApp:
    """A stub of the app: runs workers as tasks, answers dialogs from `answers`, and records all other calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.screens: list[Any] = [StubScreen()]
        self.size = Size(120, 40)
        self.app_focus = True
        self.dialogs: list[Any] = []
        self.pushed: list[Any] = []
        self.notices: list[str] = []
        self.opened: list[str] = []
        self.bells = 0
        self._groups: dict[str, set[asyncio.Task[Any]]] = {}

    @property
    def task_list(self) -> Any:
        return self.screens[0] if self.screens else None

    def notify(self, message: str, *, title: str = "", **options: Any) -> None:
        self.notices.append(f"{title}: {message}" if title else message)

    def bell(self) -> None:
        self.bells += 1

    def push_screen(self, screen: Any) -> None:
        self.pushed.append(screen)

    async def push_screen_wait(self, screen: Any) -> Any:
        self.dialogs.append(screen)
        await asyncio.sleep(0)
        return self.answers.pop(0)

    def open_task(self, task_id: str) -> None:
        self.opened.append(task_id)

    def pop_screen(self) -> None:
        self.screens.pop()

    def open_url(self, url: str) -> None:
        self.opened.append(url)

    def run_worker(self, work: Callable[[], Awaitable[Any]], *, group: str, exclusive: bool = False) -> None:
        running = self._groups.setdefault(group, set())
        if exclusive:
            for task in running:
                task.cancel()

        async def run() -> Any:
            return await work()

        running.add(asyncio.create_task(run()))

    async def finished(self, *groups: str) -> None:
        """Wait until the workers of these groups and those that they start have finished; raise their exceptions."""
        async with asyncio.timeout(20):
            for group in groups:
                while pending := [task for task in self._groups.get(group, ()) if not task.done()]:
                    await asyncio.wait(pending)
                for task in self._groups.get(group, ()):
                    if not task.cancelled():
                        task.result()

    def cancel(self) -> None:
        """Cancel all workers."""
        for running in self._groups.values():
            for task in running:
                task.cancel()
