"""A question with two answers, of which the harmless one is the default."""

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
    """Asks before something that cannot be undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "no", id="confirm.no"),
        Binding("left,right,tab", "app.focus_next", "Other", show=False, id="confirm.other"),
        Binding("pagedown,down,j", "scroll_text(1)", "Page down", show=False, id="confirm.page_down"),
        Binding("pageup,up,k", "scroll_text(-1)", "Page up", show=False, id="confirm.page_up"),
    ]

    def __init__(self, title: str, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._title, self._text, self._yes, self._no = title, text, yes, no

    def content(self) -> ComposeResult:
        """The question; the harmless answer has the focus."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            with VerticalScroll(id="scroll", can_focus=False):
                yield Static(sanitize_text(self._text), id="about", markup=False)
            yield Static("", id="below", markup=False)
            with Horizontal(id="answers"):
                yield Button(self._no, id="no")
                yield Button(self._yes, id="yes", variant="error")

    def show_text(self, text: str) -> None:
        """Show another text, where what is asked about goes on meanwhile."""
        if text != self._text:
            self._text = text
            for about in self.query("#about").results(Static):
                about.update(sanitize_text(text))

    def on_mount(self) -> None:
        """Enter alone does no harm; how much of the text is out of sight is always told."""
        self.query_one("#no").focus()
        text = self.query_one("#scroll")
        for changing in ("scroll_y", "virtual_size", "size"):
            self.watch(text, changing, self._tell_what_is_below)

    def _tell_what_is_below(self) -> None:
        """Say how many lines of the text are below what is in sight, and the key that shows them."""
        text, below = self.query_one("#scroll"), self.query_one("#below", Static)
        lines = text.virtual_size.height - text.scrollable_content_region.height - text.scroll_offset.y
        down, up = key_name(self, "confirm.page_down"), key_name(self, "confirm.page_up")
        words = f"{lines} more lines below: {down}" if lines > 0 else f"the end; {up} goes back"
        below.update(words)
        below.display = lines > 0 or text.scroll_offset.y > 0

    def action_scroll_text(self, by: int) -> None:
        """Go a page down or up in the text."""
        self.query_one("#scroll").scroll_relative(y=by * self.query_one("#scroll").size.height, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """An answer."""
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        """The harmless answer."""
        self.dismiss(False)
