"""What operators do at the screens, with the keys that they would press."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input, TextArea

from tests.conftest import RecordTried
from tests.local.conftest import KEY, Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, open_dashboard, reject_elsewhere
from tui.screens.approval_base import DEAD_KEY_SECONDS
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.storage.json_store import JsonStore
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.event_pane import EventPane
from tui.widgets.task_table import TaskTable

SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.mark.parametrize("size", SIZES)
async def test_an_operator_finds_a_waiting_task_reads_why_and_approves(
    serve: Serve, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, size) as operator:
        assert "1 need you" in operator.text
        await operator.press("a")
        await operator.until(lambda: "bank.transfer" in operator.text)
        await operator.press("end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "approved, on record as" in operator.text)
        await operator.here.until(invoice(operator)["id"], "completed")
        assert operator.sent == ["approve"]
        assert invoice(operator)["result"].startswith("Paid")


async def test_an_operator_rejects_with_a_reason(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("R", *"too much", "enter")
        await operator.ready_to_decide()
        assert operator.sent == []  # Enter does not decide
        await operator.press("R")
        await operator.until(lambda: "rejected: too much (on record as" in operator.text)
        await operator.here.until(invoice(operator)["id"], "completed")
        assert invoice(operator)["hitl_request"]["comment"] == "too much"


async def test_an_operator_takes_a_decision_back(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=5.0) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "u takes it back" in operator.text)
        await operator.pilot.pause(0.35)
        await operator.press("u")
        await operator.until(lambda: "taken back" in operator.text)
        assert operator.sent == []
        assert invoice(operator)["status"] == "paused"


async def test_a_request_that_changed_while_it_was_read_is_not_approved(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        platform = operator.here.local.platform
        task = invoice(operator)
        request = {**task["hitl_request"], "content": '{"amount":"9,999,999.00"}'}
        platform.change(task, hitl_request=request)
        await operator.press("A")
        await operator.until(lambda: "changed while you read" in operator.text)
        await operator.until(lambda: "9,999,999.00" in operator.text)
        assert operator.sent == []


async def test_a_decision_of_another_person_is_shown_and_nothing_is_sent(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        reject_elsewhere(operator.here, invoice(operator)["id"])
        await operator.press("A")
        await operator.until(lambda: "already rejected by Dana Reyes" in operator.text)
        assert operator.sent == []


STORM = int(os.environ.get("XP_STORM", "2000"))
"""How many keys are hit at random, by two operators together."""


@pytest.mark.parametrize("seed", [7, 8])
async def test_random_keys_decide_nothing(serve: Serve, tmp_path: Path, seed: int, record_tried: RecordTried) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=0.5) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        dice = random.Random(seed)
        here = ["A", "R", "enter", "space", "tab", "down", "up", "end", "x", "u"]
        away = ["n", "d", "escape", "y", "c", "a"]
        sizes = [(120, 40), (80, 24), (200, 50), (60, 15), (50, 10)]
        for number in range(STORM // 2):
            match dice.random():
                case chance if chance < 0.01:
                    operator.app.post_message(events.Paste("A\nR\nA yes\n"))
                case chance if chance < 0.02:
                    operator.app.post_message(events.AppBlur())
                    operator.app.post_message(events.AppFocus())
                case chance:
                    key = dice.choice(away if chance < 0.1 else here)
                    operator.app.post_message(events.Key(key, key if len(key) == 1 else None))
            if number % 500 == 499:
                await operator.pilot.resize_terminal(*dice.choice(sizes))
            if number % 100 == 99:
                await operator.pilot.pause()
                if isinstance(operator.app.screen, TaskListScreen):
                    await operator.press("a")
        await operator.pilot.pause(0.7)
        assert not {"approve", "reject"} & set(operator.sent)
        assert invoice(operator)["status"] == "paused"
        record_tried("random keys at a review: no decision", STORM // 2)


async def test_decision_keys_are_dead_for_a_moment_after_the_review_opens(serve: Serve, tmp_path: Path) -> None:
    # Private: the clock of the screen is stopped, so that the dead time does not pass.
    async with dashboard_with_invoice(serve, tmp_path, hold=0.0) as operator:
        await operator.press("a", "end")
        screen = await operator.ready_to_decide()
        now = screen._clock() + 10
        screen._clock = lambda: now
        operator.app.post_message(events.AppBlur())
        operator.app.post_message(events.AppFocus())
        for later in (0.0, DEAD_KEY_SECONDS / 2, DEAD_KEY_SECONDS / 2 - 0.01):
            now += later
            await operator.press("A")
            assert "a moment: it has just appeared" in operator.text
            assert operator.sent == []
        now += 1.0
        await operator.pilot.pause(0.35)
        await operator.press("A")
        await operator.until(lambda: operator.sent == ["approve"])


@pytest.mark.parametrize("key", ["A", "R"])
@pytest.mark.long
async def test_a_payload_whose_end_was_not_shown_cannot_be_decided(serve: Serve, tmp_path: Path, key: str) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24), hold=0.0) as operator:
        content = {f"line {number}": number for number in range(30)} | {"the end": "of it"}
        request = {**invoice(operator)["hitl_request"], "content": content}
        operator.here.local.platform.change(invoice(operator), hitl_request=request)
        await operator.press("a")
        await operator.until(lambda: "line 5" in operator.text)
        await operator.pilot.pause(2 * DEAD_KEY_SECONDS)
        assert "were not shown yet" in operator.text
        assert "the end" not in operator.text
        await operator.press(key)
        await operator.until(lambda: "were not shown yet" in operator.text)
        assert operator.sent == []
        if key == "R":  # it has opened the input for the reason
            await operator.press("enter", key)
            assert operator.sent == []
        await operator.press("end")
        await operator.until(lambda: "the end" in operator.text)
        await operator.ready_to_decide()


async def test_read_only_decides_nothing(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, read_only=True) as operator:
        await operator.press("a")
        await operator.until(lambda: "read-only" in operator.text)
        await operator.pilot.pause(DEAD_KEY_SECONDS)
        await operator.press("A")
        await operator.pilot.pause(0.3)
        assert operator.sent == []


@pytest.mark.parametrize("yes", [True, False])
async def test_an_operator_stops_a_run_or_cancels_the_stop(serve: Serve, tmp_path: Path, yes: bool) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("X")
        await operator.until(lambda: "Stop this task?" in operator.text)
        await operator.press(*(["tab", "enter"] if yes else ["enter"]))
        await operator.pilot.pause(0.2)
        if yes:
            await operator.here.until(invoice(operator)["id"], "stopped")
        assert invoice(operator)["status"] == ("stopped" if yes else "paused")


async def test_an_operator_replies_and_keeps_a_draft(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("c", *"wait", "escape")
        await operator.press("c")
        await operator.until(lambda: operator.app.screen.query(TextArea))
        assert operator.app.screen.query_one(TextArea).text == "wait"
        assert JsonStore(tmp_path / "drafts.json")[invoice(operator)["id"]] == "wait"
        await operator.press("!")
        await operator.send_to_waiting_task()
        await operator.until(lambda: operator.sent == ["continue"])
        said = [
            one["content"]["text"] for one in operator.here.log(invoice(operator)["id"]) if one.get("role") == "user"
        ]
        await operator.until(lambda: not JsonStore(tmp_path / "drafts.json"))
        assert said[-1] == "wait!"


async def test_an_operator_watches_a_task_end(serve: Serve, tmp_path: Path) -> None:
    async with serve(pace=40) as here:
        made = here.local.platform.create(
            "researcher", {"input": {"text": "Brief me"}, "title": "Brief me", "events_streaming": True}
        )
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "Brief me" in operator.text)
            await operator.press("enter")
            await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
            await operator.until(lambda: "RSN" in operator.text)
            await here.until(made["id"], "completed")
            await operator.until(lambda: "■ ended" in operator.text)
            tree = operator.app.screen.query_one(ActivityTree)
            await operator.press("home")
            while not getattr(tree.row, "child_id", None):
                await operator.press("down")
            key, before = tree.key_of(tree.cursor), tree.count()
            await operator.press("right")
            await operator.until(lambda: tree.count() > before)
            assert tree.key_of(tree.cursor) == key
            await operator.press("escape")
            await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))


async def test_an_operator_filters_and_sees_a_mistake_underlined(serve: Serve, tmp_path: Path) -> None:
    async with serve(tasks=300) as here, open_dashboard(here, tmp_path) as operator:
        await operator.until(lambda: "Completed (" in operator.text)
        await operator.press("slash", *"agent:writer")
        await operator.until(lambda: "Writer" in operator.text and "Planner" not in operator.text)
        await operator.press("space", "quotation_mark")
        await operator.until(lambda: "^" in operator.text.replace("^p", ""))
        assert "Writer" in operator.text  # the last good result stays
        await operator.press("escape", "escape")
        assert operator.app.screen.query_one(Input).value == ""
        await operator.press("home")
        await operator.until(lambda: "Planner" in operator.text)


async def test_the_cursor_stays_with_its_task(serve: Serve, tmp_path: Path) -> None:
    async with serve(tasks=300) as here, open_dashboard(here, tmp_path) as operator:
        await operator.until(lambda: "Completed (" in operator.text)
        tasks = operator.app.screen.query_one(TaskTable)
        await operator.press(*["down"] * 12)
        assert tasks.line is not None
        chosen, row = tasks.line.task.id, tasks.cursor - tasks.scroll_offset.y
        for number in range(3):
            here.local.platform.create("your-agent", {"input": {"text": f"new {number}"}, "title": f"new {number}"})
        await operator.until(lambda: "new 2" in operator.text)
        await operator.until(lambda: len(operator.app.services.store.state.tasks) >= 203)
        assert tasks.line is not None
        assert tasks.line.task.id == chosen
        assert tasks.scroll_offset.y == 0
        assert tasks.cursor == row + 4, "below three new tasks and the heading of their group"


async def test_hostile_text_is_shown_as_text(serve: Serve, tmp_path: Path) -> None:
    evil = "\x1b]0;PWNED\x07[@click=app.quit]click[/] [/red] \u202egnp.exe \x9b31m"
    async with serve() as here:
        platform = here.local.platform
        made = platform.create("your-agent", {"input": {"text": evil}, "title": evil, "events_streaming": True})
        platform.push(
            made["id"],
            [{"type": "tool_call_request", "data": {"request_id": "r", "tool_name": evil, "payload": {evil: evil}}}],
        )
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "[@click=app.quit]" in operator.text)
            await operator.press("enter")
            await operator.until(lambda: "TOL" in operator.text)
            for text in (operator.text,):
                assert not {char for char in text if ord(char) < 32 and char != "\n"}
                assert "\u202e" not in text
                assert "\x9b" not in text


async def test_a_key_that_is_withdrawn_later_is_shown_as_not_authorized(serve: Serve, tmp_path: Path) -> None:
    # Private: connections that are open already would still reach the platform.
    async with serve() as here:
        here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": "Still here"})
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "● live" in operator.text and "Still here" in operator.text)
            operator.app.client.transport.key = operator.app.client.transport.key.__class__("wrong")
            operator.app.client.transport._clients.clear()
            await operator.until(lambda: "● not authorized, read " in operator.text)
            assert "offline" not in operator.text
            assert "Still here" in operator.text


@asynccontextmanager
async def dashboard_with_question(serve: Serve, tmp_path: Path, **more: Any) -> AsyncIterator[tuple[Operator, str]]:
    """Run the dashboard with a rollout that asks for a region; also yield the id of its task."""
    async with serve() as here:
        told = {"input": {"text": "Ship"}, "title": "Ship it", "events_streaming": True}
        task_id = here.local.platform.create("release-bot", told)["id"]
        await here.until(task_id, "paused")
        async with open_dashboard(here, tmp_path, **more) as operator:
            await operator.until(lambda: "question" in operator.text)
            yield operator, task_id


async def test_answers_are_decisions(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_question(serve, tmp_path, hold=1.0) as (operator, task_id):
        await operator.press("a")
        await operator.until(lambda: "Which region" in operator.text)
        await operator.press("c")
        await operator.until(lambda: "( ) 2      us-east (most capacity)" in operator.text)
        await operator.press("4")
        await operator.until(lambda: "there is no choice 4: choose 1 to 3" in operator.text)
        await operator.press("2")
        await operator.until_armed()
        await operator.pilot.pause(0.35)
        await operator.press("f2")
        await operator.until(lambda: 'answer "us-east (most capacity)" in ' in operator.text)
        assert operator.sent == []
        await operator.until(lambda: 'answered "us-east (most capacity)"' in operator.text)
        assert "us-east" in (await operator.here.until(task_id, "completed"))["result"]
        assert operator.sent == ["answer"]


async def test_a_message_must_not_hide_a_question(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_question(serve, tmp_path) as (operator, task_id):
        platform = operator.here.local.platform
        platform.create("release-bot", {"id": task_id, "input": {"text": "hello?"}})
        await operator.press("r", "c")
        await operator.until(lambda: "( ) 1      eu-west" in operator.text)
        await operator.press("1")
        await operator.until_armed()
        await operator.pilot.pause(0.35)
        await operator.press("f2")
        await operator.until(lambda: 'answered "eu-west (quiet now)"' in operator.text)
        assert "eu-west" in (await operator.here.until(task_id, "completed"))["result"]


async def test_help_lists_the_keys(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("question_mark")
        await operator.until(lambda: "Only running" in operator.text)
        await operator.press("escape")
        await operator.until(lambda: "Only running" not in operator.text)


async def test_an_operator_copies_an_id_and_never_the_api_key(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyperclip

    copied: list[str] = []
    monkeypatch.setattr(pyperclip, "determine_clipboard", lambda: (copied.append, None))
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        for key in ("i", "c"):
            await operator.press("y")
            await operator.until(lambda: "x-api-key" in operator.text)
            await operator.press(key)
            await operator.until(lambda: len(copied) == "ic".index(key) + 1)
        assert copied[0] == invoice(operator)["id"]
        assert copied[1] == f"curl -H \"x-api-key: $XPANDER_API_KEY\" '{operator.here.url}/v1/tasks/{copied[0]}'"


async def test_the_api_key_is_shown_nowhere(serve: Serve, tmp_path: Path) -> None:
    async with serve() as here:
        platform = here.local.platform
        made = platform.create(
            "your-agent", {"input": {"text": KEY}, "title": f"use {KEY} now", "events_streaming": True}
        )
        platform.push(
            made["id"],
            [{"type": "tool_call_request", "data": {"request_id": "r", "tool_name": KEY, "payload": {"x": KEY}}}],
        )
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "use ••••" in operator.text)
            assert KEY not in operator.text
            for keys, words in (("y", "curl"), ("X", "Keep running"), ("c", "F2 sends")):
                await operator.press(keys)
                await operator.until(lambda: words in operator.text)
                assert KEY not in operator.text
                await operator.press("escape")
            await operator.press("enter")
            await operator.until(lambda: "TOL" in operator.text)
            assert KEY not in operator.text


async def test_a_key_right_after_a_decision_takes_it_back(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=0.5) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        for key in ("A", "x"):
            operator.app.post_message(events.Key(key, key))
        await operator.until(lambda: "other keys came with it" in operator.text)
        await operator.pilot.pause(0.7)
        assert operator.sent == []


async def test_a_draft_is_kept_until_the_platform_has_it(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("c")
        await operator.until(lambda: "F2 sends" in operator.text)
        await operator.press(*"stay")
        operator.here.local.platform.destroy(invoice(operator)["id"])
        await operator.send_to_waiting_task()
        await operator.until(lambda: "done" in [line["kind"] for line in operator.journal.lines()])
        assert operator.sent == []
        assert "stay" in JsonStore(tmp_path / "drafts.json").values()


async def test_an_operator_approves_with_the_mouse_alone(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (120, 50)) as operator:
        await operator.click("TITLE")
        await operator.until(lambda: "TITLE ▴" in operator.text)
        await operator.click("1 need you")
        await operator.click("Pay invoice 7", times=2)
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        await operator.until(lambda: "TOL" in operator.text)
        await operator.click("2 Events")
        assert operator.app.screen.query_one(EventPane).has_focus
        await operator.click("xp-tui ›")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.click("a review")
        await operator.ready_to_decide()
        await operator.click("A approve")
        await operator.until(lambda: "approved, on record as" in operator.text)
        assert operator.sent == ["approve"]
