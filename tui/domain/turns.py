"""The turns of a thread: which of them the times and counts of its task are of."""

from __future__ import annotations

from itertools import pairwise

from tui.client.log_entries import Message
from tui.client.task_rows import AnyTask
from tui.domain.activity_log import Activity

LATEST_TURN = "latest turn"
WHOLE_THREAD = "whole thread"


def is_latest_of_several(task: AnyTask, activity: Activity) -> bool:
    """Return whether the agent has worked before the record's turn began, so that its times are of the latest turn."""
    return task.started_at is not None and activity.nodes.has_work_before(task.started_at)


def turn_words(task: AnyTask, activity: Activity) -> str:
    """Return which turns the times of a task are of; empty if its thread has one turn, or too many entries to tell."""
    if is_latest_of_several(task, activity):
        return LATEST_TURN
    if activity.nodes.log is None and _has_turn_after_reply(activity):
        return WHOLE_THREAD
    return ""


def _has_turn_after_reply(activity: Activity) -> bool:
    """Return whether a message of the user directly follows a reply, which ended the turn before."""
    entries = (node.entry for node in activity.nodes)
    return any(
        isinstance(before, Message) and before.role == "agent" and isinstance(after, Message) and after.role == "user"
        for before, after in pairwise(entries)
    )
