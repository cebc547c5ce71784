"""The open entry of an activity log: the latest one with which the task waits for a person or a machine."""

from __future__ import annotations

from collections.abc import Iterable

from tui.client.json_values import text_of
from tui.client.log_entries import (
    Confirmation,
    Delegation,
    Entry,
    Message,
    Other,
    Questions,
    Reasoning,
    SignIn,
    ToolCall,
)
from tui.client.task_facts import Wait, WaitKind, scheduled_time
from tui.domain.activity_nodes import Node

WAIT_OF_CARD = {
    "ask_for_secret": WaitKind.SECRET,
    "invite_member": WaitKind.INVITATION,
    "approval_requested": WaitKind.HELD_CALL,
    "self_schedule": WaitKind.SCHEDULE,
}
"""The kind of wait that begins with a card of this name; which cards there are is not documented."""
CARD_TEXT_FIELDS = ("title", "name", "email", "role", "description", "reason")
SETTLING_CARDS = frozenset({"secret_saved", "member_invited"})
"""The names of cards that settle an earlier one."""
WAIT_OF_ENTRY: dict[type[Entry], WaitKind] = {
    SignIn: WaitKind.SIGN_IN,
    Questions: WaitKind.QUESTION,
    Confirmation: WaitKind.APPROVAL,
    ToolCall: WaitKind.HELD_CALL,
}


def find_open_node(latest: Iterable[Node]) -> Node | None:
    """Find the open node among the latest ones, which come in reverse order of time; None if there is none.

    A message of the user settles nothing: what was open before it stays open until the agent goes on after it.
    """
    has_gone_on = has_worked = False
    for node in latest:
        match node.entry:
            case Message(role="user"):
                if has_gone_on:
                    return None
            case Message():
                has_gone_on = True
            case Questions() | SignIn() | Confirmation() as entry:
                return node if entry.is_open else None
            case ToolCall(approval_request_id=str()):
                return node
            case ToolCall() | Reasoning() | Delegation():
                has_gone_on = has_worked = True
            case Other() as entry if card_name(entry) in SETTLING_CARDS:
                return None
            case Other() as entry if _is_open_card(entry, has_worked=has_worked):
                return node
    return None


def find_held_call(card: Entry, latest: Iterable[Node]) -> ToolCall | None:
    """Find, among the latest nodes, the tool call that is held for the approval that a card names; None if none is."""
    request_id = text_of(card.raw.get("approval_request_id"))
    if not isinstance(card, Other) or not request_id:
        return None
    calls = (node.entry for node in latest if isinstance(node.entry, ToolCall))
    return next((call for call in calls if call.approval_request_id == request_id), None)


def wait_of_node(node: Node) -> Wait:
    """Return the wait of a task whose log has this node open."""
    entry = node.entry
    kind = WAIT_OF_ENTRY.get(type(entry))
    if kind is None:
        kind = WAIT_OF_CARD.get(card_name(entry), WaitKind.UNKNOWN)
    until = scheduled_time(entry.raw) if kind is WaitKind.SCHEDULE else None
    return Wait(kind, node.at, until)


def card_name(entry: Entry) -> str:
    """Return the name of a card, from the field that has it; an empty text for an entry that is no card."""
    if not isinstance(entry, Other):
        return ""
    return (entry.action or entry.type or "").lower()


def card_text(entry: Entry) -> str:
    """Return the text of a card in its own words; an empty text for any other entry."""
    if card_name(entry) not in WAIT_OF_CARD:
        return ""
    texts = (text_of(entry.raw.get(name)) for name in CARD_TEXT_FIELDS)
    return ", ".join(filter(None, texts))


def _is_open_card(entry: Other, *, has_worked: bool) -> bool:
    """Return whether a card still waits; only a held call does while the agent works on."""
    kind = WAIT_OF_CARD.get(card_name(entry))
    if kind is None:
        return False
    return kind is WaitKind.HELD_CALL or not has_worked
