"""The search for the same entry of the other source, where the stream and the log report it under different ids.

An entry of one source is joined with at most one of the other, so that none is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tui.client.json_codec import canonical
from tui.client.json_values import text_of
from tui.client.log_entries import (
    Confirmation,
    Decision,
    Delegation,
    Entry,
    Message,
    Other,
    Questions,
    Reasoning,
    SignIn,
    ToolCall,
)
from tui.domain.activity_nodes import Node

SAME_ENTRY_WINDOW = timedelta(seconds=30)
"""The longest time between the live event and the log entry of one thing whose ids do not agree."""
MESSAGE_DELAY = timedelta(minutes=15)
"""The longest time from the log entry of a user's message to its event, which tells that it has reached the model."""
CARDS = (Confirmation, Other, Questions)
"""The kinds of entries that are drawn as cards, whose event and log entry need not have the same id."""
SHARED_ID_FIELDS = ("id", "decision_id", "card_id", "entry_id")
"""The fields with ids by which a card or a question is known in the stream, the log, or both."""
FIELDS_OF_ENVELOPE = frozenset({*SHARED_ID_FIELDS, "request_id", "created_at", "type", "action", "value"})
"""The fields of a card that tell nothing of its content: each source has its own."""


def find_same_entry(entry: Entry, at: datetime, candidates: Iterable[Node], *, is_logged: bool) -> Node | None:
    """Find the node nearest in time that has the same entry as one that happened `at`; None if there is none.

    The candidates were not reported yet by the source of the entry, which is the log if `is_logged` is true.
    """
    same = [node for node in candidates if _is_same(entry, at, node, is_logged=is_logged)]
    return min(same, key=lambda node: (abs(node.at - at), node.order), default=None)


def earliest_log_time(node: Node) -> datetime:
    """Return the earliest time that the log entry of a node of the stream can have."""
    return node.at - max(SAME_ENTRY_WINDOW, _event_delay(node.entry))


def _event_delay(entry: Entry) -> timedelta:
    """Return how much later than its log entry the event of an entry may come."""
    return MESSAGE_DELAY if isinstance(entry, Message) else SAME_ENTRY_WINDOW


def _is_same(entry: Entry, at: datetime, node: Node, *, is_logged: bool) -> bool:
    if _is_same_card_by_id(entry, node.entry):
        return True
    if type(node.entry) is not type(entry):
        return False
    delay = node.at - at if is_logged else at - node.at
    if not -SAME_ENTRY_WINDOW <= delay <= _event_delay(entry):
        return False
    if isinstance(entry, Other):
        return _is_same_card(entry, node.entry)
    signature = _signature(entry)
    return signature is not None and signature == _signature(node.entry)


def _is_same_card_by_id(card: Entry, other: Entry) -> bool:
    """Return whether two cards or questions have an id in common; of two cards without a kind, the name as well."""
    if not isinstance(card, CARDS) or not isinstance(other, CARDS) or not _shared_ids(card) & _shared_ids(other):
        return False
    are_without_kind = isinstance(card, Other) and isinstance(other, Other)
    return not are_without_kind or bool(_card_names(card) & _card_names(other))


def _card_names(card: Entry) -> set[str]:
    """Return the names of a card: its action in the log, and the type of its event."""
    texts = (text_of(card.raw.get(name)) for name in ("action", "type"))
    return {text.lower() for text in texts if text}


def _shared_ids(entry: Entry) -> set[str]:
    texts = (text_of(entry.raw.get(name)) for name in SHARED_ID_FIELDS)
    return {text for text in texts if text and text.strip()}


def _is_same_card(card: Entry, other: Entry) -> bool:
    """Return whether two cards have the same name, and no field of their content that differs."""
    if not _card_names(card) & _card_names(other):
        return False
    fields, other_fields = _content_of(card), _content_of(other)
    return all(canonical(fields[name]) == canonical(other_fields[name]) for name in fields.keys() & other_fields.keys())


def _content_of(card: Entry) -> dict[str, Any]:
    return {name: value for name, value in card.raw.items() if name not in FIELDS_OF_ENVELOPE and value is not None}


def _signature(entry: Entry) -> str | None:
    """Return what an entry has alike in both sources; None for a kind that is joined by its ids only."""
    match entry:
        case ToolCall():
            return canonical([entry.name, entry.arguments])
        case Reasoning():
            return canonical([entry.type, entry.title, entry.thought])
        case Delegation():
            return canonical([entry.agent_id, entry.query])
        case SignIn():
            return canonical([entry.type, entry.data])
        case Message():
            return canonical([entry.role, entry.text.strip()])
        case Decision():
            return canonical([entry.action, entry.child_id, entry.title, entry.new_input])
        case _:
            return None
