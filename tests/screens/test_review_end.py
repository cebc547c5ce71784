"""The end of a wait under review: what was shown stays, and the screen says how it ended."""

from __future__ import annotations

from pathlib import Path

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice
from tui.screens.task_detail import TaskScreen


async def test_after_an_approval_the_facts_say_who_has_approved(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=0.2) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        assert "not decided yet" in operator.text
        await operator.press("A")
        await operator.until(lambda: "on record as" in operator.text)
        await operator.until(lambda: "not decided yet" not in operator.text)
        assert "approved by Local Operator" in " ".join(operator.text.split())


async def test_a_review_that_somebody_else_ends_stays_and_says_who_did(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        before, task = operator.text, invoice(operator)
        decided = {**task["hitl_request"], "rejected_by": "Ann", "comment": "twice"}
        operator.here.local.platform.change(task, status="executing", hitl_request=decided)
        await operator.until(lambda: 'rejected by Ann: "twice"; the task is executing' in operator.text)
        assert "what has changed" not in operator.text
        assert before.split("\n")[2] in operator.text
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
