"""The details of a wait that the task's own record lacks: the node of its workflow, or the state of a tool approval.

They are read beside the review and are no part of its digest. The digest says that what was decided is what still
waits, and is compared with a record that is read again right before a decision is sent: it covers that record and its
log only. If it covered the details, a decision would fail because a server of names was slow, or because somebody
had edited the text of a node, although what was approved is still the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tui.client.workflow_models import AgentDefinition, HitlOptions, ToolApproval, WorkflowNode
    from tui.domain.review import ReviewSnapshot

MAX_TIMEOUT_SECONDS = 10 * 365 * 86_400.0
"""A longer time-out is not believed."""


class WaitDetails(Struct, frozen=True):
    """The details of a wait, as far as they could be read."""

    subject_id: str = ""
    """The id of the node or the tool approval that the details are about."""
    node: WorkflowNode | None = None
    options: HitlOptions | None = None
    """The options of the approval: who may approve, for how long, and what a rejection does."""
    node_problem: str = ""
    """The reason why the node could not be read; empty if it could, or if there is none."""
    approval: ToolApproval | None = None
    approval_problem: str = ""
    """The reason why the state of the tool approval could not be read."""
    approval_url: str = ""
    """The URL of the state of the tool approval."""

    @property
    def has_problem(self) -> bool:
        """Whether something could not be read."""
        return bool(self.node_problem or self.approval_problem)


def find_node(definition: AgentDefinition, node_id: str) -> WorkflowNode | None:
    """Return the node with this id in an agent's workflow."""
    return next((node for node in definition.nodes if node.id == node_id), None)


def find_options(definition: AgentDefinition, *names: str | None) -> HitlOptions | None:
    """Return the approval options of the item of an agent's graph that has one of these names."""
    found = (item.hitl_options for item in definition.graph_items if item.hitl_options and item.has_name(*names))
    return next(found, None)


def deadline_of(review: ReviewSnapshot | None, details: WaitDetails | None) -> datetime | None:
    """Return the time by which a wait has to be decided; None if none is published."""
    if details is None or review is None or review.wait is None:
        return None
    approval = details.approval
    if approval and approval.expires_at:
        return approval.expires_at
    begin = review.wait.since
    if approval and approval.created_at:
        begin = approval.created_at
    seconds = details.options.timeout_seconds if details.options else None
    if begin is None or seconds is None or not 0 < seconds < MAX_TIMEOUT_SECONDS:
        return None
    try:
        return begin + timedelta(seconds=seconds)
    except OverflowError:
        return None
