"""The facts beside what is decided about: who asks for what and why, since when, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.client.log_entries import Reasoning, ToolCall, parse_entry
from tui.client.task_facts import WaitKind
from tui.security.sanitize import address_problem, host_of
from tui.widgets.document_layout import Part
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import State

CONSEQUENCES: dict[WaitKind | None, str] = {
    None: "on approve: the agent goes on. On reject: the agent is told, with your reason.",
    WaitKind.QUESTION: "your answer goes to the agent, which goes on with it.",
    WaitKind.SIGN_IN: "once you have signed in at the address above, the agent goes on.",
}
NOT_PROVIDED = "not provided by the platform"
MAX_WHY_CHARS = 2_000


def review_facts(seen: ReviewSnapshot, state: State, ui: UIContext) -> list[Part]:
    """What stands beside what is decided about: who asks, since when, what follows, what is wanted, and why.

    Nothing is masked here: what shows them masks, and tells what it masked.
    """
    task = seen.task
    agent = state.agents.get(task.agent_id)
    path: list[str] = []
    parent, seen_ids = task.parent_id, {task.id}
    while parent and parent not in seen_ids and (above := state.task(parent)):
        seen_ids.add(parent)
        path.insert(0, above.name)
        parent = above.parent_id
    who = task.input.user.name if task.input and task.input.user else task.user_id
    request = task.hitl_request
    wanted = "\n".join(filter(None, (request.title, request.description))) if request else ""
    if not wanted and seen.held is not None:
        wanted = parse_entry(seen.held).label
    if task.pending_eca_request:
        address = task.pending_eca_request.auth_url or ""
        where = host_of(address) or address_problem(address)
        wanted = f"sign in to {task.pending_eca_request.connector_name or NOT_PROVIDED}, at {where}"
    named = f"{agent[1].name} ({task.agent_id})" if agent else task.agent_id
    place = " › ".join([*path, task.name])
    started = f"started by {who or NOT_PROVIDED}, from {task.source or NOT_PROVIDED}"
    since = seen.wait.since if seen.wait else None
    waits = f"since {since.astimezone():%Y-%m-%d %H:%M:%S}" if since else f"since: {NOT_PROVIDED}"
    follows = CONSEQUENCES.get(seen.wait.kind if seen.wait else None, CONSEQUENCES[None])
    if seen.request_id:
        follows = "on approve: the agent goes on. On reject: the card is dismissed, no reason is passed on."
    facts = [
        ("who", f"{named}: {place} ({task.id})"),
        ("", f"{started}; profile {ui.place}"),
        ("waits", f"{waits}; no deadline published; decided {_decided(seen)}"),
        ("then", follows),
        ("what", " ".join((wanted or NOT_PROVIDED).split())),
        ("why", f"{_beginning(_why(seen), ui) or NOT_PROVIDED}  (the agent's own words, unverified)"),
    ]
    return [Part(heading, text, is_beside=True) for heading, text in facts]


def _beginning(text: str, ui: UIContext) -> str:
    """Return the first characters of a text, never a part of a secret of this machine, and how many are left out."""
    if len(text) <= MAX_WHY_CHARS:
        return text
    masked, kept = ui.redactor.mask_known(text), MAX_WHY_CHARS
    while not masked.startswith(ui.redactor.mask_known(text[:kept])):
        kept -= 1
    return f"{text[:kept]}… [+{len(text) - kept} chars]"


def _decided(seen: ReviewSnapshot) -> str:
    """Whether somebody has decided, as far as the platform tells."""
    request = seen.task.hitl_request
    if request and request.decided_by:
        return f"already: {'approved' if request.approved_by else 'rejected'} by {request.decided_by}"
    return "by nobody when it was read"


def _why(seen: ReviewSnapshot) -> str:
    """The agent's latest words about what it is doing."""
    for entry in reversed(seen.log.entries):
        match entry:
            case Reasoning(thought=str() as thought):
                return thought
            case ToolCall(reasoning=reason) if reason and (reason.title or reason.description):
                return ": ".join(filter(None, (reason.title, reason.description)))
    return ""
