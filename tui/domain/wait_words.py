"""The words and the glyph of a wait: the same on the screens and on the command line."""

from __future__ import annotations

from datetime import datetime

from tui.client.task_facts import Need, Wait, WaitKind
from tui.domain import humanize

GLYPHS = {Need.ME: "‖", Need.ELSEWHERE: "◇", Need.MACHINE: "○"}
STYLES = {Need.ME: "need", Need.ELSEWHERE: "strong", Need.MACHINE: ""}
"""The styles of waits: only those that can be ended here have the accent."""
ENDS = {
    WaitKind.HELD_CALL: "it is decided on the platform, under Settings > Approvals",
    WaitKind.SECRET: "the secret is entered in the platform's chat: nothing here takes it",
    WaitKind.INVITATION: "the invitation is sent or declined in the platform's chat",
    WaitKind.UNKNOWN: "the platform does not tell the reason",
    WaitKind.WEBHOOK: "it goes on when its webhook is called",
    WaitKind.SCHEDULE: "it goes on by itself when its time comes",
}
"""The way in which each kind of wait ends that cannot be ended here."""

SUBJECTS = {
    WaitKind.APPROVAL: "an approval",
    WaitKind.SIGN_IN: "a sign-in",
    WaitKind.QUESTION: "an answer",
    WaitKind.SECRET: "a secret",
    WaitKind.INVITATION: "an invitation",
    WaitKind.HELD_CALL: "a held call",
}
"""The subject of each kind of wait for a person, with its article."""
DECIDED_ON_PLATFORM = {
    WaitKind.HELD_CALL: "it is decided on the platform, under Settings > Approvals",
    WaitKind.SECRET: "it is given on the platform",
    WaitKind.INVITATION: "it is accepted on the platform",
}
"""The place on the platform where each kind of wait is decided that cannot be decided here."""


def subject_of(kind: WaitKind) -> str:
    """Return the subject of a wait, with its article: `an approval`, `a held call`."""
    return SUBJECTS.get(kind, f"a {kind.words}")


def glyph_of(wait: Wait) -> str:
    """Return the glyph of a wait, which tells whether it can be ended here."""
    return GLYPHS[wait.kind.need]


def style_of(wait: Wait) -> str:
    """Return the style of a wait."""
    return STYLES[wait.kind.need]


def time_of(wait: Wait, now: datetime) -> str:
    """Return the time until the wait ends if that is known, else how long it has lasted: `in 12m`, `late 2m`, `3m`."""
    if wait.until is not None:
        seconds = (wait.until - now).total_seconds()
        if seconds < 0:
            return f"late {humanize.duration(-seconds)}"
        return f"in {humanize.duration(seconds)}"
    if wait.since is None:
        return ""
    return humanize.duration((now - wait.since).total_seconds())


def sentence_of(wait: Wait, now: datetime) -> str:
    """Return a sentence about a wait: `waits: approval for 12m`, `waits for a machine: self-schedule, in 5m`."""
    if wait.is_being_read:
        return wait.words
    sentence = f"waits: {wait.words}"
    if not wait.needs_person:
        sentence = f"waits for a machine: {wait.words}"
    time = time_of(wait, now)
    if not time:
        return sentence
    if wait.until:
        return f"{sentence}, {time}"
    return f"{sentence} for {time}"
