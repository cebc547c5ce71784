"""Texts of the review screen: its titles, the status of an action, and hints for waits that are not approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.dom import DOMNode

from tui.client.json_codec import canonical
from tui.client.models import WaitKind
from tui.domain import humanize, wait_words
from tui.domain.action import Action, Phase
from tui.screens.base import Segments
from tui.screens.decision_screen import DecisionScreen
from tui.widgets.inspector import REVEAL_SECONDS, Inspector
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot

PHASE_WORDS = {Phase.CHECKING: "reading it again", Phase.SENDING: "sending", Phase.SETTLING: "waiting for the task"}
MAX_SUMMARY_CHARS = 100
"""Characters of the summary of an action in the status line."""
HINTS = {
    WaitKind.QUESTION: ("review.say", "answers it"),
    WaitKind.SIGN_IN: ("review.browse", "opens the sign-in, in a browser"),
}
"""The hint for each kind of wait that is not an approval: the id of a binding, and what its key does."""


def title_segments(review: ReviewSnapshot | None, ui: UIContext, *, is_decided: bool, name: str = "Review") -> Segments:
    """Return the segments of a screen's title: its name, the name of the task, and how long it has been waiting."""
    segments = [(StyledText(" xp-tui › ", "faint"), "back"), (StyledText(f"{name}  ", "need"), "")]
    if review is None:
        return segments
    segments.append((StyledText(f"{ui.safe(review.task.name, 60)}  ", "strong"), ""))
    if review.wait and review.wait.since and not is_decided:
        waited = humanize.duration((ui.now() - review.wait.since).total_seconds())
        words = f"{wait_words.glyph_of(review.wait)} {review.wait.kind.words} {waited}  "
        segments.append((StyledText(words, wait_words.style_of(review.wait)), ""))
    return segments


def action_segments(
    screen: DecisionScreen, action: Action, ui: UIContext, time_left: str, *, is_retractable: bool
) -> Segments:
    """Return the segments of the status line for a running action."""
    progress = f": {PHASE_WORDS.get(action.phase, action.phase)} …"
    if action.phase is Phase.HELD:
        progress = f" {time_left}"
    segments = [(StyledText(f" {ui.safe(action.summary, MAX_SUMMARY_CHARS)}{progress} ", "need"), "")]
    if is_retractable:
        segments.append((StyledText(f" {key_name(screen, screen.UNDO_BINDING)} takes it back ", "strong"), "undo"))
    return segments


def payload_title(screen: DOMNode, payload: Inspector, masked_count: int, *, holds_own_secret: bool) -> StyledText:
    """Return the title of the payload, with what was not shown yet and how many values are masked."""
    title = "▌ Payload"
    if not payload.is_read:
        title += f"  {payload.unseen()}"
    if masked_count:
        key = key_name(screen, "review.reveal")
        title += f"  {masked_count} masked, as they may be secrets: {key} shows them for {REVEAL_SECONDS:.0f} s"
    if holds_own_secret:
        title += "  your own API key is in it, and stays masked"
    needs_attention = not payload.is_read or holds_own_secret
    return StyledText(title, "need" if needs_attention else "faint")


def hint_for_wait(screen: DOMNode, review: ReviewSnapshot | None, ui: UIContext) -> str:
    """Return a hint with the key for a wait that is not an approval; empty for all others."""
    if review is None or review.wait is None or not review.blocked_now or review.wait.kind not in HINTS:
        return ""
    if review.wait.kind is WaitKind.SIGN_IN and ui.no_browser():
        return f": {key_name(screen, 'review.copy')} copies the address, for a browser elsewhere"
    binding_id, effect = HINTS[review.wait.kind]
    return f": {key_name(screen, binding_id)} {effect}"


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
