"""A question with two answers, of which the harmless one is the default."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.plain import clean, one_line
from tui.screens.keyed import Dialog


class Confirm(Dialog[bool]):
    """Asks before something that cannot be undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "no", id="confirm.no"),
        Binding("left,right,tab", "app.focus_next", "Other", show=False, id="confirm.other"),
    ]

    def __init__(self, title: str, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._title, self._text, self._yes, self._no = title, text, yes, no

    def content(self) -> ComposeResult:
        """The question; the harmless answer has the focus."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Static(clean(self._text), id="about", markup=False)
            with Horizontal(id="answers"):
                yield Button(self._no, id="no")
                yield Button(self._yes, id="yes", variant="error")

    def on_mount(self) -> None:
        """Enter alone does no harm."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """An answer."""
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        """The harmless answer."""
        self.dismiss(False)
