"""The review of several tasks at once, each with its own request and its own outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.client.task_rows import AnyTask
from tui.domain.action import DECISIONS, Action, Outcome, Phase, Verb
from tui.domain.review_facts import NOT_READ
from tui.screens.approval_base import IN_A_BURST, UNDECIDED_OUTCOMES, ApprovalScreen
from tui.screens.base import Segments
from tui.screens.reason_editor import reason_key
from tui.screens.review_facts import request_parts, review_facts
from tui.screens.review_words import CONTENT_HEADING
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.outcome_line import OutcomeLine
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import State

OUTCOME_STYLES = {Outcome.CONFIRMED: "running", Outcome.TAKEN_BACK: "faint"}


class OutcomeList(VirtualList):
    """A list of tasks, one per line: the name of each, and its progress or outcome."""

    def __init__(self, ui: UIContext, tasks: Sequence[AnyTask], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui
        self.tasks = tasks
        self._outcomes: dict[str, StyledText] = {}

    def show_outcome(self, task_id: str, outcome: StyledText) -> None:
        """Show the outcome of a task, or its progress."""
        self._outcomes[task_id] = outcome
        self.refresh()

    def count(self) -> int:
        """Return the count of the tasks."""
        return len(self.tasks)

    @property
    def task_id(self) -> str:
        """The id of the task under the cursor."""
        return self.tasks[self.cursor].id

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a line as styled text: the name of a task, its id, and its outcome."""
        task = self.tasks[index]
        outcome = self._outcomes.get(task.id, StyledText("reading …", "faint"))
        name_cells = max(min(width // 2, 60), 20)
        return [
            StyledText(f" {fit(self._ui.safe(task.name), name_cells)} ", "strong"),
            StyledText(f"{task.id[:8]}  ", "faint"),
            StyledText(self._ui.safe(outcome.text), outcome.style),
        ]


class BulkReviewScreen(ApprovalScreen):
    """The bulk review: approve or reject several tasks once all were read, or watch several tasks stop."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Other pane", show=False, id="bulk.pane"),
    ]

    AUTO_FOCUS = "#tasks"

    def __init__(
        self,
        tasks: Sequence[AnyTask],
        ui: UIContext,
        *,
        is_stopping: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._ui = ui
        self._is_stopping = is_stopping
        """Whether the tasks are being stopped, so that there is nothing to decide."""
        self.tasks = {task.id: task for task in tasks}
        self._reviews: dict[str, ReviewSnapshot] = {}
        self._state: State | None = None
        """The state at the last read of a review."""
        self._read_to_end: set[str] = set()
        """The tasks whose payload was shown to its end."""
        self._actions: dict[str, Action] = {}
        """The last action of each task."""
        self._holds_own_secret = False
        """Whether a secret of this machine is in the shown payload."""
        self._payload_task_id = ""
        """The task whose payload is shown."""
        self._pending_reads = set(self.tasks)
        """The tasks whose reviews are still being read from the platform."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets, from top to bottom."""
        yield SegmentLine(id="title")
        yield OutcomeList(self._ui, tuple(self.tasks.values()), id="tasks")
        yield SegmentLine(id="payload-title")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="payload")
        yield self.reason_editor
        yield OutcomeLine()
        yield SegmentLine(id="status")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Start drawing after mounting, with the first task selected."""
        self.focus_content()
        self.watch(self.query_one(OutcomeList), "cursor", self._show_payload, init=False)
        self.query_one("#payload-title").display = not self._is_stopping
        self.query_one("#payload").display = not self._is_stopping
        self.set_interval(0.1, self.draw)
        self.draw()

    def focus_content(self) -> None:
        """Move the focus to the content: the list of tasks."""
        self.query_one("#tasks").focus()

    # Called by the app

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Update the review of one of the tasks."""
        if task_id not in self.tasks:
            return
        self._state = state
        self._pending_reads.discard(task_id)
        before = self._reviews.get(task_id)
        self._reviews[task_id] = review
        if before is None or before.digest != review.digest:
            self._read_to_end.discard(task_id)
            self.arm()
            self.reason_editor.revise()
        if not self._pending_reads and not self._actions:
            self.load_reason(reason_key(self._reviews.values()))
        action = self._actions.get(task_id)
        text = review.blocked_now or "not read yet"
        if action and action.outcome:
            text = f"{action.words}; {text}"
        self._show_outcome(task_id, StyledText(text, "failed" if review.blocked_now else "need"))
        self._show_payload()

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show the reason why the read of a review failed."""
        if task_id in self.tasks:
            self._pending_reads.discard(task_id)
            self._show_outcome(task_id, StyledText(reason, "failed"))

    def update_action(self, action: Action) -> bool:
        """Update the progress of the decision about one of the tasks, or of its stop; other actions have notices."""
        shown_verbs = DECISIONS
        if self._is_stopping:
            shown_verbs = frozenset({Verb.STOP})
        if action.target not in self.tasks or action.verb not in shown_verbs:
            return False
        before = self._actions.get(action.target)
        is_new = before is None or before.id != action.id
        self._actions[action.target] = action
        if action.phase is Phase.HELD and is_new and self._is_burst:
            self._note = IN_A_BURST
            self.post_message(self.TakeBack(action.id))
        style = "need"
        if action.phase is Phase.DONE and action.outcome:
            style = OUTCOME_STYLES.get(action.outcome, "failed")
        self._show_outcome(action.target, StyledText(action.words or f"{action.verb}: {action.phase}", style))
        self.refresh_bindings()
        return True

    def _show_outcome(self, task_id: str, outcome: StyledText) -> None:
        self.query_one(OutcomeList).show_outcome(task_id, outcome)

    # Drawing

    def _show_payload(self) -> None:
        """Show the payload of the task under the cursor."""
        tasks = self.query_one(OutcomeList)
        task = tasks.tasks[tasks.cursor]
        review = self._reviews.get(task.id)
        self._payload_task_id = task.id
        parts = [Part("task", f"{task.name} ({task.id})")]
        if review and self._state is not None:
            parts = [
                *review_facts(review, self._state, self._ui, unread=NOT_READ),
                *request_parts(review, heading=CONTENT_HEADING),
            ]
        payload = self.query_one("#payload", Inspector)
        payload.show(parts)
        self._holds_own_secret = payload.holds_own_secret

    def draw(self) -> None:
        """Draw the titles, the outcome of the selected task, and the status line; note what was read."""
        verb = "Stop" if self._is_stopping else "Review"
        title = [
            (StyledText(" xp-tui › ", "faint"), "back"),
            (StyledText(f"{verb} {len(self.tasks)} tasks  ", "need"), ""),
        ]
        self.query_one("#title", SegmentLine).show(title, [StyledText(self.presence, "need"), self.link_segment()])
        self._note_read_payload()
        self.query_one("#payload-title", SegmentLine).show([(self._payload_title(), "")], [])
        action = self._actions.get(self.query_one(OutcomeList).task_id)
        outcome = ""
        if action is not None and action.phase is Phase.DONE:
            outcome = self._ui.redactor.text(action.words)
        self.query_one(OutcomeLine).show_outcome(outcome)
        self.query_one("#status", SegmentLine).show(self._status_segments(), [])
        is_deciding = any(action.phase is not Phase.DONE for action in self._actions.values())
        self.reason_editor.draw(is_sent=is_deciding or not self._decidable)

    def _payload_title(self) -> StyledText:
        decidable = self._decidable
        title = f"▌ Payload  {len(self._read_to_end & decidable)} of {len(decidable)} read to the end"
        if self._holds_own_secret:
            return StyledText(f"{title}  your own API key is in this one, and stays masked", "need")
        return StyledText(title, "faint")

    def _note_read_payload(self) -> None:
        """Note the visible lines, and whether the shown payload was read to its end with them."""
        self.note_visible_lines()
        payload = self.query_one("#payload", Inspector)
        task_id = self._payload_task_id
        is_read = payload.is_read and not payload.not_whole_reason
        if is_read and task_id in self._decidable and task_id not in self._read_to_end:
            self._read_to_end.add(task_id)
            self._show_outcome(task_id, StyledText("read", "faint"))

    @property
    def _decidable(self) -> set[str]:
        """The ids of the tasks that can still be decided about."""
        return {
            task_id
            for task_id, review in self._reviews.items()
            if not review.blocked_now and self._is_undecided(task_id)
        }

    def _is_undecided(self, task_id: str) -> bool:
        action = self._actions.get(task_id)
        return action is None or action.outcome in UNDECIDED_OUTCOMES

    def _status_segments(self) -> Segments:
        """Return the status line: what is held, what blocks the decision, or the deciding keys."""
        retractable = self._retractable
        if retractable:
            return self._held_segments(retractable)
        blocked = self.blocked_now
        if blocked and self._note:
            return [(StyledText(f" {self._note} ", "need"), "")]
        if blocked:
            return [(StyledText(f" {blocked} ", "need" if self._is_refused else "faint"), "")]
        count = len(self._decidable)
        approve, reject = key_name(self, "review.approve"), key_name(self, "review.reject")
        segments = [
            (StyledText(f"  {approve} approve all {count} ", "strong"), "approve"),
            (StyledText(f" {reject} reject all {count} ", "strong"), "reject"),
        ]
        if self._cards:
            text = f" a card takes no reason, cards among these: {len(self._cards)} "
            segments.append((StyledText(text, "need"), ""))
        return segments

    def _held_segments(self, retractable: Sequence[Action]) -> Segments:
        action = retractable[0]
        when = "read again"
        if action.phase is Phase.HELD:
            when = self._held_actions.time_left(action)
        undo = key_name(self, "review.undo")
        return [
            (StyledText(f" {self._ui.safe(action.summary, 80)}: {len(retractable)} tasks {when} ", "need"), ""),
            (StyledText(f" {undo} takes them back ", "strong"), "undo"),
        ]

    # Deciding

    @property
    def _closed_reason(self) -> str:
        """The reason why the decision is closed for good; empty when it is not."""
        if self._ui.read_only:
            return self._ui.read_only
        if self._is_stopping:
            return "each line says what became of it"
        if self._decidable or not self._reviews:
            return ""
        return "there is nothing left to decide here"

    @property
    def open_tasks(self) -> Collection[str]:
        """The ids of all tasks, which are open for review; none while tasks are being stopped."""
        if self._is_stopping:
            return ()
        return self.tasks.keys()

    @property
    def blocked_from_writing(self) -> str:
        """The reason why not even the reason for a rejection can be written; empty when it can."""
        if reason := self._closed_reason:
            return reason
        if any(action.phase is not Phase.DONE for action in self._actions.values()):
            return "decisions are under way"
        if self._pending_reads:
            return f"reading {len(self._pending_reads)} of them …"
        return ""

    @property
    def blocked(self) -> str:
        """The reason why the decision is blocked; empty when it is not."""
        if reason := self.blocked_from_writing:
            return reason
        payload = self.query_one("#payload", Inspector)
        if reason := payload.not_whole_reason:
            return f"{reason}: take it out of the marks"
        unread = len(self._decidable - self._read_to_end)
        if not unread:
            return ""
        hint = ""
        if self._payload_task_id not in self._read_to_end:
            hint = self.not_shown_yet(payload, "payload", f"{key_name(self, 'bulk.pane')}, ")
        return f"{unread} to read to their ends: {hint or 'go through the list'}"

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Return the reason why an action is disabled: nothing to decide about, or nothing to undo."""
        if action == "decide":
            return self._closed_reason
        if action == "undo" and not self._held and not self._retractable:
            return "nothing is held"
        return ""

    def decide(self, verb: str, reason: str | None) -> None:
        """Decide about all decidable tasks as they were shown; cards take no reason."""
        cards = self._cards
        for task_ids, comment in ((self._decidable - cards, reason), (cards, None)):
            if task_ids:
                digests = {task_id: self._reviews[task_id].digest for task_id in task_ids}
                key = self.reason_editor.draft_key
                self.post_message(self.Decided(Verb(verb), digests, comment, draft_key=key))

    @property
    def _cards(self) -> set[str]:
        """The ids of the tasks that wait with a card, which can only be confirmed or dismissed."""
        return {task_id for task_id in self._decidable if self._reviews[task_id].request_id}

    @property
    def takes_reason(self) -> bool:
        """Whether any of the tasks takes a reason."""
        return self._cards != self._decidable

    def take_back(self) -> bool:
        """Take back all retractable decisions; return whether there were any."""
        action_ids = [action.id for action in self._retractable]
        if action_ids:
            self.post_message(self.TakeBack(*action_ids))
        return bool(action_ids)

    @property
    def _retractable(self) -> list[Action]:
        """The retractable decisions: those that can still be taken back."""
        return [action for action in self._actions.values() if self.can_take_back(action.id)]
