"""subtask_digest: a folded sub-task tells the worst state below it, its calls and its time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.domain.activity_sources import NOW, activity_of, call
from tui.client.models import Task
from tui.domain.subtask_digest import SubtaskDigest, subtask_digest


def task(name: str, status: str, **more: Any) -> Task:
    return Task.from_value({"id": name, "status": status, "created_at": NOW.isoformat(), **more})


def digest(*tasks: Task, **logs: Any) -> SubtaskDigest:
    """Return the digest of the first task, with each further one below the one before."""
    children: dict[str, tuple[Task, ...]] = {}
    for above, below in pairwise(tasks):
        children[above.id] = (below,)
    activities = {name: activity_of(name, *entries) for name, entries in logs.items()}
    known = {one.id: one for one in tasks}
    return subtask_digest(tasks[0].id, known, children, activities, NOW + timedelta(seconds=60))


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        (["completed", "executing", "failed"], "failed"),
        (["completed", "paused", "executing"], "paused"),
        (["completed", "stopped"], "stopped"),
        (["completed", "completed"], "completed"),
        (["archived"], "archived"),
    ],
)
def test_the_worst_state_of_any_level_is_told(statuses: list[str], worst: str) -> None:
    made = digest(*(task(f"t{number}", status) for number, status in enumerate(statuses)))
    assert (made.status, made.has_failed) == (worst, worst == "failed")


def test_calls_of_all_levels_are_counted_with_their_failures() -> None:
    failed = call("c", is_error=True)
    made = digest(task("a", "completed"), task("b", "failed"), a=[call("x")], b=[call("y"), failed])
    assert made.call_words == "3 calls, 1 failed"
    assert digest(task("a", "completed"), a=[call("x")]).call_words == "1 call"


def test_a_plus_tells_that_there_may_be_more_calls() -> None:
    assert digest(task("a", "executing"), a=[call("x")]).call_words == "1+ calls"
    assert digest(task("a", "completed"), task("b", "completed"), a=[call("x")]).call_words == "1+ calls"
    assert digest(task("a", "completed")).call_words == ""


def test_the_time_is_that_of_the_sub_task_itself() -> None:
    ended = task("a", "completed", finished_at=(NOW + timedelta(seconds=7)).isoformat())
    assert digest(ended, task("b", "executing")).time_words == "7.0s"
    assert digest(task("a", "executing")).time_words == "60.0s"
    assert digest(Task.from_value({"id": "a", "status": "failed"})).time_words == ""


def test_only_a_wait_for_a_person_is_marked_as_one() -> None:
    waiting = task("b", "paused", hitl_request={"title": "Pay?", "content": "{}"})
    assert digest(task("a", "executing"), waiting).needs_person
    assert not digest(task("a", "executing"), task("b", "completed")).needs_person
