"""What the screen of a review says in words: above the payload, and about waits that are no approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.dom import DOMNode

from tui.client.json_codec import canonical
from tui.client.models import WaitKind
from tui.widgets.inspector import REVEAL_SECONDS, Inspector
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledText

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot

HINTS = {
    WaitKind.QUESTION: ("review.say", "answers it"),
    WaitKind.SIGN_IN: ("review.browse", "opens the sign-in, in a browser"),
}
"""What to do about a wait that is no approval: the binding for it, and what that does."""


def payload_title(screen: DOMNode, payload: Inspector, masked: int, *, holds_own_secret: bool) -> StyledText:
    """Return the title of the payload: what of it was not shown yet, and what of it is masked."""
    about = "" if payload.is_read else f"  {payload.unseen()}"
    if masked:
        key = key_name(screen, "review.reveal")
        about += f"  {masked} masked, as they may be secrets: {key} shows them for {REVEAL_SECONDS:.0f} s"
    if holds_own_secret:
        about += "  your own API key is in it, and stays masked"
    is_open = not payload.is_read or holds_own_secret
    return StyledText(f"▌ Payload{about}", "need" if is_open else "faint")


def hint_for_wait(screen: DOMNode, seen: ReviewSnapshot | None) -> str:
    """Return which key does something about a wait that is no approval."""
    if seen is None or seen.wait is None or not seen.blocked_now or seen.wait.kind not in HINTS:
        return ""
    binding_id, what = HINTS[seen.wait.kind]
    return f": {key_name(screen, binding_id)} {what}"


def is_another_request(seen: ReviewSnapshot, before: ReviewSnapshot | None) -> bool:
    """Return whether something else waits now than before."""
    if before is None or seen.wait != before.wait:
        return True
    return canonical(seen.held) != canonical(before.held)  # to Python 1 and true are equal
