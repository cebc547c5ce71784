"""Something to say: in a task's thread, as a new task, or as the answer to a question."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from tui.plain import one_line


class Compose(ModalScreen[str]):
    """A text of several lines, safe to paste into; it is kept as a draft until it was sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "send", "send", id="compose.send"),
        Binding("escape", "leave", "keep as a draft", id="compose.leave"),
    ]

    def __init__(self, title: str, where: str, key: str, drafts: MutableMapping[str, str]) -> None:
        super().__init__()
        self._title, self._where, self._key, self._drafts = title, where, key, drafts

    def compose(self) -> ComposeResult:
        """Where it goes, and the text."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Static(one_line(self._where), id="about", markup=False)
            yield TextArea(self._drafts.get(self._key, ""), id="text", tab_behavior="focus")
            yield Static("F2 sends · Esc keeps it as a draft", id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin to write, behind what is there."""
        text = self.query_one(TextArea)
        text.focus()
        text.move_cursor(text.document.end)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Every letter is kept."""
        self._drafts[self._key] = event.text_area.text

    def action_send(self) -> None:
        """Send it, if there is anything to send."""
        text = self.query_one(TextArea).text.strip()
        if text:
            self.dismiss(text)

    def action_leave(self) -> None:
        """Not now: the draft stays."""
        self.dismiss("")
