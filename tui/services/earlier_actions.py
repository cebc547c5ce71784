"""Actions that were sent from this machine before, and of which it is not known whether they were done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from tui.domain.action import Action, Outcome, Verb

CREATION_BAR_SECONDS = 600.0
"""How long a new task that may have been made is not asked for again in the same words."""
NOT_DONE_OUTCOMES = frozenset({Outcome.REFUSED, Outcome.NOT_SENT, Outcome.TAKEN_BACK})
"""Ends after which an action that was written down as sent was not done, as far as anybody can know."""
DONE_OUTCOMES = frozenset({Outcome.CONFIRMED, Outcome.ALREADY})
"""Ends after which it is known what became of the request."""
BARRED_VERBS = frozenset({Verb.APPROVE, Verb.REJECT, Verb.ANSWER, Verb.STOP, Verb.CONTINUE, Verb.CREATE})
"""What is not sent again while it is unknown whether it was done."""


class EarlierAction(Struct, frozen=True):
    """An action that was sent before: when, and what is known of it."""

    action: str
    verb: str
    at: datetime | None
    words: str = ""
    is_over: bool = False
    """Whether its end was written down."""

    @property
    def sentence(self) -> str:
        """What is known of it, and how to send it all the same."""
        return f"{self.known}. Nothing was sent now; xp-tui {self.verb_name} … --anyway sends it again"

    @property
    def verb_name(self) -> str:
        """The verb of the command line that sends it."""
        return "run" if self.verb == Verb.CREATE else self.verb

    @property
    def known(self) -> str:
        """What is known of it."""
        when = f" at {self.at.astimezone():%Y-%m-%d %H:%M:%S}" if self.at else ""
        unknown = "its outcome is unknown" if self.is_over else "it has not ended yet, or xp-tui ended meanwhile"
        state = self.words or unknown
        return f"{self.verb_name} was sent before{when}: {state}"


def earlier_sent(
    lines: Iterable[dict[str, Any]],
    action: Action,
    about: Mapping[str, str],
    platform_ids: Collection[str],
    now: datetime,
) -> EarlierAction | None:
    """The latest deed that asked for the same and keeps this one from being sent.

    It was sent, and what became of it is not known; or it is confirmed, and the platform shows again exactly what was
    decided about. The lines come with the newest first: the end of a deed comes before its beginning.
    """
    if action.verb not in BARRED_VERBS:
        return None
    ends: dict[str, dict[str, Any]] = {}
    for line in lines:
        if not _is_same_request(line, action, about, platform_ids):
            continue
        name = str(line.get("deed"))
        if line.get("kind") == "done":
            ends.setdefault(name, line)
        elif line.get("kind") == "sent" and name != action.id:
            end = ends.get(name)
            outcome = end.get("outcome") if end else None
            if outcome in NOT_DONE_OUTCOMES:
                continue
            earlier = EarlierAction(name, str(line.get("verb")), _moment(line.get("at")), _words(end), end is not None)
            if _is_long_ago(action, earlier, now):
                return None
            if outcome in DONE_OUTCOMES:
                is_old_state = outcome == Outcome.CONFIRMED and action.digest and line.get("digest") == action.digest
                return earlier if is_old_state else None
            return earlier
    return None


def _words(end: dict[str, Any] | None) -> str:
    return str(end.get("words") or "") if end else ""


def _is_long_ago(action: Action, earlier: EarlierAction, now: datetime) -> bool:
    """Whether a new task may be asked for again in the same words."""
    if action.verb is not Verb.CREATE or earlier.at is None:
        return False
    return now - earlier.at > timedelta(seconds=CREATION_BAR_SECONDS)


def _is_same_request(
    line: dict[str, Any], action: Action, about: Mapping[str, str], platform_ids: Collection[str]
) -> bool:
    """Whether a line of the journal is about a deed that asks, or may ask, for the same thing of the same platform."""
    platform, told = line.get("platform"), line.get("about")
    if line.get("request") != action.request or not isinstance(platform, list):
        return False
    if set(platform_ids).isdisjoint(map(str, platform)):
        return False
    return not isinstance(told, dict) or may_be_same(told, about)


def may_be_same(about: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two requests of one task may be one: nothing that both tell is told differently."""
    if about and other and ("entry" in about) != ("entry" in other):
        return False
    return all(other.get(name, told) == told for name, told in about.items())


def _moment(told: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None
