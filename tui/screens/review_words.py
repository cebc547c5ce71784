"""Texts of the review screen: its titles, the status of an action, and hints for waits that are not approvals."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.dom import DOMNode

from tui.client.json_codec import canonical
from tui.client.task_facts import WaitKind
from tui.domain import humanize, wait_words
from tui.domain.action import Action, Phase
from tui.screens.base import Segments
from tui.screens.decision_screen import DecisionScreen
from tui.widgets.inspector import REVEAL_SECONDS, Inspector
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledText, fit
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.models import Task
    from tui.domain.review import ReviewSnapshot

PHASE_WORDS = {Phase.CHECKING: "reading it again", Phase.SENDING: "sending", Phase.SETTLING: "waiting for the task"}
MAX_SUMMARY_CHARS = 100
"""Characters of the summary of an action in the status line."""
CONTENT_HEADING = "what exactly"


def title_segments(review: ReviewSnapshot | None, ui: UIContext, *, name: str = "Review") -> Segments:
    """Return the segments of a screen's title: its name, or `Held call` for one decided elsewhere, and the task."""
    segments = [(StyledText(" xp-tui › ", "faint"), "back")]
    style = "need" if review is None or review.ends_here else "strong"
    if review is not None and review.tool_approval_id:
        name = "Held call"
    segments.append((StyledText(f"{name}  ", style), ""))
    if review is not None:
        segments.append((StyledText(f"{ui.safe(review.task.name, 60)}  ", "strong"), ""))
    return segments


def wait_segments(review: ReviewSnapshot | None, deadline: datetime | None, ui: UIContext) -> list[StyledText]:
    """Return the segments about the wait at the right of the title: its kind, how long it lasts, and until when."""
    if review is None or review.wait is None or review.wait.since is None:
        return []
    wait, style = review.wait, wait_words.style_of(review.wait)
    waited = humanize.duration((ui.now() - review.wait.since).total_seconds())
    segments = [StyledText(f"{wait_words.glyph_of(wait)} {wait.kind.words} {waited}  ", style)]
    if deadline is not None:
        is_over = deadline <= ui.now()
        segments.append(StyledText(f"{deadline_words(deadline, ui.now())}  ", "failed" if is_over else style))
    return segments


def deadline_words(deadline: datetime, now: datetime) -> str:
    """Return a deadline in words: `decide by 14:32, in 8m`, with the date on another day."""
    local = deadline.astimezone()
    pattern = "%H:%M" if local.date() == now.astimezone().date() else "%m-%d %H:%M"
    if deadline <= now:
        return f"the deadline {local:{pattern}} is over"
    return f"decide by {local:{pattern}}, in {humanize.duration((deadline - now).total_seconds())}"


def action_segments(
    screen: DecisionScreen, action: Action, ui: UIContext, time_left: str, *, bar: str = "", is_retractable: bool
) -> Segments:
    """Return the segments of the status line for a running action."""
    undo: Segments = []
    if is_retractable:
        undo = [(StyledText(f" {key_name(screen, screen.UNDO_BINDING)} takes it back ", "strong"), "undo")]
    progress = f": {PHASE_WORDS.get(action.phase, action.phase)} …"
    if action.phase is Phase.HELD:
        progress = f" {time_left}"
    segments: Segments = []
    if bar and action.phase is Phase.HELD:
        segments.append((StyledText(f" {bar} ", "need"), ""))
    segments += undo
    other_cells = cell_len(f"  {progress}") + sum(cell_len(piece.text) for piece, _ in segments)
    summary, room = ui.safe(action.summary, MAX_SUMMARY_CHARS), screen.size.width - other_cells
    if cell_len(summary) > room:
        summary = fit(summary, max(room, 1))
    return [(StyledText(f" {summary}{progress} ", "need"), ""), *segments]


def payload_title(screen: DOMNode, payload: Inspector, masked_count: int, *, holds_own_secret: bool) -> Segments:
    """Return the title of the payload, with what was not shown yet and how many values are masked."""
    notes = []
    if not payload.is_read and (unseen := payload.unseen()):
        notes.append(unseen)
    if masked_count:
        key = key_name(screen, "review.reveal")
        notes.append(f"{masked_count} masked, as they may be secrets: {key} shows them for {REVEAL_SECONDS:.0f} s")
    if holds_own_secret:
        notes.append("your own API key is in it, and stays masked")
    needs_attention = not payload.is_read or holds_own_secret
    return [
        (StyledText(f" {CONTENT_HEADING}  ", "faint"), ""),
        (StyledText("  ".join(notes), "need" if needs_attention else "faint"), ""),
    ]


def is_another_request(review: ReviewSnapshot, before: ReviewSnapshot | None) -> bool:
    """Return whether a review is about another request than the one before."""
    if before is None or review.wait != before.wait:
        return True
    return canonical(review.held) != canonical(before.held)  # canonical: 1 and true are equal in Python


def signed_in_words(before: ReviewSnapshot, review: ReviewSnapshot) -> str:
    """Return that the sign-in is done, if the log says so and the task goes on; empty otherwise."""
    from tui.client.log_entries import SignIn

    was_waiting = before.wait is not None and before.wait.kind is WaitKind.SIGN_IN
    is_waiting = review.wait is not None and review.wait.kind is WaitKind.SIGN_IN
    if not was_waiting or is_waiting:
        return ""
    sign_ins = [entry for entry in review.log.entries if isinstance(entry, SignIn)]
    if not sign_ins or sign_ins[-1].type != "token_ready":
        return ""
    if review.task.is_final:
        return f"signed in; the task is {review.task.status}"
    return "signed in; the task goes on"


def end_of_wait(before: ReviewSnapshot | None, review: ReviewSnapshot) -> str:
    """Return how the wait of a task has ended, as the log or the record says; empty while it lasts."""
    if before is None or before.task.id != review.task.id or before.wait is None or review.wait is not None:
        return ""
    if words := signed_in_words(before, review):
        return words
    from tui.client.log_entries import parse_entry
    from tui.domain.recorded_decision import end_words

    entry_id = parse_entry(before.held).id if before.is_in_log else ""
    words = end_words(review.task, review.log, entry_id) or "it no longer waits"
    return f"{words}; the task is {review.task.status or 'in no known state'}"


def decided_words(task: Task | None) -> str:
    """Return what the record of a task says about the decision of its approval; empty if it says nothing."""
    from tui.domain.recorded_decision import record_words

    if task is None or task.hitl_request is None:
        return ""
    return record_words(task.hitl_request)
