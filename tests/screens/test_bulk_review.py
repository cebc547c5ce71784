"""Several tasks at once: one review for all, and an outcome for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice, make_invoice, reject_elsewhere
from tui.screens.approval_base import DEAD_KEY_SECONDS
from tui.screens.bulk_review import BulkReviewScreen
from tui.widgets.inspector import Inspector


@pytest.mark.long
async def test_a_bulk_approval_shows_the_outcome_of_each_task(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        ids = [invoice(operator)["id"], make_invoice(operator.here, 8), make_invoice(operator.here, 9)]
        await operator.until(lambda: "3 need you" in operator.text and "‖ paused" not in operator.text)
        await operator.press("home", "space", "down", "v")
        assert "3 marked" in operator.text
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        screen = operator.app.screen
        assert isinstance(screen, BulkReviewScreen)
        await operator.press("A")
        assert operator.sent == []
        for _ in ids:
            await operator.press("tab")
            await operator.read_by_pages(screen.query_one("#payload", Inspector))
            await operator.until(lambda: screen.query_one("#payload", Inspector).is_read)
            await operator.press("tab")
            await operator.until(lambda: screen.query_one("#tasks").has_focus)
            await operator.press("down")
        await operator.until(lambda: not screen.blocked_now)
        await operator.pilot.pause(DEAD_KEY_SECONDS)
        reject_elsewhere(operator.here, ids[1])
        await operator.press("A")
        await operator.until(lambda: operator.text.count("approved, on record as") >= 2)
        await operator.until(lambda: "already rejected by Dana Reyes" in operator.text)
        assert operator.sent == ["approve", "approve"]


async def test_a_bulk_stop_shows_the_outcome_of_each_task(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        other = make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("home", "space", "space", "X")
        await operator.until(lambda: "Stop these 2 tasks?" in operator.text)
        await operator.press("tab", "enter")
        await operator.until(lambda: operator.text.count("stopped") >= 2)
        for task_id in (invoice(operator)["id"], other):
            await operator.here.until(task_id, "stopped")


async def test_a_bulk_review_says_that_it_has_not_read_who_may_approve_and_by_when(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, size=(120, 50)) as operator:
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("space", "space", "a")
        await operator.until(lambda: "approvers" in operator.text)
        assert "approvers  not read in a review of several: open it alone" in operator.text
        assert "no deadline published" not in operator.text
