"""The panes of a review: the headline, the request below it, and the facts below or beside both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from tui.domain.review import differences
from tui.domain.review_facts import READING
from tui.screens.review_facts import headline, request_parts, review_facts
from tui.screens.review_words import CONTENT_HEADING, payload_title
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import State
    from tui.domain.wait_details import WaitDetails

MIN_FACTS_SHARE = 0.4
"""The share of the rows that the facts have at least, below a long request."""


class ReviewPanes(Container):
    """The panes of a review; their edge is in the accent while the request is one to decide here."""

    def __init__(self, ui: UIContext) -> None:
        super().__init__(id="body")
        self._ui = ui
        self._state: State | None = None
        """The state when the review was read last."""
        self._first_review: ReviewSnapshot | None = None
        """The review of this request as it was shown first: changes are told since then, however often it was read."""
        self.details: WaitDetails | None = None
        """The details of the wait; None until they were read."""
        self._decided = ""
        """How the wait has ended since the review was read; empty while it lasts."""
        self._max_fact_rows: int | None = None
        self._masked_count = 0
        self._holds_own_secret = False

    def compose(self) -> ComposeResult:
        """Compose the panes, the request before the facts."""
        with Vertical(id="request"):
            yield SegmentLine(id="headline")
            yield SegmentLine(id="payload-title")
            yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="payload")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="facts")

    @property
    def payload(self) -> Inspector:
        """The pane of the request."""
        return self.query_one("#payload", Inspector)

    @property
    def facts(self) -> Inspector:
        """The pane of the facts."""
        return self.query_one("#facts", Inspector)

    def show_review(self, review: ReviewSnapshot, state: State, *, is_new: bool) -> None:
        """Show the facts and the request of a review, and the changes since it was shown first unless it is new."""
        self._state = state
        if is_new or self._first_review is None:
            self._first_review = review
        self._decided = ""
        if self.details is not None and self.details.subject_id != review.subject_id:
            self.details = None
        self.facts.show(self._fact_parts(review, self.details), keeps_seen=not is_new)
        parts = request_parts(review)
        if changes := differences(self._first_review, review, self._ui.redactor.json):
            parts[0] = parts[0]._replace(heading=CONTENT_HEADING)
            parts.insert(0, Part("what has changed since you opened it", "\n".join(changes)))
        self.payload.show(parts)
        self.set_class(not review.ends_here, "-elsewhere")
        self._count_masked()

    def show_details(self, review: ReviewSnapshot, details: WaitDetails) -> bool:
        """Show the details of the wait among the facts, unless they are about another; return whether a fact changed.

        Lines that were seen and stay the same still count as seen.
        """
        known = self.details
        if review.subject_id != details.subject_id:
            return False
        if details.has_problem and known is not None and not known.has_problem:
            return False  # what is known is better than that it could not be read again
        before, parts = self._fact_parts(review, known), self._fact_parts(review, details)
        self.details = details
        self.facts.show(parts, keeps_seen=True)
        self._count_masked()
        return parts != before

    def show_decided(self, review: ReviewSnapshot, decided: str) -> None:
        """Show among the facts of a review how its wait has ended since it was read, and hide what was revealed."""
        for pane in self.query(Inspector):
            pane.hide_all()
        if decided != self._decided and self._state is not None:
            self._decided = decided
            self.facts.show(self._fact_parts(review, self.details), keeps_seen=True)

    def clear(self) -> None:
        """Clear all panes, for the review of another task."""
        self._first_review = self.details = None
        self._decided = ""
        self.payload.show([])
        self.facts.show([])
        for line in self.query(SegmentLine):
            line.show([], [])

    def draw_titles(self, review: ReviewSnapshot) -> None:
        """Draw the headline and the title of the request, and share the rows between the two panes."""
        self._share_rows()
        text = StyledText(f" {headline(review, self._ui)}", "strong")
        self.query_one("#headline", SegmentLine).show([(text, "")], [])
        title = payload_title(self.screen, self.payload, self._masked_count, holds_own_secret=self._holds_own_secret)
        self.query_one("#payload-title", SegmentLine).show(title, [])

    def _share_rows(self) -> None:
        """Give the facts the rows that the request leaves, at least MIN_FACTS_SHARE; beside it they have all rows."""
        max_rows = None
        if not self.screen.has_class("-wide"):
            rows = self.size.height
            request_rows = self.query_one("#request").size.height - self.payload.size.height + self.payload.count()
            max_rows = max(rows - request_rows, int(rows * MIN_FACTS_SHARE))
        if self._max_fact_rows != max_rows:
            self._max_fact_rows = max_rows
            self.facts.styles.max_height = max_rows

    def _fact_parts(self, review: ReviewSnapshot, details: WaitDetails | None) -> list[Part]:
        assert self._state is not None
        return review_facts(review, self._state, self._ui, details, unread=READING, decided=self._decided)

    def _count_masked(self) -> None:
        """Count what is masked in both panes, once after each change: counting reads the whole documents."""
        panes = (self.facts, self.payload)
        self._masked_count = sum(pane.masked_count for pane in panes)
        self._holds_own_secret = any(pane.holds_own_secret for pane in panes)
