"""The copy dialog: a list of texts to copy, each with a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.screens.base import Dialog
from tui.security.sanitize import one_line
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.virtual_list import VirtualList

COPY_KEYS = {
    "text": "x", "value": "v", "path": "p", "subtree": "s", "JSON": "o", "Markdown": "m",
    "address": "a", "approval": "h", "id": "i", "title": "t", "result": "r", "link": "l", "curl": "c", "record": "d",
}  # fmt: skip
"""The key of each text that can be copied, what is looked at first; every key is used once, so that operators can
learn them."""
MAX_PREVIEW_CHARS = 200
KEY_CELLS = 4
NAME_CELLS = 10


class CopyChoices(VirtualList):
    """A list of the choices to copy, each with the start of its text."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(id="choices")
        self._texts = texts
        self.names = [name for name in COPY_KEYS if name in texts]

    def count(self) -> int:
        """Return the count of the choices."""
        return len(self.names)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a line as styled text: the key, the name, and the start of a text."""
        name = self.names[index]
        text = one_line(self._texts[name], longest=MAX_PREVIEW_CHARS) or "nothing"
        text_width = max(width - KEY_CELLS - NAME_CELLS, 1)
        return [
            StyledText(f" {COPY_KEYS[name]}  ", "accent"),
            StyledText(name.ljust(NAME_CELLS)),
            StyledText(fit(text, text_width), "faint"),
        ]


class CopyScreen(Dialog[str]):
    """A dialog to copy one of several texts, whose secrets are masked; its result is the name of the chosen text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take({name!r})", name, show=False, id=f"copy.{name}") for name, key in COPY_KEYS.items()),
        Binding("escape,q,y", "leave", "back", id="copy.leave"),
    ]

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def content(self) -> ComposeResult:
        """Yield the content of the dialog: the list of choices."""
        with Vertical(id="dialog"):
            yield Static("Copy", id="question", markup=False)
            yield CopyChoices(self._texts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: a text can be taken only if it is in the list."""
        return action != "take" or parameters[0] in self._texts

    @on(VirtualList.Chosen)
    def _take_line(self, event: VirtualList.Chosen) -> None:
        self.action_take(self.query_one(CopyChoices).names[event.index])

    def action_take(self, name: str) -> None:
        """Take the text with this name."""
        self.dismiss(name)

    def action_leave(self) -> None:
        """Leave the dialog without a choice."""
        self.dismiss("")
