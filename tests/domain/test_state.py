"""State: the reducer gives the same state for changes in any order, and knows which tasks wait."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.domain.activity_builders import (
    NOW,
    at,
    call_entry,
    call_result,
    chunk,
    entry,
    event,
    event_of_call,
    logged_call,
    message_entry,
    node_ids,
)
from tui.client.event_stream import Link, LinkState
from tui.client.events import Event
from tui.client.json_codec import dumps
from tui.client.log_entries import Entry, Log
from tui.client.models import Agent, Task, WaitKind
from tui.domain.activity_log import Gap
from tui.domain.state import (
    AgentsSeen,
    Change,
    ChangedIds,
    EventSeen,
    GapSeen,
    LinkSeen,
    LogSeen,
    State,
    TaskGone,
    TasksSeen,
)


def task(name: str, **told: Any) -> Task:
    return Task.from_value({"id": name, **told})


def seen(*tasks: Task, asked: float = 0) -> TasksSeen:
    return TasksSeen(tasks, at(asked))


def status(state: State, name: str) -> str | None:
    found = state.task(name)
    return found.status if found else None


def everything(state: State) -> Any:
    """Return everything that a state contains, independent of the order of changes."""
    logs = {
        name: ([(node.order, node.entry.raw, node.provenance) for node in log.activity.nodes], log.activity.streaming,
               log.activity.plan, log.activity.gaps)
        for name, log in state.logs.items()
    }  # fmt: skip
    tasks = {name: known.task.raw for name, known in state.tasks.items()}
    agents = {name: (when, agent.raw) for name, (when, agent) in state.agents.items()}
    return logs, tasks, agents, dict(state.children), dict(state.links), dict(state.gone)


def test_a_row_of_an_agent_does_not_replace_a_record_with_workflow_nodes() -> None:
    record, row = {"id": "a", "orchestration_nodes": [{"id": "n"}]}, {"id": "a", "name": "A"}
    seen_as = [AgentsSeen((Agent.from_value(record),), at(1)), AgentsSeen((Agent.from_value(row),), at(2))]
    assert State().after(seen_as).agents["a"][1].raw == record


ROUNDS: dict[str, list[Change]] = {
    "rows": [
        seen(task("a", status="executing", title="one"), asked=1),
        seen(task("a", status="paused", title="two"), asked=1),
        seen(task("a", status="completed", title="zero"), asked=1),
        seen(task("a", status="failed", updated_at=at(0.5).isoformat()), asked=9),
        seen(task("a", status="stopped", title="a", updated_at=at(1).isoformat()), asked=0),
    ],
    "records and rows": [
        seen(task("a", status="executing", title=None, input={"text": "x"}, user_id="u"), asked=3),
        seen(task("a", status="executing", title="from a row", result="r"), asked=3),
        seen(task("a", status="paused", input={"text": "y"}, title="T"), asked=2),
        seen(task("a", status="pending", title=None), asked=4),
        EventSeen("a", event("task_updated", 4, {"id": "a", "status": "executing", "result": "echo"}), at(0)),
    ],
    "agents, links and ends": [
        AgentsSeen((Agent.from_value({"id": "a", "name": "one"}),), at(1)),
        AgentsSeen((Agent.from_value({"id": "a", "name": "two"}), Agent.from_value({"id": "b"})), at(1)),
        AgentsSeen((Agent.from_value({"id": "a", "name": "zero"}),), at(0)),
        AgentsSeen((Agent.from_value({"id": "b", "orchestration_nodes": [{"id": "n"}]}),), at(0)),
        LinkSeen("a", Link(LinkState.LIVE), at(1)),
        LinkSeen("a", Link(LinkState.POLLING, "no stream", 5), at(1)),
        LinkSeen("a", Link(LinkState.RECONNECTING, "lost", 5, 1), at(0)),
    ],
    "gone and gaps": [
        TaskGone("a", at(1), "a"), TaskGone("a", at(1), "b"), TaskGone("a", at(0), "c"),
        GapSeen("a", Gap(at(0), 5)), GapSeen("a", Gap(at(0), 5, 1)), GapSeen("a", Gap(at(0), 5, 3)),
    ],
    "logs": [
        LogSeen("a", Log((call_entry("r", 1, result="x"),)), at(5)),
        LogSeen("a", Log((call_entry("r", 1, result="y"),)), at(5)),
        LogSeen("a", Log((call_entry("r", 1, result="z"), message_entry("m", 3))), at(4)),
        EventSeen("a", call_result("r", 2, result="live"), at(0)),
        EventSeen("a", call_result("r", 2, result="also"), at(0)),
        EventSeen("a", chunk(2.5, "text"), at(0)),
    ],
    "plans and children": [
        EventSeen("a", event("plan_updated", 1, {"tasks": [{"id": "1"}]}), at(0)),
        EventSeen("a", event("plan_updated", 1, {"tasks": [{"id": "2"}]}), at(0)),
        EventSeen("a", event("sub_task_created", 1, {"id": "c", "status": "executing"}), at(0)),
        EventSeen("a", event("sub_task_updated", 1, {"id": "c", "status": "executing", "title": "x"}), at(0)),
        EventSeen("a", event("sub_task_finished", 1, {"id": "c", "status": "completed"}), at(0)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", ROUNDS)
def test_changes_in_any_order_lead_to_the_same_state(name: str) -> None:
    first, *others = (State().after(order) for order in permutations(ROUNDS[name]))
    assert all(everything(other) == everything(first) for other in others)
    assert everything(first.after(ROUNDS[name])) == everything(first)


def test_the_later_update_wins_then_an_ended_status_then_the_later_request() -> None:
    def ends(*changes: Change) -> str | None:
        return status(State().after(changes), "a")

    same = {"updated_at": at(1).isoformat()}
    assert (
        ends(seen(task("a", status="completed"), asked=2), seen(task("a", status="executing"), asked=3)) == "executing"
    )
    assert (
        ends(seen(task("a", status="completed", **same), asked=2), seen(task("a", status="pending", **same), asked=3))
        == "completed"
    )
    assert (
        ends(seen(task("a", status="pending", **same), asked=2), seen(task("a", status="executing", **same), asked=3))
        == "executing"
    )
    assert (
        ends(seen(task("a", status="executing", **same), asked=2), seen(task("a", status="pending", **same), asked=3))
        == "pending"
    )
    assert ends(seen(task("a", status="pending", **same)), seen(task("a", status="executing", **same))) == "pending"


def test_a_row_does_not_remove_fields_that_only_the_record_has() -> None:
    record = task("a", status="executing", input={"text": "do it"}, title="T")
    state = State().after([seen(record, asked=1), seen(task("a", status="paused", title=None), asked=2)])
    found = state.task("a")
    assert found
    assert (found.status, found.title, found.input and found.input.text) == ("paused", "T", "do it")
    newer = state.after([seen(task("a", status="executing", input={"text": "again"}), asked=3)]).task("a")
    assert newer
    assert (newer.status, newer.title, newer.input and newer.input.text) == ("executing", None, "again")


@pytest.mark.parametrize(
    ("kind", "told", "asked", "counts"),
    [
        ("task_updated", {"status": "executing"}, 6, False),
        ("task_updated", {"status": "executing"}, 4.9, True),
        ("task_updated", {"status": "pending"}, 6, False),
        ("task_updated", {"status": "paused"}, 9, True),
        ("task_updated", {"status": "paused"}, 11, False),
        ("task_created", {"status": "executing"}, 9, True),
        ("task_updated", {"status": "executing", "updated_at": at(10).isoformat()}, 9, True),
    ],
)
def test_an_event_with_an_active_status_may_be_outdated(
    kind: str, told: dict[str, Any], asked: float, counts: bool
) -> None:
    state = State().after([seen(task("a", status="odd"), asked=asked)])
    timed = EventSeen("a", event(kind, 10, {"id": "a", **told}), at(0))
    untimed = EventSeen("a", event(kind, None, {"id": "a", **told}), at(10))
    for change in (timed, untimed):
        assert status(state.after([change]), "a") == (told["status"] if counts else "odd")


def test_a_task_is_gone_until_it_is_seen_again() -> None:
    state = State().after([seen(task("a", status="executing"), asked=1)])
    assert not state.is_gone("a")
    assert not state.is_gone("b")
    assert state.after([TaskGone("a", at(2), "404"), TaskGone("b", at(2), "404")]).is_gone("a")
    assert state.after([TaskGone("b", at(2), "404")]).is_gone("b")
    assert not state.after([TaskGone("a", at(1), "404")]).is_gone("a")
    again: list[Change] = [TaskGone("a", at(2), "404"), seen(task("a", input={}, status="executing"), asked=3)]
    assert not state.after(again).is_gone("a")
    assert state.after([*again, TaskGone("a", at(4), "404")]).is_gone("a")


def test_sub_tasks_are_learned_from_every_source() -> None:
    state = State().after(
        [
            seen(task("b", parent_task_id="a"), task("a", sub_executions=["c", "unknown"]), task("c")),
            EventSeen("a", event("sub_task_created", 1, {"id": "d"}), at(0)),
            EventSeen("a", event("sub_task_created", 1, {"id": "e", "parent_task_id": "d"}), at(0)),
            EventSeen("a", event("sub_task_updated", 1, {"id": "a"}), at(0)),
            EventSeen("a", event("task_updated", 1, {"id": "other"}), at(0)),
        ]
    )
    assert [one.id for one in state.children_of("a")] == ["b", "c", "d"]
    assert [one.id for one in state.children_of("d")] == ["e"]
    assert state.children_of("b") == ()
    assert state.children["a"] == {"b", "c", "d", "unknown"}


def test_a_log_may_contain_logs_of_sub_tasks() -> None:
    log = Log((message_entry("m", 1),), {"b": (message_entry("n", 2),)}, is_partial=True)
    state = State().after([LogSeen("a", log, at(3))])
    found = {name: state.activity(name) for name in ("a", "b", "c")}
    assert {name: (node_ids(made), made.is_partial) for name, made in found.items() if made} == {
        "a": (["m"], True),
        "b": (["n"], True),
    }


PAUSED = {"status": "paused"}
ASKS = {"hitl_request": {"wait_node_id": "n"}}


@pytest.mark.parametrize(
    ("told", "last", "kind"),
    [
        (PAUSED, None, WaitKind.UNKNOWN),
        (PAUSED, entry("w", 1, questions=["q"]), WaitKind.QUESTION),
        (PAUSED, message_entry("w", 1, "user"), WaitKind.UNKNOWN),
        ({**PAUSED, **ASKS}, entry("w", 1, questions=["q"]), WaitKind.APPROVAL),
        ({"status": "executing"}, entry("w", 1, type="login_required"), WaitKind.SIGN_IN),
        ({"status": "pending"}, entry("w", 1, type="login_required"), WaitKind.SIGN_IN),
        ({"status": "executing"}, entry("w", 1, questions=["q"]), None),
        ({"status": "executing"}, None, None),
        ({"status": "odd"}, entry("w", 1, type="login_required"), None),
        ({"status": "completed"}, entry("w", 1, type="login_required"), None),
        (None, entry("w", 1, type="login_required"), None),
    ],
)
def test_the_log_makes_the_wait_of_a_task_exact(
    told: dict[str, Any] | None, last: Entry | None, kind: WaitKind | None
) -> None:
    changes: list[Change] = [seen(task("a", **told))] if told else []
    changes += [LogSeen("a", Log((last,)), at(3))] if last else []
    wait = State().after(changes).wait("a")
    assert (wait.kind if wait else None) is kind


def test_waiting_sub_tasks_are_listed_nearest_first_and_once() -> None:
    state = State().after([
        seen(task("a", **PAUSED), task("c", parent_task_id="a", **PAUSED), task("b", parent_task_id="a", status="executing"),
             task("d", parent_task_id="b", sub_executions=["a", "c"], **PAUSED), task("elsewhere", **PAUSED))
    ])  # fmt: skip
    assert list(state.waiting_below("a")) == ["a", "c", "d"]
    assert list(state.waiting_below("b")) == ["d", "a", "c"]
    assert list(state.waiting_below("nobody")) == []


def test_an_unchanged_task_is_not_marked_as_changed_unless_it_was_gone() -> None:
    state = State().after([seen(task("a", status="executing"), asked=1)])
    again = state.after([seen(task("a", status="executing"), asked=2)])
    assert again.touched == ChangedIds()
    assert again.tasks["a"].observations[0].at == at(2)  # for what was asked before, and comes late
    gone = again.after([TaskGone("a", at(3), "404")])
    for asked, is_gone in ((2.5, True), (4, False)):
        state = gone.after([seen(task("a", status="executing"), asked=asked)])
        assert (state.is_gone("a"), state.touched.tasks) == (is_gone, frozenset({"a"}))
    assert again.after([seen(task("a", status="completed"), asked=2)]).touched.tasks == {"a"}


def test_sub_tasks_of_earlier_rows_are_kept_in_any_order() -> None:
    early = seen(task("a", status="executing", sub_executions=["x"], updated_at=at(1).isoformat()), asked=1)
    record = task("a", status="executing", sub_executions=["y"], input={"text": "?"}, updated_at=at(2).isoformat())
    states = [State().after([one]).after([other]) for one, other in permutations([early, seen(record, asked=2)])]
    assert [state.children["a"] for state in states] == [frozenset({"x", "y"})] * 2


def test_a_step_lists_exactly_the_changed_ids() -> None:
    state = State()
    agent, link, row = Agent.from_value({"id": "g"}), Link(LinkState.LIVE), seen(task("b", parent_task_id="a"))
    steps: list[tuple[Change, ChangedIds]] = [
        (AgentsSeen((agent,), at(1)), ChangedIds(agents=frozenset({"g"}))),
        (row, ChangedIds(tasks=frozenset({"a", "b"}))),
        (LinkSeen("a", link, at(1)), ChangedIds(links=frozenset({"a"}))),
        (TaskGone("z", at(1), "404"), ChangedIds(tasks=frozenset({"z"}))),
    ]
    for change, touched in steps:
        state = state.after([change])
        assert state.touched == touched
        assert state.after([change]).touched == ChangedIds()
    state = state.after([GapSeen("a", Gap(at(1), 1)), EventSeen("b", chunk(1, "x"), at(1))])
    assert state.touched == ChangedIds(logs=frozenset({"a", "b"}))
    assert {name: (log.version, log.activity.version) for name, log in state.logs.items()} == {"a": (1, 1), "b": (1, 1)}
    later = state.after([EventSeen("b", chunk(2, "y"), at(1))])
    assert (state.logs["b"].version, later.logs["b"].version) == (1, 2)
    assert later.logs["b"].activity is state.logs["b"].activity


@pytest.mark.parametrize("kind", ["task_created", "task_updated", "task_finished"])
def test_the_stream_of_one_task_does_not_change_another(kind: str) -> None:
    waiting = Task.from_value({"id": "b", "status": "paused", "hitl_request": {"wait_node_id": "n"}})
    lie = {"id": "b", "status": "completed", "updated_at": "2027-01-01T00:00:00Z"}
    state = State().after([TasksSeen((waiting,), at(0)), EventSeen("a", event(kind, 5, lie), at(5))])
    assert (state.tasks["b"].task.status, state.wait("b") is not None) == ("paused", True)


OTHER = {"id": "b", "status": "paused", "parent_task_id": None, "hitl_request": {"wait_node_id": "n"}}
"""A row of a list about a task that is nobody's sub-task."""


@pytest.mark.parametrize("kind", ["sub_task_created", "sub_task_updated", "sub_task_finished"])
@pytest.mark.parametrize("more", [{}, {"parent_task_id": "a"}])
def test_the_stream_of_one_task_does_not_adopt_another_root(kind: str, more: dict[str, str]) -> None:
    lie = {"id": "b", "status": "completed", "updated_at": at(9).isoformat(), **more}
    told: list[Change] = [
        TasksSeen((Task.from_value(OTHER), task("a", parent_task_id=None)), at(0)),
        EventSeen("a", event(kind, 5, lie), at(5)),
    ]
    for changes in permutations(told):
        state = State().after(changes)
        assert (state.tasks["b"].task.status, state.wait("b") is not None) == ("paused", True)
        assert state.children_of("a") == ()
        assert list(state.waiting_below("a")) == []


def test_events_of_a_parent_update_its_sub_task() -> None:
    row = Task.from_value({"id": "c", "status": "executing", "parent_task_id": "a", "title": "Pay"})
    told: list[Change] = [
        TasksSeen((row,), at(0)),
        EventSeen("a", event("sub_task_updated", 5, {"id": "c", "status": "paused"}), at(5)),
        EventSeen("a", event("sub_task_finished", 9, {"id": "c", "status": "completed"}), at(9)),
    ]
    for changes in permutations(told):
        found = State().after(changes).task("c")
        assert found
        assert (found.status, found.title) == ("completed", "Pay")


def test_an_update_from_the_future_does_not_block_later_ones() -> None:
    lie = {"id": "a", "status": "completed", "updated_at": "2099-01-01T00:00:00Z"}
    told: list[Change] = [
        EventSeen("a", event("task_updated", 5, lie), at(5)),
        seen(task("a", status="failed", updated_at="2098-01-01T00:00:00Z"), asked=6),
        seen(task("a", status="executing", updated_at=at(20).isoformat()), asked=20),
    ]
    for changes in permutations(told):
        assert status(State().after(changes), "a") == "executing"


def test_an_event_from_the_future_counts_from_its_arrival() -> None:
    lie = EventSeen("a", event("task_updated", 10_000_000, {"id": "a", "status": "completed"}), at(5))
    later = seen(task("a", status="executing"), asked=20)
    orders: list[list[Change]] = [[lie, later], [later, lie]]
    for changes in orders:
        assert status(State().after(changes), "a") == "executing"


def picture(state: State) -> Any:
    """Return what a state shows, independent of the order of changes."""
    nodes = {name: [(n.at, n.entry.id, dumps(n.entry.raw), n.provenance) for n in log.activity.nodes]
             for name, log in sorted(state.logs.items())}  # fmt: skip
    streaming = {name: log.activity.streaming for name, log in sorted(state.logs.items())}
    return nodes, streaming, {name: known.task.raw for name, known in sorted(state.tasks.items())}


def test_every_order_of_events_rows_and_logs_leads_to_the_same_state() -> None:
    row = {"id": "t", "agent_id": "a", "status": "executing", "updated_at": (NOW + timedelta(seconds=1)).isoformat()}
    full = {
        "id": "t",
        "status": "completed",
        "input": {"text": "x"},
        "finished_at": (NOW + timedelta(seconds=9)).isoformat(),
    }
    echo = {
        "type": "task_updated",
        "time": (NOW + timedelta(seconds=10)).isoformat(),
        "data": {**full, "status": "executing"},
    }
    chunk = {"type": "chunk", "time": (NOW + timedelta(seconds=3)).isoformat(), "data": "he"}
    changes: list[Change] = [
        TasksSeen((Task.from_value(row),), NOW),
        TasksSeen((Task.from_value(full),), NOW + timedelta(seconds=9)),
        EventSeen("t", Event.from_value(echo), NOW),
        EventSeen("t", event_of_call("r1", result=False, at=2), NOW),
        EventSeen("t", event_of_call("r1", result=True, at=4), NOW),
        EventSeen("t", Event.from_value(chunk), NOW),
        LogSeen("t", Log((logged_call("r1", 2), logged_call("r2", 5))), NOW + timedelta(seconds=6)),
    ]
    states = [State().after(order) for order in permutations(changes)]
    assert all(picture(state) == picture(states[0]) for state in states)
    assert states[0].task("t").status == "completed"  # type: ignore[union-attr]
    assert [node.entry.id for node in states[0].activity("t").nodes] == ["r1", "r2"]  # type: ignore[union-attr]
    again = states[0].after(changes)
    assert picture(again) == picture(states[0])


def test_a_state_is_not_changed_by_the_next_one() -> None:
    one = State().after([TasksSeen((Task.from_value({"id": "a", "status": "pending"}),), NOW)])
    two = one.after([TasksSeen((Task.from_value({"id": "a", "status": "executing"}),), NOW + timedelta(seconds=1))])
    assert (one.task("a").status, two.task("a").status) == ("pending", "executing")  # type: ignore[union-attr]
    assert two.touched.tasks == {"a"}


def test_a_waiting_descendant_is_found_through_cycles() -> None:
    rows = [{"id": "a", "parent_task_id": "c", "status": "executing"}, {"id": "b", "parent_task_id": "a", "status": "executing"},
            {"id": "c", "parent_task_id": "b", "status": "paused"}]  # fmt: skip
    state = State().after([TasksSeen(tuple(map(Task.from_value, rows)), NOW)])
    assert list(state.waiting_below("a")) == ["c"]


def test_an_ended_task_keeps_no_numbers_of_the_middle_of_its_run() -> None:
    plan = {"enabled": True, "tasks": [{"id": "1", "title": "x", "completed": False}]}
    running = task("a", status="executing", input={"text": "Go"}, tokens={"total_tokens": 7}, deep_planning=plan)
    ended = task("a", status="completed", updated_at=at(9).isoformat())
    final = task(
        "a", status="completed", input={"text": "Go"}, tokens={"total_tokens": 20}, updated_at=at(9).isoformat()
    )
    for order in permutations([seen(running), seen(ended, asked=10)]):
        found = State().after(order).task("a")
        assert found is not None
        assert (found.status, found.name, found.tokens, found.plan) == ("completed", "Go", None, None)
    found = State().after([seen(running), seen(ended, asked=10), seen(final, asked=11)]).task("a")
    assert found is not None
    assert found.tokens is not None
    assert found.tokens.total == 20


def test_another_turn_begins_without_the_result_and_the_times_of_the_one_before() -> None:
    ended = task(
        "a", status="completed", input={}, result="Paid", started_at=at(1).isoformat(), finished_at=at(4).isoformat()
    )
    again = task("a", status="executing", result=None, finished_at=None, updated_at=at(50).isoformat())
    for order in permutations([seen(ended, asked=5), seen(again, asked=51)]):
        found = State().after(order).task("a")
        assert found is not None
        assert (found.status, found.result, found.started_at, found.finished_at) == ("executing", None, None, None)
