"""The status line of the review: its buttons and what blocks them, the held decision, or the steps after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.dom import DOMNode
from textual.screen import Screen

from tui.client.task_facts import WaitKind
from tui.domain.action import Action
from tui.domain.review_facts import DECIDED_ELSEWHERE
from tui.screens.base import HeldActions, Segments
from tui.screens.review_words import action_segments
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.screens.decision_screen import DecisionScreen

HOLD_BAR_CELLS = 10
"""Cells of the bar that empties while a decision is held."""


class StatusNotes(NamedTuple):
    """The notes beside the buttons."""

    note: str
    """A message about the last key."""
    blocked: str
    """The reason why the buttons do nothing now; empty when they work."""
    is_refused: bool
    """Whether that reason has refused a key, and is highlighted."""


def running_segments(
    screen: DecisionScreen, action: Action, ui: UIContext, held: HeldActions, *, is_retractable: bool
) -> Segments:
    """Return the segments about a running action, with the bar that empties while it is held."""
    bar = ""
    if not ui.is_still:
        bar = hold_bar(held.seconds_left.get(action.id, action.hold), action.hold)
    return action_segments(screen, action, ui, held.time_left(action), bar=bar, is_retractable=is_retractable)


def decided_segments(screen: DOMNode) -> Segments:
    """Return the segments after a decision: the next steps."""
    return [
        (StyledText(f" {key_name(screen, 'review.open')} opens the task ", "strong"), "open"),
        (StyledText(f" {key_name(screen, 'review.next')} the next that waits ", "strong"), "next"),
    ]


def waiting_segments(
    screen: Screen[None], review: ReviewSnapshot | None, ui: UIContext, notes: StatusNotes
) -> Segments:
    """Return the segments before a decision: the buttons, then the message about the last key and what blocks them.

    Where both do not fit, the buttons are left out while they are blocked: the reason says the keys to press first.
    """
    buttons = button_segments(screen, review, ui, notes.blocked)
    segments = note_segments(screen, review, ui, notes)
    cells = sum(cell_len(piece.text) for piece, _ in [*buttons, *segments])
    if notes.blocked and cells > screen.size.width:
        return segments
    return [*buttons, *segments]


def note_segments(screen: DOMNode, review: ReviewSnapshot | None, ui: UIContext, notes: StatusNotes) -> Segments:
    """Return the segments beside the buttons."""
    segments: Segments = []
    if notes.note:
        segments.append((StyledText(f" {ui.safe(notes.note)} ", "need"), ""))
    style = "need" if notes.is_refused else "faint"
    if review is not None and review.tool_approval_id:
        segments.append((StyledText(f" decided {DECIDED_ELSEWHERE} ", style), ""))
        segments.append((StyledText(f" {key_name(screen, 'review.copy')} copies its address ", "strong"), "copy"))
    elif notes.blocked:
        segments.append((StyledText(f" {ui.safe(notes.blocked)} ", style), ""))
    return segments


def sign_in_url(review: ReviewSnapshot | None) -> str | None:
    """Return the URL of the sign-in, if the task waits for one."""
    if review is None or review.task.pending_eca_request is None:
        return None
    return review.task.pending_eca_request.auth_url


def hold_bar(seconds_left: float, hold_seconds: float) -> str:
    """Return the bar that empties while a decision is held; empty without a hold."""
    if hold_seconds <= 0:
        return ""
    share = min(max(seconds_left / hold_seconds, 0.0), 1.0)
    filled = math.ceil(share * HOLD_BAR_CELLS)
    return "█" * filled + "░" * (HOLD_BAR_CELLS - filled)


def is_question(review: ReviewSnapshot | None) -> bool:
    """Return whether a task waits for the answer to a question, which is written in a form of its own."""
    return review is not None and review.wait is not None and review.wait.kind is WaitKind.QUESTION


def button_reason(review: ReviewSnapshot | None, blocked: str, unseen: str) -> str:
    """Return the reason why the buttons of a wait do nothing now; empty when they work.

    An answer is written in a form of its own, and a sign-in needs only what was shown.
    """
    if review is None or not review.blocked_now:
        return blocked
    if is_question(review):
        return ""
    return unseen if sign_in_url(review) else blocked


def button_segments(screen: DOMNode, review: ReviewSnapshot | None, ui: UIContext, blocked: str) -> Segments:
    """Return the buttons for what can be done about a wait here, in the accent unless something blocks them.

    Each has the name that a click on it posts. A wait that cannot be ended here has none. An ellipsis says that a
    reason is asked for first; a card takes none.
    """
    style = "button-off" if blocked else "button"
    if review is None:
        return []
    if not review.blocked_now:
        verbs = ("confirm", "dismiss") if review.request_id else ("approve", "reject…")
        buttons = [("review.approve", "approve", verbs[0]), ("review.reject", "reject", verbs[1])]
    elif is_question(review):
        buttons = [("review.say", "answer", "answer")]
    elif sign_in_url(review) and ui.no_browser():
        buttons, style = [("review.copy", "copy", "copy the address")], "button"
    elif sign_in_url(review):
        buttons = [("review.browse", "browse", "open in a browser"), ("review.copy", "copy", "copy the address")]
    else:
        return []
    segments: Segments = [(StyledText(" "), "")]
    for binding_id, name, text in buttons:
        segments.append((StyledText(f" {key_name(screen, binding_id)} {text} ", style), name))
        segments.append((StyledText(" "), ""))
    return segments
