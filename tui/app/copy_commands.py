"""Copies texts of tasks and of the selection, in whatever way the terminal and the machine offer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tui.app.access import AppAccess
from tui.client.client import Client
from tui.client.endpoints import BadAddress, Operation
from tui.client.errors import ApiError
from tui.client.json_codec import pretty
from tui.client.task_rows import AnyTask
from tui.screens.decision_screen import DecisionScreen
from tui.security.sanitize import host_of, sanitize_text, with_ascii_host
from tui.services.clipboard import HANDED_TO_TERMINAL, copy_text
from tui.services.state_store import StateStore
from tui.widgets.inspector import REVEAL_SECONDS
from tui.widgets.keys import key_name
from tui.widgets.ui_context import UIContext

MAX_TITLE_CHARS = 10_000
NOTICE_SECONDS = 4.0
"""Seconds for which the way in which a text was copied is shown."""
SIGN_IN_ADDRESS = "address"
"""The name of the address of a sign-in, which is copied with what is masked in it, as that of an approval is."""
APPROVAL_ADDRESS = "approval"
"""The name of the address at which a held call is approved."""


class CopyCommands:
    """The commands that ask the operator for a text to copy, and copy it."""

    def __init__(
        self,
        app: AppAccess,
        client: Client,
        store: StateStore,
        ui: UIContext,
        write: Callable[[str], None],
        fallback_file: Path,
    ) -> None:
        self._app = app
        self._client = client
        self._store = store
        self._ui = ui
        self._write = write
        """Copies a text through the terminal."""
        self._fallback_file = fallback_file
        """The file for texts that cannot be copied."""

    def copy_tasks(self, task_ids: Sequence[str]) -> None:
        """Ask which text of these tasks to copy."""
        if tasks := self._tasks(task_ids):
            self.copy_one_of(self._texts_of(tasks))

    def copy_selected(self, texts: Mapping[str, str], task_id: str = "") -> None:
        """Ask which text to copy: one of the selected element, or one of this task or of the one on the screen."""
        open_tasks = [screen.followed_task for screen in self._app.screens if screen.followed_task]
        task_ids = [task_id] if task_id else open_tasks[-1:]
        self.copy_one_of({**texts, **self._texts_of(self._tasks(task_ids))})

    def _tasks(self, task_ids: Sequence[str]) -> list[AnyTask]:
        tasks = map(self._store.state.task, task_ids)
        return [task for task in tasks if task]

    def copy_one_of(self, texts: Mapping[str, str]) -> None:
        """Ask which of these texts to copy."""
        self._app.run_worker(partial(self._ask_and_copy, texts), group="dialogs", exclusive=True)

    async def _ask_and_copy(self, texts: Mapping[str, str]) -> None:
        from tui.screens.copy_dialog import CopyScreen

        shown, redactor = dict(texts), self._ui.redactor
        if APPROVAL_ADDRESS in texts:
            shown[APPROVAL_ADDRESS] = redactor.text(texts[APPROVAL_ADDRESS])
        if SIGN_IN_ADDRESS in texts:
            url = texts[SIGN_IN_ADDRESS]
            shown[SIGN_IN_ADDRESS] = f"{redactor.text(host_of(url) or '')} {redactor.json(url, 'auth_url')}"
        if name := await self._app.push_screen_wait(CopyScreen(shown)):
            self.copy(name, texts[name])

    def copy(self, name: str, text: str) -> None:
        """Copy a text, and notify the operator of the way in which it was copied."""
        how = copy_text(text, self._write, self._fallback_file)
        seconds = NOTICE_SECONDS
        if name == SIGN_IN_ADDRESS and how == HANDED_TO_TERMINAL and (key := self._key_that_reveals()):
            how = f"{how}; if nothing arrives: {key} shows it for {REVEAL_SECONDS:.0f} s"
            seconds = REVEAL_SECONDS
        self._app.notify(f"{name}: {how}", markup=False, timeout=seconds)

    def _key_that_reveals(self) -> str:
        """Return the key that shows what is masked on the topmost screen; empty where none does."""
        screens = self._app.screens
        if not screens or not screens[-1].IS_APPROVAL:
            return ""
        return key_name(screens[-1], DecisionScreen.REVEAL_BINDING)

    def _texts_of(self, tasks: Sequence[AnyTask]) -> dict[str, str]:
        """Return the texts of tasks that can be copied, by name, with their secrets masked."""
        redactor = self._ui.redactor
        results = [redactor.text(task.result) for task in tasks if task.result]
        texts = {
            **self._sign_in_address(tasks),
            "id": "\n".join(task.id for task in tasks),
            "title": "\n".join(self._ui.safe(task.name, MAX_TITLE_CHARS) for task in tasks),
            "result": "\n\n".join(sanitize_text(result, longest=sys.maxsize) for result in results),
            "record": "\n".join(pretty(redactor.json(task.raw)) for task in tasks),
        }
        try:
            urls = [self._client.url_of(Operation.TASK, task=task.id) for task in tasks]
        except (ApiError, BadAddress):
            return texts
        curls = [f"curl -H \"x-api-key: $XPANDER_API_KEY\" '{url}'" for url in urls]
        return {**texts, "link": "\n".join(urls), "curl": "\n".join(curls)}

    def _sign_in_address(self, tasks: Sequence[AnyTask]) -> dict[str, str]:
        """Return the whole address of the sign-in that a task waits for, if all browsers find the same host in it."""
        if len(tasks) != 1:
            return {}
        task = tasks[0]
        activity = self._store.state.activity(task.id)
        node = activity.open_node if activity else None
        url = None
        if task.pending_eca_request is not None:
            url = task.pending_eca_request.auth_url
        elif node is not None and node.entry.kind == "sign-in" and not task.is_final:
            url = getattr(node.entry, "url", None)
        if not url or not host_of(url):
            return {}
        return {SIGN_IN_ADDRESS: with_ascii_host(url)}
