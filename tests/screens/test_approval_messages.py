"""Messages of the approval screens: outcomes, reasons, and the name of the platform."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice, invoice_card
from tui.client.errors import error_class_of
from tui.screens.bulk_review import BulkReviewScreen
from tui.screens.review import ReviewScreen

LONG_WORDS = "the platform's own words " * 12 + "THE END"


async def test_an_outcome_is_shown_whole_at_80_columns(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24)) as operator:

        async def refused(*_: Any) -> None:
            raise error_class_of(403)(LONG_WORDS, status=403)

        monkeypatch.setattr(operator.app.client, "approve", refused)
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "THE END" in operator.text)
        await operator.ready_to_decide()
        assert "A approve" in operator.text


async def test_a_click_does_not_count_as_a_key_of_a_burst(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("down")
        await operator.pilot.pause(0.5)
        await operator.click("A approve")
        await operator.until(lambda: "u takes it back" in operator.text)


async def test_a_paused_task_can_be_reviewed_before_its_reason_is_known(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        task_id = invoice(operator)["id"]
        home = operator.app.task_list
        assert home is not None
        before = operator.app.services.store.state
        home.list_pane.scheduler.state = cast(
            Any, SimpleNamespace(waiting_below=lambda _: iter(()), wait=lambda _: None, task=before.task)
        )
        home.action_review()
        home.list_pane.scheduler.state = before
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        assert cast(ReviewScreen, operator.app.screen).task_id == task_id


async def test_a_reason_is_not_sent_to_a_card_and_the_screen_says_so(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Private: the payloads count as read without paging through them.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        card = await invoice_card(operator)
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        screen = cast(BulkReviewScreen, operator.app.screen)
        await operator.until(lambda: len(screen._reviews) == 2)
        assert screen._cards == {card}
        screen._read_to_end = set(screen.tasks)
        await operator.until(lambda: "a card takes no reason" in operator.text)
        decided: list[Any] = []
        monkeypatch.setattr(operator.app.services.commands, "start", lambda action, *_: decided.append(action))
        screen.decide("reject", "too much")
        await operator.until(lambda: len(decided) == 2)
        (other,) = screen.tasks.keys() - {card}
        assert {action.target: action.comment for action in decided} == {card: None, other: "too much"}
