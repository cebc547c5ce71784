"""ActivityNodes: which nodes name a sub-task, and what adding and keeping nodes costs."""

from __future__ import annotations

import gc
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.domain.activity_builders import NOW, event_of_call, logged_call
from tui.client.events import Event
from tui.client.log_entries import Log, parse_entry
from tui.domain.activity_log import Activity
from tui.domain.tree_rows import match_triggers
from tui.widgets.event_lines import EventItem

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def entry(name: str, seconds: int, **fields: Any) -> dict[str, Any]:
    """Return an entry of a log, this many seconds after noon."""
    return {"id": name, "created_at": (NOON + timedelta(seconds=seconds)).isoformat(), **fields}


def delegation(name: str, seconds: int, child: str | None) -> dict[str, Any]:
    """Return an entry that delegates to another agent, and may name the sub-task."""
    return entry(name, seconds, agent_id="a2", query="Check it", created_execution_id=child)


def activity(*entries: dict[str, Any]) -> Activity:
    """Return the activity of a task whose log has these entries."""
    made = Activity("t1")
    read(made, NOON, *entries)
    return made


def read(made: Activity, at: datetime, *entries: dict[str, Any]) -> None:
    """Read a log with these entries into an activity."""
    made.add_log(Log(tuple(map(parse_entry, entries))), at)


def naming(made: Activity) -> list[str]:
    """Return the ids of the nodes that name a sub-task."""
    return [node.entry.id for node in made.nodes.with_started_task()]


@pytest.mark.parametrize(
    "fields",
    [{"role": "agent", "content": "done"}, {"tool_name": "search"}, {"type": "think", "thought": "so"}, {}],
)
def test_a_field_named_child_id_makes_no_other_entry_a_trigger(fields: dict[str, Any]) -> None:
    """Only what starts a sub-task can name one, whatever else an entry is written with."""
    made = activity(entry("e1", 0, child_id="t2", sub_task_id="t2", **fields))

    assert naming(made) == []
    assert match_triggers(made, ()) == {}


def test_triggers_are_listed_in_the_order_of_time() -> None:
    """Whichever of them came first."""
    made = activity(
        delegation("late", 20, "t3"), entry("m", 10, role="agent", content=""), delegation("early", 1, "t2")
    )

    assert naming(made) == ["early", "late"]
    assert match_triggers(made, ()) == {"early": "t2", "late": "t3"}


def test_a_trigger_is_found_once_a_later_log_names_its_sub_task() -> None:
    """The live event did not name it."""
    made = Activity("t1")
    data = {"id": "d1", "agent_id": "a2", "query": "Check it"}
    made.add_event(Event.from_value({"type": "sub_agent_trigger", "time": NOON.isoformat(), "data": data}), NOON)
    before = naming(made)
    read(made, NOON, delegation("d1", 0, "t2"))

    assert (before, naming(made)) == ([], ["d1"])


def test_a_trigger_that_a_later_log_replaces_names_nothing() -> None:
    """The log that was read last is right."""
    made = activity(delegation("d1", 0, "t2"))
    read(made, NOON + timedelta(seconds=9), entry("d1", 0, role="agent", content="done"))

    assert naming(made) == []


def test_events_and_nodes_are_not_tracked_by_the_garbage_collector() -> None:
    """Events, nodes and lines refer to nothing that refers back to them: no collection looks at them."""
    made = activity(entry("e1", 0, role="agent", content="done"))
    event = Event.from_sse(b'{"type": "chunk", "task_id": "t1", "data": "word"}')
    node = made.nodes[0]

    for kept in (event, node, node.logged, EventItem(1, NOON, event)):
        assert not gc.is_tracked(kept)


def test_adding_to_a_long_activity_is_as_fast_as_to_a_short_one() -> None:
    from time import perf_counter

    def cost(size: int) -> float:
        activity = Activity("t")
        activity.add_log(Log(tuple(logged_call(f"r{n}", n) for n in range(size))), NOW)
        events = [event_of_call(f"x{n}", result=False, at=size + n) for n in range(200)]
        begun = perf_counter()
        for added in events:
            activity.add_event(added, NOW)
        return perf_counter() - begun

    random.seed(1)
    small, large = min(cost(100) for _ in range(3)), min(cost(20_000) for _ in range(3))
    assert large < 3 * small
