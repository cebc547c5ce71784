"""Sends the requests of actions to the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.client.client import Client
from tui.domain.action import Action, Verb
from tui.domain.review import ReviewSnapshot

if TYPE_CHECKING:
    from tui.client.models import Task


async def send_request(client: Client, action: Action, review: ReviewSnapshot | None) -> Task | None:
    """Send the request of an action once; return the task that the platform answers with, if any."""
    match action.verb:
        case Verb.APPROVE | Verb.REJECT if review and review.request_id:
            approve = action.verb is Verb.APPROVE
            await client.confirm(review.task.agent_id, review.task.thread_id, review.request_id, approve)
        case Verb.APPROVE:
            await client.approve(action.target, action.comment)
        case Verb.REJECT:
            await client.reject(action.target, action.comment)
        case Verb.STOP:
            return await client.stop(action.target)
        case Verb.CREATE | Verb.CONTINUE:
            body = {name: value for name, value in action.body.items() if name not in {"agent", "agent_version"}}
            return await client.create(action.body["agent"], body, agent_version=action.body.get("agent_version"))
        case Verb.UPDATE:
            return await client.update(action.target, action.body)
        case Verb.REPORT:
            return await client.report(action.target, action.body)
        case Verb.METRICS:
            metrics = {name: value for name, value in action.body.items() if name != "agent"}
            await client.report_metrics(action.body["agent"], metrics)
        case Verb.ANSWER if review:
            decision_id, answers = action.body["decision_id"], action.body["answers"]
            await client.answer(review.task.agent_id, review.task.thread_id, decision_id, answers)
    return None
