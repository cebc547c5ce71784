"""The title of a task's screen: the status and the progress of the task, and how live the screen is."""

from __future__ import annotations

from datetime import datetime

from tui.client.event_stream import Link, LinkState
from tui.client.task_rows import TaskRow
from tui.domain import humanize, wait_words
from tui.domain.activity_log import Activity
from tui.domain.state import State
from tui.domain.task_list_rows import TaskLine, duration_seconds
from tui.domain.turns import LATEST_TURN, is_latest_of_several
from tui.security.sanitize import one_line
from tui.widgets.styled_text import StyledText
from tui.widgets.task_table import STATUS_GLYPHS, STATUS_STYLES
from tui.widgets.ui_context import UIContext

LINK_STYLES = {LinkState.LIVE: "running", LinkState.RECONNECTING: "need", LinkState.ENDED: "failed"}
MAX_PLAN_BAR_CELLS = 12
MIN_NAME_CHARS = 16
MAX_NAME_CHARS = 60
COLUMNS_BESIDE_NAME = 64
"""Columns of the title for the progress of the task."""


def shortened_name(name: str, columns: int) -> str:
    """Return a name, shortened to the room that it has in a title of so many columns."""
    length = max(MIN_NAME_CHARS, min(MAX_NAME_CHARS, columns - COLUMNS_BESIDE_NAME))
    return name if len(name) <= length else f"{name[: length - 1]}…"


def styled_progress(task: TaskRow, state: State, now: datetime) -> list[StyledText]:
    """Return the progress of a task as styled texts: its status, plan, time, tokens and context."""
    activity = state.activity(task.id)
    texts = [_status(task, state, now)]
    texts += _plan(task, activity)
    seconds = duration_seconds(TaskLine(task), now)
    if seconds is not None:
        clock = humanize.running_clock(seconds)
        if activity and is_latest_of_several(task, activity):
            clock = f"{clock} {LATEST_TURN}"
        texts.append(StyledText(f"{clock}  ", "faint"))
    if task.tokens:
        texts.append(StyledText(f"{humanize.short_count(task.tokens.total)} tok  ", "faint"))
    if activity and activity.context and activity.context.percent is not None:
        texts.append(StyledText(f"context {activity.context.percent:.0f}%  ", "faint"))
    return texts


def _status(task: TaskRow, state: State, now: datetime) -> StyledText:
    wait = state.wait(task.id)
    if wait:
        words = f"{wait_words.glyph_of(wait)} {wait.words} {wait_words.time_of(wait, now)}"
        return StyledText(f"{words.rstrip()}  ", wait_words.style_of(wait))
    status = one_line(task.status) or "unknown"
    return StyledText(f"{STATUS_GLYPHS.get(task.status, '?')} {status}  ", STATUS_STYLES.get(task.status, ""))


def _plan(task: TaskRow, activity: Activity | None) -> list[StyledText]:
    plan = task.plan
    if activity and activity.plan:
        plan = activity.plan
    if not plan or not plan.steps:
        return []
    count = len(plan.steps)
    bar = ""
    if count <= MAX_PLAN_BAR_CELLS:
        bar = "▓" * plan.done + "░" * (count - plan.done)
    return [StyledText(f"plan {plan.done}/{count} {bar}  ")]


def live_state(task: TaskRow | None, link: Link | None, ended: str, ui: UIContext) -> StyledText:
    """Return how live the screen is: the state of the stream, or that the task or the following has ended."""
    if ended:
        return StyledText(f"● ended: {ui.safe(ended, 60)} ", "failed")
    if task and task.is_final:
        return StyledText("■ ended ", "faint")
    if link is None:
        return StyledText("● connecting ", "faint")
    return StyledText(f"● {ui.safe(str(link), 60)} ", LINK_STYLES.get(link.state, "faint"))
