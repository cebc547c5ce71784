"""Fixtures for load tests: many tasks or log entries, written to the database in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from tui.local.clock import format_time
from tui.local.sqlite_store import Json
from tui.local.task_service import Platform

STATUS_MIX = ("completed",) * 14 + ("failed", "failed", "stopped", "error", "completed", "completed")
"""Statuses from which that of each task is drawn."""


SECONDS_BETWEEN_TASKS = 7
YOUNGEST_TASK_SECONDS = 60
"""How long ago the newest task was created."""
MIN_RUN_SECONDS = 3
MAX_RUN_SECONDS = 50
TOKEN_COUNTS = 5000
"""How many different numbers of tokens the tasks have used."""
ENTRIES_PER_ROUND = 5
"""Entries of a log after which their kinds repeat: a thought, three tool calls and a message."""


class TaskTemplate(NamedTuple):
    """An agent, and the record of a new task of it."""

    agent: Json
    record: Json


def add_tasks(platform: Platform, count: int) -> None:
    """Add a number of tasks that have ended."""
    templates = [
        TaskTemplate(agent, platform.new_record(agent, {"source": "api", "events_streaming": True}, None))
        for agent in platform.store.agents()
        if agent["id"] != "your-agent"
    ]
    platform.store.add_tasks(_ended_tasks(platform, templates, count))


def _ended_tasks(platform: Platform, templates: list[TaskTemplate], count: int) -> Iterator[Json]:
    """Yield the records of tasks that have ended, the newest first, of one agent after the other."""
    now = platform.clock.now
    rng = platform.rng("scale")
    for number in range(count):
        created = now - timedelta(seconds=YOUNGEST_TASK_SECONDS + number * SECONDS_BETWEEN_TASKS)
        yield _ended_task(templates[number % len(templates)], number, created, rng)


def _ended_task(template: TaskTemplate, number: int, created: datetime, rng: Random) -> Json:
    """Return the record of a task that has ended, in a status and after a time that are drawn."""
    ended = created + timedelta(seconds=rng.uniform(MIN_RUN_SECONDS, MAX_RUN_SECONDS))
    status = STATUS_MIX[rng.randrange(len(STATUS_MIX))]
    title = f"Routine check {number} of {template.agent['name']}"
    extra_tokens = number % TOKEN_COUNTS
    return template.record | {
        "title": title, "input": {**template.record["input"], "text": title},
        "id": f"{rng.getrandbits(128):032x}", "status": status, "created_at": format_time(created),
        "updated_at": format_time(ended), "started_at": format_time(created), "finished_at": format_time(ended),
        "is_manually_stopped": status == "stopped", "result": f"Check {number}: {status}, nothing else to say.",
        "tokens": {"prompt_tokens": 900 + extra_tokens, "completion_tokens": 120, "cache_read_tokens": 0,
                   "cache_write_tokens": 0, "total_tokens": 1020 + extra_tokens},
    }  # fmt: skip


def add_entries(platform: Platform, count: int) -> str:
    """Add a task with a number of entries in its log; return its id."""
    title = f"A log of {count} entries"
    task = platform.create("your-agent", {"input": {"text": title}, "title": title, "events_streaming": True})
    task_id = str(task["id"])
    started = platform.clock.now - timedelta(seconds=count)
    platform.store.add_entries(task_id, (_log_entry(task_id, number, started) for number in range(count)))
    return task_id


def _log_entry(task_id: str, number: int, started: datetime) -> Json:
    """Return one entry of a log: the kind depends on its number, and one is written each second."""
    entry: Json = {
        "id": f"{task_id}-{number}",
        "created_at": format_time(started + timedelta(seconds=number)),
    }
    match number % ENTRIES_PER_ROUND:
        case 0:
            return entry | {"type": "think", "title": f"Step {number}", "confidence": 0.7, "thought": "What is next?"}
        case 4:
            return entry | {"role": "agent", "content": {"text": f"Done with {number}.", "files": []}}
        case _:
            return entry | {
                "tool_name": "files.read", "payload": {"path": f"/data/{number}.csv"}, "is_error": False,
                "result": {"rows": number, "text": "a line of a file, as it stands; " * 4},
            }  # fmt: skip
