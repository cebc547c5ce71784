"""The editor for the reason of a rejection: the text is a draft until the rejection is confirmed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from tui.client.json_codec import canonical
from tui.domain.action import Verb
from tui.screens.base import Segments
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText

if TYPE_CHECKING:
    from tui.domain.action import Action
    from tui.domain.review import ReviewSnapshot

MAX_SHOWN_CHARS = 200
"""Characters of the reason that are shown in its line."""
KEPT_MARK = "\n"
"""The end of the draft of a reason that was entered; the draft of an unfinished one ends without it."""


def reason_key(reviews: Iterable[ReviewSnapshot]) -> str:
    """Return the key of the draft for exactly these requests, all of their fields; empty if none takes a reason."""
    requests = sorted(
        [review.task.id, canonical(review.held)]
        for review in reviews
        if not review.blocked_now and not review.request_id
    )
    if not requests:
        return ""
    return f"reject {hashlib.sha256(canonical(requests).encode()).hexdigest()[:24]}"


class ReasonEditor(Vertical):
    """An input for the reason, and a line with the reason as long as it is not sent."""

    class Entered(Message):
        """A message that the reason was entered."""

    class Unsaved(Message):
        """A message that the draft cannot be written."""

        def __init__(self, error: OSError) -> None:
            super().__init__()
            self.error = error

    def __init__(self) -> None:
        super().__init__(id="reason-editor")
        self.drafts: MutableMapping[str, str] = {}
        """The drafts, which outlive the screen."""
        self.draft_key = ""
        """The key of the draft for the requests that are shown; empty while they are not known."""
        self.is_unsent = False
        """Whether there is a reason that is not on its way with a decision, as it was drawn last."""
        self._text = ""
        self._is_entered = False

    def compose(self) -> ComposeResult:
        """Compose the editor from its input and its line."""
        reject = key_name(self.screen, "review.reject")
        placeholder = f"why not? Enter keeps the reason, {reject} then rejects"
        yield Input(placeholder=placeholder, id="reason", compact=True, select_on_focus=False)
        yield SegmentLine(id="reason-line")

    @property
    def reason(self) -> str | None:
        """The reason that was entered; None until then."""
        return self._text if self._is_entered else None

    @property
    def has_text(self) -> bool:
        """Whether there is a reason, entered or unfinished."""
        return bool(self._text.strip())

    @property
    def is_open(self) -> bool:
        """Whether the input is open, so that keys write into it."""
        return any(field.has_class("-shown") for field in self.query(Input))

    def open(self) -> None:
        """Open the input with the text as it is."""
        reason = self.query_one(Input)
        reason.value = self._text
        reason.cursor_position = len(self._text)
        reason.add_class("-shown").focus()

    def close(self) -> bool:
        """Close the input, and keep its text as a draft; return whether it was open."""
        if not self.is_open:
            return False
        self.query_one(Input).remove_class("-shown")
        return True

    # The draft

    def load(self, draft_key: str) -> None:
        """Load the draft for the requests that are shown."""
        self.draft_key = draft_key
        draft = self.drafts.get(draft_key, "") if draft_key else ""
        self._text = " ".join(filter(None, map(str.strip, draft.splitlines())))
        self._is_entered = draft.count("\n") == 1 and draft.endswith(KEPT_MARK)

    def drop(self) -> None:
        """Drop the reason from the screen; its draft is kept."""
        self.draft_key = ""
        self._text = ""
        self._is_entered = False

    def revise(self) -> None:
        """Treat the reason as unfinished: what it is about has changed, so it has to be entered again."""
        self._is_entered = False

    def restore(self, action: Action, review: ReviewSnapshot | None) -> None:
        """Restore the reason of a rejection that was not carried out, if it was about the review that is shown.

        Elsewhere it stays the draft of the request that it was written about.
        """
        if review is None or review.request_id or review.digest != action.digest:
            return
        if action.verb is Verb.REJECT and action.comment and not self._text:
            self._text = action.comment
            self._is_entered = True

    def _save(self, text: str, mark: str = "") -> None:
        self._text = text
        if not self.draft_key:
            return
        try:
            self.drafts[self.draft_key] = f"{text}{mark}"
        except OSError as error:
            self.post_message(self.Unsaved(error))

    @on(Input.Changed)
    def _save_change(self, event: Input.Changed) -> None:
        if self.is_open and event.value != self._text:
            self._is_entered = False
            self._save(event.value)

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        self._is_entered = True
        self._save(event.value.strip(), KEPT_MARK)
        self.close()
        self.post_message(self.Entered())

    # Drawing

    def draw(self, *, is_sent: bool) -> None:
        """Draw the line: shown while there is a reason or one is written, unless it is on its way with a decision."""
        line = self.query_one(SegmentLine)
        self.is_unsent = self.has_text and not is_sent
        is_shown = self.is_unsent or self.is_open
        line.set_class(is_shown, "-shown")
        if is_shown:
            line.show(self._segments(), [StyledText(f" not sent yet · {self._next_keys()} ", "strong")])

    def _segments(self) -> Segments:
        if self.is_open:
            return []
        text = StyledText(f' reason: "{one_line(self._text, longest=MAX_SHOWN_CHARS)}"', "need")
        return [(text, "reason")]

    def _next_keys(self) -> str:
        """Return the keys that go on with the reason."""
        reject = key_name(self.screen, "review.reject")
        if self.is_open:
            return f"enter keeps it, {reject} then rejects"
        if self._is_entered:
            return f"{reject} rejects · {key_name(self.screen, 'review.edit_reason')} edits"
        return f"{reject} goes on writing it"
