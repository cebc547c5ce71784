"""What the title of a task's screen says: its status, how far it is, and how live the screen is."""

from __future__ import annotations

from datetime import datetime

from tui.client.event_stream import Link, LinkState
from tui.client.task_rows import TaskRow
from tui.domain import humanize
from tui.domain.activity_log import Activity
from tui.domain.state import Board
from tui.domain.task_rows import Line, lasted
from tui.security.sanitize import one_line
from tui.widgets.context import Desk
from tui.widgets.styled_text import Piece
from tui.widgets.task_table import GLYPHS, LOOKS

LINK_LOOKS = {LinkState.LIVE: "running", LinkState.RECONNECTING: "need", LinkState.ENDED: "failed"}
MAX_PLAN_BAR_CELLS = 12


def progress(task: TaskRow, board: Board, now: datetime) -> list[Piece]:
    """Return status, plan, time, tokens and context of a task."""
    activity = board.activity(task.id)
    found = [_status(task, board, now)]
    found += _plan(task, activity)
    seconds = lasted(Line(task), now)
    if seconds is not None:
        found.append(Piece(f"{humanize.clock(seconds)}  ", "faint"))
    if task.tokens:
        found.append(Piece(f"{humanize.amount(task.tokens.total)} tok  ", "faint"))
    if activity and activity.context and activity.context.percent is not None:
        found.append(Piece(f"context {activity.context.percent:.0f}%  ", "faint"))
    return found


def _status(task: TaskRow, board: Board, now: datetime) -> Piece:
    wait = board.wait(task.id)
    if wait:
        since = f" {humanize.span((now - wait.since).total_seconds())}" if wait.since else ""
        return Piece(f"‖ {wait.kind}{since}  ", "need")
    word = one_line(task.status) or "unknown"
    return Piece(f"{GLYPHS.get(task.status, '?')} {word}  ", LOOKS.get(task.status, ""))


def _plan(task: TaskRow, activity: Activity | None) -> list[Piece]:
    plan = (activity.plan if activity else None) or task.plan
    if not plan or not plan.steps:
        return []
    count = len(plan.steps)
    bar = "▓" * plan.done + "░" * (count - plan.done) if count <= MAX_PLAN_BAR_CELLS else ""
    return [Piece(f"plan {plan.done}/{count} {bar}  ")]


def liveness(task: TaskRow | None, link: Link | None, ended: str, desk: Desk) -> Piece:
    """Return how live the screen is: the state of the stream, or that the task or the following of it has ended."""
    if ended:
        return Piece(f"● ended: {desk.safe(ended, 60)} ", "failed")
    if task and task.is_final:
        return Piece("■ ended ", "faint")
    if link is None:
        return Piece("● connecting ", "faint")
    return Piece(f"● {desk.safe(str(link), 60)} ", LINK_LOOKS.get(link.state, "faint"))
