"""Actions that were sent from this machine before, and of which it is not known whether they were done."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from tui.deed import Deed, Outcome, Verb

CREATION_BAR_SECONDS = 600.0
"""How long a new task that may have been made is not asked for again in the same words."""
UNSETTLED = frozenset({Outcome.UNKNOWN, Outcome.STILL_RUNNING})
BARRED = frozenset({Verb.APPROVE, Verb.REJECT, Verb.ANSWER, Verb.STOP, Verb.CONTINUE, Verb.CREATE})
"""What is not sent again while it is unknown whether it was done."""


class Earlier(Struct, frozen=True):
    """An action that was sent before: when, and what is known of it."""

    deed: str
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
        return f"{self.verb} was sent before{when}: {state}"


def earlier_unknown(
    lines: Iterable[dict[str, Any]], deed: Deed, addresses: Collection[str], now: datetime
) -> Earlier | None:
    """The latest deed that asked for the same as this one, if it was sent and what became of it is not known.

    The lines come with the newest first: the end of a deed comes before its beginning.
    """
    if deed.verb not in BARRED:
        return None
    ends: dict[str, dict[str, Any]] = {}
    for line in lines:
        if not _is_same_request(line, deed, addresses):
            continue
        name = str(line.get("deed"))
        if line.get("kind") == "done":
            ends.setdefault(name, line)
        elif line.get("kind") == "sent" and name != deed.id:
            end = ends.get(name)
            earlier = Earlier(name, str(line.get("verb")), _moment(line.get("at")), _words(end), end is not None)
            is_known = end is not None and end.get("outcome") not in UNSETTLED
            return None if is_known or _is_long_ago(deed, earlier, now) else earlier
    return None


def _words(end: dict[str, Any] | None) -> str:
    return str(end.get("words") or "") if end else ""


def _is_long_ago(deed: Deed, earlier: Earlier, now: datetime) -> bool:
    """Whether a new task may be asked for again in the same words."""
    if deed.verb is not Verb.CREATE or earlier.at is None:
        return False
    return now - earlier.at > timedelta(seconds=CREATION_BAR_SECONDS)


def _is_same_request(line: dict[str, Any], deed: Deed, addresses: Collection[str]) -> bool:
    """Whether a line of the journal is about a deed that asks for the same thing of the same platform."""
    if line.get("request") != deed.request:
        return False
    platform = line.get("platform")
    return isinstance(platform, list) and not set(addresses).isdisjoint(map(str, platform))


def _moment(told: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None
