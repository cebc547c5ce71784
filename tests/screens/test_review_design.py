"""ReviewScreen: the facts of a decision, where the eye is led, and waits that are decided elsewhere."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.color import Color

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, open_dashboard
from tui.client.client import Client
from tui.client.log_entries import Log
from tui.client.models import Task
from tui.client.task_facts import Wait, WaitKind
from tui.client.workflow_models import WorkflowNode
from tui.domain.review import ReviewSnapshot
from tui.domain.wait_details import WaitDetails
from tui.screens.copy_dialog import CopyScreen
from tui.screens.decision_screen import DEAD_KEY_SECONDS
from tui.screens.review import ReviewScreen
from tui.screens.review_facts import request_parts
from tui.widgets.inspector import Inspector

HELD = "u takes it back"


async def open_review(operator: Operator, words: str) -> ReviewScreen:
    """Open the review of the task that waits longest, and wait until it shows some words."""
    await operator.press("a")
    await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and words in operator.text)
    assert isinstance(operator.app.screen, ReviewScreen)
    return operator.app.screen


def line_with(operator: Operator, words: str) -> str:
    return next(line for line in operator.text.split("\n") if words in line)


def is_on_screen(operator: Operator, words: str) -> bool:
    return words in operator.text


def background_of(operator: Operator, words: str) -> Color | None:
    """Return the background of words on the screen."""
    for strip in operator.app.screen._compositor.render_strips():
        for segment in strip:
            if words in segment.text and segment.style:
                return segment.style.bgcolor
    raise AssertionError(words)


def accent(operator: Operator) -> Color:
    return Color.parse(operator.app.theme_variables["warning"])


async def test_a_review_shows_what_was_asked_the_agents_own_words_and_the_node(serve: Serve, tmp_path: Path) -> None:
    """Point 5."""
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await open_review(operator, "group accounts-payable")
        assert "Pay it" in line_with(operator, " asked ")
        assert "(the agent's last message, unverified)" in line_with(operator, " why ")
        assert "Release payment (release-payment): Money leaves the bank" in line_with(operator, " node ")
        assert "you, u-dana, group accounts-payable" in line_with(operator, " approvers ")
        assert "decide by" in line_with(operator, " waits ")
        assert "on approve: the agent goes on. On reject: the agent is told" in line_with(operator, " then ")
        assert ", in 7h" in line_with(operator, "‖ approval")
        assert "reading" not in operator.text


@pytest.mark.long
async def test_late_details_stop_the_keys_once_and_what_was_seen_stays_seen(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = WorkflowNode.from_value({"id": "release-payment", "name": "LATE NODE"})
    found = [WaitDetails("release-payment", node_problem="timed out"), WaitDetails("release-payment", node)]
    may_answer = asyncio.Semaphore(0)

    async def load_late(client: Client, review: ReviewSnapshot) -> WaitDetails:
        await may_answer.acquire()
        return found.pop(0)

    monkeypatch.setattr("tui.app.review_manager.load_wait_details", load_late)
    # Private: the clock of the screen is stopped, so that the dead time does not pass.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator, "release-payment: reading")
        await operator.until(lambda: not screen.blocked_now)  # the review does not wait for the node
        may_answer.release()
        await operator.until(lambda: "release-payment: could not be read: timed out" in operator.text)
        await operator.ready_to_decide()  # and needs no node
        await operator.press("r")
        clock, now = screen._clock, screen._clock()
        screen._clock = lambda: now
        may_answer.release()
        await operator.until(lambda: "LATE NODE (release-payment)" in operator.text)
        assert screen._armed_at == now + DEAD_KEY_SECONDS
        await operator.press("A")
        assert HELD not in operator.text
        screen._clock = clock
        await operator.until(lambda: not screen.blocked_now)  # without reading anything again
        await operator.pilot.pause(0.35)
        await operator.press("A")
        await operator.until(lambda: HELD in operator.text)


async def test_the_eye_is_led_from_what_would_happen_to_the_content_and_the_buttons(
    serve: Serve, tmp_path: Path
) -> None:
    """Point 6."""
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await open_review(operator, "what exactly")
        await operator.until(lambda: "A approve" in operator.text)
        assert screen.blocked_now
        assert background_of(operator, " A approve ") != accent(operator)
        await operator.ready_to_decide()
        await operator.until(lambda: background_of(operator, " A approve ") == accent(operator))
        content = invoice(operator)["hitl_request"]["content"]
        for words in ("bank.transfer", " EUR · "):
            assert words in operator.text.split("\n")[2]
        assert "iban" in content
        rows = [operator.at(words)[1] for words in ("bank.transfer ·", "operation:", "Request envelope", " A approve ")]
        assert rows == sorted(rows)
        assert operator.text.count("A approve") == operator.text.count("R reject") == 1  # not in the footer as well
        await operator.click("A approve")
        await operator.until(lambda: "approve in 60 s  ██████████" in operator.text)


async def test_a_surprise_in_the_envelope_is_not_folded_away(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        screen = await open_review(operator, "▸ Request envelope")
        assert "wait_node_id" not in operator.text
        task = invoice(operator)
        request = {**task["hitl_request"], "also_pay": {"to": "MALLORY"}}
        operator.here.local.platform.change(task, hitl_request=request)
        await operator.until(lambda: "Request envelope" in operator.text and "wait_node_id" in operator.text)
        payload = screen.query_one("#payload", Inspector)
        assert any("also_pay: 1 field" in payload.text_of(index) for index in range(payload.count()))


async def test_changes_are_told_since_the_review_was_opened_not_since_the_last_reading(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await open_review(operator, "what exactly")
        for amount in ("SECOND", "THIRD"):
            task = invoice(operator)
            content = {"operation": "bank.transfer", "amount": amount}
            operator.here.local.platform.change(task, hitl_request={**task["hitl_request"], "content": content})
            await operator.until(partial(is_on_screen, operator, f'→ "{amount}"'))
        assert "what has changed since you opened it" in operator.text
        assert '"SECOND"' not in operator.text
        await operator.press("r")
        await operator.pilot.pause(0.2)
        assert 'content.amount: "' in operator.text
        assert '→ "THIRD"' in operator.text


async def test_a_question_and_a_sign_in_have_buttons_of_their_own(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        platform, request = operator.here.local.platform, {"connector_name": "Mail", "auth_url": "https://a.example/in"}
        platform.change(invoice(operator), hitl_request=None, pending_eca_request=request)
        await open_review(operator, "y copy the address")  # with `b` where there is a browser
        assert "A approve" not in operator.text
        await operator.press("M")
        await operator.until(lambda: background_of(operator, " y copy the address ") == accent(operator))


async def held_call(operator: Operator) -> dict[str, Any]:
    """Make a task whose tool call is held, and return the approval."""
    platform = operator.here.local.platform
    task_id = platform.create("shell-bot", {"input": {"text": "Make room"}, "title": "Make room"})["id"]
    await operator.here.until(task_id, "paused")
    card = next(entry for entry in operator.here.log(task_id) if entry.get("action") == "approval_requested")
    approval = operator.here.local.store.approval(card["approval_request_id"])
    assert approval
    return approval


async def test_a_held_call_does_not_look_like_a_review_that_can_be_decided(serve: Serve, tmp_path: Path) -> None:
    """Point 7."""
    async with serve() as here, open_dashboard(here, tmp_path) as operator:
        approval = await held_call(operator)
        await operator.until(lambda: "1 need you" in operator.text)
        screen = await open_review(operator, "waiting: nobody has decided yet")
        assert "Held call" in operator.text.split("\n")[0]
        assert "shell.run · " in operator.text.split("\n")[2]
        assert "decided on the platform, under Settings > Approvals" in operator.text
        assert "group operators" in line_with(operator, " approvers ")
        assert "nothing can be decided here" in line_with(operator, " then ")
        for words in ("A approve", "R reject", "On reject", "on approve"):
            assert words not in operator.text
        assert screen.query_one("#body").styles.border_left[1] != screen.query_one("#title").styles.color
        assert screen.query_one("#body").has_class("-elsewhere")
        await operator.press("A")
        await operator.pilot.pause(0.3)
        assert operator.sent == []
        await operator.press("y")
        await operator.until(lambda: isinstance(operator.app.screen, CopyScreen))
        address = f"{here.url}/agents/shell-bot/tool-approvals/{approval['request_id']}"
        assert operator.app.screen._texts["approval"] == address  # type: ignore[attr-defined]
        await operator.press("escape")
        decided = {"settled": True, "decided_by_name": "Kim", "decision_note": "not on a Friday"}
        here.local.store.put_approval({**approval, **decided})
        await operator.press("r")
        await operator.until(lambda: "declined by Kim: not on a Friday" in operator.text)


async def test_a_page_down_shows_other_lines_at_the_first_press(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24)) as operator:
        await operator.press("a", "end")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and "agent" in operator.text)
        facts = operator.app.screen.query_one("#facts", Inspector)
        await operator.until(lambda: facts.count() > facts.scrollable_content_region.height)
        await operator.press("tab")
        await operator.until(lambda: facts.has_focus)
        assert operator.text.split("\n")[-6][0] == "▌"
        assert operator.text.split("\n")[2][0] == "▏"
        await operator.press("pagedown")
        assert facts.scroll_offset.y > 0


def test_a_question_is_shown_with_its_numbered_choices_before_its_json() -> None:
    question = {
        "id": "q",
        "question": "Where?",
        "options": [{"id": "o1", "label": "east"}, {"id": "o2", "label": "west"}],
    }
    held = {"id": "card", "questions": [question]}
    task = Task.from_value({"id": "t", "status": "paused"})
    review = ReviewSnapshot(task, Log(), Wait(WaitKind.QUESTION, None), held, is_in_log=True)
    content, envelope = request_parts(review)
    assert content.value == "Where?\n  1  east\n  2  west"
    assert envelope.value == held
    assert not envelope.is_folded
