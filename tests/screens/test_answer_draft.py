"""Drafts of answers: kept for the question that was shown, and for no other one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import Operator
from tests.screens.test_answer import asked, card_of, open_form, sent_answers, task_id_of
from tui.client.log_entries import Questions
from tui.screens.answer import AnswerScreen
from tui.screens.answer_draft import AnswerDraft
from tui.widgets.question_form import OWN_WORDS, QuestionForm

YES_OR_NO = [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}]
LOGS = {"id": "a", "question": "Delete the logs?", "options": YES_OR_NO}
DATABASE = {"id": "b", "question": "Delete the DATABASE?", "options": YES_OR_NO}


def draft_of(drafts: dict[str, str], *questions: object, **fields: Any) -> AnswerDraft:
    card = Questions.from_value({"id": "card", "title": "Clean up", "questions": list(questions), **fields})
    return AnswerDraft("t1", card, drafts)


def change_card(operator: Operator, **fields: Any) -> None:
    """Change fields of the card that is open, as the agent does."""
    store, task_id = operator.here.local.store, task_id_of(operator)
    store.put_entry(task_id, {**card_of(store, task_id), **fields})
    platform = operator.here.local.platform
    platform.change(platform.task(task_id), title="Ship it now")


def draft_on(operator: Operator) -> AnswerDraft:
    screen = operator.app.screen
    assert isinstance(screen, AnswerScreen)
    assert screen._draft is not None
    return screen._draft


def test_choices_and_texts_follow_their_questions() -> None:
    drafts: dict[str, str] = {}
    remarks = {"id": "c", "question": "Remarks?"}
    draft = draft_of(drafts, LOGS, DATABASE, remarks)
    draft.pick(0, 1)
    draft.write(2, "none")
    again = draft_of(drafts, remarks, DATABASE, LOGS, created_at="2030-01-01T00:00:00Z")
    assert (again.picked[1], again.picked[2]) == (None, 1)
    assert again.texts == ["none", "", ""]


@pytest.mark.parametrize(
    "questions",
    [
        ({**LOGS, "question": "Delete the DATABASE?"},),
        ({**LOGS, "id": "b"},),
        ({**LOGS, "options": list(reversed(YES_OR_NO))},),
        ({**LOGS, "consequence": "1,000,000 USD go to EVIL"},),
    ],
)
def test_nothing_is_kept_for_a_question_that_differs(questions: tuple[object, ...]) -> None:
    drafts: dict[str, str] = {}
    draft_of(drafts, LOGS).pick(0, 1)
    assert draft_of(drafts, *questions).picked == {0: None}


def test_nothing_is_kept_where_the_card_says_something_else() -> None:
    drafts: dict[str, str] = {}
    draft = draft_of(drafts, LOGS)
    draft.write(0, "go on")
    draft.pick(0, 1)
    changed = draft_of(drafts, LOGS, title="Clean up PRODUCTION")
    assert (changed.picked, changed.texts) == ({0: None}, [""])
    assert draft_of(drafts, LOGS).picked == {0: 1}


def test_questions_of_any_form_have_a_draft() -> None:
    drafts: dict[str, str] = {}
    draft = draft_of(drafts, "Why?", 3, ["x"], {"options": "?"})
    draft.write(0, "because")
    assert draft_of(drafts, "Why?").texts == ["because"]


async def test_a_choice_is_not_kept_for_the_next_question_of_the_same_card(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(serve, tmp_path, LOGS, hold=0.2) as operator:
        sent = await sent_answers(operator, monkeypatch)
        await operator.press("1", "escape")
        change_card(operator, questions=[DATABASE])
        screen = await open_form(operator)
        await operator.until(lambda: "DATABASE" in operator.text and not screen.dead_keys_reason)
        await operator.press("f2")
        await operator.until(lambda: "not answered yet" in operator.text)
        assert "(x)" not in operator.text
        assert sent() == []


async def test_a_text_goes_on_in_its_own_question_when_the_card_changes(serve: Serve, tmp_path: Path) -> None:
    remarks = {"id": "c", "question": "Remarks?"}
    async with asked(serve, tmp_path, LOGS, remarks) as operator:
        await operator.press("2", "n", "tab", *"abc", "left")
        change_card(operator, questions=[remarks, DATABASE])
        await operator.until(lambda: "what has changed" in operator.text or "DATABASE" in operator.text)
        await operator.press(*"def")
        await operator.until(lambda: draft_on(operator).texts == ["abdefc", ""])
        assert draft_on(operator).picked == {0: OWN_WORDS, 1: None}


@pytest.mark.parametrize(("others", "keys"), [([LOGS], ("n", "tab")), ([], ())])
async def test_a_text_does_not_go_on_in_another_question(
    serve: Serve, tmp_path: Path, others: list[dict[str, Any]], keys: tuple[str, ...]
) -> None:
    remarks = {"id": "c", "question": "Remarks?"}
    async with asked(serve, tmp_path, *others, remarks) as operator:
        await operator.press(*keys, *"abc")
        await operator.until(lambda: draft_on(operator).texts[-1] == "abc")
        before = dict(draft_on(operator).picked)
        change_card(operator, questions=[*others, {**remarks, "question": "Any remarks?"}])
        await operator.until(lambda: "what has changed" in operator.text)
        await operator.press(*"d2f")
        await operator.pilot.pause()
        assert not any(draft_on(operator).texts)
        assert draft_on(operator).picked == before
        assert operator.app.screen.focused is operator.app.screen.query_one(QuestionForm)


async def test_all_that_a_card_says_is_shown_before_its_answer_can_be_sent(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, LOGS) as operator:
        await operator.press("escape")
        more = {"consequence": "1,000,000 USD go to EVIL", "amount": 0, "note": "", "session": {"password": "hunter2"}}
        change_card(operator, **more)
        await open_form(operator)
        await operator.until(lambda: "EVIL" in operator.text and "amount" in operator.text)
        assert "hunter2" not in operator.text
        assert "note" not in operator.text
        assert "created_at" not in operator.text
        await operator.press("1")
        await operator.until(lambda: "masked parts were not shown yet" in operator.text)


async def test_letters_after_a_change_restore_no_choice_of_the_questions_before(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, LOGS, {"id": "c", "question": "Where?", "options": YES_OR_NO}) as operator:
        screen = operator.app.screen
        assert isinstance(screen, AnswerScreen)
        screen.text_run.note_key(time.monotonic() + 1000.0)
        screen.text_run.note_pick(0, 1)
        screen.text_run.note_pick(1, 2)
        change_card(operator, questions=[DATABASE])
        await operator.until(lambda: "what has changed" in operator.text)
        await operator.press("x")
        await operator.until(lambda: "letters go in the field below" in operator.text)
        assert draft_on(operator).picked == {0: None}
