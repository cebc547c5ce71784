"""The reason of a rejection: a draft that is not lost, and keys that are never half taken."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, make_invoice, open_dashboard
from tui.client.log_entries import Log
from tui.client.models import Task
from tui.client.task_facts import Wait, WaitKind
from tui.domain.action import Action, Verb
from tui.domain.review import ReviewSnapshot
from tui.screens.bulk_review import BulkReviewScreen
from tui.screens.key_rhythm import PAUSE_SECONDS
from tui.screens.reason_editor import ReasonEditor, reason_key
from tui.screens.review import ReviewScreen
from tui.screens.task_list import TaskListScreen
from tui.widgets.inspector import Inspector

KEPT = 'reason: "wrong supplier"'


async def open_review(operator: Operator) -> ReviewScreen:
    await operator.press("a", "end")
    return await operator.ready_to_decide()


def drafts(operator: Operator) -> list[str]:
    return list(operator.app.services.commands.drafts.values())


async def type_at_once(operator: Operator, keys: str) -> None:
    """Type keys without a pause, as a slow connection delivers them."""
    for character in keys:
        operator.app.post_message(events.Key(character, character))
    await operator.pilot.pause()


@pytest.mark.long
async def test_an_operator_rejects_with_a_reason_that_survives_leaving_and_a_restart(
    serve: Serve, tmp_path: Path
) -> None:
    """Point 3: the reason is a draft until the rejection is confirmed."""
    async with dashboard_with_invoice(serve, tmp_path, (80, 24), hold=60.0) as operator:
        await open_review(operator)
        await operator.press("R", *"wrong supp")
        await operator.until(lambda: "not sent yet" in operator.text)
        await operator.press("escape", "escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        assert drafts(operator) == ["wrong supp"]
        async with open_dashboard(operator.here, tmp_path, (80, 24), hold=4.0) as again:
            await again.until(lambda: "Needs you (" in again.text)
            await open_review(again)
            assert 'reason: "wrong supp"' in again.text
            assert "not sent yet · R goes on writing it" in again.text
            await again.press("R", *"lier", "enter")
            await again.until(lambda: KEPT in again.text)
            assert "not sent yet · R rejects" in again.text
            await again.press("escape")
            await again.until(lambda: isinstance(again.app.screen, TaskListScreen))
            await open_review(again)
            assert KEPT in again.text
            assert "not sent yet · R rejects" in again.text
            await again.press("R")
            await again.until(lambda: "u takes it back" in again.text)
            assert "not sent yet" not in again.text
            await again.pilot.pause(0.35)
            await again.press("u")
            await again.until(lambda: "taken back" in again.text)
            await again.until(lambda: drafts(again) == ["wrong supplier\n"])
            assert "not sent yet · R rejects" in again.text
            assert again.sent == []
            await again.ready_to_decide()
            await again.press("R")
            await again.until(lambda: "rejected" in again.text)
            await again.until(lambda: drafts(again) == [])
            assert invoice(again)["hitl_request"]["comment"] == "wrong supplier"
            assert "not sent yet" not in again.text


async def test_a_reason_can_be_edited_before_it_is_sent(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator)
        await operator.press("R", *"no", "enter")
        await operator.until(lambda: "R rejects · backspace edits" in operator.text)
        await operator.press("backspace")
        await operator.until(lambda: screen.query_one(Input).has_focus)
        await operator.press(*"pe", "enter")
        await operator.until(lambda: 'reason: "nope"' in operator.text)


async def test_a_reason_written_about_another_request_is_not_offered(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator)
        await operator.press("R", *"no", "enter")
        await operator.until(lambda: 'reason: "no"' in operator.text)
        platform, task = operator.here.local.platform, invoice(operator)
        platform.change(task, hitl_request={**task["hitl_request"], "content": {"pay": 2}})
        await operator.until(lambda: "it has changed since you opened it" in operator.text)
        assert "reason:" not in operator.text
        assert screen.reason_editor.reason is None
        platform.change(task, hitl_request={**task["hitl_request"], "content": {"pay": 2}})


@pytest.mark.long
async def test_the_reason_of_a_held_rejection_is_not_offered_for_the_request_that_replaces_it(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=2.0) as operator:
        await open_review(operator)
        await operator.press("R", *"wrong supplier", "enter")
        await operator.until_armed()
        await operator.pilot.pause(PAUSE_SECONDS)
        await operator.press("R")
        await operator.until(lambda: "takes it back" in operator.text)
        await operator.pilot.pause(0.35)
        await operator.press("escape")
        platform, task = operator.here.local.platform, invoice(operator)
        platform.change(task, hitl_request={**task["hitl_request"], "content": '{"salaries": 1}'})
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and "salaries" in operator.text)
        screen = operator.app.screen
        assert isinstance(screen, ReviewScreen)
        await operator.until(lambda: "changed while you read" in operator.text)
        assert screen.reason_editor.reason is None
        assert "wrong supplier" not in operator.text


@pytest.mark.parametrize(
    ("is_same", "verb", "reason"), [(True, Verb.REJECT, "no"), (False, Verb.REJECT, None), (True, Verb.CONTINUE, None)]
)
def test_the_reason_of_an_action_is_restored_only_for_the_review_it_was_about(
    is_same: bool, verb: Verb, reason: str | None
) -> None:
    shown, editor = asks("t1", 1), ReasonEditor()
    about = shown if is_same else asks("t1", 2)
    action = Action(verb, "t1", about.digest, "no")
    editor.restore(action, None)
    assert editor.reason is None
    editor.restore(action, shown)
    assert editor.reason == reason


@pytest.mark.long
async def test_what_is_still_typed_does_nothing_when_the_request_changes_under_the_reason(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator)
        await operator.press("R", *"no")
        platform, task = operator.here.local.platform, invoice(operator)
        platform.change(task, hitl_request={**task["hitl_request"], "content": {"pay": 2}})
        await operator.until(lambda: not screen.reason_editor.is_open)
        await type_at_once(operator, "t due Ad nc")
        await operator.until(lambda: "not taken: keys do nothing until none was pressed for 1 s" in operator.text)
        assert operator.app.screen is screen
        assert not operator.app.services.progress.unfinished


async def test_a_rejection_pressed_too_early_takes_nothing_of_the_reason_typed_after_it(
    serve: Serve, tmp_path: Path
) -> None:
    """Point 3: a key pressed in the dead time is never half taken."""
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator)
        generator = random.Random(3)
        for _ in range(4):
            screen.arm()
            typed = "".join(generator.choices(string.ascii_letters + " 129.,?:", k=12)).replace("u", "v")
            await type_at_once(operator, f"R{typed}")
            await operator.until(lambda: "keys do nothing until none was pressed for 1 s" in operator.text)
            assert operator.app.screen is screen, typed
            assert not screen.reason_editor.is_open, typed
            assert not operator.app.services.progress.unfinished, typed
        await operator.until(lambda: not screen.blocked_now)
        await operator.pilot.pause(PAUSE_SECONDS)
        assert "keys do nothing" not in operator.text
        await operator.press("R")
        await operator.until(lambda: screen.reason_editor.is_open)


async def test_keys_that_come_with_a_decision_take_it_back_and_do_nothing_else(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator)
        await type_at_once(operator, "Adnc?")
        await operator.until(lambda: "taken back: other keys came with it" in operator.text)
        assert operator.app.screen is screen
        await operator.until(lambda: not operator.app.services.progress.unfinished)
        assert operator.sent == []


@pytest.mark.long
async def test_the_key_that_takes_back_works_also_while_other_keys_do_nothing(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await operator.hold_an_approval()
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("end", "K", "a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        await type_at_once(operator, "Rdu")
        await operator.until(lambda: not operator.app.services.progress.unfinished)
        assert operator.sent == []
        assert isinstance(operator.app.screen, ReviewScreen)


@pytest.mark.long
async def test_a_reason_for_several_tasks_is_a_draft_for_exactly_these(serve: Serve, tmp_path: Path) -> None:
    # Private: the payloads count as read without paging through them.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await operator.here.until(make_invoice(operator.here, 8), "paused")
        await operator.until(lambda: "2 need you" in operator.text)

        async def open_both() -> BulkReviewScreen:
            await operator.press("a")
            await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
            screen = operator.app.screen
            assert isinstance(screen, BulkReviewScreen)
            await operator.until(lambda: len(screen._reviews) == 2)
            screen._read_to_end = set(screen.tasks)
            await operator.until(lambda: not screen.blocked_now)
            await operator.pilot.pause(0.35)
            return screen

        await operator.press("home", "space", "space")
        await open_both()
        await operator.press("R", *"both wrong", "enter")
        await operator.until(lambda: 'reason: "both wrong"' in operator.text)
        await operator.press("escape")
        await open_both()
        assert 'reason: "both wrong"' in operator.text
        assert "not sent yet · R rejects" in operator.text
        await operator.press("escape", "escape", "home")
        await open_review(operator)
        assert "both wrong" not in operator.text


def asks(task_id: str, content: object, **more: object) -> ReviewSnapshot:
    request = {"operation_id": "pay", "content": content, **more}
    task = Task.from_value({"id": task_id, "status": "paused", "hitl_request": request})
    return ReviewSnapshot(task, Log(()), Wait(WaitKind.APPROVAL, None), request)


def test_the_key_of_a_draft_depends_on_tasks_and_requests_and_not_on_their_order() -> None:
    one, other, changed = asks("t1", {"pay": 1}), asks("t2", {"pay": 1}), asks("t1", {"pay": 2})
    dearer = asks("t1", {"pay": 1}, amount=1_000_000)
    keys = {
        reason_key([one]),
        reason_key([other]),
        reason_key([changed]),
        reason_key([dearer]),
        reason_key([one, other]),
    }
    assert len(keys) == 5
    assert reason_key([one, other]) == reason_key([other, one])
    assert reason_key([]) == ""


@pytest.mark.long
@pytest.mark.parametrize("draft", ["two\nlines\n", "one\n\n--- also written, and not sent ---\n\nother\n"])
async def test_a_draft_of_several_lines_becomes_one_line_that_has_to_be_entered_again(
    serve: Serve, tmp_path: Path, draft: str
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator)
        key = screen.reason_editor.draft_key
        await operator.press("escape")
        operator.app.services.commands.drafts[key] = draft
        screen = await open_review(operator)
        assert "R goes on writing it" in operator.text
        await operator.press("R")
        await operator.until(lambda: screen.query_one(Input).value == " ".join(draft.split()))
        assert screen.query_one("#payload", Inspector).is_read


@pytest.mark.long
async def test_the_reason_can_be_written_before_all_lines_were_seen_but_not_sent(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24), hold=60.0) as operator:
        platform, task = operator.here.local.platform, invoice(operator)
        content = {f"line {number}": number for number in range(90)}
        platform.change(task, hitl_request={**task["hitl_request"], "content": content})
        await operator.press("a")
        await operator.until(lambda: "payload: lines" in operator.text)
        screen = operator.app.screen
        assert isinstance(screen, ReviewScreen)
        await operator.until(lambda: not screen.dead_keys_reason)
        await operator.pilot.pause(0.35)
        await operator.press("R")
        await operator.until(lambda: screen.query_one(Input).has_focus)
        await operator.press(*"no next", "enter")
        await operator.until(lambda: 'reason: "no next"' in operator.text)
        assert screen.is_current
        await operator.until(lambda: not screen.dead_keys_reason)
        await operator.pilot.pause(0.35)
        await operator.press("R")
        await operator.until(lambda: "not yet: payload: lines" in operator.text)
        assert not operator.app.services.progress.unfinished
        await operator.ready_to_decide()
        await operator.press("R")
        await operator.until(lambda: "u takes it back" in operator.text)
