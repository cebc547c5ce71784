"""J, K and F: the next wait, the previous one and the next failure, and the cursor after a review."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, make_invoice
from tui.screens.answer import AnswerScreen
from tui.screens.bulk_review import BulkReviewScreen
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen


async def make_waits(operator: Operator, count: int = 2) -> list[str]:
    """Make invoices that wait besides the first one; return the ids of all in the order of the list."""
    for number in range(8, 8 + count):
        task_id = make_invoice(operator.here, number)
        await operator.here.until(task_id, "paused")
    await operator.until(lambda: f"Needs you ({count + 1})" in operator.text)
    listing = operator.app._task_list.list_pane.listing
    return [listing.key(index) for index in range(1, count + 2)]


def fail_task(operator: Operator, number: int) -> str:
    platform = operator.here.local.platform
    task_id = make_invoice(operator.here, number)
    platform.change(platform.task(task_id), status="failed")
    return task_id


def cursor(operator: Operator) -> str:
    """Return the id of the task under the cursor of the list."""
    line = operator.app._task_list.list_pane.tasks.line
    return line.task.id if line else ""


def shown_task(operator: Operator) -> str:
    screen = operator.app.screen
    assert isinstance(screen, ReviewScreen | TaskScreen)
    return screen.task_id


@pytest.mark.long
async def test_an_operator_goes_from_wait_to_wait_and_to_the_next_failure(serve: Serve, tmp_path: Path) -> None:
    """Point 10: on the list with the cursor, in a task to the task, in a review to the review."""
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        first, second, third = await make_waits(operator)
        failed = fail_task(operator, 99)
        await operator.until(lambda: "Failed (1)" in operator.text)
        await operator.press("home")
        for key, expected in (("J", second), ("J", third), ("J", first), ("K", third), ("F", failed), ("J", first)):
            await operator.press(key)
            assert cursor(operator) == expected
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        for key, expected in (("J", second), ("K", first), ("F", failed), ("K", third)):
            await operator.press(key)
            await operator.until(lambda expected=expected: shown_task(operator) == expected)  # type: ignore[misc]
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        for key, expected in (("J", first), ("K", third), ("n", first), ("N", third)):
            await operator.press(key)
            assert shown_task(operator) == expected
        await operator.press("F")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen) and shown_task(operator) == failed)
        assert operator.sent == []


async def test_a_wait_that_the_filter_hides_is_told(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        _, second, _ = await make_waits(operator)
        await operator.press("slash", *"title:8", "enter")
        await operator.until(lambda: "1 of 3 loaded" in operator.text)
        await operator.press("J")
        await operator.until(lambda: "the filter hides 2 more: esc shows all" in operator.text)
        assert cursor(operator) == second
        await operator.press("F")
        await operator.until(lambda: "no task that is loaded has failed" in operator.text)


async def test_a_folded_group_is_unfolded_for_its_next_task(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("left")
        await operator.until(lambda: "▸ Needs you (1)" in operator.text)
        await operator.press("J")
        await operator.until(lambda: "▾ Needs you (1)" in operator.text)
        assert cursor(operator)


async def test_several_open_reviews_are_not_left_by_accident(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await make_waits(operator, 1)
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        for key in "JKF":
            await operator.press(key)
            await operator.until(lambda: "several tasks are open here: leave them first" in operator.text)
        assert isinstance(operator.app.screen, BulkReviewScreen)


@pytest.mark.long
async def test_the_cursor_is_on_the_next_wait_after_a_decision(serve: Serve, tmp_path: Path) -> None:
    """Point 10: also while the decision is held, and not on the task that left."""
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        first, second, third = await make_waits(operator)
        await operator.press("home", "J")
        assert cursor(operator) == second
        await operator.press("a")
        await operator.ready_to_decide()
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        assert cursor(operator) == second  # it still waits
        await operator.hold_an_approval()
        assert cursor(operator) == third
        await operator.press("u")
        await operator.until(lambda: not operator.app.services.progress.unfinished)
        assert cursor(operator) == third
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        platform = operator.here.local.platform
        platform.change(platform.task(third), status="completed")
        await operator.until(lambda: "it no longer waits; the task is completed" in operator.text)
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        assert cursor(operator) == first


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_cursor_never_leaves_its_task_while_the_list_is_looked_at(
    serve: Serve, tmp_path: Path, seed: int
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        first, *others = await make_waits(operator, 3)
        generator = random.Random(seed)
        await operator.press("home")
        assert cursor(operator) == first
        platform = operator.here.local.platform
        for task_id in generator.choices([first, *others], k=12):
            status = generator.choice(["executing", "completed", "paused", "failed"])
            platform.change(platform.task(task_id), status=status)
            state = operator.app.services.store
            await operator.until(lambda: (task := state.state.task(task_id)) and task.status == status)
            await operator.pilot.pause()
            assert cursor(operator) == first


async def test_the_next_wait_after_the_form_for_an_answer_is_a_review(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        first = cursor(operator)
        asked = operator.here.local.platform.create(
            "release-bot", {"input": {"text": "Roll it out"}, "title": "Roll out"}
        )
        await operator.here.until(asked["id"], "paused")
        await operator.until(lambda: "Needs you (2)" in operator.text)
        await operator.press("home", "J", "c")
        await operator.until(lambda: isinstance(operator.app.screen, AnswerScreen))
        await operator.press("J")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        assert shown_task(operator) == first
        assert len(operator.app.screen_stack) == 2
