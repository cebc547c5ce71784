"""Notices on approval screens: they are one line above the footer and cover nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice
from tui.client.client import Client
from tui.screens.bulk_review import BulkReviewScreen
from tui.screens.review import ReviewScreen
from tui.widgets.inspector import Inspector

PLACES: dict[str, Sequence[str]] = {
    "review": ("a",),
    "several": ("home", "space", "space", "a"),
    "stop dialog": ("X",),
    "composer": ("c",),
    "copy menu": ("y",),
    "help": ("question_mark",),
}


async def open_place(operator: Operator, name: str) -> None:
    """Open a place, and wait until it is in front."""
    before = operator.app.screen
    await operator.press(*PLACES[name])
    await operator.until(lambda: operator.app.screen is not before)
    screen = operator.app.screen
    if isinstance(screen, ReviewScreen | BulkReviewScreen):
        await operator.until(lambda: re.search("^▌ *what", operator.text, re.MULTILINE))
    else:
        await operator.until(lambda: screen.query_one("#dialog").region.height)


def text_of_front(operator: Operator) -> str:
    """Return the text of the dialog in front, or of the whole screen."""
    dialogs = operator.app.screen.query("#dialog")
    if not dialogs:
        return operator.text
    region = dialogs.first().region
    lines = operator.text.split("\n")[region.y : region.bottom]
    return "\n".join(line[region.x : region.right] for line in lines)


def lines_with(operator: Operator, words: str) -> list[int]:
    return [row for row, line in enumerate(operator.text.split("\n")) if words in line]


@pytest.mark.parametrize("name", PLACES)
async def test_notices_are_one_line_below_the_payload(serve: Serve, tmp_path: Path, name: str) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24), notifications=True) as operator:
        platform = operator.here.local.platform
        platform.create("invoice-bot", {"input": {"text": "Pay it"}, "title": "Pay invoice 8"})
        await operator.until(lambda: len(operator.app.services.notifier.waiting) == 2)
        for number in range(6):
            operator.app.notify(f"EARLIER {number} " + "E" * 200, title="EARLIER title", timeout=60)
        await operator.until(lambda: "EARLIER 0" in operator.text)
        await open_place(operator, name)
        assert "EARLIER" not in text_of_front(operator)
        for number in range(6):
            operator.app.notify(f"LATER {number} " + "L" * 200, title="From elsewhere", timeout=60)
        await operator.until(lambda: "From elsewhere: LATER 5" in operator.text)
        (row,) = lines_with(operator, "LATER")
        assert row >= 21
        assert "EARLIER" not in text_of_front(operator)


async def test_notices_cover_no_line_of_the_payload(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (80, 24), hold=60.0, notifications=True) as operator:
        task = invoice(operator)
        request = {**task["hitl_request"], "content": {f"line {number}": "x" * 60 for number in range(5)}}
        operator.here.local.platform.change(task, hitl_request=request)
        await operator.press("a")
        await operator.until(lambda: "what exactly" in operator.text)
        for number in range(6):
            operator.app.notify(f"notice {number} " + "N" * 400, timeout=60)
        await operator.until(lambda: "notice 5" in operator.text)
        await operator.ready_to_decide()
        payload = operator.app.screen.query_one("#payload", Inspector)
        top, height = payload.scroll_offset.y, payload.scrollable_content_region.height
        drawn = operator.text
        for index in range(top, min(top + height, payload.count())):
            assert payload.text_of(index).strip() in drawn


async def test_a_notice_disappears_after_its_time_and_is_short(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (200, 50), notifications=True) as operator:
        await open_place(operator, "review")
        operator.app.notify("first\nof two lines \x1b[2J" + "x" * 400, timeout=60)
        await operator.until(lambda: "first of two lines ␛[2Jxxx" in operator.text)
        assert operator.text.count("x" * 20) <= 6
        assert "chars]" in operator.text
        operator.app.notify("second", timeout=0.5)
        await operator.until(lambda: "second" in operator.text)
        assert "first of two lines" not in operator.text
        await operator.until(lambda: "second" not in operator.text)


async def test_a_notice_stays_when_the_review_is_left(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, notifications=True) as operator:
        await open_place(operator, "review")
        operator.app.notify("it happened meanwhile", timeout=60)
        await operator.press("escape")
        await operator.until(lambda: lines_with(operator, "it happened meanwhile"))


def is_shown(operator: Operator, words: str) -> bool:
    return words in operator.text


def cells_outside(operator: Operator, row: int) -> list[object]:
    """Return all cells of the screen with their styles, but those of one row."""
    strips = operator.app.screen._compositor.render_strips()
    return [list(strip) for number, strip in enumerate(strips) if number != row]


@pytest.mark.parametrize("name", ["review", "several"])
async def test_nothing_covers_what_is_decided_when_notices_arrive(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Point 4: at 80 by 24, notices change one line above the footer and no other cell."""
    async with dashboard_with_invoice(serve, tmp_path, (80, 24), notifications=True) as operator:
        platform = operator.here.local.platform
        platform.create("invoice-bot", {"input": {"text": "Pay it"}, "title": "Pay invoice 8"})
        await operator.until(lambda: len(operator.app.services.notifier.waiting) == 2)
        await open_place(operator, name)
        screen = operator.app.screen
        assert isinstance(screen, ReviewScreen | BulkReviewScreen)
        await operator.until(lambda: "a moment" not in operator.text and "reading" not in operator.text)
        row = screen.query_one("#held").region.y
        assert row == 22
        monkeypatch.setattr(Client, "now", operator.app.client.now)  # the times on the screen stand still
        await operator.pilot.pause(0.2)
        before = cells_outside(operator, row)
        for number in range(3):
            operator.app.notify(f"LATER {number} " + "L" * 200, title="From elsewhere", timeout=60)
            await operator.until(partial(is_shown, operator, f"From elsewhere: LATER {number}"))
            assert cells_outside(operator, row) == before
        assert "+2 more: F6" in operator.text.split("\n")[row]


async def test_notices_of_a_review_are_counted_and_can_be_read_later(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, notifications=True) as operator:
        await open_place(operator, "review")
        operator.app.notify("in sight", timeout=1.2)
        await operator.until(lambda: "in sight" in operator.text)
        await operator.until(lambda: "in sight" not in operator.text)
        operator.app.notify("it came and went", timeout=0.1)
        operator.app.notify("it stays", timeout=60)
        await operator.until(lambda: "it stays" in operator.text and "+1 more" not in operator.text)
        await operator.press("escape")
        await operator.until(lambda: lines_with(operator, "1 notice came while you reviewed: F6 shows what"))
        await operator.until(lambda: lines_with(operator, "it stays"))
        await operator.press("f6")
        await operator.until(lambda: "Notices, the latest first" in operator.text)
        later, sooner = lines_with(operator, "it stays")[-1], lines_with(operator, "it came and went")[-1]
        assert later < sooner
        assert not any("came while you reviewed" in notice.text for notice in operator.app.services.notices.latest)
        await operator.press("f6")
        await operator.until(lambda: "Notices, the latest first" not in operator.text)


async def test_a_click_on_a_notice_lists_all_of_them(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, notifications=True) as operator:
        await open_place(operator, "review")
        operator.app.notify("clicked upon", timeout=60)
        await operator.until(lambda: "clicked upon" in operator.text)
        await operator.click("clicked upon")
        await operator.until(lambda: "Notices, the latest first" in operator.text)


async def test_the_help_of_a_review_begins_with_the_keys_of_the_decision(serve: Serve, tmp_path: Path) -> None:
    """C21: the keys of the screen come first, then those of the focused pane, then those everywhere."""
    async with dashboard_with_invoice(serve, tmp_path, (120, 60)) as operator:
        await open_place(operator, "review")
        await open_place(operator, "help")
        headings = [lines_with(operator, f"   {name} ")[0] for name in ("the decision", "inspector", "everywhere")]
        assert headings == sorted(headings)
