"""The list of the latest notices: those that came while a review was open can be read here later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.domain.notice_log import Notice
from tui.screens.base import Dialog
from tui.security.sanitize import one_line
from tui.widgets.styled_text import StyledLine, StyledText
from tui.widgets.virtual_list import VirtualList

MAX_SHOWN_CHARS = 500


class NoticeRows(VirtualList):
    """The notices, the latest first."""

    def __init__(self, notices: Sequence[Notice]) -> None:
        super().__init__(id="notices")
        self._notices = list(reversed(notices))

    def count(self) -> int:
        """Return the count of the notices."""
        return len(self._notices)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return the styled pieces of a row: the time of a notice, and its text."""
        notice = self._notices[index]
        return [
            StyledText(f" {notice.at.astimezone():%H:%M:%S}  ", "faint"),
            StyledText(one_line(notice.text, longest=MAX_SHOWN_CHARS)),
        ]


class NoticesScreen(Dialog[None]):
    """A dialog with the latest notices."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f6", "dismiss", "back", id="notices.leave"),
    ]

    def __init__(self, notices: Sequence[Notice]) -> None:
        super().__init__()
        self._notices = notices

    def content(self) -> ComposeResult:
        """Yield the content of the dialog: a title and the notices (called by `Dialog`)."""
        with Vertical(id="dialog"):
            title = "Notices, the latest first" if self._notices else "No notice has come yet"
            yield Static(title, id="question", markup=False)
            yield NoticeRows(self._notices)
