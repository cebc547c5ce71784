"""The decision: who asks for what and why, whole; two keys that cannot be hit by accident, and time to take it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input

from tui import words
from tui.api.entries import Reasoning, ToolCall, entry_of
from tui.deeds import Deed, Outcome, Phase, Verb
from tui.masks import Masks
from tui.plain import host_of, one_line
from tui.widgets.bar import Bar
from tui.widgets.inspector import Inspector
from tui.widgets.lines import Piece

if TYPE_CHECKING:
    from tui.board import Board
    from tui.decision import Shown

DEAD = 0.7
"""Seconds for which the two keys do nothing after what they decide about has appeared or changed."""
QUIET = 0.3
"""Seconds without any other key before and after a deciding one: in a burst of keys none decides."""
NOT_PROVIDED = "not provided by the platform"
IN_A_BURST = "taken back: other keys came with it"
PHASES = {Phase.CHECKING: "reading it again", Phase.SENDING: "sending", Phase.SETTLING: "waiting for the task"}
OPEN_STILL = frozenset({Outcome.TAKEN_BACK, Outcome.NOT_SENT, Outcome.CHANGED})
"""Outcomes after which there is still something to decide."""
LOOKS = {Outcome.CONFIRMED: "running", Outcome.TAKEN_BACK: "faint", Outcome.NOT_SENT: "faint"}


class ReviewScreen(Screen[None]):
    """One decision."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "decide('approve')", "approve", id="review.approve"),
        Binding("R", "decide('reject')", "reject", id="review.reject"),
        Binding("u", "undo", "take back", id="review.undo"),
        Binding("c", "say", "answer, reply", id="review.say"),
        Binding("b", "browse", "sign in", id="review.browse"),
        Binding("n", "next(1)", "next", id="review.next"),
        Binding("N", "next(-1)", "Previous", show=False, id="review.previous"),
        Binding("r", "reload", "Read again", show=False, id="review.reload"),
        Binding("escape,d,q", "leave", "later", id="review.later"),
    ]

    class Decided(Message):
        """The operator has decided about exactly what was shown."""

        def __init__(self, task_id: str, verb: Verb, digest: str, comment: str | None) -> None:
            super().__init__()
            self.task_id = task_id
            self.verb = verb
            self.digest = digest
            self.comment = comment

    class Say(Message):
        """The operator wants to answer, or to say something in the thread."""

        def __init__(self, seen: Shown) -> None:
            super().__init__()
            self.seen = seen

    class Browse(Message):
        """The operator wants to sign in at this address."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class TakeBack(Message):
        """A held decision is not wanted any more."""

        def __init__(self, deed_id: str) -> None:
            super().__init__()
            self.deed_id = deed_id

    class Wanted(Message):
        """This task is to be read, to be shown here."""

        def __init__(self, task_id: str, by: int = 0) -> None:
            super().__init__()
            self.task_id = task_id
            self.by = by

    def __init__(
        self,
        task_id: str,
        now: Callable[[], datetime],
        place: str,
        masks: Masks,
        *,
        read_only: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.task_id = task_id
        self._now = now
        self._place = place
        self._read_only = read_only
        self._clock = clock
        self._masks = masks
        self._shown: Shown | None = None
        self._armed_at = float("inf")
        self._last_key = 0.0
        self._decided_at = 0.0
        self._is_burst = False
        self._reason: str | None = None
        self._deed: Deed | None = None
        self._held_until = 0.0
        self._note = ""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Bar(id="title")
        yield Inspector(self._masks, id="facts")
        yield Bar(id="payload-title")
        yield Inspector(self._masks, id="payload")
        yield Input(placeholder="why not? Enter keeps the reason, R then rejects", id="reason", compact=True)
        yield Bar(id="status")
        yield Footer()

    def on_mount(self) -> None:
        """Begin at the payload."""
        self.query_one("#payload").focus()
        self.set_interval(0.1, self._titles)
        self._titles()

    # What the app tells

    def shows(self, seen: Shown, board: Board) -> None:
        """This is what there is to decide about, read just now."""
        before, self._shown = self._shown, seen
        if before is None or before.digest != seen.digest or before.task.id != seen.task.id:
            self._armed_at = self._clock() + DEAD
            self._reason = None
            if before is not None and before.task.id == seen.task.id:
                self._note = "it has changed since you opened it: read it again"
        self.query_one("#facts", Inspector).show(self._facts(seen, board))
        held = seen.held if seen.held is not None else NOT_PROVIDED
        self.query_one("#payload", Inspector).show([("what exactly", held)])
        self.refresh_bindings()
        self._titles()

    def fails(self, why: str) -> None:
        """It could not be read, and why."""
        self._note = why
        self._titles()

    def deed_changed(self, deed: Deed) -> None:
        """How far the decision is."""
        if deed.phase is Phase.HELD and (self._deed is None or self._deed.id != deed.id):
            self._held_until = self._clock() + deed.hold
            if self._is_burst:
                self._note = IN_A_BURST
                self.post_message(self.TakeBack(deed.id))
        self._deed = deed
        if deed.phase is Phase.DONE:
            self._note = ""
            self._armed_at = self._clock() + DEAD
        self._titles()

    # Showing

    def _facts(self, seen: Shown, board: Board) -> list[tuple[str, object]]:
        task = seen.task
        agent = board.agents.get(task.agent_id)
        path: list[str] = []
        parent, seen_ids = task.parent_id, {task.id}
        while parent and parent not in seen_ids and (above := board.task(parent)):
            seen_ids.add(parent)
            path.insert(0, above.name)
            parent = above.parent_id
        who = task.input.user.name if task.input and task.input.user else task.user_id
        request = task.hitl_request
        wanted = "\n".join(filter(None, (request.title, request.description))) if request else ""
        if not wanted and seen.held is not None:
            wanted = entry_of(seen.held).label
        if task.pending_eca_request:
            address = task.pending_eca_request.auth_url or ""
            place = host_of(address) or "an address that is not http or https, and is not opened"
            wanted = f"sign in to {task.pending_eca_request.connector_name or NOT_PROVIDED}, at {place}"
        asks = [
            f"agent    {agent[1].name if agent else task.agent_id} ({task.agent_id})",
            f"task     {' › '.join([*path, task.name])} ({task.id})",
            f"started  by {who or NOT_PROVIDED}, from {task.source or NOT_PROVIDED}",
            f"profile  {self._place}",
        ]
        since = seen.wait.since if seen.wait else None
        waits = f"since {since.astimezone():%Y-%m-%d %H:%M:%S}" if since else f"since: {NOT_PROVIDED}"
        return [
            ("who asks", "\n".join(asks)),
            ("for what", wanted or NOT_PROVIDED),
            ("why, in the agent's own words, unverified", _why(seen) or NOT_PROVIDED),
            ("what follows", "on approve: the agent goes on. On reject: the agent is told, with your reason.\n"
             f"waiting {waits}; no deadline published"),
        ]  # fmt: skip

    def _titles(self) -> None:
        seen = self._shown
        left = [(Piece(" xp-tui › ", "faint"), "back"), (Piece("Review  ", "need"), "")]
        if seen:
            name = one_line(self._masks.text(seen.task.name), longest=60)
            left.append((Piece(f"{name}  ", "strong"), ""))
            if seen.wait and seen.wait.since:
                waited = words.span((self._now() - seen.wait.since).total_seconds())
                left.append((Piece(f"‖ {seen.wait.kind} {waited}  ", "need"), ""))
        self.query_one("#title", Bar).show(left, [])
        payload = self.query_one("#payload", Inspector)
        payload.look(self._clock())
        end = "" if payload.is_end_seen else "  the end was not shown yet: scroll down"
        self.query_one("#payload-title", Bar).show([(Piece(f"▌ Payload{end}", "need" if end else "faint"), "")], [])
        self.query_one("#status", Bar).show(self._status(), [])

    def _status(self) -> list[tuple[Piece, str]]:
        deed = self._deed
        if deed is not None and deed.phase is not Phase.DONE:
            if deed.phase is Phase.HELD:
                left = max(self._held_until - self._clock(), 0.0)
                return [
                    (Piece(f" {deed.verb} in {left:.0f} s ", "need"), ""),
                    (Piece(" u takes it back ", "strong"), "undo"),
                ]
            told = {
                Phase.CHECKING: "reading it again",
                Phase.SENDING: "sending",
                Phase.SETTLING: "waiting for the task",
            }
            return [(Piece(f" {deed.verb}: {told.get(deed.phase, deed.phase)} … ", "need"), "")]
        found: list[tuple[Piece, str]] = []
        if deed is not None:
            look = LOOKS.get(deed.outcome, "failed") if deed.outcome else ""
            found.append((Piece(f" {one_line(self._masks.text(deed.words))} ", look), ""))
        if self._note:
            found.append((Piece(f" {one_line(self._masks.text(self._note))} ", "need"), ""))
        why = self.hindrance
        if not found and why:
            found.append((Piece(f" {one_line(why)} ", "faint"), ""))
        elif not why:
            found += [(Piece("  A approve ", "strong"), "approve"), (Piece(" R reject ", "strong"), "reject")]
            if self._reason is not None:
                found.append((Piece(f" reason: {one_line(self._reason, longest=80)} ", "faint"), ""))
        return found

    @property
    def hindrance(self) -> str:
        """Why the two keys do nothing now; empty when they decide."""
        seen, deed = self._shown, self._deed
        if self._read_only:
            return self._read_only
        if seen is None:
            return "reading what there is to decide …"
        if deed is not None and deed.phase is not Phase.DONE:
            return "a decision is under way"
        if deed is not None and deed.outcome not in OPEN_STILL:
            return "decided; n shows the next one that waits"
        if seen.hindrance:
            return seen.hindrance
        if not self.query_one("#payload", Inspector).is_end_seen:
            return "scroll to the end of the payload first"
        if self._clock() < self._armed_at:
            return "a moment: it has just appeared"
        return ""

    # Doing

    def on_key(self, event: events.Key) -> None:
        """Every key counts: one that comes right before or after a deciding one makes it a burst."""
        now = self._clock()
        if event.key not in {"A", "R"}:
            self._burst(now)
        if event.key not in {"A", "R"}:
            self._last_key = now

    def _burst(self, now: float) -> None:
        """A key that comes right behind a deciding one takes it back, even before it is known to be held."""
        if now - self._decided_at < QUIET:
            self._is_burst = True
            self._undo(IN_A_BURST)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text never decides."""
        self._armed_at = self._clock() + DEAD

    @on(events.AppFocus)
    def _focused_again(self) -> None:
        self._armed_at = max(self._armed_at, self._clock() + DEAD)

    def action_decide(self, verb: str) -> None:
        """Decide, when everything about it is as it must be."""
        now, before = self._clock(), self._last_key
        self._last_key = now
        self._burst(now)
        if why := self.hindrance:
            self._note = why
        elif now - before < QUIET:
            self._note = "not done: other keys came with it, press it alone"
        elif verb == "reject" and self._reason is None:
            self._note = ""
            self.query_one("#reason", Input).add_class("-shown").focus()
        else:
            assert self._shown
            self._note = ""
            self._decided_at, self._is_burst = now, False
            digest = self._shown.digest
            self.post_message(self.Decided(self.task_id, Verb(verb), digest, self._reason or None))
        self._titles()

    def action_undo(self) -> None:
        """Take a held decision back."""
        self._undo("")

    def _undo(self, note: str) -> None:
        if self._deed is not None and self._deed.phase is Phase.HELD:
            self._note = note
            self.post_message(self.TakeBack(self._deed.id))

    def action_say(self) -> None:
        """Answer what is asked, or message the thread."""
        if self._read_only or self._shown is None:
            self._note = self._read_only or "reading what there is to decide …"
            self._titles()
        else:
            self.post_message(self.Say(self._shown))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A sign-in is offered only where one is wanted."""
        return action != "browse" or self._sign_in is not None

    @property
    def _sign_in(self) -> str | None:
        """Where to sign in, when that is what is wanted."""
        request = self._shown.task.pending_eca_request if self._shown else None
        return request.auth_url if request else None

    def action_browse(self) -> None:
        """Open the address of the sign-in; it was shown whole, and only http and https open."""
        if url := self._sign_in:
            self.post_message(self.Browse(url))

    def action_next(self, by: int) -> None:
        """The next one that waits."""
        self.post_message(self.Wanted(self.task_id, by))

    def action_reload(self) -> None:
        """Read it again."""
        self._note = ""
        self.post_message(self.Wanted(self.task_id))

    def action_leave(self) -> None:
        """Back by one step: from the reason to the review, then away. A held decision stays held."""
        reason = self.query_one("#reason", Input)
        if reason.has_focus:
            reason.remove_class("-shown")
            self.query_one("#payload").focus()
        else:
            if self._deed is not None and self._deed.phase is Phase.HELD:
                self.notify(f"{self._deed.verb} is still held, and sent in a moment", severity="warning", markup=False)
            self.dismiss()

    @on(Input.Submitted, "#reason")
    def _reasoned(self, event: Input.Submitted) -> None:
        self._reason = event.value.strip()
        event.input.remove_class("-shown")
        self.query_one("#payload").focus()
        self._note = "" if self._reason else "without a reason; R rejects all the same"
        self._armed_at = self._clock() + DEAD
        self._titles()

    @on(Bar.Picked)
    def _picked(self, event: Bar.Picked) -> None:
        match event.name:
            case "approve" | "reject":
                self.action_decide(event.name)
            case "undo":
                self.action_undo()
            case "back":
                self.dismiss()

    def forget(self, task_id: str) -> None:
        """Another task is to be shown."""
        self.task_id, self._shown, self._deed = task_id, None, None
        self._armed_at, self._reason, self._note = float("inf"), None, ""
        self._titles()


def _why(seen: Shown) -> str:
    """The agent's latest words about what it is doing."""
    for entry in reversed(seen.log.entries):
        match entry:
            case Reasoning(thought=str() as thought):
                return thought
            case ToolCall(reasoning=reason) if reason and (reason.title or reason.description):
                return ": ".join(filter(None, (reason.title, reason.description)))
    return ""
