"""The confirmation dialog: a question with two answers, of which the harmless one is the default."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Static

from tui.screens.base import Dialog
from tui.security.sanitize import one_line, sanitize_text
from tui.widgets.keys import key_name


class ConfirmScreen(Dialog[bool]):
    """A dialog that asks the operator to confirm an action that cannot be undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "no", id="confirm.no"),
        Binding("left,right,tab", "app.focus_next", "Other", show=False, id="confirm.other"),
        Binding("pagedown,down,j", "scroll_text(1)", "Page down", show=False, id="confirm.page_down"),
        Binding("pageup,up,k", "scroll_text(-1)", "Page up", show=False, id="confirm.page_up"),
    ]

    def __init__(self, title: str, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes
        self._no = no

    def content(self) -> ComposeResult:
        """Yield the content of the dialog: the question, its text, and the two answers."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            with VerticalScroll(id="scroll", can_focus=False):
                yield Static(sanitize_text(self._text), id="about", markup=False)
            yield Static("", id="below", markup=False)
            with Horizontal(id="answers"):
                yield Button(self._no, id="no")
                yield Button(self._yes, id="yes", variant="error")

    def show_text(self, text: str) -> None:
        """Show another text, when the subject of the question changes while the dialog is open."""
        if text != self._text:
            self._text = text
            for about in self.query("#about").results(Static):
                about.update(sanitize_text(text))

    def on_mount(self) -> None:
        """Focus the harmless answer after mounting, and keep the count of hidden lines up to date."""
        self.query_one("#no").focus()
        text = self.query_one("#scroll")
        for attribute in ("scroll_y", "virtual_size", "size"):
            self.watch(text, attribute, self._show_hidden_lines)

    def _show_hidden_lines(self) -> None:
        """Show how many lines of the text are hidden below the visible ones, and the key that scrolls to them."""
        text = self.query_one("#scroll")
        lines_above = text.scroll_offset.y
        lines_below = text.virtual_size.height - text.scrollable_content_region.height - lines_above
        hint = self.query_one("#below", Static)
        if lines_below > 0:
            hint.update(f"{lines_below} more lines below: {key_name(self, 'confirm.page_down')}")
        else:
            hint.update(f"the end; {key_name(self, 'confirm.page_up')} goes back")
        hint.display = lines_below > 0 or lines_above > 0

    def action_scroll_text(self, pages: int) -> None:
        """Scroll the text by pages."""
        text = self.query_one("#scroll")
        text.scroll_relative(y=pages * text.size.height, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Dismiss the dialog with the answer of the pressed button."""
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        """Dismiss the dialog with the answer no."""
        self.dismiss(False)
