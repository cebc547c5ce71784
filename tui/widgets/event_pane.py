"""The live events of a task, a line each; it follows them until somebody scrolls up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui import words
from tui.board import Change, EventSeen, GapSeen, LinkSeen, LogSeen
from tui.masks import Masks
from tui.plain import one_line
from tui.telling import said, word_of
from tui.widgets.lines import Lines, Piece, Pieces

LONGEST = 20_000
"""How many lines are kept; the activity log has everything."""
LOOKS = {"task_finished": "strong", "tool_call_request": "running", "auth_event": "need", "ask_user_questions": "need"}


class EventPane(Lines):
    """Events as they come."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow", id="events.follow"),
        Binding("p", "pause", "pause", id="events.pause"),
    ]

    class Changed(Message):
        """What the pane's title tells has changed."""

    def __init__(self, masks: Masks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._masks = masks
        self._rows: list[tuple[Pieces, object]] = []
        self._held: list[tuple[Pieces, object]] = []
        self._chunk = False
        self.follows = True
        self.is_paused = False
        self.unseen = 0
        self.total = 0

    def take(self, changes: Iterable[Change]) -> None:
        """Take in what happened to the task."""
        fresh = [row for change in changes for row in self._rows_of(change)]
        if not fresh:
            return
        self.total += len(fresh)
        if self.is_paused:
            self._held += fresh
            del self._held[:-LONGEST]
        else:
            self._append(fresh)
        self.post_message(self.Changed())

    def _append(self, fresh: list[tuple[Pieces, object]]) -> None:
        before = self.rows_will_change()
        self._rows += fresh
        cut = max(len(self._rows) - LONGEST, 0)
        del self._rows[:cut]
        if self.follows:
            self.rows_changed((None, 0))
            self.move_to(len(self._rows) - 1)
        else:
            self.unseen += len(fresh)
            key, below = before
            self.rows_changed((key - cut if isinstance(key, int) else key, below))

    def _rows_of(self, change: Change) -> Iterable[tuple[Pieces, object]]:
        match change:
            case EventSeen(_, event, at):
                is_more = event.chunk is not None and self._chunk
                self._chunk = event.chunk is not None
                if is_more:
                    return
                look = (
                    "failed" if event.type == "tool_call_result" and _failed(event.data) else LOOKS.get(event.type, "")
                )
                text = said(event, self._masks)
                yield _row(event.time or at, one_line(event.type), text, look), event
            case LogSeen(_, _, _, fresh) if fresh:
                for entry in fresh:
                    text = one_line(self._masks.text(entry.label), longest=300)
                    yield _row(entry.created_at, f"~{word_of(entry)}", text, "faint"), entry
            case GapSeen(_, gap):
                filled = "not filled yet" if gap.filled is None else f"{gap.filled} back-filled"
                yield [Piece(f" ─ gap {words.exact(gap.seconds)}, {filled} ─", "need")], gap
            case LinkSeen(_, link, at):
                yield _row(at, "link", one_line(str(link)), "faint"), link

    @property
    def chosen(self) -> object:
        """What the line under the cursor is about."""
        return self._rows[self.cursor][1] if self.cursor < len(self._rows) else None

    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def pieces(self, index: int, width: int) -> Pieces:
        """One line."""
        return self._rows[index][0]

    def watch_cursor(self, before: int, after: int) -> None:
        """Going up stops following, reaching the end begins it again."""
        super().watch_cursor(before, after)
        if self.has_focus:
            at_end = after >= len(self._rows) - 1
            if at_end != self.follows:
                self.follows = at_end
                self.unseen = 0 if at_end else self.unseen
                self.post_message(self.Changed())

    def action_follow(self) -> None:
        """Follow, or stay."""
        self.follows = not self.follows
        self.unseen = 0
        if self.follows:
            self.move_to(len(self._rows) - 1)
        self.post_message(self.Changed())

    def action_pause(self) -> None:
        """Show nothing new for a while; receiving goes on."""
        self.is_paused = not self.is_paused
        if not self.is_paused and self._held:
            held, self._held = self._held, []
            self._append(held)
        self.post_message(self.Changed())

    @property
    def state(self) -> str:
        """What its title tells."""
        if self.is_paused:
            return f"{self.total}  paused, {len(self._held)} held"
        if self.follows:
            return f"{self.total}  follow"
        return f"{self.total}  {self.unseen} new"


def _row(at: datetime | None, word: str, text: str, look: str) -> Pieces:
    clock = at.astimezone().strftime("%H:%M:%S") if at else "        "
    return [Piece(f" {clock} ", "faint"), Piece(f"{word:<18} ", look), Piece(text, "faint" if look == "faint" else "")]


def _failed(data: object) -> bool:
    return isinstance(data, dict) and bool(data.get("is_error"))
