"""The parts of a review's two documents: its facts, and its request with the content before the envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.domain.answers import questions_of
from tui.domain.request_summary import request_summary, split_request
from tui.domain.review_facts import NOT_PROVIDED, Fact, facts_of, is_quiet_envelope, request_text
from tui.security.sanitize import MAX_LINE_CHARS
from tui.widgets.document_layout import Part
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.client.models import Task
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import State
    from tui.domain.wait_details import WaitDetails

MAX_WHY_CHARS = 2_000
"""Characters of a fact that are shown."""
ENVELOPE_HEADING = "Request envelope"


def review_facts(
    review: ReviewSnapshot,
    state: State,
    ui: UIContext,
    details: WaitDetails | None = None,
    *,
    unread: str = NOT_PROVIDED,
    decided: str = "",
) -> list[Part]:
    """Return the facts of a review: what is wanted and why, by whom it is decided, what follows, and who asks.

    Their secrets are not masked here: the pane that shows them masks them, and counts what it masked.
    """
    task = review.task
    path = " › ".join([*_names_above(task, state), task.name])
    parts = [_fact_part(fact, ui) for fact in facts_of(review, details, unread=unread, decided=decided)]
    who = [("who", f"{_agent(task, state)}: {path} ({task.id})"), ("", f"{_origin(task)}; profile {ui.place}")]
    return [*parts, *(Part(label, text, is_beside=True) for label, text in who)]


def _fact_part(fact: Fact, ui: UIContext) -> Part:
    text = _shortened(fact.text, ui) if fact.may_be_cut else fact.text
    return Part(fact.label, text, is_beside=True, is_folded=fact.is_one_line, folds=fact.is_one_line)


def request_parts(review: ReviewSnapshot, *, heading: str = "") -> list[Part]:
    """Return the parts of a request: its content, and its envelope, folded if the facts show all that is in it.

    The content of a question is its text with the choices; all of its JSON is below.
    """
    if (card := questions_of(review)) is not None:
        return [Part(heading, _questions_text(card)), Part(ENVELOPE_HEADING, review.held)]
    content, envelope = split_request(review.held)
    if content in (None, "", {}, []):
        content = NOT_PROVIDED
    parts = [Part(heading, content)]
    if envelope:
        # A held call is not decided here, so that its envelope can hide nothing that would be.
        is_quiet = review.tool_approval_id is not None or is_quiet_envelope(review, envelope)
        parts.append(Part(ENVELOPE_HEADING, envelope, is_folded=is_quiet, folds=is_quiet))
    return parts


def _questions_text(card: Questions) -> str:
    """Return the questions of a card as a text, each with its choices under their numbers."""
    blocks = []
    for question in card.asked:
        choices = [f"  {number}  {label}" for number, (_, label) in enumerate(question.options, 1)]
        blocks.append("\n".join([question.text or "(without a text)", *choices]))
    return "\n\n".join(blocks)


def headline(review: ReviewSnapshot, ui: UIContext) -> str:
    """Return the headline of a review: the summary of its content, or else the text of its request."""
    summary = request_summary(review.held, ui.redactor) if _has_summary(review) else ""
    return summary or ui.safe(request_text(review) or NOT_PROVIDED, MAX_LINE_CHARS)


def _has_summary(review: ReviewSnapshot) -> bool:
    """Return whether the request has a content to sum up; a question, a card and a sign-in have a text instead."""
    if review.approval:
        return True
    return review.tool_approval_id is not None and bool(review.tool_names)


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
    if not user and not task.source:
        return f"who started it is {NOT_PROVIDED}"
    by = f" by {user}" if user else ""
    source = f" from {task.source}" if task.source else ""
    return f"started{by}{',' if by and source else ''}{source}"


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
