"""What of a task to copy: one key each."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.api.models import Task
from tui.api.wirejson import pretty
from tui.masks import Masks
from tui.plain import one_line


class Copy(ModalScreen[str]):
    """Id, title, result, record, or a command that reads it; secrets are masked in all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "take('id')", "id", id="copy.id"),
        Binding("t", "take('title')", "title", id="copy.title"),
        Binding("r", "take('result')", "result", id="copy.result"),
        Binding("j", "take('JSON')", "JSON", id="copy.json"),
        Binding("u", "take('curl')", "curl", id="copy.curl"),
        Binding("escape,q,y", "leave", "back", id="copy.leave"),
    ]

    def __init__(self, task: Task, url: str | None, masks: Masks) -> None:
        super().__init__()
        self._texts = {
            "id": task.id,
            "title": masks.text(task.name),
            "result": masks.text(task.result or ""),
            "JSON": pretty(masks.json(task.raw)),
            "curl": f"curl -H \"x-api-key: $XPANDER_API_KEY\" '{url}'" if url else "",
        }

    def compose(self) -> ComposeResult:
        """What there is, and the beginning of each."""
        keys = {"id": "i", "title": "t", "result": "r", "JSON": "j", "curl": "u"}
        lines = [
            f"{keys[name]}  {name:<8}{one_line(text, longest=60) or 'nothing'}" for name, text in self._texts.items()
        ]
        with Vertical(id="dialog"):
            yield Static("Copy", id="question", markup=False)
            yield Static("\n".join(lines), id="choices", markup=False)

    def action_take(self, name: str) -> None:
        """This one."""
        self.dismiss(self._texts[name])

    def action_leave(self) -> None:
        """None."""
        self.dismiss("")
