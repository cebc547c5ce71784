"""Activity: nodes, calls, streamed text, waits and the tree of sub-tasks, from events and logs in any order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.domain.activity_builders import (
    NOW,
    activity,
    at,
    call_entry,
    call_request,
    call_result,
    chunk,
    entry,
    event,
    event_of_call,
    logged_call,
    message_entry,
    node_ids,
    thought,
)
from tui.client.events import Event
from tui.client.log_entries import Entry, Log, ToolCall, parse_entry
from tui.client.models import Task, WaitKind
from tui.domain.activity_log import MIN_STREAMED_PIECES, Activity, Gap
from tui.domain.tree_rows import TreeRow, match_triggers, walk_tree


def field(made: Activity, key: str, name: str) -> Any:
    node = made.get(key)
    assert node
    return getattr(node.entry, name)


# Order and versions of nodes


def test_the_log_keeps_its_order_where_times_are_equal_or_missing() -> None:
    made = activity([entry("z", None), entry("c", 5), entry("b", None), entry("a", 5), entry("d", 4)])
    assert node_ids(made) == ["z", "d", "c", "b", "a"]
    assert [node.at for node in made.nodes][1:] == [at(4), at(5), at(5), at(5)]
    assert made.nodes[0].at == datetime.min.replace(tzinfo=UTC)


def test_the_log_comes_before_the_stream_where_times_are_equal() -> None:
    made = activity(thought(5, id="live"), [entry("one", 5), entry("two", 5)])
    assert node_ids(made) == ["one", "two", "live"]
    assert [node.provenance for node in made.nodes] == ["back-filled", "back-filled", "live"]


def test_an_event_without_a_time_gets_the_time_of_its_arrival() -> None:
    made = activity(thought(200), event("think", None, {"id": "x"}), asked=100)
    assert node_ids(made) == ["x", "think200"]
    assert made.nodes[0].at == at(100)
    made = activity(call_request("r", None), call_result("r", None), asked=100)
    assert [(node.at, node.seconds, node.is_timed) for node in made.nodes] == [(at(100), None, False)]


def test_late_events_are_sorted_in() -> None:
    made = activity(*(thought(second) for second in (9, 3, 5, 1, 7, 3.5)))
    assert node_ids(made) == [f"think{second}" for second in (1, 3, 3.5, 5, 7, 9)]


def test_a_node_moves_when_the_log_has_a_better_time() -> None:
    made = activity(
        thought(1, id="a"),
        thought(2, id="b"),
        thought(2, id="c"),
        [entry("b", 0, type="think"), entry("c", 9, type="think")],
    )
    assert node_ids(made) == ["b", "a", "c"]
    assert [node.provenance for node in made.nodes] == ["live"] * 3


def test_each_change_increases_the_versions_of_activity_and_nodes() -> None:
    made = activity(thought(1), thought(2))
    assert (made.version, [node.version for node in made.nodes]) == (2, [2, 3])
    log = [entry("think1", 1, type="think"), entry("new", 3)]
    made.add_log(Log(tuple(log)), at(1))
    assert (made.version, [node.version for node in made.nodes]) == (3, [3, 3, 3])
    made.add_log(Log((*log, entry("newer", 4)), is_partial=True), at(2))
    assert (made.version, [node.version for node in made.nodes]) == (4, [3, 3, 3, 4])
    assert (made.is_partial, len(made), Activity("t").is_partial, bool(Activity("t"))) == (True, 4, False, True)
    made.add_log(Log((entry("new", 3, result="more"),)), at(3))
    assert (made.is_partial, [node.version for node in made.nodes]) == (False, [3, 3, 5, 4])


def test_a_later_log_changes_an_entry_and_an_earlier_one_does_not() -> None:
    made = Activity("t")
    for asked, words in ((2, "second"), (1, "first"), (3, "third"), (2, "late"), (9, "third"), (8, "not yet")):
        made.add_log(Log((entry("a", 1, type="think", thought=words),)), at(asked))
    assert field(made, "a", "thought") == "third"


def test_an_entry_that_moves_in_the_log_moves_in_the_activity() -> None:
    made = activity([entry("a", 5), entry("b", 5)], [entry("b", 5), entry("a", 5)])
    assert node_ids(made) == ["b", "a"]


# Calls from events and logs


def test_a_call_merges_events_and_log_and_the_log_wins() -> None:
    log = call_entry("r", 3, request_id="r", result="from the log", is_error=None, tool_call_id="also")
    three: list[Event | Entry] = [call_request("r", 1, payload={"to": "me"}), call_result("r", 4, is_error=True), log]
    for told in permutations(three):
        made = activity(*told)
        assert node_ids(made) == ["r"]
        (node,) = made.nodes
        assert isinstance(node.entry, ToolCall)
        assert (node.entry.payload, node.entry.result, node.entry.is_error) == ({"to": "r"}, "from the log", True)
        assert (node.entry.started_at, node.entry.finished_at, node.at) == (at(1), at(4), at(3))
        assert (node.seconds, node.is_timed, node.provenance) == (3.0, True, "live")
        assert made.get("also") is node


def test_the_later_event_wins_in_each_field_that_it_has() -> None:
    for told in permutations(
        [
            call_request("r", 1, payload="old"),
            call_result("r", 2, payload=None, result="one"),
            call_result("r", 3, result="two"),
        ]
    ):
        made = activity(*told)
        (node,) = made.nodes
        assert isinstance(node.entry, ToolCall)
        assert (node.entry.payload, node.entry.result, node.at, node.seconds) == ("old", "two", at(1), 2.0)


def test_a_call_without_a_start_lasts_from_its_entry_and_never_negative() -> None:
    made = activity(
        [
            call_entry("a", 1, finished_at=at(3).isoformat()),
            call_entry("b", 5, finished_at=at(3).isoformat()),
            call_entry("c", 6),
        ]
    )
    assert [(node.seconds, node.is_timed) for node in made.nodes] == [(2.0, False), (0.0, False), (None, False)]
    (node,) = activity(call_result("x", 1, created_at=0, finished_at=3)).nodes
    assert node.seconds is not None
    assert [node.seconds for node in activity(thought(1)).nodes] == [None]
    assert not activity(thought(1)).nodes[0].is_timed


def test_two_nodes_with_a_common_id_are_merged() -> None:
    one, other = call_entry("a", 1, result="first"), call_entry("b", 2, result="second")
    both = parse_entry({**call_entry("a", 1).raw, "request_id": "b"})
    for logs in ([[one, other], [both]], [[one], [other], [both]], [[other, one], [both]]):
        made = activity(*logs)
        assert node_ids(made) == ["a"]
        assert made.get("b") is made.get("a") is made.nodes[0]
    made = activity(call_request("a", 1), call_result("b", 7), [both])
    assert node_ids(made) == ["a"]
    assert made.nodes[0].seconds == 6.0
    made.add_log(Log((call_entry("other", 4, payload={"to": "b"}),)), at(300))
    assert len(made) == 2, "what was taken in is no longer looked for"


def test_the_later_of_two_merged_nodes_wins() -> None:
    for first, second in ((1, 2), (2, 1)):
        made = Activity("t")
        made.add_log(Log((call_entry("a", 1, result="first"),)), at(first))
        made.add_log(Log((call_entry("b", 1, result="second"),)), at(second))
        made.add_event(call_result("a", 3, tool_call_id="b", result=None), at(3))
        assert len(made) == 1
        assert field(made, "a", "result") == ("second" if second > first else "first")
    made = activity(
        call_request("b", 2),
        [call_entry("a", 1, result="logged")],
        call_result("b", 3, tool_call_id="a", result="live"),
    )
    assert (len(made), field(made, "a", "result"), field(made, "b", "started_at")) == (1, "logged", at(2))
    made = activity([call_entry("a", 1, result="logged")], call_request("b", 2), call_result("a", 3, tool_call_id="b"))
    assert (len(made), field(made, "b", "result"), made.nodes[0].provenance) == (1, "logged", "live")


ALIKE = [
    (call_request("x", 10), call_entry("y", 10, payload={"to": "x"}), True),
    (call_request("x", 10), call_entry("y", 40, payload={"to": "x"}), True),
    (call_request("x", 40), call_entry("y", 10, payload={"to": "x"}), True),
    (call_request("x", 10), call_entry("y", 40.1, payload={"to": "x"}), False),
    (call_request("x", 40.1), call_entry("y", 10, payload={"to": "x"}), False),
    (call_request("x", 10), call_entry("y", 10, payload={"to": "z"}), False),
    (call_request("x", 10), call_entry("y", 10, payload={"to": "x"}, tool_name="refund"), False),
    (thought(10, title="t"), entry("y", 10, type="think", thought="hm", title="t"), True),
    (thought(10, title="t"), entry("y", 10, type="think", thought="no", title="t"), False),
    (thought(10, title="t"), entry("y", 10, type="think", thought="hm", title="u"), False),
    (thought(10, title="t"), entry("y", 10, type="analyze", thought="hm", title="t"), False),
    (event("sub_agent_trigger", 10, {"agent_id": "a", "query": "q"}), entry("y", 10, agent_id="a", query="q"), True),
    (event("sub_agent_trigger", 10, {"agent_id": "a", "query": "q"}), entry("y", 10, agent_id="b", query="q"), False),
    (event("sub_agent_trigger", 10, {"agent_id": "a", "query": "q"}), entry("y", 10, agent_id="a", query="p"), False),
    (event("auth_event", 10, {"type": "token_ready", "data": {"url": "u"}}), entry("y", 10, type="token_ready", data={"url": "u"}), True),
    (event("auth_event", 10, {"type": "token_issue", "data": {"url": "u"}}), entry("y", 10, type="token_ready", data={"url": "u"}), False),
    (event("auth_event", 10, {"type": "token_ready", "data": {"url": "v"}}), entry("y", 10, type="token_ready", data={"url": "u"}), False),
    (event("ask_user_questions", 10, {"questions": ["q"]}), entry("y", 10, questions=["q"]), False),
    (thought(10), call_entry("y", 10), False),
]  # fmt: skip


@pytest.mark.parametrize(("live", "logged", "is_one"), ALIKE)
@pytest.mark.parametrize("log_first", [True, False])
def test_an_entry_with_another_id_is_matched_by_content_and_time(
    live: Event, logged: Entry, is_one: bool, log_first: bool
) -> None:
    made = activity(logged, live) if log_first else activity(live, logged)
    assert len(made) == (1 if is_one else 2)
    if is_one:
        assert made.nodes[0].live
        assert made.nodes[0].logged
        assert made.nodes[0].entry.id == "y"


def test_several_equal_entries_are_matched_one_to_one() -> None:
    live = [call_request(f"x{n}", 10 + n, payload="same") for n in range(3)]
    logged = [call_entry(f"y{n}", 10 + n, payload="same") for n in range(3)]
    for made in (activity(*live, logged), activity(logged, *live)):
        assert sorted(node_ids(made)) == ["y0", "y1", "y2"]
        assert {node.provenance for node in made.nodes} == {"live"}
    again = activity(*live, logged, logged)
    assert len(again) == 3


def test_an_event_is_matched_only_with_the_latest_entries() -> None:
    for others, count in ((63, 64), (64, 66)):
        made = activity(
            [call_entry("y", 0, payload={"to": "x"}), *(entry(f"o{n}", 1) for n in range(others))], call_request("x", 2)
        )
        assert len(made) == count


# Streamed text, gaps, plan and context


def test_streamed_text_is_what_came_since_the_last_reply_and_the_last_gap() -> None:
    made = activity(chunk(3, "c"), chunk(1, "a"), chunk(2, "b"))
    assert made.streaming == "abc"
    made.add_gap(Gap(at(1), 5))
    assert made.streaming == "bc"
    made.add_log(
        Log((message_entry("m", 2), message_entry("u", 9, "user"), entry("x", 9, role="system", content="s"))), at(100)
    )
    assert made.streaming == "c"
    for second, piece in ((1, "never"), (2, "never"), (4, "d")):
        made.add_event(chunk(second, piece), at(0))
    assert made.streaming == "cd"


def test_streamed_text_that_became_a_message_is_dropped() -> None:
    made = activity(
        chunk(1, "a"), chunk(4, "x"), chunk(5, "b"), message_entry("m", 4), [entry(f"e{n}", 6) for n in range(100)]
    )
    assert made.streaming == "b"


def test_chunks_with_the_same_time_are_sorted_by_id() -> None:
    made = Activity("t")
    for number in (10, 9, 11):
        told = f'{{"type": "chunk", "time": "{at(1).isoformat()}", "data": "{number} "}}'
        made.add_event(Event.from_sse(told, str(number)), at(0))
    assert made.streaming == "9 10 11 "


def test_a_gap_is_updated_with_the_number_of_entries_that_filled_it() -> None:
    made = Activity("t")
    told = []
    for filled in (None, None, 2, 1, None, 2, 3):
        made.add_gap(Gap(at(1), 5, filled))
        told.append((made.gaps[at(1)].filled, made.version))
    assert told == [(None, 1), (None, 2), (2, 3), (2, 3), (2, 3), (2, 3), (3, 4)]
    made.add_gap(Gap(at(2), 5, 0))
    made.add_gap(Gap(at(2), 5, None))
    assert made.gaps == {at(1): Gap(at(1), 5, 3), at(2): Gap(at(2), 5, 0)}


def test_plan_and_context_are_the_latest_that_were_received() -> None:
    for told in permutations([1, 2, 3]):
        made = activity(
            *(event("plan_updated", n, {"tasks": [{"id": str(n)}]}) for n in told),
            *(event("context_status", n, {"percent": n}) for n in told),
        )
        assert made.plan
        assert made.context
        assert (made.plan.steps[0].id, made.context.percent) == ("3", 3.0)
        assert (made.version, len(made)) == (6, 0)


# Waits

WAITS = [
    (entry("w", 1, type="login_required", data={}), WaitKind.SIGN_IN),
    (entry("w", 1, type="token_ready", data={}), None),
    (entry("w", 1, questions=["what?"]), WaitKind.QUESTION),
    (entry("w", 1, questions=["what?"], answers=["that"]), None),
    (entry("w", 1, request_id="w", type="confirm"), WaitKind.APPROVAL),
    (entry("w", 1, request_id="w", type="confirm", approved=False), None),
    (call_entry("w", 1, approval_request_id="r"), WaitKind.HELD_CALL),
    (entry("w", 1, action="approval_requested", approval_request_id="r"), WaitKind.HELD_CALL),
    (entry("w", 1, action="ask_for_secret", reason="TOKEN"), WaitKind.SECRET),
    (entry("w", 1, type="ask_for_secret", reason="TOKEN"), WaitKind.SECRET),
    (entry("w", 1, action="secret_saved", names=["TOKEN"]), None),
    (entry("w", 1, action="invite_member", email="mei@example.com"), WaitKind.INVITATION),
    (entry("w", 1, action="member_invited"), None),
    (entry("w", 1, action="self_schedule", run_at=at(900).isoformat()), WaitKind.SCHEDULE),
    (entry("w", 1, action="shiny_new_card"), None),
    (call_entry("w", 1), None),
    (message_entry("w", 1, "user"), None),
]


@pytest.mark.parametrize(("last", "kind"), WAITS)
def test_the_log_shows_what_a_task_waits_for(last: Entry, kind: WaitKind | None) -> None:
    made = activity([entry("before", 0, type="think"), last, message_entry("after", 2)])
    assert (made.wait.kind, made.wait.since) == (kind, at(1)) if made.wait else kind is None
    assert (made.open_node is None) == (kind is None)


def test_the_wait_is_updated_with_each_new_entry() -> None:
    made = activity([entry("w", 1, questions=["what?"])])
    assert made.wait
    made.add_log(Log((entry("w", 1, questions=["what?"], answers=["that"]),)), at(200))
    assert made.wait is None
    made.add_event(event("ask_user_questions", 3, {"id": "x", "questions": ["and?"]}), at(300))
    assert made.wait


def test_only_the_latest_possible_wait_is_open() -> None:
    waits = entry("w", 1, questions=["what?"])
    for over in (
        entry("s", 2, type="token_ready"),
        entry("c", 2, request_id="r", type="confirm", approved=True),
        entry("d", 2, action="secret_saved"),
    ):
        assert activity([waits, over]).wait is None
    assert activity([message_entry("u", 0, "user"), waits, *(entry(f"e{n}", 2) for n in range(255))]).open_node
    assert activity([waits, *(entry(f"e{n}", 2) for n in range(256))]).open_node is None


@pytest.mark.parametrize(("waits", "kind"), [(last, kind) for last, kind in WAITS if kind is not None])
def test_a_message_leaves_every_wait_open_until_the_agent_goes_on(waits: Entry, kind: WaitKind) -> None:
    message = message_entry("u", 3, "user")
    applied = entry("s", 4, type="gateway_steer_applied")
    asked = activity([waits, message_entry("m", 2), message, applied])
    assert asked.wait
    assert (asked.wait.kind, asked.wait.since) == (kind, at(1))
    for step in (call_entry("n", 5), entry("n", 5, type="think"), message_entry("n", 5)):
        gone_on = activity([waits, message, step, message_entry("v", 6, "user")])
        assert gone_on.wait is None


# The tree


def sub_task(name: str, agent: str, seconds: float | None, **more: Any) -> Task:
    when = {} if seconds is None else {"created_at": at(seconds).isoformat()}
    return Task.from_value({"id": name, "agent_id": agent, **when, **more})


def delegation(name: str, seconds: float, agent: str, **more: Any) -> Entry:
    return entry(name, seconds, agent_id=agent, query="q", **more)


def test_a_sub_task_belongs_to_the_trigger_that_names_it_or_the_last_one_before_it() -> None:
    made = activity([delegation("d0", 0, "b"), delegation("d1", 10, "b"), delegation("d2", 20, "c"), delegation("d3", 30, "b", created_execution_id="k"),
                     delegation("d4", 40, "b"), entry("x", 41, action="stop_execution", created_execution_id="z"), message_entry("m", 41)])  # fmt: skip
    children = [sub_task("k2", "b", 11), sub_task("k1", "b", 1), sub_task("k", "b", 2), sub_task("z", "b", 50), sub_task("n", "c", None),
                sub_task("k3", "b", 12)]  # fmt: skip
    assert match_triggers(made, children) == {"d0": "k1", "d1": "k2", "d3": "k", "x": "z"}
    assert match_triggers(made, [sub_task("k1", "b", 40)]) == {"d4": "k1", "d3": "k", "x": "z"}
    assert match_triggers(made, [sub_task("same2", "c", 20), sub_task("same1", "c", 20)])["d2"] == "same1"
    assert match_triggers(made, [sub_task("early", "c", 19)]).get("d2") is None


def rows(found: Iterable[TreeRow]) -> list[tuple[Any, ...]]:
    return [
        (row.depth, row.task_id, row.node.entry.id if row.node else row.step.id if row.step else None, row.child_id, row.is_known)
        for row in found
    ]  # fmt: skip


def test_the_tree_expands_each_sub_task_once_and_lists_those_without_a_trigger() -> None:
    root = activity(
        [
            delegation("d", 1, "b", created_execution_id="k"),
            delegation("e", 2, "b", created_execution_id="k"),
            message_entry("m", 3),
        ]
    )
    below = activity([message_entry("n", 2)])
    found = rows(
        walk_tree({"root": root, "k": below}, {"root": (sub_task("listed", "z", 1), sub_task("k", "b", 1))}, "root")
    )
    assert found == [
        (0, "t", "d", "k", False),
        (1, "t", "n", None, False),
        (0, "t", "e", "k", True),
        (0, "t", "m", None, False),
        (0, "t", None, "listed", False),
    ]
    assert rows(walk_tree({}, {"a": (sub_task("a", "z", 1),)}, "a")) == [(0, "a", None, "a", True)]


def test_the_tree_by_plan_has_each_entry_under_its_step() -> None:
    made = activity(
        event("plan_updated", 1, {"tasks": [{"id": "s1"}, {"id": "s2"}]}),
        [message_entry("a", 1), entry("b", 2, type="think", plan_task_id="s2"), entry("c", 3, type="think", plan_task_id="gone"),
         delegation("d", 4, "b", plan_task_id="s1", created_execution_id="k")],
    )  # fmt: skip
    in_time = [(0, "t", "a"), (0, "t", "b"), (0, "t", "c"), (0, "t", "d")]
    by_plan = [(0, "t", "a"), (0, "t", "c"), (0, "t", "s1"), (1, "t", "d"), (0, "t", "s2"), (1, "t", "b")]
    assert [row[:3] for row in rows(walk_tree({"t": made}, {}, "t"))] == in_time
    assert [row[:3] for row in rows(walk_tree({"t": made}, {}, "t", by_plan=True))] == by_plan
    assert [
        row[:3] for row in rows(walk_tree({"t": activity(message_entry("a", 1))}, {}, "t", by_plan=True))
    ] == in_time[:1]
    opened = walk_tree({"t": made, "k": activity(message_entry("n", 1))}, {}, "t", by_plan=True)
    assert (2, "t", "n", None, False) in rows(opened)


def test_a_call_is_one_node_whether_its_request_or_its_result_is_missing() -> None:
    activity = Activity("t")
    activity.add_event(event_of_call("r1", result=True, at=5), NOW)
    activity.add_event(event_of_call("r2", result=False, at=6), NOW)
    activity.add_event(event_of_call("r1", result=False, at=3), NOW)
    first, second = activity.nodes
    assert (first.entry.id, first.seconds, second.seconds) == ("r1", 2.0, None)
    assert isinstance(second.entry, ToolCall)
    assert not second.entry.is_finished


def test_a_call_with_other_ids_in_the_log_is_still_one_node() -> None:
    activity = Activity("t")
    activity.add_event(event_of_call("r1", result=True, at=5), NOW)
    entry = parse_entry({**logged_call("r1", 5).raw, "id": "quite-another"})
    activity.add_log(Log((entry,)), NOW)
    assert len(activity) == 1
    assert activity.get("r1") is activity.get("quite-another")


def test_sub_tasks_are_below_their_trigger_and_cycles_end() -> None:
    trigger = {"id": "d1", "created_at": NOW.isoformat(), "agent_id": "b", "reasoning": {}, "query": "q"}
    child = Task.from_value({"id": "child", "agent_id": "b", "created_at": (NOW + timedelta(seconds=1)).isoformat()})
    root, below = Activity("root"), Activity("child")
    root.add_log(Log((parse_entry(trigger),)), NOW)
    below.add_log(
        Log((parse_entry({**trigger, "id": "d2", "created_execution_id": "root"}), logged_call("r1", 3))), NOW
    )
    rows = list(walk_tree({"root": root, "child": below}, {"root": (child,)}, "root"))
    assert [(row.depth, row.child_id, row.is_known) for row in rows] == [
        (0, "child", False),
        (1, "root", True),
        (1, None, False),
    ]


def test_streamed_text_is_replaced_by_its_message() -> None:
    activity = Activity("t")
    for second, piece in enumerate(["Hel", "lo"]):
        activity.add_event(
            Event.from_value({"type": "chunk", "time": (NOW + timedelta(seconds=second)).isoformat(), "data": piece}),
            NOW,
        )
    assert activity.streaming == "Hello"
    told = {
        "id": "m",
        "created_at": (NOW + timedelta(seconds=5)).isoformat(),
        "role": "agent",
        "content": {"text": "Hello"},
    }
    activity.add_log(Log((parse_entry(told),)), NOW)
    assert activity.streaming == ""


def test_only_the_end_of_very_long_streamed_text_is_kept() -> None:
    activity = Activity("t")
    for number in range(2 * MIN_STREAMED_PIECES + 1):
        told = {"type": "chunk", "time": (NOW + timedelta(seconds=number)).isoformat(), "data": f"{number} "}
        activity.add_event(Event.from_value(told), NOW)
    assert activity.streaming.split() == [
        str(number) for number in range(MIN_STREAMED_PIECES, 2 * MIN_STREAMED_PIECES + 1)
    ]


def test_a_card_is_closed_once_the_agent_goes_on_but_a_held_call_is_not() -> None:
    """What settles a card is not documented, and an agent whose call is held may go on with other steps."""
    for name in ("ask_for_secret", "invite_member", "self_schedule"):
        assert activity([entry("w", 1, action=name), call_entry("next", 2)]).wait is None
        assert activity([entry("w", 1, action=name), entry("next", 2, type="think")]).wait is None
    held = activity([entry("w", 1, action="approval_requested"), call_entry("next", 2)]).wait
    assert held
    assert held.kind is WaitKind.HELD_CALL


def test_a_self_schedule_tells_until_when_it_waits() -> None:
    wait = activity([entry("w", 1, action="self_schedule", run_at=at(900).isoformat())]).wait
    assert wait
    assert (wait.until, wait.needs_person) == (at(900), False)
    unknown = activity([entry("w", 1, action="self_schedule", run_at=["soon"])]).wait
    assert unknown
    assert unknown.until is None
