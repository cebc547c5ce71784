"""The facts beside the payload of a review: who requests what and why, since when, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.client.log_entries import Reasoning, ToolCall, parse_entry
from tui.client.task_facts import WaitKind
from tui.security.sanitize import address_problem, host_of
from tui.widgets.document_layout import Part
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.models import Task
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import State

CONSEQUENCES: dict[WaitKind | None, str] = {
    None: "on approve: the agent goes on. On reject: the agent is told, with your reason.",
    WaitKind.QUESTION: "your answer goes to the agent, which goes on with it.",
    WaitKind.SIGN_IN: "once you have signed in at the address above, the agent goes on.",
}
"""What follows from a decision, by the kind of the wait; None for all other kinds."""
CARD_CONSEQUENCE = "on approve: the agent goes on. On reject: the card is dismissed, no reason is passed on."
NOT_PROVIDED = "not provided by the platform"
MAX_WHY_CHARS = 2_000
"""Characters of the agent's reason that are shown."""


def review_facts(review: ReviewSnapshot, state: State, ui: UIContext) -> list[Part]:
    """Return the facts of a review: who asks, since when, what follows, what is wanted, and why.

    Their secrets are not masked here: the pane that shows them masks them, and counts what it masked.
    """
    task = review.task
    path = " › ".join([*_names_above(task, state), task.name])
    facts = [
        ("who", f"{_agent(task, state)}: {path} ({task.id})"),
        ("", f"{_origin(task)}; profile {ui.place}"),
        ("waits", f"{_wait(review)}; no deadline published; decided {_decided(review)}"),
        ("then", _consequence(review)),
        ("what", " ".join((_request(review) or NOT_PROVIDED).split())),
        ("why", f"{_shortened(_why(review), ui) or NOT_PROVIDED}  (the agent's own words, unverified)"),
    ]
    return [Part(heading, text, is_beside=True) for heading, text in facts]


def _names_above(task: Task, state: State) -> list[str]:
    """Return the names of the tasks above a task, the topmost first."""
    names: list[str] = []
    visited = {task.id}
    parent_id = task.parent_id
    while parent_id and parent_id not in visited and (parent := state.task(parent_id)):
        visited.add(parent_id)
        names.insert(0, parent.name)
        parent_id = parent.parent_id
    return names


def _agent(task: Task, state: State) -> str:
    if task.agent_id not in state.agents:
        return task.agent_id
    _, agent = state.agents[task.agent_id]
    return f"{agent.name} ({task.agent_id})"


def _origin(task: Task) -> str:
    """Return the origin of a task: who started it, and from where."""
    user = task.user_id
    if task.input and task.input.user:
        user = task.input.user.name
    return f"started by {user or NOT_PROVIDED}, from {task.source or NOT_PROVIDED}"


def _wait(review: ReviewSnapshot) -> str:
    if review.wait is None or review.wait.since is None:
        return f"since: {NOT_PROVIDED}"
    return f"since {review.wait.since.astimezone():%Y-%m-%d %H:%M:%S}"


def _consequence(review: ReviewSnapshot) -> str:
    if review.request_id:
        return CARD_CONSEQUENCE
    kind = review.wait.kind if review.wait else None
    return CONSEQUENCES.get(kind, CONSEQUENCES[None])


def _request(review: ReviewSnapshot) -> str:
    """Return what is requested: the sign-in, or the title and the description of the request."""
    sign_in, request = review.task.pending_eca_request, review.task.hitl_request
    if sign_in:
        url = sign_in.auth_url or ""
        return f"sign in to {sign_in.connector_name or NOT_PROVIDED}, at {host_of(url) or address_problem(url)}"
    text = ""
    if request:
        text = "\n".join(filter(None, (request.title, request.description)))
    if not text and review.held is not None:
        return parse_entry(review.held).label
    return text


def _shortened(text: str, ui: UIContext) -> str:
    """Return a text, shortened if it is too long, with the count of the characters left out.

    The cut never divides a secret of this machine: its first part would not be masked.
    """
    if len(text) <= MAX_WHY_CHARS:
        return text
    masked, length = ui.redactor.mask_known(text), MAX_WHY_CHARS
    while not masked.startswith(ui.redactor.mask_known(text[:length])):
        length -= 1
    return f"{text[:length]}… [+{len(text) - length} chars]"


def _decided(review: ReviewSnapshot) -> str:
    """Return who has decided already, as far as the platform reports it."""
    request = review.task.hitl_request
    if request is None or not request.decided_by:
        return "by nobody when it was read"
    verb = "approved" if request.approved_by else "rejected"
    return f"already: {verb} by {request.decided_by}"


def _why(review: ReviewSnapshot) -> str:
    """Return the agent's latest thought or reason, which says why it asks."""
    for entry in reversed(review.log.entries):
        match entry:
            case Reasoning(thought=str() as thought):
                return thought
            case ToolCall(reasoning=reason) if reason and (reason.title or reason.description):
                return ": ".join(filter(None, (reason.title, reason.description)))
    return ""
