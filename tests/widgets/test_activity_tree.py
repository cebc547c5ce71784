"""ActivityTree: it grows without rearranging, parses only visible entries, and shows streamed text and loops."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

from tests.client.lazy_entries import lazy_entries
from tests.domain.activity_builders import activity_of_log, call_of_log
from tests.widgets.widget_app import NOW, UI, WidgetApp
from tui.client.events import Event
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.domain.activity_log import Activity, Gap
from tui.domain.activity_rows import ActivitySource
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.activity_tree import ActivityTree


async def test_a_growing_tree_equals_a_rearranged_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # Private: from outside a tree is rearranged only when it has to be.
    monkeypatch.setattr("tui.widgets.activity_pane.MAX_BLOCKING_SECONDS", math.inf)  # however slow the machine is
    dice = random.Random(7)
    app = WidgetApp(pane := ActivityPane(UI))
    async with app.run_test(size=(100, 24)):
        tree = pane.view
        for _ in range(30):
            activity, child = Activity("t"), Task.from_value({"id": "c", "agent_id": "other", "parent_task_id": "t"})
            children: dict[str, tuple[Task, ...]] = {"t": ()}
            log: list[dict[str, Any]] = []
            for step in range(30):
                at = NOW + timedelta(seconds=step)
                match dice.randrange(9):
                    case 0:
                        activity.add_gap(Gap(at, 1.0, dice.choice([None, 2])))
                    case 1:
                        children = {"t": (child,), "c": ()}
                    case 2:
                        piece = {"type": "chunk", "data": "piece ", "time": at.isoformat()}
                        activity.add_event(Event.from_sse(json.dumps(piece), str(step)), at)
                    case 3:
                        log.append({"id": f"d{step}", "agent_id": "other", "query": "x", "created_at": at.isoformat()})
                        activity.add_log(Log(tuple(map(parse_entry, log))), at)
                    case 4 | 5:
                        name = f"r{dice.randrange(step + 1)}"
                        kind = dice.choice(["tool_call_request", "tool_call_result"])
                        told = {"type": kind, "time": at.isoformat(), "data": {"request_id": name, "tool_name": "x"}}
                        activity.add_event(Event.from_sse(json.dumps(told), str(step)), at)
                    case _:
                        log.append(call_of_log(f"c{step}", created_at=at.isoformat()))
                        activity.add_log(Log((parse_entry(log[-1]),), first=len(log) - 1), at)
                status = "completed" if step == 29 else "executing"
                task = Task.from_value({"id": "t", "status": status})
                pane.show(ActivitySource("t", {"t": activity}, dict(children), {}, task))
            keys = [tree.key_of(index) for index in range(tree.count())]
            assert [tree.index_of(key) for key in keys] == list(range(len(keys)))
            pane._arrange(at_once=True)
            assert keys == [tree.key_of(index) for index in range(tree.count())]


def arranged_by_reading() -> Generator[None, None, bool]:
    """Replace the arrangement that parses no entries."""
    return False
    yield


async def test_a_tree_of_a_large_log_parses_only_visible_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Private: reading a node from outside parses it.
    log: list[dict[str, Any]] = [
        call_of_log(f"c{n}", created_at=(NOW + timedelta(seconds=n)).isoformat(), is_error=n % 7 == 0)
        for n in range(400)
    ]
    for n in range(20, 400, 40):
        log[n] = {**log[n], "tool_name": None, "agent_id": "other", "query": f"do {n}", "sub_task_id": f"k{n}"}
    known = Task.from_value(
        {"id": "k100", "agent_id": "other", "parent_task_id": "t", "created_at": log[90]["created_at"]}
    )
    loose = Task.from_value({"id": "z", "agent_id": "nobody", "parent_task_id": "t"})
    panes = [ActivityPane(UI), ActivityPane(UI)]
    monkeypatch.setattr(panes[1].rows, "_arrange_unread", arranged_by_reading)
    apps = [WidgetApp(pane) for pane in panes]
    trees = [pane.view for pane in panes]
    activities = [Activity("t"), Activity("t")]
    for activity in activities:
        activity.add_log(Log(lazy_entries(log, 100)), NOW)

    def both(children: tuple[Task, ...] = ()) -> None:
        for pane, activity in zip(panes, activities, strict=True):
            task = Task.from_value({"id": "t", "status": "completed"})
            pane.show(ActivitySource("t", {"t": activity}, {"t": children}, {}, task))
            pane._arrange(at_once=True)

    def unread() -> list[int]:
        return [sum(isinstance(item, int) for item in activity.nodes._items) for activity in activities]

    async with apps[0].run_test(size=(100, 24)) as pilot, apps[1].run_test(size=(100, 24)):
        both()
        await pilot.pause()
        assert (unread()[0] > 300, unread()[1]) == (True, 0)
        for children, opened in (((), False), ((known,), False), ((known, loose), False), ((known,), True)):
            for pane in panes:
                pane.rows.unfolded = {"k100"} if opened else set()
            both(children)
            keys = [[tree.key_of(place) for place in range(tree.count())] for tree in trees]
            assert keys[0] == keys[1]
            assert [trees[0].index_of(key) for key in keys[0]] == list(range(len(keys[0])))
            assert [tree.styled_line(0, 90) for tree in trees[:1]] == [tree.styled_line(0, 90) for tree in trees[1:]]
            assert opened or panes[0].rows._arrangement.is_plain
        told = {
            "type": "tool_call_request",
            "time": (NOW + timedelta(hours=1)).isoformat(),
            "data": {"request_id": "new"},
        }
        for activity in activities:
            activity.add_event(Event.from_sse(json.dumps(told), "1"), NOW)
        both((known,))
        assert [pane.find("do 300", 1) for pane in panes] == [(1, 1)] * 2
        assert trees[0].key_of(trees[0].cursor) == trees[1].key_of(trees[1].cursor)


async def test_repeated_calls_are_marked_as_a_loop() -> None:
    entries = [call_of_log("again", request_id=f"r{number}", result="x") for number in range(4)]
    app = WidgetApp(pane := ActivityPane(UI))
    async with app.run_test(size=(100, 24)):
        tree = pane.view
        assert isinstance(tree, ActivityTree)
        pane.show(
            ActivitySource(
                "t", {"t": activity_of_log(*entries)}, {}, {}, Task.from_value({"id": "t", "status": "executing"})
            )
        )
        lines = [tree.text_of(index) for index in range(tree.count())]
        assert ["loop" in line for line in lines] == [False, False, True, True]
        assert "loop×4" in lines[-1]


async def test_streamed_text_is_shown_as_it_comes() -> None:
    activity = Activity("t")
    for number, piece in enumerate(("Hello ", "world")):
        at = NOW + timedelta(seconds=number)
        told = {"type": "chunk", "data": piece, "time": at.isoformat()}
        activity.add_event(Event.from_sse(json.dumps(told), str(number)), at)
    app = WidgetApp(pane := ActivityPane(UI))
    async with app.run_test(size=(100, 24)):
        tree = pane.view
        assert isinstance(tree, ActivityTree)
        pane.show(ActivitySource("t", {"t": activity}, {}, {}, Task.from_value({"id": "t", "status": "executing"})))
        assert "Hello world" in tree.text_of(tree.count() - 1)
