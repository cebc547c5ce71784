"""Reports and metrics: the outcome that the records show, whatever the platform answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.action_operator import LOST, Json, StartOperator, creates, row
from tui.domain.task_report import report_body
from tui.services.actions import Outcome, Verb

REPORT = report_body({"input": "hello", "result": "done", "tokens": {"prompt_tokens": 3, "completion_tokens": 4}})
DONE = {"status": "completed", "result": "done"}
TOKENS = {"tokens": {"prompt_tokens": 3, "completion_tokens": 4}}
METRICS = {"agent": "a", "execution_id": "t", "llm_tokens": {"worker": REPORT["tokens"]}}


@pytest.mark.parametrize(
    ("more", "mismatch"),
    [
        ({}, ""),
        (TOKENS, ""),
        ({"status": "failed"}, "is failed"),
        ({"status": "executing"}, "is executing"),
        ({"status": "paused"}, "is paused"),
        ({"result": "else"}, "has another result"),
        ({"input": {"text": "else"}}, "has another input"),
        ({"tokens": {"prompt_tokens": 3}}, "has other counts of tokens"),
        ({"agent_id": "b"}, "belongs to agent b"),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_a_report_is_done_when_a_new_record_shows_all_of_it(
    start_operator: StartOperator, more: Json, mismatch: str, is_named: bool
) -> None:
    operator = start_operator()
    reported = row(operator, "x", 0, **(DONE | more))
    answer: tuple[Any, ...] = (200, {**reported, "agent_id": "a"}) if is_named else ()
    operator.platform.act = creates(operator, [reported], *answer)
    done = operator.does(Verb.REPORT, target="a", body=REPORT)
    if not mismatch:
        assert (done.outcome, done.words) == (
            Outcome.CONFIRMED, "the report is on record" if is_named else f"the report is on record{LOST}",
        )  # fmt: skip
        return
    assert done.outcome is Outcome.UNKNOWN
    if is_named:
        assert done.words.startswith(f"sent, and answered with task x, which {mismatch}. Look before")


def test_a_task_that_was_there_before_is_no_report(start_operator: StartOperator) -> None:
    operator = start_operator()
    operator.platform.others = [row(operator, "old", -1, **DONE)]
    operator.platform.act = lambda: (200, operator.platform.others[0])
    assert operator.does(Verb.REPORT, target="a", body=REPORT).outcome is Outcome.UNKNOWN
    named = report_body({**REPORT, "id": "old"})
    assert operator.does(Verb.REPORT, target="a", body=named).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("before", "after", "answer", "outcome"),
    [
        ({}, TOKENS, (200, {"ok": True}), Outcome.CONFIRMED),
        ({}, TOKENS, (0, "lost"), Outcome.CONFIRMED),
        (TOKENS, TOKENS, (200, {"ok": True}), Outcome.CONFIRMED),
        (TOKENS, TOKENS, (0, "lost"), Outcome.UNKNOWN),
        (TOKENS, TOKENS, (200, {"success": False}), Outcome.UNKNOWN),
        (TOKENS, TOKENS, (422, {"detail": "no"}), Outcome.REFUSED),
        ({}, TOKENS, (422, {"detail": "no"}), Outcome.UNKNOWN),
        ({}, {}, (200, {"ok": True}), Outcome.UNKNOWN),
    ],
)
def test_metrics_are_done_when_the_record_shows_the_tokens(
    start_operator: StartOperator, before: Json, after: Json, answer: tuple[int, Any], outcome: Outcome
) -> None:
    operator = start_operator(**DONE, **before)
    operator.platform.act = operator.platform.becomes(*answer, **after)
    done = operator.does(Verb.METRICS, body=METRICS)
    assert done.outcome is outcome, done.words
    assert len(operator.platform.sent) == 1
