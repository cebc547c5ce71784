"""Fixtures for load tests: many tasks or log entries, written to the database in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tui.local.clock import format_time
from tui.local.sqlite_store import Json
from tui.local.task_service import Platform

STATUS_MIX = ("completed",) * 14 + ("failed", "failed", "stopped", "error", "completed", "completed")
"""Statuses from which that of each task is drawn."""


def add_tasks(platform: Platform, count: int) -> None:
    """Add a number of tasks that have ended."""
    agents = [agent for agent in platform.store.agents() if agent["id"] != "your-agent"]
    templates = [platform.new_record(agent, {"source": "api", "events_streaming": True}, None) for agent in agents]
    now = platform.clock.now

    def tasks() -> Iterator[Json]:
        rng = platform.rng("scale")
        for number in range(count):
            template, agent = templates[number % len(agents)], agents[number % len(agents)]
            created = now - timedelta(seconds=60 + number * 7)
            ended = created + timedelta(seconds=rng.uniform(3, 50))
            status = STATUS_MIX[rng.randrange(len(STATUS_MIX))]
            title = f"Routine check {number} of {agent['name']}"
            task = template | {"title": title, "input": {**template["input"], "text": title}}
            task |= {
                "id": f"{rng.getrandbits(128):032x}", "status": status, "created_at": format_time(created),
                "updated_at": format_time(ended), "started_at": format_time(created), "finished_at": format_time(ended),
                "is_manually_stopped": status == "stopped", "result": f"Check {number}: {status}, nothing else to say.",
                "tokens": {"prompt_tokens": 900 + number % 5000, "completion_tokens": 120, "cache_read_tokens": 0,
                           "cache_write_tokens": 0, "total_tokens": 1020 + number % 5000},
            }  # fmt: skip
            yield task

    platform.store.add_tasks(tasks())


def add_entries(platform: Platform, count: int) -> str:
    """Add a task with a number of entries in its log; return its id."""
    title = f"A log of {count} entries"
    task = platform.create("your-agent", {"input": {"text": title}, "title": title, "events_streaming": True})
    started = platform.clock.now - timedelta(seconds=count)

    def entries() -> Iterator[Json]:
        for number in range(count):
            entry: Json = {
                "id": f"{task['id']}-{number}",
                "created_at": format_time(started + timedelta(seconds=number)),
            }
            match number % 5:
                case 0:
                    entry |= {"type": "think", "title": f"Step {number}", "confidence": 0.7, "thought": "What is next?"}
                case 4:
                    entry |= {"role": "agent", "content": {"text": f"Done with {number}.", "files": []}}
                case _:
                    entry |= {"tool_name": "files.read", "payload": {"path": f"/data/{number}.csv"}, "is_error": False,
                              "result": {"rows": number, "text": "a line of a file, as it stands; " * 4}}  # fmt: skip
            yield entry

    platform.store.add_entries(task["id"], entries())
    return str(task["id"])
