"""What there is to copy: one key each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.screens.base import Dialog
from tui.security.sanitize import one_line
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.virtual_list import VirtualList

COPY_KEYS = {
    "id": "i", "title": "t", "result": "r", "link": "l", "curl": "c", "record": "d",
    "value": "v", "path": "p", "subtree": "s", "text": "x", "JSON": "o", "Markdown": "m",
}  # fmt: skip
"""The key of each thing that can be copied; no two are alike, so that fingers may learn them."""


class CopyChoices(VirtualList):
    """What there is, and the beginning of each."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(id="choices")
        self._texts = texts
        self.names = [name for name in COPY_KEYS if name in texts]

    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    def pieces(self, index: int, width: int) -> StyledLine:
        """One of them."""
        name = self.names[index]
        text = one_line(self._texts[name], longest=200) or "nothing"
        return [
            StyledText(f" {COPY_KEYS[name]}  ", "accent"),
            StyledText(f"{name:<10}"),
            StyledText(fit(text, max(width - 14, 1)), "faint"),
        ]


class CopyScreen(Dialog[str]):
    """Texts by name, secrets masked in all of them; the name of the one that is chosen is the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"take({name!r})", name, show=False, id=f"copy.{name}") for name, key in COPY_KEYS.items()),
        Binding("escape,q,y", "leave", "back", id="copy.leave"),
    ]

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def content(self) -> ComposeResult:
        """The list."""
        with Vertical(id="dialog"):
            yield Static("Copy", id="question", markup=False)
            yield CopyChoices(self._texts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is not has no key."""
        return action != "take" or parameters[0] in self._texts

    def on_virtual_list_chosen(self, event: VirtualList.Chosen) -> None:
        """The line under the cursor."""
        self.action_take(self.query_one(CopyChoices).names[event.index])

    def action_take(self, name: str) -> None:
        """This one."""
        self.dismiss(name)

    def action_leave(self) -> None:
        """None."""
        self.dismiss("")
