"""Answers to questions: decisions that are chosen, held, taken back, read again and sent as they were shown."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from textual import events
from textual.widgets import TextArea

from tests.local.conftest import KEY, Serve
from tests.screens.operator import Operator, open_dashboard
from tui.screens.answer import AnswerScreen
from tui.screens.key_rhythm import KeyRhythm, TextRun
from tui.screens.task_list import TaskListScreen
from tui.widgets.question_form import QuestionForm

LONG_QUESTION = "\n".join([*(f"clause {number}: " + "x" * 60 for number in range(30)), "and 1,000,000 USD go to EVIL"])
REGIONS = [{"id": "eu", "label": "Frankfurt"}, {"id": "us", "label": "Ohio"}]
WHERE = {"id": "q1", "question": "Where?", "options": REGIONS, "allow_free_text": True}


@asynccontextmanager
async def asked(serve: Serve, tmp_path: Path, *questions: dict[str, Any], **more: Any) -> AsyncIterator[Operator]:
    """Run the dashboard at 80x24, with the form of these questions."""
    more.setdefault("hold", 300.0)
    async with serve() as here:
        told = {"input": {"text": "Ship"}, "title": "Ship it", "events_streaming": True}
        made = here.local.platform.create("release-bot", told)
        await here.until(made["id"], "paused")
        entry = card_of(here.local.store, made["id"])
        here.local.store.put_entry(made["id"], {**entry, "questions": list(questions)})
        async with open_dashboard(here, tmp_path, (80, 24), **more) as operator:
            await operator.until(lambda: "question" in operator.text)
            await open_form(operator)
            yield operator


def card_of(store: Any, task_id: str) -> dict[str, Any]:
    entries = [json.loads(entry) for entry in store.entries(task_id)]
    return next(entry for entry in entries if "questions" in entry)


def task_id_of(operator: Operator) -> str:
    (task,) = operator.here.local.store.tasks({"agent_id": "release-bot"})
    return str(task["id"])


async def open_form(operator: Operator) -> AnswerScreen:
    await operator.press("c")
    await operator.until(lambda: isinstance(operator.app.screen, AnswerScreen) and "f2 send" in operator.text)
    screen = operator.app.screen
    assert isinstance(screen, AnswerScreen)
    return screen


async def ready(operator: Operator) -> None:
    """Wait until the form can be sent, and no key was pressed for a while."""
    await operator.until_armed()
    await operator.pilot.pause(0.35)


async def sent_answers(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """Return a function that returns the answers that were sent."""
    sent: list[Any] = []
    decisions = operator.here.local.decisions
    answer = decisions.answer

    def kept(task_id: str, decision_id: str, answers: list[Any]) -> Any:
        sent.extend(one["answer"] for one in answers)
        return answer(task_id, decision_id, answers)

    monkeypatch.setattr(decisions, "answer", kept)
    return lambda: sent


# Answers are decisions


async def test_an_answer_is_held_with_its_label_and_sent_as_shown(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(serve, tmp_path, WHERE, hold=1.0) as operator:
        sent = await sent_answers(operator, monkeypatch)
        await operator.press("2")
        await operator.until(lambda: "(x) 2      Ohio" in operator.text and 'answer: "Ohio"' in operator.text)
        await operator.press("enter", "space")
        await ready(operator)
        assert operator.sent == []
        await operator.press("f2")
        await operator.until(lambda: 'answer "Ohio" in ' in operator.text and "u takes it back" in operator.text)
        await operator.until(lambda: 'answered "Ohio"' in operator.text)
        assert sent() == ["us"]
        assert [line.get("summary") for line in operator.journal.lines()] == ['answer "Ohio"'] * 3


async def test_a_held_answer_is_taken_back_from_any_screen(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        await operator.press("1")
        await ready(operator)
        await operator.press("f2")
        await operator.until(lambda: "takes it back" in operator.text)
        await operator.pilot.pause(0.35)
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.until(lambda: '‖ answer "Frankfurt" Ship it' in operator.text)
        await operator.press("u")
        await operator.until(lambda: "taken back, nothing was sent" in operator.toasts())
        assert operator.sent == []
        await open_form(operator)
        await operator.until(lambda: "(x) 1" in operator.text)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("4",), "there is no choice 4: "), (("0",), "there is no choice 0: "), (("tab", "4"), "there is no choice 4: "),
        (("tab", *"4."), '"4." is not the plain number of a choice: '),
    ],
)  # fmt: skip
async def test_a_number_that_is_no_choice_is_refused_with_the_range(
    serve: Serve, tmp_path: Path, keys: tuple[str, ...], words: str
) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        await operator.press(*keys)
        await operator.until(lambda: f"{words}choose 1 to 2" in operator.text)
        await operator.pilot.pause(1.1)
        await operator.press("f2")
        await operator.until(lambda: "choose 1 to 2" in operator.text or "not answered yet" in operator.text)
        assert list(operator.journal.lines()) == []


async def test_choices_are_picked_with_arrows_and_clicks_and_a_text_replaces_them(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(serve, tmp_path, WHERE, hold=0.2) as operator:
        sent = await sent_answers(operator, monkeypatch)
        await operator.press("down", "space")
        await operator.until(lambda: "(x) 2" in operator.text)
        await operator.click("Frankfurt")
        await operator.until(lambda: "(x) 1" in operator.text and "( ) 2" in operator.text)
        await operator.press("tab", *"mars")
        await operator.until(lambda: "(x) text" in operator.text and "( ) 1" in operator.text)
        assert 'answer: "mars" in your own words' in operator.text
        await ready(operator)
        await operator.press("f2")
        await operator.until(lambda: 'answered "mars"' in operator.text)
        assert sent() == ["mars"]


async def test_several_questions_are_one_form_with_one_answer_each(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {"id": "q2", "question": "How fast?", "options": ["slow", "fast"], "allow_free_text": False}
    number = {"id": "q3", "question": "How many?", "allow_free_text": True}
    async with asked(serve, tmp_path, WHERE, only, number, hold=0.2) as operator:
        sent: list[Any] = []
        monkeypatch.setattr(operator.here.local.decisions, "answer", lambda *answer: sent.append(answer[2]))
        await operator.press("1")
        await operator.until(lambda: "2: not answered yet" in operator.text)
        await operator.press("n", "2")
        await operator.until(lambda: '2: "fast"' in operator.text)
        assert not operator.app.screen.query_one(TextArea).display
        await operator.press("n", "tab", *"12")
        await operator.until(lambda: '3: "12"' in operator.text)
        await ready(operator)
        await operator.press("f2")
        await operator.until(lambda: sent)
        assert [(one["question_id"], one["answer"]) for one in sent[0]] == [("q1", "eu"), ("q2", "fast"), ("q3", "12")]


async def test_a_question_that_changed_while_the_answer_was_held_is_not_answered(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE, hold=1.0) as operator:
        await operator.press("2")
        await ready(operator)
        await operator.press("f2")
        await operator.until(lambda: "takes it back" in operator.text)
        store, task_id = operator.here.local.store, task_id_of(operator)
        swapped = {**WHERE, "options": [REGIONS[1], REGIONS[0]]}
        store.put_entry(task_id, {**card_of(store, task_id), "questions": [swapped]})
        await operator.until(lambda: "what has changed since you opened it" in operator.text)
        assert operator.sent == []
        await operator.until(lambda: "changed while you read, nothing was sent" in operator.text)


async def test_a_draft_of_choice_and_text_survives_leaving_and_a_restart(serve: Serve, tmp_path: Path) -> None:
    number = {"id": "q3", "question": "How many?"}
    async with asked(serve, tmp_path, WHERE, number) as operator:
        await operator.press("2", "n", "tab", *"a dozen")
        await operator.press("escape")
        await open_form(operator)
        await operator.until(lambda: "(x) 2" in operator.text and '"a dozen"' in operator.text)
        assert {key.split()[1] for key in operator.app.services.commands.drafts} == {task_id_of(operator)}
        async with open_dashboard(operator.here, tmp_path, (80, 24)) as again:
            await again.until(lambda: "question" in again.text)
            await open_form(again)
            await again.until(lambda: "(x) 2" in again.text and '"a dozen"' in again.text)


# A text that is typed on the form, and not in its field


async def type_text(operator: Operator, text: str, gap: float, start: float) -> None:
    """Type a text on the form from a time on, with a number of seconds between two keys."""
    for index, character in enumerate(text):
        key = events.Key("space" if character == " " else character, character)
        key.time = start + index * gap
        operator.app.post_message(key)
    await operator.pilot.pause()
    await operator.pilot.pause()


async def picked_after(operator: Operator, text: str, gap: float, before: int | None = None) -> int | None:
    """Return the choice that is picked after a text was typed on a new form, long after all other keys."""
    screen = operator.app.screen
    assert isinstance(screen, AnswerScreen)
    assert screen._draft
    start = time.monotonic() + 1000.0
    screen.rhythm, screen.text_run = KeyRhythm(), TextRun()
    screen._draft.picked[0] = before
    screen.form.move_to_choice(0, 1)
    await type_text(operator, text, gap, start)
    return screen._draft.picked[0]


TYPED = [("none of them", 0.05), ("none of them", 0.7), ("none of them", 1.5), ("2 days", 0.05),
         ("2 days", 0.9), ("eu", 0.05), ("eu 2", 0.7), ("ok 1 2 ", 0.9)]  # fmt: skip
"""Texts, and the seconds between two of their keys."""


async def test_a_text_typed_on_the_form_picks_nothing(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        for text, gap in TYPED:
            assert await picked_after(operator, text, gap) is None, (text, gap)
            assert await picked_after(operator, text, gap, 2) == 2, (text, gap)
        await operator.until(lambda: "letters go in the field below: tab" in operator.text)


CHARACTERS = "abcdefghijklmnoprstvwxyz0123456789  "
"""The characters of texts: without those that leave the form, or take back."""
TEXTS = st.builds(
    "{}{}{}".format, st.text(CHARACTERS, max_size=8), st.sampled_from("oeabdx"), st.text(CHARACTERS, max_size=8)
)


@pytest.mark.long
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.lists(st.tuples(TEXTS, st.floats(0.0, 0.99)), min_size=10, max_size=25))
async def test_no_random_text_with_a_meaningless_letter_picks_anything(
    serve: Serve, tmp_path: Path, typed: list[tuple[str, float]]
) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        for text, gap in typed:
            assert await picked_after(operator, text, gap) is None, (text, gap)


async def test_the_field_takes_the_text_right_after_tab(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        await operator.press("x", "tab", *"12 of x")
        await operator.until(lambda: 'answer: "12 of x" in your own words' in operator.text)


async def test_space_picks_only_where_an_arrow_has_placed_the_cursor(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        await operator.press("space", "enter", "j", "space")
        await operator.until(lambda: "nothing picked: first move to a choice with an arrow" in operator.text)
        assert "(x)" not in operator.text
        await operator.press("up", "enter")
        await operator.until(lambda: "(x) 1" in operator.text)


async def test_digits_right_after_the_key_that_sends_take_the_answer_back(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        await operator.press("1")
        await ready(operator)
        start = time.monotonic()
        key = events.Key("f2", None)
        key.time = start
        operator.app.post_message(key)
        await operator.until(lambda: 'answer "Frankfurt" in ' in operator.text)
        await type_text(operator, "212", 0.05, start + 0.1)
        await operator.until(lambda: "taken back: other keys came with it" in operator.text)
        await operator.until(lambda: [line["kind"] for line in operator.journal.lines()] == ["held", "done"])
        assert "(x) 1" in operator.text


# Nothing is sent before all was in sight


@pytest.mark.long
async def test_nothing_is_sent_before_every_line_of_the_question_was_in_sight(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, {**WHERE, "question": LONG_QUESTION}, hold=0.2) as operator:
        await operator.press("2")
        await operator.until(lambda: "questions: lines" in operator.text and "pgdn" in operator.text)
        await operator.press("f2")
        form = operator.app.screen.query_one(QuestionForm)
        await operator.read_by_pages(form)
        assert operator.sent == []
        await ready(operator)
        await operator.press("f2")
        await operator.until(lambda: operator.sent == ["answer"])


async def test_masked_parts_of_a_question_are_revealed_first(serve: Serve, tmp_path: Path) -> None:
    question = {"id": "q", "question": "Is it right?", "options": ["password=and-to-EVIL", "no"]}
    async with asked(serve, tmp_path, question) as operator:
        await operator.press("2")
        await operator.until(lambda: "masked parts were not shown yet" in operator.text)
        await operator.press("M")
        await operator.until(lambda: "and-to-EVIL" in operator.text)
        await operator.until_armed()
        assert list(operator.journal.lines()) == []


async def test_a_question_that_hides_text_behind_the_configured_key_is_not_answered(
    serve: Serve, tmp_path: Path
) -> None:
    hidden = {"id": "q", "question": f"Send {KEY[:6]}<and all to EVIL>{KEY[6:]}?"}
    async with asked(serve, tmp_path, hidden) as operator:
        await operator.press(*"yes")
        await operator.until(lambda: "may be your own API key in" in operator.text)
        await operator.press("f2")
        assert list(operator.journal.lines()) == []


async def test_the_key_that_sends_is_dead_right_after_the_form_has_appeared(serve: Serve, tmp_path: Path) -> None:
    now = [100.0]
    async with asked(serve, tmp_path, WHERE) as operator:
        screen = operator.app.screen
        assert isinstance(screen, AnswerScreen)
        await operator.press("1")
        await ready(operator)
        screen._clock = lambda: now[0]
        screen.arm()
        await operator.press("f2")
        await operator.until(lambda: "a moment: it has just appeared" in operator.text)
        now[0] += 0.8
        await operator.press("down", "f2")
        await operator.until(lambda: "other keys came with it" in operator.text)
        assert list(operator.journal.lines()) == []


# Where nothing can be answered


async def test_a_platform_without_the_surface_for_answers_is_named_before_anything_is_typed(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.client.endpoints.Surfaces.supports", lambda self, operation: False)
    async with asked(serve, tmp_path, WHERE) as operator:
        await operator.until(lambda: "answers go over the public REST API" in operator.text)
        await operator.press("1", "f2")
        assert not operator.app.screen.query_one(TextArea).display
        assert list(operator.journal.lines()) == []


async def test_an_answer_of_somebody_else_is_told(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        task_id = task_id_of(operator)
        card = card_of(operator.here.local.store, task_id)
        operator.here.local.decisions.answer(task_id, card["id"], [{"question_id": "q1", "answer": "eu"}])
        await operator.until(lambda: "nothing to answer" in operator.text)
        await operator.press("1", "f2")
        assert list(operator.journal.lines()) == []
