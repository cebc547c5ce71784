"""Checks of an action before it is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from tui.domain.action import Action, Outcome, Verb
from tui.domain.review import ReviewSnapshot
from tui.services.confirmation import CLOCK_DIFFERENCE_SECONDS, StateBefore
from tui.services.earlier_actions import EarlierAction


def is_encodable(value: Any) -> bool:
    """Return whether a value is encodable as JSON in UTF-8: text with lone surrogates is not."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def end_if_outdated(action: Action, review: ReviewSnapshot) -> Action | None:
    """End a decision if the request that was shown is outdated or cannot be decided; None if it may be sent."""
    action = replace(action, task=review.task)
    is_approval = action.verb in {Verb.APPROVE, Verb.REJECT}
    if review.task.is_final:
        return action.done(Outcome.GONE, f"gone: the task is {review.task.status}")
    request = review.task.hitl_request
    if request and request.decided_by and is_approval and review.request_id is None:
        word = "approved" if request.approved_by else "rejected"
        return action.done(Outcome.ALREADY, f"already {word} by {request.decided_by}")
    if review.digest != action.digest:
        return action.done(Outcome.CHANGED, "changed while you read, nothing was sent")
    if is_approval and (reason := review.blocked_now):
        return action.done(Outcome.NOT_SENT, reason)
    if action.comment and review.request_id:
        return action.done(Outcome.NOT_SENT, "not sent: a card takes no comment, leave it out")
    return None


def is_restarted_since(action: Action, before: StateBefore, earlier: EarlierAction) -> bool:
    """Return whether a task was restarted since an earlier stop, which then does not bar another stop."""
    if action.verb is not Verb.STOP or before.record is None:
        return False
    started_at = before.record.started_at
    if not started_at or not earlier.at:
        return False
    return started_at > earlier.at + timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
