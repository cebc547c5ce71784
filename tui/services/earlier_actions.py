"""Finds earlier actions in the journal that make it unsafe to send the same request again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from tui.domain.action import Action, Outcome, Verb

CREATION_BAR_SECONDS = 600.0
"""How long an earlier creation with an unknown outcome bars another one with the same request."""
NOT_DONE_OUTCOMES = frozenset({Outcome.REFUSED, Outcome.NOT_SENT, Outcome.TAKEN_BACK})
"""Outcomes of a sent action that, as far as is known, was not done."""
DONE_OUTCOMES = frozenset({Outcome.CONFIRMED, Outcome.ALREADY})
"""Outcomes after which it is known what became of the request."""
BARRED_VERBS = frozenset(Verb) - {Verb.UPDATE}
"""Verbs that are not sent again while the outcome of an earlier action is unknown."""
COMMAND_NAMES = {str(Verb.CREATE): "run", str(Verb.METRICS): "report"}
"""The names on the command line of verbs that have another one there."""


class EarlierAction(Struct, frozen=True):
    """An action that was sent earlier, as the journal has it."""

    action: str
    """The id of the action."""
    verb: str
    at: datetime | None
    words: str = ""
    is_over: bool = False
    """Whether the journal has a line about its end."""

    @property
    def sentence(self) -> str:
        """A sentence about the earlier action, with the command that sends it again."""
        return f"{self.known}. Nothing was sent now; xp-tui {self.verb_name} … --anyway sends it again"

    @property
    def verb_name(self) -> str:
        """The name of the verb on the command line."""
        return COMMAND_NAMES.get(self.verb, self.verb)

    @property
    def known(self) -> str:
        """When the action was sent, and all that is known of its outcome."""
        when = ""
        if self.at:
            when = f" at {self.at.astimezone():%Y-%m-%d %H:%M:%S}"
        if self.words:
            outcome = self.words
        elif self.is_over:
            outcome = "its outcome is unknown"
        else:
            outcome = "it has not ended yet, or xp-tui ended meanwhile"
        return f"{self.verb_name} was sent before{when}: {outcome}"


def find_barring_action(
    lines: Iterable[dict[str, Any]],
    action: Action,
    about: Mapping[str, str],
    platform_ids: Collection[str],
    now: datetime,
) -> EarlierAction | None:
    """Find the latest earlier action with the same request that bars this one; None if this one may be sent.

    An earlier action bars this one if it was sent and its outcome is not known. It also bars this one if it is
    confirmed and this one has the same digest: the platform still shows the state before that decision.

    The journal lines must come newest first, so that the end of an action comes before its beginning.
    """
    if action.verb not in BARRED_VERBS:
        return None
    end_lines: dict[str, dict[str, Any]] = {}
    for line in lines:
        if not _is_same_request(line, action, about, platform_ids):
            continue
        action_id = str(line.get("deed"))
        kind = line.get("kind")
        if kind == "done":
            end_lines.setdefault(action_id, line)
        elif kind == "sent" and action_id != action.id:
            end_line = end_lines.get(action_id)
            outcome = end_line.get("outcome") if end_line else None
            if outcome in NOT_DONE_OUTCOMES:
                continue
            # The latest one that may have been done decides alone: older ones were sent before it.
            earlier = _earlier_action(action_id, line, end_line)
            if _is_creation_too_old(action, earlier, now):
                return None
            if outcome in DONE_OUTCOMES and not _is_confirmed_for_digest(line, outcome, action):
                return None
            return earlier
    return None


def _is_confirmed_for_digest(sent_line: dict[str, Any], outcome: object, action: Action) -> bool:
    """Return whether the earlier action is confirmed, and was about the same state, by its digest, as this one."""
    if outcome != Outcome.CONFIRMED or not action.digest:
        return False
    return sent_line.get("digest") == action.digest


def _earlier_action(action_id: str, sent_line: dict[str, Any], end_line: dict[str, Any] | None) -> EarlierAction:
    """Return the earlier action of a line about its sending, and of the line about its end, if there is one."""
    words = ""
    if end_line:
        words = str(end_line.get("words") or "")
    sent_at = _parse_time(sent_line.get("at"))
    return EarlierAction(action_id, str(sent_line.get("verb")), sent_at, words, end_line is not None)


def _is_creation_too_old(action: Action, earlier: EarlierAction, now: datetime) -> bool:
    """Return whether the earlier action is a creation or a report that is too old to bar another one."""
    if action.verb not in {Verb.CREATE, Verb.REPORT} or earlier.at is None:
        return False
    return now - earlier.at > timedelta(seconds=CREATION_BAR_SECONDS)


def _is_same_request(
    line: dict[str, Any], action: Action, about: Mapping[str, str], platform_ids: Collection[str]
) -> bool:
    """Return whether a journal line is, or may be, about the same request to the same platform."""
    if line.get("request") != action.request:
        return False
    line_platform_ids = line.get("platform")
    if not isinstance(line_platform_ids, list):
        return False
    if set(platform_ids).isdisjoint(map(str, line_platform_ids)):
        return False
    line_about = line.get("about")
    if not isinstance(line_about, dict):  # the line does not tell: it may be about the same request
        return True
    return may_be_same(line_about, about)


def may_be_same(about: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two requests of a task may be the same: no field that both have differs.

    One that is an entry of the log is never the same as one that is none.
    """
    are_known = bool(about) and bool(other)
    if are_known and ("entry" in about) != ("entry" in other):
        return False
    return all(other.get(name, value) == value for name, value in about.items())


def _parse_time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
