"""Answers to questions: nothing is sent before the whole question was visible, and the named option is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from tests.local.conftest import KEY, Serve
from tests.screens.operator import Operator, open_dashboard
from tui.client.questions import Question
from tui.widgets.inspector import Inspector

LONG_QUESTION = "\n".join([*(f"clause {number}: " + "x" * 60 for number in range(30)), "and 1,000,000 USD go to EVIL"])
REGIONS = [{"id": "eu", "label": "Frankfurt"}, {"id": "us", "label": "Ohio"}]


@asynccontextmanager
async def asked(
    serve: Serve, tmp_path: Path, question: str, options: list[dict[str, str]], **more: Any
) -> AsyncIterator[Operator]:
    """Run the dashboard at 80x24, with a dialog that asks this question."""
    async with serve() as here:
        told = {"input": {"text": "Ship"}, "title": "Ship it", "events_streaming": True}
        made = here.local.platform.create("release-bot", told)
        await here.until(made["id"], "paused")
        entries = [json.loads(entry) for entry in here.local.store.entries(made["id"])]
        entry = next(entry for entry in entries if "questions" in entry)
        changed = {**entry["questions"][0], "question": question, "options": options}
        here.local.store.put_entry(made["id"], {**entry, "questions": [changed]})
        async with open_dashboard(here, tmp_path, (80, 24), **more) as operator:
            await operator.until(lambda: "question" in operator.text)
            await operator.press("c")
            await operator.until(lambda: "f2 send" in operator.text)
            yield operator


async def sent_answer(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """Return a function that returns the answers that were sent."""
    sent: list[Any] = []
    decisions = operator.here.local.decisions
    answer = decisions.answer

    def kept(task_id: str, decision_id: str, answers: list[Any]) -> Any:
        sent.extend(one["answer"] for one in answers)
        return answer(task_id, decision_id, answers)

    monkeypatch.setattr(decisions, "answer", kept)
    return lambda: sent


async def test_a_long_question_leaves_the_options_and_the_text_in_sight(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, LONG_QUESTION, REGIONS) as operator:
        await operator.press(*"Ohio")
        await operator.until(lambda: "Frankfurt" in operator.text and 'option 2, "Ohio", sent as "us"' in operator.text)
        text = operator.app.screen.query_one(TextArea)
        assert text.region.height >= 1
        assert text.region.bottom <= 22
        assert "Ohio" in operator.text.split("\n")[text.region.y]


@pytest.mark.long
async def test_nothing_is_sent_before_every_line_of_the_question_was_in_sight(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, LONG_QUESTION, REGIONS) as operator:
        dialog = operator.app.screen
        await operator.press(*"Ohio")
        await operator.until(lambda: "F2 does nothing yet: question: lines" in operator.text)
        assert "tab, pgdn" in operator.text
        await operator.press("f2")
        assert operator.app.screen is dialog
        await operator.press("tab")
        asked_pane = dialog.query_one("#asked", Inspector)
        await operator.read_by_pages(asked_pane)
        assert "1,000,000 USD go to EVIL" in operator.text
        await operator.until(lambda: "F2 sends" in operator.text)
        await operator.press("f2")
        await operator.until(lambda: operator.sent == ["answer"])


async def test_every_option_of_a_question_has_to_be_seen(serve: Serve, tmp_path: Path) -> None:
    options = [{"id": f"o{number}", "label": f"Region {number}"} for number in range(1, 20)]
    async with asked(serve, tmp_path, "Where?", options) as operator:
        dialog = operator.app.screen
        await operator.press("3")
        await operator.until(lambda: "F2 does nothing yet: options: lines" in operator.text)
        await operator.press("f2", "shift+tab")
        assert operator.app.screen is dialog
        await operator.read_by_pages(dialog.query_one("#offered", Inspector))
        await operator.until(lambda: "F2 sends" in operator.text)


async def test_masked_parts_of_a_question_are_revealed_first(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, "Is password=and-to-EVIL right?", []) as operator:
        dialog = operator.app.screen
        await operator.press(*"yes")
        await operator.until(
            lambda: "masked parts were not shown yet in" in operator.text and "tab, M shows them" in operator.text
        )
        await operator.press("f2", "tab", "M")
        assert operator.app.screen is dialog
        await operator.until(lambda: "and-to-EVIL" in operator.text and "F2 sends" in operator.text)


async def test_a_question_that_hides_text_behind_the_configured_key_is_not_answered(
    serve: Serve, tmp_path: Path
) -> None:
    async with asked(serve, tmp_path, f"Send {KEY[:6]}<and all to EVIL>{KEY[6:]}?", []) as operator:
        dialog = operator.app.screen
        await operator.press(*"yes")
        await operator.until(lambda: "may be your own API key in" in operator.text)
        await operator.press("f2")
        assert operator.app.screen is dialog


SWAPPED = [{"id": "x", "label": "2"}, {"id": "y", "label": "1"}]


async def test_a_text_that_names_two_options_is_refused(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(serve, tmp_path, "Which?", SWAPPED) as operator:
        sent = await sent_answer(operator, monkeypatch)
        dialog = operator.app.screen
        await operator.until(lambda: "F2 sends" in operator.text)
        await operator.press("1")
        await operator.until(lambda: 'not clear: "1" names 1. "2" and 2. "1"' in operator.text)
        await operator.press("f2")
        assert operator.app.screen is dialog
        await operator.press("backspace", *'"1"')
        await operator.until(lambda: 'answer: option 2, "1", sent as "y"' in operator.text)
        await operator.press("f2")
        await operator.until(lambda: operator.sent == ["answer"])
        await operator.until(lambda: sent() == ["y"])


OPTIONS = Question(
    "q", "Which?", (("a", "First"), ("Second", "Second"), ("b", "yes"), ("c", "Yes"), ("e", "d"), ("d", "f"))
)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("1", "a"),
        (" first ", "a"),
        ("2", "Second"),
        ("my own ", "my own"),
        ("yes", "b"),
        ("Yes", "c"),
        ("3", "b"),
        ("a", "a"),
        ('"d"', "e"),
        ("b", "b"),
    ],
)
def test_an_answer_is_the_named_option_or_the_text(text: str, sent: str) -> None:
    from tui.screens.answer import parse_choice

    assert parse_choice(OPTIONS, text).value == sent


@pytest.mark.parametrize("text", ["YES", "d", "7", "0", '"YES"'])
def test_an_answer_that_names_two_options_or_a_missing_number_is_not_clear(text: str) -> None:
    from tui.screens.answer import UnclearChoice, parse_choice

    with pytest.raises(UnclearChoice):
        parse_choice(OPTIONS, text)


def test_a_question_without_options_takes_every_text() -> None:
    from tui.screens.answer import parse_choice

    assert parse_choice(Question("q", "How many?", ()), " 12 ").value == "12"


async def test_a_draft_belongs_to_the_task_whose_question_it_answers(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, "Which?", REGIONS) as operator:
        await operator.press(*"mine")
        (task,) = operator.here.local.store.tasks({"agent_id": "release-bot"})
        await operator.until(lambda: "mine" in operator.app.services.commands.drafts.values())
        assert [key.split()[:2] for key in operator.app.services.commands.drafts] == [["answer", task["id"]]]
