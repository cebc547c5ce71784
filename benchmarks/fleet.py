"""Fleets and logs of any size, as the dashboard holds them: boards, listings, activities, and an activity log as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.events import entry
from benchmarks.onscreen import SIZE
from benchmarks.serving import task
from tui.client.events import Event
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Agent, Task
from tui.client.task_rows import TaskRow
from tui.domain.activity_log import Activity
from tui.domain.activity_rows import ActivitySource
from tui.domain.state import AgentsSeen, EventSeen, LogSeen, State, TasksSeen
from tui.domain.task_list import ListView, TaskListModel
from tui.domain.task_list_rows import TaskLine
from tui.security.redact import Redactor
from tui.widgets.task_table import TaskTable
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DESK = UIContext(lambda: NOW, Redactor(), "benchmarks", is_still=True)
"""Nothing flashes: what is painted later is not taken for what is measured next."""
STATUSES = ("completed",) * 44 + ("failed", "failed", "error", "stopped", "pending", "executing")
PAGE = 2_000


def fleet(count: int) -> Iterator[TaskRow]:
    """So many tasks, two of a hundred running, and none of them waiting."""
    rows = (task(number, STATUSES[(number + 1) % len(STATUSES)]) for number in range(count))
    return (TaskRow.from_json(json.dumps(row).encode()) for row in rows)


def board_of(count: int) -> State:
    """A board with so many tasks."""
    agents = (Agent.from_value({"id": f"a{n}", "name": f"Agent {n}"}) for n in range(7))
    tasks = tuple(fleet(count))
    pages = (TasksSeen(tasks[at : at + PAGE], NOW) for at in range(0, count, PAGE))
    return State().after([AgentsSeen(tuple(agents), NOW), *pages])


def view_of(state: State) -> ListView:
    """All of it, in groups."""
    return ListView(names={agent_id: told[1].name for agent_id, told in state.agents.items()}, now=NOW)


def listing_of(state: State) -> TaskListModel:
    """All of it, arranged."""
    listing = TaskListModel(view_of(state))
    for _ in listing.build(state):
        pass
    return listing


def cells_of(listing: TaskListModel) -> list[tuple[str, ...]]:
    """Every row as the texts of its columns, for a widget that wants all of them at once."""
    drawn = TaskTable(DESK)
    drawn._listing = listing
    tasks = (place for place in range(len(listing)) if isinstance(listing.row(place), TaskLine))
    return [tuple(piece.text.strip() for piece in drawn.styled_line(place, SIZE[0])[1:]) for place in tasks]


def changed(listing: TaskListModel, number: int) -> TasksSeen:
    """The first task of a list is told to be called something else by now."""
    known = next(row.task for row in map(listing.row, range(len(listing))) if isinstance(row, TaskLine))
    later = (NOW + timedelta(seconds=number)).isoformat()
    return TasksSeen((Task.from_value({**known.raw, "title": f"Checked {number} times", "updated_at": later}),), NOW)


def arrived(number: int) -> TasksSeen:
    """There is one more task, which runs."""
    begun = (NOW + timedelta(seconds=number)).isoformat()
    more = {"id": f"more-{number}", "created_at": begun, "started_at": begun, "updated_at": begun}
    return TasksSeen((Task.from_value({**task(number, "executing"), **more}),), NOW)


def worked_on(count: int) -> State:
    """A board with one task that runs, and so many entries in its log."""
    state = State().after([TasksSeen((Task.from_value(task(0, "executing")),), NOW)])
    log = Log(tuple(parse_entry(entry(number, 60)) for number in range(count)))
    return state.after(LogSeen("t0", part, NOW) for part in log.parts(PAGE))


def source_of(state: State) -> ActivitySource:
    """What the screen of the task gives its tree."""
    activities: dict[str, Activity] = {one: log.activity for one, log in state.logs.items()}
    return ActivitySource("t0", activities, {"t0": state.children_of("t0")}, {}, state.task("t0"), state.wait("t0"))


def event(number: int) -> EventSeen:
    """The stream tells of a call, which is one more entry."""
    at = NOW + timedelta(milliseconds=number)
    data = {"request_id": f"r{number}", "tool_name": "search", "payload": {"q": number}}
    raw = {"type": "tool_call_request", "task_id": "t0", "time": at.isoformat(), "data": data}
    return EventSeen("t0", Event.from_value(raw), at)
