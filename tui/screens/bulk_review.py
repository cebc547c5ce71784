"""Several tasks at once: each with what it asks for, and each with its own outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.client.task_rows import AnyTask
from tui.domain.action import Action, Outcome, Phase, Verb
from tui.screens.approval_base import IN_A_BURST, ApprovalScreen
from tui.screens.review_facts import review_facts
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
    """The tasks, a line each: its name, and how far it is."""

    def __init__(self, ui: UIContext, tasks: Sequence[AnyTask], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui
        self.tasks = tasks
        self.told: dict[str, StyledText] = {}

    def count(self) -> int:
        """How many tasks there are."""
        return len(self.tasks)

    @property
    def task_id(self) -> str:
        """The task under the cursor."""
        return self.tasks[self.cursor].id

    def pieces(self, index: int, width: int) -> StyledLine:
        """One task."""
        task = self.tasks[index]
        told = self.told.get(task.id, StyledText("reading …", "faint"))
        room = max(min(width // 2, 60), 20)
        return [
            StyledText(f" {fit(self._ui.safe(task.name), room)} ", "strong"),
            StyledText(f"{task.id[:8]}  ", "faint"),
            StyledText(self._ui.safe(told.text), told.style),
        ]


class BulkReviewScreen(ApprovalScreen):
    """Approve or reject what several tasks wait for, once each was read; or watch several being stopped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Other pane", show=False, id="bulk.pane"),
    ]

    AUTO_FOCUS = "#tasks"

    def __init__(
        self,
        tasks: Sequence[AnyTask],
        ui: UIContext,
        *,
        stops: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._ui = ui
        self._stops = stops
        """The tasks are being stopped: there is nothing to decide."""
        self.tasks = {task.id: task for task in tasks}
        self._shown: dict[str, ReviewSnapshot] = {}
        self._state: State | None = None
        """What was known of everything when one of them was read last."""
        self._read: set[str] = set()
        """Whose payload was shown to its end."""
        self._actions: dict[str, Action] = {}
        self._holds_own_secret = False
        """Whether a secret of this machine is in the payload that is shown."""
        self._payload_of = ""
        """The task whose payload is shown."""
        self._unread = set(self.tasks)
        """Those which are still being read from the platform."""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield SegmentLine(id="title")
        yield OutcomeList(self._ui, tuple(self.tasks.values()), id="tasks")
        yield SegmentLine(id="payload-title")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="payload")
        yield self.reason_input()
        yield SegmentLine(id="held")
        yield OutcomeLine()
        yield SegmentLine(id="status")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin at the first."""
        self.focus_content()
        self.watch(self.query_one(OutcomeList), "cursor", self._show_payload, init=False)
        self.query_one("#payload-title").display = not self._stops
        self.query_one("#payload").display = not self._stops
        self.set_interval(0.1, self.draw)
        self.draw()

    def focus_content(self) -> None:
        """The list has the focus."""
        self.query_one("#tasks").focus()

    # What the app tells

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Show what one of the tasks waits for."""
        if task_id not in self.tasks:
            return
        self._state, seen = state, review
        self._unread.discard(seen.task.id)
        before = self._shown.get(seen.task.id)
        self._shown[seen.task.id] = seen
        if before is None or before.digest != seen.digest:
            self._read.discard(seen.task.id)
            self.arm()
        action = self._actions.get(seen.task.id)
        told = f"{action.words}; " if action and action.outcome else ""
        words = f"{told}{seen.blocked_now or 'not read yet'}"
        self._tell(seen.task.id, StyledText(words, "failed" if seen.blocked_now else "need"))
        self._show_payload()

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show why one of the tasks could not be read."""
        if task_id in self.tasks:
            self._unread.discard(task_id)
            self._tell(task_id, StyledText(reason, "failed"))

    def update_action(self, action: Action) -> bool:
        """Show how far the action of one of the tasks is."""
        if action.target not in self.tasks:
            return False
        action = action
        is_new = action.target not in self._actions or self._actions[action.target].id != action.id
        self._actions[action.target] = action
        if action.phase is Phase.HELD and is_new and self._is_burst:
            self._note = IN_A_BURST
            self.post_message(self.TakeBack(action.id))
        style = "need"
        if action.phase is Phase.DONE and action.outcome:
            style = OUTCOME_STYLES.get(action.outcome, "failed")
        self._tell(action.target, StyledText(action.words or f"{action.verb}: {action.phase}", style))
        self.refresh_bindings()
        return True

    def _tell(self, task_id: str, piece: StyledText) -> None:
        lines = self.query_one(OutcomeList)
        lines.told[task_id] = piece
        lines.refresh()

    # Showing

    def _show_payload(self) -> None:
        lines = self.query_one(OutcomeList)
        task = lines.tasks[lines.cursor]
        seen, self._payload_of = self._shown.get(task.id), task.id
        parts = [Part("task", f"{task.name} ({task.id})")]
        if seen and self._state is not None:
            parts = [*review_facts(seen, self._state, self._ui), Part("what exactly", seen.held)]
        payload = self.query_one("#payload", Inspector)
        payload.show(parts)
        self._holds_own_secret = payload.holds_own_secret

    def draw(self) -> None:
        """Titles, the line at the foot, and what was read meanwhile."""
        verb = "Stop" if self._stops else "Review"
        left = [
            (StyledText(" xp-tui › ", "faint"), "back"),
            (StyledText(f"{verb} {len(self.tasks)} tasks  ", "need"), ""),
        ]
        self.query_one("#title", SegmentLine).show(left, [StyledText(self.elsewhere, "need")])
        self._note_what_was_read()
        open_still = len(self._decidable)
        words = f"▌ Payload  {len(self._read & self._decidable)} of {open_still} read to the end"
        if self._holds_own_secret:
            words += "  your own API key is in this one, and stays masked"
        style = "need" if self._holds_own_secret else "faint"
        self.query_one("#payload-title", SegmentLine).show([(StyledText(words, style), "")], [])
        action = self._actions.get(self.query_one(OutcomeList).task_id)
        is_over = action is not None and action.phase is Phase.DONE
        self.query_one(OutcomeLine).show_outcome(self._ui.redactor.text(action.words) if action and is_over else "")
        self.query_one("#status", SegmentLine).show(self._status(), [])

    def _note_what_was_read(self) -> None:
        payload = self.query_one("#payload", Inspector)
        self.look_at_panes()
        task_id = self._payload_of
        if (
            payload.is_read
            and not payload.not_whole_reason
            and task_id in self._decidable
            and task_id not in self._read
        ):
            self._read.add(task_id)
            self._tell(task_id, StyledText("read", "faint"))

    @property
    def _decidable(self) -> set[str]:
        """Those which wait for a decision still."""
        again = {Outcome.TAKEN_BACK, Outcome.NOT_SENT, Outcome.CHANGED, Outcome.REFUSED}
        return {
            task_id
            for task_id, seen in self._shown.items()
            if not seen.blocked_now and (task_id not in self._actions or self._actions[task_id].outcome in again)
        }

    def _status(self) -> list[tuple[StyledText, str]]:
        held = self._retractable
        if held:
            when = self._holds.time_left(held[0]) if held[0].phase is Phase.HELD else "read again"
            words = f" {held[0].verb} {len(held)} {when} "
            undo = key_name(self, "review.undo")
            return [(StyledText(words, "need"), ""), (StyledText(f" {undo} takes them back ", "strong"), "undo")]
        if self._note and self.blocked_now:
            return [(StyledText(f" {self._note} ", "need"), "")]
        if why := self.blocked_now:
            return [(StyledText(f" {why} ", "need" if self._is_refused else "faint"), "")]
        count = len(self._decidable)
        approve, reject = key_name(self, "review.approve"), key_name(self, "review.reject")
        found = [(StyledText(f"  {approve} approve all {count} ", "strong"), "approve")]
        found.append((StyledText(f" {reject} reject all {count} ", "strong"), "reject"))
        if self._cards:
            found.append((StyledText(f" a card takes no reason, cards among these: {len(self._cards)} ", "need"), ""))
        if self._reason is not None:
            found.append((StyledText(f" reason: {self._ui.safe(self._reason, 80)} ", "faint"), ""))
        return found

    # Deciding

    @property
    def _settled(self) -> str:
        if self._ui.read_only:
            return self._ui.read_only
        if self._stops:
            return "each line says what became of it"
        return "" if self._decidable or not self._shown else "there is nothing left to decide here"

    @property
    def open_tasks(self) -> Collection[str]:
        """All of them; to be stopped is no decision."""
        return () if self._stops else self.tasks.keys()

    @property
    def blocked(self) -> str:
        """Why there is nothing to decide now."""
        if why := self._settled:
            return why
        if any(action.phase is not Phase.DONE for action in self._actions.values()):
            return "decisions are under way"
        if self._unread:
            return f"reading {len(self._unread)} of them …"
        payload = self.query_one("#payload", Inspector)
        if why := payload.not_whole_reason:
            return f"{why}: take it out of the marks"
        unread = len(self._decidable - self._read)
        if not unread:
            return ""
        here = (
            self.not_shown_yet(payload, "payload", f"{key_name(self, 'bulk.pane')}, ")
            if self._payload_of not in self._read
            else ""
        )
        return f"{unread} to read to their ends: {here or 'go through the list'}"

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """The keys that decide are grey where there is nothing to decide."""
        if action == "undo":
            return "" if self._held or self._retractable else "nothing is held"
        return self._settled if action == "decide" else ""

    def decide(self, verb: str, reason: str | None) -> None:
        """Wish all of them, each for exactly what was shown."""
        cards = self._cards
        digests = {one: self._shown[one].digest for one in self._decidable}
        for group, comment in ((self._decidable - cards, reason), (cards, None)):
            if group:
                self.post_message(self.Decided(Verb(verb), {one: digests[one] for one in group}, comment))

    @property
    def _cards(self) -> set[str]:
        """Those which wait with a card: it is confirmed or dismissed, and no more."""
        return {task_id for task_id in self._decidable if self._shown[task_id].request_id}

    @property
    def takes_reason(self) -> bool:
        """Whether any of them takes a reason."""
        return self._cards != self._decidable

    def take_back(self) -> bool:
        """Take back all that are held."""
        held = [action.id for action in self._retractable]
        if held:
            self.post_message(self.TakeBack(*held))
        return bool(held)

    @property
    def _retractable(self) -> list[Action]:
        """The decisions that can still be taken back."""
        return [action for action in self._actions.values() if self.can_take_back(action.id)]
