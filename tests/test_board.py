"""The activity of a task and the board: one value, whoever told what in which order, and what a person needs of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tui.client.event_stream import Link, LinkState
from tui.client.events import Event
from tui.client.log_entries import Entry, Log, ToolCall, parse_entry
from tui.client.models import Agent, Task, WaitKind
from tui.domain.activity_log import Activity, Gap, TreeRow, match_triggers, walk_tree
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

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def event(kind: str, seconds: float | None, data: Any) -> Event:
    when = {} if seconds is None else {"time": at(seconds).isoformat()}
    return Event.from_value({"type": kind, "task_id": "t", **when, "data": data})


def chunk(seconds: float, text: str) -> Event:
    return event("chunk", seconds, text)


def think(seconds: float, **more: Any) -> Event:
    return event("think", seconds, {"id": f"think{seconds}", "thought": "hm", **more})


def request(name: str, seconds: float | None, **more: Any) -> Event:
    return event(
        "tool_call_request", seconds, {"request_id": name, "tool_name": "pay", "payload": {"to": name}, **more}
    )


def result(name: str, seconds: float | None, **more: Any) -> Event:
    return event("tool_call_result", seconds, {"request_id": name, "tool_name": "pay", "result": "paid", **more})


def entry(name: str, seconds: float | None, **told: Any) -> Entry:
    return parse_entry({"id": name, "created_at": None if seconds is None else at(seconds).isoformat(), **told})


def call(name: str, seconds: float, **told: Any) -> Entry:
    return entry(name, seconds, **{"tool_name": "pay", "payload": {"to": name}, **told})


def said(name: str, seconds: float, role: str = "agent") -> Entry:
    return entry(name, seconds, role=role, content={"text": name})


def activity(*told: Event | Entry | Iterable[Entry], asked: float = 100) -> Activity:
    """An activity that was told events, and logs that were asked for later and later."""
    made = Activity("t")
    for number, one in enumerate(told):
        if isinstance(one, Event):
            made.add_event(one, at(asked))
        else:
            made.add_log(Log((one,) if isinstance(one, Entry) else tuple(one)), at(asked + number))
    return made


def ids(made: Activity) -> list[str]:
    return [node.entry.id for node in made.nodes]


def field(made: Activity, key: str, name: str) -> Any:
    node = made.get(key)
    assert node
    return getattr(node.entry, name)


# What happened, each thing once, in the order of time


def test_the_log_keeps_its_order_where_times_are_equal_or_missing() -> None:
    made = activity([entry("z", None), entry("c", 5), entry("b", None), entry("a", 5), entry("d", 4)])
    assert ids(made) == ["z", "d", "c", "b", "a"]
    assert [node.at for node in made.nodes][1:] == [at(4), at(5), at(5), at(5)]
    assert made.nodes[0].at == datetime.min.replace(tzinfo=UTC)


def test_the_log_comes_before_the_stream_where_times_are_equal() -> None:
    made = activity(think(5, id="live"), [entry("one", 5), entry("two", 5)])
    assert ids(made) == ["one", "two", "live"]
    assert [node.provenance for node in made.nodes] == ["back-filled", "back-filled", "live"]


def test_an_event_that_tells_no_time_happened_when_it_came() -> None:
    made = activity(think(200), event("think", None, {"id": "x"}), asked=100)
    assert ids(made) == ["x", "think200"]
    assert made.nodes[0].at == at(100)
    made = activity(request("r", None), result("r", None), asked=100)
    assert [(node.at, node.seconds, node.is_timed) for node in made.nodes] == [(at(100), None, False)]


def test_what_comes_late_is_put_where_it_belongs() -> None:
    made = activity(*(think(second) for second in (9, 3, 5, 1, 7, 3.5)))
    assert ids(made) == [f"think{second}" for second in (1, 3, 3.5, 5, 7, 9)]


def test_a_thing_moves_when_the_log_knows_its_time_better() -> None:
    made = activity(
        think(1, id="a"), think(2, id="b"), think(2, id="c"), [entry("b", 0, type="think"), entry("c", 9, type="think")]
    )
    assert ids(made) == ["b", "a", "c"]
    assert [node.provenance for node in made.nodes] == ["live"] * 3


def test_each_change_is_counted_and_marks_what_it_changed() -> None:
    made = activity(think(1), think(2))
    assert (made.version, [node.version for node in made.nodes]) == (2, [2, 3])
    log = [entry("think1", 1, type="think"), entry("new", 3)]
    made.add_log(Log(tuple(log)), at(1))
    assert (made.version, [node.version for node in made.nodes]) == (3, [3, 3, 3])
    made.add_log(Log((*log, entry("newer", 4)), is_partial=True), at(2))
    assert (made.version, [node.version for node in made.nodes]) == (4, [3, 3, 3, 4])
    assert (made.is_partial, len(made), Activity("t").is_partial, bool(Activity("t"))) == (True, 4, False, True)
    made.add_log(Log((entry("new", 3, result="more"),)), at(3))
    assert (made.is_partial, [node.version for node in made.nodes]) == (False, [3, 3, 5, 4])


def test_an_entry_changes_when_a_later_log_tells_it_otherwise_and_not_when_an_earlier_does() -> None:
    made = Activity("t")
    for asked, words in ((2, "second"), (1, "first"), (3, "third"), (2, "late"), (9, "third"), (8, "not yet")):
        made.add_log(Log((entry("a", 1, type="think", thought=words),)), at(asked))
    assert field(made, "a", "thought") == "third"


def test_an_entry_that_moves_in_the_log_moves() -> None:
    made = activity([entry("a", 5), entry("b", 5)], [entry("b", 5), entry("a", 5)])
    assert ids(made) == ["b", "a"]


# One call, whoever tells of it


def test_a_call_has_the_fields_of_both_and_the_log_is_believed() -> None:
    log = call("r", 3, request_id="r", result="from the log", is_error=None, tool_call_id="also")
    three: list[Event | Entry] = [request("r", 1, payload={"to": "me"}), result("r", 4, is_error=True), log]
    for told in permutations(three):
        made = activity(*told)
        assert ids(made) == ["r"]
        (node,) = made.nodes
        assert isinstance(node.entry, ToolCall)
        assert (node.entry.payload, node.entry.result, node.entry.is_error) == ({"to": "r"}, "from the log", True)
        assert (node.entry.started_at, node.entry.finished_at, node.at) == (at(1), at(4), at(3))
        assert (node.seconds, node.is_timed, node.provenance) == (3.0, True, "live")
        assert made.get("also") is node


def test_the_later_of_two_events_counts_in_each_field_that_it_tells() -> None:
    for told in permutations(
        [request("r", 1, payload="old"), result("r", 2, payload=None, result="one"), result("r", 3, result="two")]
    ):
        made = activity(*told)
        (node,) = made.nodes
        assert isinstance(node.entry, ToolCall)
        assert (node.entry.payload, node.entry.result, node.at, node.seconds) == ("old", "two", at(1), 2.0)


def test_a_call_without_a_beginning_lasts_from_its_entry_and_never_less_than_nothing() -> None:
    made = activity(
        [call("a", 1, finished_at=at(3).isoformat()), call("b", 5, finished_at=at(3).isoformat()), call("c", 6)]
    )
    assert [(node.seconds, node.is_timed) for node in made.nodes] == [(2.0, False), (0.0, False), (None, False)]
    (node,) = activity(result("x", 1, created_at=0, finished_at=3)).nodes
    assert node.seconds is not None
    assert [node.seconds for node in activity(think(1)).nodes] == [None]
    assert not activity(think(1)).nodes[0].is_timed


def test_two_that_turn_out_to_be_one_are_one() -> None:
    one, other = call("a", 1, result="first"), call("b", 2, result="second")
    both = parse_entry({**call("a", 1).raw, "request_id": "b"})
    for logs in ([[one, other], [both]], [[one], [other], [both]], [[other, one], [both]]):
        made = activity(*logs)
        assert ids(made) == ["a"]
        assert made.get("b") is made.get("a") is made.nodes[0]
    made = activity(request("a", 1), result("b", 7), [both])
    assert ids(made) == ["a"]
    assert made.nodes[0].seconds == 6.0
    made.add_log(Log((call("other", 4, payload={"to": "b"}),)), at(300))
    assert len(made) == 2, "what was taken in is no longer looked for"


def test_of_two_that_turn_out_to_be_one_the_later_told_counts() -> None:
    for first, second in ((1, 2), (2, 1)):
        made = Activity("t")
        made.add_log(Log((call("a", 1, result="first"),)), at(first))
        made.add_log(Log((call("b", 1, result="second"),)), at(second))
        made.add_event(result("a", 3, tool_call_id="b", result=None), at(3))
        assert len(made) == 1
        assert field(made, "a", "result") == ("second" if second > first else "first")
    made = activity(request("b", 2), [call("a", 1, result="logged")], result("b", 3, tool_call_id="a", result="live"))
    assert (len(made), field(made, "a", "result"), field(made, "b", "started_at")) == (1, "logged", at(2))
    made = activity([call("a", 1, result="logged")], request("b", 2), result("a", 3, tool_call_id="b"))
    assert (len(made), field(made, "b", "result"), made.nodes[0].provenance) == (1, "logged", "live")


ALIKE = [
    (request("x", 10), call("y", 10, payload={"to": "x"}), True),
    (request("x", 10), call("y", 40, payload={"to": "x"}), True),
    (request("x", 40), call("y", 10, payload={"to": "x"}), True),
    (request("x", 10), call("y", 40.1, payload={"to": "x"}), False),
    (request("x", 40.1), call("y", 10, payload={"to": "x"}), False),
    (request("x", 10), call("y", 10, payload={"to": "z"}), False),
    (request("x", 10), call("y", 10, payload={"to": "x"}, tool_name="refund"), False),
    (think(10, title="t"), entry("y", 10, type="think", thought="hm", title="t"), True),
    (think(10, title="t"), entry("y", 10, type="think", thought="no", title="t"), False),
    (think(10, title="t"), entry("y", 10, type="think", thought="hm", title="u"), False),
    (think(10, title="t"), entry("y", 10, type="analyze", thought="hm", title="t"), False),
    (event("sub_agent_trigger", 10, {"agent_id": "a", "query": "q"}), entry("y", 10, agent_id="a", query="q"), True),
    (event("sub_agent_trigger", 10, {"agent_id": "a", "query": "q"}), entry("y", 10, agent_id="b", query="q"), False),
    (event("sub_agent_trigger", 10, {"agent_id": "a", "query": "q"}), entry("y", 10, agent_id="a", query="p"), False),
    (event("auth_event", 10, {"type": "token_ready", "data": {"url": "u"}}), entry("y", 10, type="token_ready", data={"url": "u"}), True),
    (event("auth_event", 10, {"type": "token_issue", "data": {"url": "u"}}), entry("y", 10, type="token_ready", data={"url": "u"}), False),
    (event("auth_event", 10, {"type": "token_ready", "data": {"url": "v"}}), entry("y", 10, type="token_ready", data={"url": "u"}), False),
    (event("ask_user_questions", 10, {"questions": ["q"]}), entry("y", 10, questions=["q"]), False),
    (think(10), call("y", 10), False),
]  # fmt: skip


@pytest.mark.parametrize(("live", "logged", "is_one"), ALIKE)
@pytest.mark.parametrize("log_first", [True, False])
def test_the_same_thing_under_another_id_is_told_by_what_it_is_and_when(
    live: Event, logged: Entry, is_one: bool, log_first: bool
) -> None:
    made = activity(logged, live) if log_first else activity(live, logged)
    assert len(made) == (1 if is_one else 2)
    if is_one:
        assert made.nodes[0].live
        assert made.nodes[0].logged
        assert made.nodes[0].entry.id == "y"


def test_of_several_alike_each_is_one_of_its_own() -> None:
    live = [request(f"x{n}", 10 + n, payload="same") for n in range(3)]
    logged = [call(f"y{n}", 10 + n, payload="same") for n in range(3)]
    for made in (activity(*live, logged), activity(logged, *live)):
        assert sorted(ids(made)) == ["y0", "y1", "y2"]
        assert {node.provenance for node in made.nodes} == {"live"}
    again = activity(*live, logged, logged)
    assert len(again) == 3


def test_an_event_is_looked_for_among_the_latest_of_the_log() -> None:
    for others, count in ((63, 64), (64, 66)):
        made = activity(
            [call("y", 0, payload={"to": "x"}), *(entry(f"o{n}", 1) for n in range(others))], request("x", 2)
        )
        assert len(made) == count


# Streamed text, gaps, plan and context


def test_streamed_text_is_what_came_since_the_last_reply_and_the_last_gap() -> None:
    made = activity(chunk(3, "c"), chunk(1, "a"), chunk(2, "b"))
    assert made.streaming == "abc"
    made.add_gap(Gap(at(1), 5))
    assert made.streaming == "bc"
    made.add_log(Log((said("m", 2), said("u", 9, "user"), entry("x", 9, role="system", content="s"))), at(100))
    assert made.streaming == "c"
    for second, piece in ((1, "never"), (2, "never"), (4, "d")):
        made.add_event(chunk(second, piece), at(0))
    assert made.streaming == "cd"


def test_text_that_became_a_message_is_forgotten_for_good() -> None:
    made = activity(chunk(1, "a"), chunk(4, "x"), chunk(5, "b"), said("m", 4), [entry(f"e{n}", 6) for n in range(100)])
    assert made.streaming == "b"


def test_pieces_of_one_moment_are_in_the_order_of_their_ids() -> None:
    made = Activity("t")
    for number in (10, 9, 11):
        told = f'{{"type": "chunk", "time": "{at(1).isoformat()}", "data": "{number} "}}'
        made.add_event(Event.from_sse(told, str(number)), at(0))
    assert made.streaming == "9 10 11 "


def test_a_gap_is_told_again_when_it_is_known_what_filled_it() -> None:
    made = Activity("t")
    told = []
    for filled in (None, None, 2, 1, None, 2, 3):
        made.add_gap(Gap(at(1), 5, filled))
        told.append((made.gaps[at(1)].filled, made.version))
    assert told == [(None, 1), (None, 2), (2, 3), (2, 3), (2, 3), (2, 3), (3, 4)]
    made.add_gap(Gap(at(2), 5, 0))
    made.add_gap(Gap(at(2), 5, None))
    assert made.gaps == {at(1): Gap(at(1), 5, 3), at(2): Gap(at(2), 5, 0)}


def test_plan_and_context_are_the_latest_that_were_told() -> None:
    for told in permutations([1, 2, 3]):
        made = activity(
            *(event("plan_updated", n, {"tasks": [{"id": str(n)}]}) for n in told),
            *(event("context_status", n, {"percent": n}) for n in told),
        )
        assert made.plan
        assert made.context
        assert (made.plan.steps[0].id, made.context.percent) == ("3", 3.0)
        assert (made.version, len(made)) == (6, 0)


# What waits for a person, as far as the log tells

WAITS = [
    (entry("w", 1, type="login_required", data={}), WaitKind.SIGN_IN),
    (entry("w", 1, type="token_ready", data={}), None),
    (entry("w", 1, questions=["what?"]), WaitKind.QUESTION),
    (entry("w", 1, questions=["what?"], answers=["that"]), None),
    (entry("w", 1, request_id="w", type="confirm"), WaitKind.APPROVAL),
    (entry("w", 1, request_id="w", type="confirm", approved=False), None),
    (call("w", 1, approval_request_id="r"), WaitKind.APPROVAL),
    (call("w", 1), None),
    (said("w", 1, "user"), None),
]


@pytest.mark.parametrize(("last", "kind"), WAITS)
def test_what_the_log_says_that_a_task_waits_for(last: Entry, kind: WaitKind | None) -> None:
    made = activity([entry("before", 0, type="think"), last, said("after", 2)])
    assert (made.wait.kind, made.wait.since) == (kind, at(1)) if made.wait else kind is None
    assert (made.open_node is None) == (kind is None)


def test_what_waits_is_looked_for_anew_once_there_is_another_entry() -> None:
    made = activity([entry("w", 1, questions=["what?"])])
    assert made.wait
    made.add_log(Log((entry("w", 1, questions=["what?"], answers=["that"]),)), at(200))
    assert made.wait is None
    made.add_event(event("ask_user_questions", 3, {"id": "x", "questions": ["and?"]}), at(300))
    assert made.wait


def test_only_the_latest_that_could_wait_does() -> None:
    waits = entry("w", 1, questions=["what?"])
    for over in (
        said("u", 2, "user"),
        entry("s", 2, type="token_ready"),
        entry("c", 2, request_id="r", type="confirm", approved=True),
    ):
        assert activity([waits, over]).wait is None
    assert activity([said("u", 0, "user"), waits, *(entry(f"e{n}", 2) for n in range(255))]).open_node
    assert activity([waits, *(entry(f"e{n}", 2) for n in range(256))]).open_node is None


# The tree


def child(name: str, agent: str, seconds: float | None, **more: Any) -> Task:
    when = {} if seconds is None else {"created_at": at(seconds).isoformat()}
    return Task.from_value({"id": name, "agent_id": agent, **when, **more})


def hand(name: str, seconds: float, agent: str, **more: Any) -> Entry:
    return entry(name, seconds, agent_id=agent, query="q", **more)


def test_a_sub_task_belongs_to_the_trigger_that_names_it_or_the_last_one_before_it() -> None:
    made = activity([hand("d0", 0, "b"), hand("d1", 10, "b"), hand("d2", 20, "c"), hand("d3", 30, "b", created_execution_id="k"),
                     hand("d4", 40, "b"), entry("x", 41, action="stop_execution", created_execution_id="z"), said("m", 41)])  # fmt: skip
    children = [child("k2", "b", 11), child("k1", "b", 1), child("k", "b", 2), child("z", "b", 50), child("n", "c", None),
                child("k3", "b", 12)]  # fmt: skip
    assert match_triggers(made, children) == {"d0": "k1", "d1": "k2", "d3": "k", "x": "z"}
    assert match_triggers(made, [child("k1", "b", 40)]) == {"d4": "k1", "d3": "k", "x": "z"}
    assert match_triggers(made, [child("same2", "c", 20), child("same1", "c", 20)])["d2"] == "same1"
    assert match_triggers(made, [child("early", "c", 19)]).get("d2") is None


def rows(found: Iterable[TreeRow]) -> list[tuple[Any, ...]]:
    return [
        (row.depth, row.task_id, row.node.entry.id if row.node else row.step.id if row.step else None, row.child_id, row.is_known)
        for row in found
    ]  # fmt: skip


def test_the_tree_opens_each_sub_task_once_and_names_those_without_a_trigger() -> None:
    root = activity(
        [hand("d", 1, "b", created_execution_id="k"), hand("e", 2, "b", created_execution_id="k"), said("m", 3)]
    )
    below = activity([said("n", 2)])
    found = rows(walk_tree({"root": root, "k": below}, {"root": (child("listed", "z", 1), child("k", "b", 1))}, "root"))
    assert found == [
        (0, "t", "d", "k", False),
        (1, "t", "n", None, False),
        (0, "t", "e", "k", True),
        (0, "t", "m", None, False),
        (0, "t", None, "listed", False),
    ]
    assert rows(walk_tree({}, {"a": (child("a", "z", 1),)}, "a")) == [(0, "a", None, "a", True)]


def test_the_tree_by_plan_has_each_entry_under_its_step() -> None:
    made = activity(
        event("plan_updated", 1, {"tasks": [{"id": "s1"}, {"id": "s2"}]}),
        [said("a", 1), entry("b", 2, type="think", plan_task_id="s2"), entry("c", 3, type="think", plan_task_id="gone"),
         hand("d", 4, "b", plan_task_id="s1", created_execution_id="k")],
    )  # fmt: skip
    in_time = [(0, "t", "a"), (0, "t", "b"), (0, "t", "c"), (0, "t", "d")]
    by_plan = [(0, "t", "a"), (0, "t", "c"), (0, "t", "s1"), (1, "t", "d"), (0, "t", "s2"), (1, "t", "b")]
    assert [row[:3] for row in rows(walk_tree({"t": made}, {}, "t"))] == in_time
    assert [row[:3] for row in rows(walk_tree({"t": made}, {}, "t", by_plan=True))] == by_plan
    assert [row[:3] for row in rows(walk_tree({"t": activity(said("a", 1))}, {}, "t", by_plan=True))] == in_time[:1]
    opened = walk_tree({"t": made, "k": activity(said("n", 1))}, {}, "t", by_plan=True)
    assert (2, "t", "n", None, False) in rows(opened)


# The board


def task(name: str, **told: Any) -> Task:
    return Task.from_value({"id": name, **told})


def seen(*tasks: Task, asked: float = 0) -> TasksSeen:
    return TasksSeen(tasks, at(asked))


def status(state: State, name: str) -> str | None:
    found = state.task(name)
    return found.status if found else None


def everything(state: State) -> Any:
    """What a board tells, whatever way it came to it."""
    logs = {
        name: ([(node.order, node.entry.raw, node.provenance) for node in log.activity.nodes], log.activity.streaming,
               log.activity.plan, log.activity.gaps)
        for name, log in state.logs.items()
    }  # fmt: skip
    tasks = {name: known.task.raw for name, known in state.tasks.items()}
    agents = {name: (when, agent.raw) for name, (when, agent) in state.agents.items()}
    return logs, tasks, agents, dict(state.children), dict(state.links), dict(state.gone)


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
        LinkSeen("a", Link(LinkState.LIVE), at(1)),
        LinkSeen("a", Link(LinkState.POLLING, "no stream", 5), at(1)),
        LinkSeen("a", Link(LinkState.RECONNECTING, "lost", 5, 1), at(0)),
    ],
    "gone and gaps": [
        TaskGone("a", at(1), "a"), TaskGone("a", at(1), "b"), TaskGone("a", at(0), "c"),
        GapSeen("a", Gap(at(0), 5)), GapSeen("a", Gap(at(0), 5, 1)), GapSeen("a", Gap(at(0), 5, 3)),
    ],
    "logs": [
        LogSeen("a", Log((call("r", 1, result="x"),)), at(5)),
        LogSeen("a", Log((call("r", 1, result="y"),)), at(5)),
        LogSeen("a", Log((call("r", 1, result="z"), said("m", 3))), at(4)),
        EventSeen("a", result("r", 2, result="live"), at(0)),
        EventSeen("a", result("r", 2, result="also"), at(0)),
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
def test_in_whatever_order_it_is_told_the_board_ends_the_same(name: str) -> None:
    first, *others = (State().after(order) for order in permutations(ROUNDS[name]))
    assert all(everything(other) == everything(first) for other in others)
    assert everything(first.after(ROUNDS[name])) == everything(first)


def test_of_two_tellings_the_later_counts_then_an_end_then_what_was_asked_later() -> None:
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


def test_a_row_does_not_take_away_what_only_the_record_tells() -> None:
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
def test_an_event_that_calls_a_task_active_may_be_an_echo(
    kind: str, told: dict[str, Any], asked: float, counts: bool
) -> None:
    state = State().after([seen(task("a", status="odd"), asked=asked)])
    timed = EventSeen("a", event(kind, 10, {"id": "a", **told}), at(0))
    untimed = EventSeen("a", event(kind, None, {"id": "a", **told}), at(10))
    for change in (timed, untimed):
        assert status(state.after([change]), "a") == (told["status"] if counts else "odd")


def test_a_task_is_gone_until_somebody_sees_it_again() -> None:
    state = State().after([seen(task("a", status="executing"), asked=1)])
    assert not state.is_gone("a")
    assert not state.is_gone("b")
    assert state.after([TaskGone("a", at(2), "404"), TaskGone("b", at(2), "404")]).is_gone("a")
    assert state.after([TaskGone("b", at(2), "404")]).is_gone("b")
    assert not state.after([TaskGone("a", at(1), "404")]).is_gone("a")
    again: list[Change] = [TaskGone("a", at(2), "404"), seen(task("a", input={}, status="executing"), asked=3)]
    assert not state.after(again).is_gone("a")
    assert state.after([*again, TaskGone("a", at(4), "404")]).is_gone("a")


def test_sub_tasks_are_known_from_whoever_tells_of_them() -> None:
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


def test_a_log_may_come_with_those_of_sub_tasks() -> None:
    log = Log((said("m", 1),), {"b": (said("n", 2),)}, is_partial=True)
    state = State().after([LogSeen("a", log, at(3))])
    found = {name: state.activity(name) for name in ("a", "b", "c")}
    assert {name: (ids(made), made.is_partial) for name, made in found.items() if made} == {
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
        (PAUSED, said("w", 1, "user"), WaitKind.UNKNOWN),
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
def test_why_a_task_waits_is_made_exact_by_its_log(
    told: dict[str, Any] | None, last: Entry | None, kind: WaitKind | None
) -> None:
    changes: list[Change] = [seen(task("a", **told))] if told else []
    changes += [LogSeen("a", Log((last,)), at(3))] if last else []
    wait = State().after(changes).wait("a")
    assert (wait.kind if wait else None) is kind


def test_who_waits_below_is_told_nearest_first_and_once() -> None:
    state = State().after([
        seen(task("a", **PAUSED), task("c", parent_task_id="a", **PAUSED), task("b", parent_task_id="a", status="executing"),
             task("d", parent_task_id="b", sub_executions=["a", "c"], **PAUSED), task("elsewhere", **PAUSED))
    ])  # fmt: skip
    assert list(state.waiting_below("a")) == ["a", "c", "d"]
    assert list(state.waiting_below("b")) == ["d", "a", "c"]
    assert list(state.waiting_below("nobody")) == []


def test_what_is_seen_again_as_it_was_is_not_touched_unless_it_was_gone() -> None:
    state = State().after([seen(task("a", status="executing"), asked=1)])
    again = state.after([seen(task("a", status="executing"), asked=2)])
    assert again.touched == ChangedIds()
    assert again.tasks["a"].observations[0].at == at(2)  # for what was asked before, and comes late
    gone = again.after([TaskGone("a", at(3), "404")])
    for asked, is_gone in ((2.5, True), (4, False)):
        state = gone.after([seen(task("a", status="executing"), asked=asked)])
        assert (state.is_gone("a"), state.touched.tasks) == (is_gone, frozenset({"a"}))
    assert again.after([seen(task("a", status="completed"), asked=2)]).touched.tasks == {"a"}


def test_a_child_that_only_an_earlier_row_names_is_known_in_any_order() -> None:
    early = seen(task("a", status="executing", sub_executions=["x"], updated_at=at(1).isoformat()), asked=1)
    record = task("a", status="executing", sub_executions=["y"], input={"text": "?"}, updated_at=at(2).isoformat())
    boards = [State().after([one]).after([other]) for one, other in permutations([early, seen(record, asked=2)])]
    assert [state.children["a"] for state in boards] == [frozenset({"x", "y"})] * 2


def test_a_step_says_what_it_touched_and_nothing_else() -> None:
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
def test_the_stream_of_one_task_says_nothing_of_another(kind: str) -> None:
    waiting = Task.from_value({"id": "b", "status": "paused", "hitl_request": {"wait_node_id": "n"}})
    lie = {"id": "b", "status": "completed", "updated_at": "2027-01-01T00:00:00Z"}
    state = State().after([TasksSeen((waiting,), at(0)), EventSeen("a", event(kind, 5, lie), at(5))])
    assert (state.tasks["b"].task.status, state.wait("b") is not None) == ("paused", True)


OTHER = {"id": "b", "status": "paused", "parent_task_id": None, "hitl_request": {"wait_node_id": "n"}}
"""A row of a list about a task that is nobody's sub-task."""


@pytest.mark.parametrize("kind", ["sub_task_created", "sub_task_updated", "sub_task_finished"])
@pytest.mark.parametrize("more", [{}, {"parent_task_id": "a"}])
def test_the_stream_of_one_task_makes_no_sub_task_of_another_root(kind: str, more: dict[str, str]) -> None:
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


def test_what_a_parent_says_of_its_sub_task_counts_as_it_comes() -> None:
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


def test_an_update_in_the_future_does_not_hold_a_task_fast() -> None:
    lie = {"id": "a", "status": "completed", "updated_at": "2099-01-01T00:00:00Z"}
    told: list[Change] = [
        EventSeen("a", event("task_updated", 5, lie), at(5)),
        seen(task("a", status="failed", updated_at="2098-01-01T00:00:00Z"), asked=6),
        seen(task("a", status="executing", updated_at=at(20).isoformat()), asked=20),
    ]
    for changes in permutations(told):
        assert status(State().after(changes), "a") == "executing"


def test_an_event_that_says_it_comes_from_the_future_counts_from_when_it_was_heard() -> None:
    lie = EventSeen("a", event("task_updated", 10_000_000, {"id": "a", "status": "completed"}), at(5))
    later = seen(task("a", status="executing"), asked=20)
    orders: list[list[Change]] = [[lie, later], [later, lie]]
    for changes in orders:
        assert status(State().after(changes), "a") == "executing"
