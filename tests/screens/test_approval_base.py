"""Approval screens: the decision keys work once every line was visible and every masked part was revealed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events

from tests.local.conftest import KEY, Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, is_page_seen, make_invoice
from tui.screens.approval_base import DEAD_KEY_SECONDS
from tui.screens.bulk_review import BulkReviewScreen, OutcomeList
from tui.screens.review import ReviewScreen
from tui.security.redact import Redactor
from tui.widgets import inspector
from tui.widgets.document_layout import Document, Part, ValueKey
from tui.widgets.inspector import Inspector

HELD = "u takes it back"


async def decidable(operator: Operator) -> ReviewScreen:
    """Open the review, and wait until its keys decide."""
    await operator.press("a", "end")
    return await operator.ready_to_decide()


def refocus(operator: Operator) -> None:
    """Let the terminal lose and regain the focus."""
    operator.app.post_message(events.AppBlur())
    operator.app.post_message(events.AppFocus())


async def press_at_once(operator: Operator, *told: events.Event) -> None:
    """Post events to the app without a pause between them, as the driver does."""
    for event in told:
        operator.app.post_message(event)
    await operator.pilot.pause()


async def test_decision_keys_are_dead_after_the_terminal_regains_the_focus(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await decidable(operator)
        await press_at_once(operator, events.AppBlur(), events.AppFocus(), events.Key("A", "A"))
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        assert HELD not in operator.text
        await operator.until(lambda: not screen.blocked_now)


async def test_a_key_that_brings_the_focus_back_does_not_decide(serve: Serve, tmp_path: Path) -> None:
    """Some terminals tell the key before the focus, or never tell the focus."""
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await decidable(operator)
        await press_at_once(operator, events.AppBlur(), events.Key("A", "A"))
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        assert HELD not in operator.text


async def test_the_click_that_focuses_the_window_does_not_decide(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await decidable(operator)
        refocus(operator)
        await operator.click("A approve")
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        assert HELD not in operator.text


async def away_and_back(operator: Operator) -> None:
    await operator.press("question_mark")
    await operator.until(lambda: "Command line" in operator.text)
    await operator.press("escape")


async def resized(operator: Operator) -> None:
    await operator.pilot.resize_terminal(119, 40)


@pytest.mark.parametrize("disturb", [away_and_back, resized])
async def test_decision_keys_are_dead_after_the_screen_returns_or_is_resized(
    serve: Serve, tmp_path: Path, disturb: Callable[[Operator], object]
) -> None:
    # Private: the clock of the screen is stopped, so that the dead time does not pass.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await decidable(operator)
        now = screen._clock()
        screen._clock = lambda: now  # the moment lasts
        await disturb(operator)  # type: ignore[misc]
        await operator.until(lambda: operator.app.screen is screen and screen._armed_at == now + DEAD_KEY_SECONDS)
        await operator.press("A")
        assert "a moment: it has just appeared" in operator.text
        assert HELD not in operator.text


EVIL = "and 1,000,000 USD to EVIL"
MASKED = "masked parts were not shown yet in payload: M shows them for 10 s"


def ask(operator: Operator, **content: Any) -> None:
    """Let the invoice ask for other content."""
    task = invoice(operator)
    operator.here.local.platform.change(task, hitl_request={**task["hitl_request"], "content": content})


async def opened(operator: Operator, **content: Any) -> ReviewScreen:
    """Open the review of a payload."""
    # Private: only the screen knows when the new request was read.
    ask(operator, **content)
    await operator.press("a")
    await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
    screen = operator.app.screen
    assert isinstance(screen, ReviewScreen)
    await operator.until(lambda: screen._review)
    return screen


async def approve(operator: Operator) -> None:
    """Approve once the decision keys work."""
    await operator.ready_to_decide()
    await operator.press("A")
    await operator.until(lambda: HELD in operator.text)


async def refused(operator: Operator, words: str) -> None:
    """Check that the decision key does nothing and that the screen says why."""
    await operator.until(lambda: words in operator.text)
    await operator.pilot.pause(DEAD_KEY_SECONDS)
    await operator.press("A")
    await operator.until(lambda: words in operator.text)
    assert HELD not in operator.text
    assert not operator.app.services.progress.unfinished


@pytest.mark.long
async def test_seeing_only_the_end_of_a_payload_is_not_enough(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await opened(operator, **{f"line {number}": number for number in range(90)})
        payload = screen.query_one("#payload", Inspector)
        await operator.until(lambda: is_page_seen(payload))
        height = payload.scrollable_content_region.height
        await operator.press("end")
        last = payload.count() - height
        await operator.until(lambda: payload.unseen() == f"lines {height + 1}-{last} were not shown yet")
        await refused(operator, f"payload: lines {height + 1}-{last} were not shown yet: pgdn")
        await approve(operator)


async def test_a_line_that_was_visible_too_briefly_is_unseen(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await opened(operator, **{f"line {number}": number for number in range(90)})
        screen.query_one("#payload", Inspector).focus()
        await operator.press(*["pagedown"] * 6)
        await refused(operator, "were not shown yet: pgdn")


async def test_lines_behind_a_dialog_are_unseen(serve: Serve, tmp_path: Path) -> None:
    # Private: the lines that were seen before the dialog have to be forgotten.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await opened(operator, to="Sierra")
        await operator.press("question_mark")
        await operator.until(lambda: operator.app.screen is not screen)
        payload = screen.query_one("#payload", Inspector)
        payload._seen_lines.clear()
        payload.show([Part("what exactly", {"to": "EVIL"})])
        looked: list[float] = []
        draw = screen.draw

        def counted() -> None:
            draw()
            looked.append(screen._clock())

        screen.draw = counted  # type: ignore[method-assign]
        screen.set_interval(0.05, counted)
        await operator.until(lambda: len(looked) > 3 and looked[-1] - looked[0] > 3 * inspector.MIN_SIGHT_SECONDS)
        assert not payload.is_read


@pytest.mark.long
async def test_every_masked_part_has_to_be_revealed_once(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Private: the end of the dead time is not visible from outside.
    monkeypatch.setattr(inspector, "REVEAL_SECONDS", 2.0)
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await opened(operator, to="Sierra", password=EVIL, note="token=to-MALLORY-EVIL")
        await refused(operator, MASKED.replace("10 s", "2 s"))
        assert "2 masked" in operator.text
        assert "EVIL" not in operator.text.replace("•EVIL", "")
        await operator.press("M")
        await operator.until(lambda: EVIL in operator.text)
        await operator.until(lambda: not screen.blocked_now)
        armed_at = screen._armed_at
        await operator.until(lambda: EVIL not in operator.text)  # it is hidden again
        assert (screen.blocked_now, screen._armed_at) == ("", armed_at)
        await approve(operator)


@pytest.mark.long
async def test_every_line_of_revealed_text_has_to_be_seen(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await opened(operator, password="\n".join(["harmless"] * 60 + [EVIL]))
        await operator.until(lambda: MASKED in operator.text)
        await operator.press("M")
        await operator.until(lambda: "harmless" in operator.text)
        await refused(operator, "were not shown yet: pgdn")
        assert EVIL not in operator.text
        payload = screen.query_one("#payload", Inspector)
        await operator.press("M")
        await operator.read_by_pages(payload)
        await approve(operator)


async def test_names_that_are_masked_alike_are_both_shown(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await opened(operator, **{"token=aaaaaaaa9999 first": 1, "token=bbbbbbbb9999 second": {"to": "EVIL"}})
        await refused(operator, MASKED)
        await operator.press("M")
        await operator.until(lambda: "aaaaaaaa9999 first" in operator.text and "bbbbbbbb9999 second" in operator.text)
        await approve(operator)


async def test_a_payload_that_is_nested_too_deep_cannot_be_decided(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await opened(operator, value=deep(250))
        await operator.until(lambda: "too deep or named too alike" in operator.text)
        await refused(operator, "cannot be decided here")


async def test_a_payload_with_the_configured_key_says_so_and_never_shows_it(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await opened(operator, note=f"use {KEY} for it", api_key=KEY)
        await operator.until(lambda: "your own API key is in it, and stays masked" in operator.text)
        await operator.press("M")
        await operator.ready_to_decide()
        assert KEY not in operator.text
        assert "your own API key is in it" in operator.text


@pytest.mark.long
async def test_a_bulk_decision_needs_the_masked_parts_of_each_task_revealed(serve: Serve, tmp_path: Path) -> None:
    # Private: only the screen knows which requests were read.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        ask(operator, to="Sierra", password=EVIL)
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        screen = operator.app.screen
        assert isinstance(screen, BulkReviewScreen)
        await operator.until(lambda: len(screen._reviews) == 2)
        payload, tasks = screen.query_one("#payload", Inspector), screen.query_one(OutcomeList)
        for place in range(2):
            tasks.move_to(place)
            await operator.until(lambda: payload.count())
            await operator.read_by_pages(payload)
        await operator.until(lambda: len(screen._read_to_end) == 1)
        await operator.press("A")
        assert not operator.app.services.progress.unfinished
        assert screen.blocked_now.startswith("1 to read to their ends")
        for place in range(2):
            tasks.move_to(place)
            await operator.until(lambda: payload.count())
            await operator.press("M")
            await operator.read_by_pages(payload)
        await operator.until(lambda: not screen.blocked_now)


async def test_masked_parts_beside_the_payload_are_revealed_before_an_approval(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (200, 50)) as operator:
        task = invoice(operator)
        operator.here.local.platform.change(task, title="Pay password=1_000_000-USD-to-EVIL")
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and "what exactly" in operator.text)
        screen = operator.app.screen
        assert isinstance(screen, ReviewScreen)
        facts, payload = screen.query_one("#facts", Inspector), screen.query_one("#payload", Inspector)
        await operator.read_by_pages(payload)
        await operator.read_by_pages(facts)
        assert "USD-to" not in operator.text
        assert "masked parts were not shown yet in facts" in screen.blocked_now
        await operator.press("M")
        await operator.until(lambda: "password=1_000_000-USD-to-EVIL" in operator.text)
        await operator.read_by_pages(facts)
        await operator.until(lambda: not screen.blocked_now)


async def test_the_configured_key_beside_the_payload_is_reported(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (200, 50)) as operator:
        task = invoice(operator)
        operator.here.local.platform.change(task, title=f"Pay with {KEY}")
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and "what exactly" in operator.text)
        await operator.until(lambda: "your own API key is in it, and stays masked" in operator.text)


LONG_TEXT = "x" * 2_500 + " PAY MALLORY"


async def test_the_text_of_a_request_is_not_cut(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (200, 50)) as operator:
        task = invoice(operator)
        request = {**task["hitl_request"], "description": LONG_TEXT}
        operator.here.local.platform.change(task, hitl_request=request)
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and "what exactly" in operator.text)
        facts = operator.app.screen.query_one("#facts", Inspector)
        whole = "".join(facts.text_of(index).strip() for index in range(facts.count()))
        assert "PAY MALLORY" in whole


def deep(levels: int) -> Any:
    """Return a value nested this many levels deep."""
    value: Any = "PAY MALLORY"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"y" * 5_000 + "PAY MALLORY": {"a": 1}},
        {"y" * 76: "PAY MALLORY"},
        {"y" * 150: "PAY MALLORY\nat once"},
        deep(60),
        {"list": [[[[[["PAY MALLORY"] * 2] * 2]]]]},
    ],
)
@pytest.mark.parametrize("width", [40, 58, 78, 80, 118, 160])
def test_no_line_of_a_deep_document_is_wider_than_the_screen(value: Any, width: int) -> None:
    document = Document([Part("what exactly", value)], Redactor(), can_fold=False)
    texts = ["".join(piece.text for piece in row.styled_line) for row in document.rows(width)]
    assert "PAYMALLORY" in "".join(texts).replace(" ", "")
    assert max(map(len, texts)) <= width
    assert document.is_whole
    assert document.is_lossless


def test_a_document_that_is_nested_too_deep_is_not_whole() -> None:
    assert not Document([Part("what exactly", deep(250))], Redactor(), can_fold=False).is_lossless


def test_revealing_the_value_of_a_masked_name_works() -> None:
    document = Document([Part("payload", {"token=aaaaaaaa9999": "x"})], Redactor())
    document.revealed.update(row.key for row in document.rows(80))
    assert document.rows(80)
    assert ValueKey(0) in document.revealed


HALVES = KEY[:6], KEY[6:]
HIDING = {
    "markup": f"{HALVES[0]}<{EVIL}>{HALVES[1]}",
    "console markup": f"{HALVES[0]}[bold {EVIL}]{HALVES[1]}",
    "another script": f"{HALVES[0]} 并付一百万给 {HALVES[1]}",
    "what takes no room": f"{HALVES[0]}\u200b{HALVES[1]}",
    "capitals": KEY.upper(),
}


@pytest.mark.parametrize("text", HIDING.values(), ids=HIDING)
@pytest.mark.parametrize("place", ["value", "name"])
async def test_text_that_is_wrongly_masked_as_the_key_cannot_be_decided(
    serve: Serve, tmp_path: Path, text: str, place: str
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        screen = await opened(operator, **({"memo": text} if place == "value" else {text: "pay"}))
        await operator.press("M")
        await operator.until(lambda: "text that may be your own API key in another spelling" in operator.text)
        assert "is never shown" in screen.blocked


async def test_a_bulk_decision_is_refused_if_one_task_hides_text_behind_the_key(serve: Serve, tmp_path: Path) -> None:
    # Private: only the screen knows which requests were read.
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        ask(operator, memo=HIDING["markup"])
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        screen = operator.app.screen
        assert isinstance(screen, BulkReviewScreen)
        await operator.until(lambda: len(screen._reviews) == 2)
        hidden = next(
            index
            for index, task in enumerate(screen.query_one(OutcomeList).tasks)
            if task.id == invoice(operator)["id"]
        )
        screen.query_one(OutcomeList).move_to(hidden)
        await operator.until(
            lambda: "in another spelling" in screen.blocked_now and "out of the marks" in screen.blocked_now
        )
        await operator.press("M")
        await operator.read_by_pages(screen.query_one("#payload", Inspector))
        assert invoice(operator)["id"] not in screen._read_to_end


@pytest.mark.parametrize("text", [KEY, f"{KEY} and {KEY}", f"use {KEY}.", f"{KEY}{KEY}", "nothing", "••••"])
def test_the_plain_configured_key_hides_nothing_else(text: str) -> None:
    document = Document([Part("what exactly", {"memo": text, f"{text}!": [text]})], Redactor([KEY, "short"]))
    assert not document.hides_other_text
