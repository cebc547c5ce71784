"""Decisions as the platform recorded them: who, when and why; what it does not tell is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.activity_builders import NOW, activity, at, entry, message_entry
from tui.client.json_values import EPOCH
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.domain.activity_rows import ActivityRows, ActivitySource
from tui.domain.recorded_decision import clock, recorded_decision, settled_words
from tui.domain.status_rows import StatusRow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def decided(status: str = "executing", **request: Any) -> Task:
    return Task.from_value({"id": "t", "status": status, "hitl_request": {"wait_node_id": "w", **request}})


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"approved_by": "Ada"}, "approved by Ada"),
        ({"rejected_by": "Ada", "comment": "no"}, 'rejected by Ada: "no"'),
        ({"rejected_by": {"name": "Ada"}, "note": "no", "title": "Pay"}, 'rejected by Ada: "no" · Pay'),
        ({"approved_by": "Ada", "rejected_by": "Bob"}, "approved by Ada, rejected by Bob"),
        ({"approved_by": True}, "approved by somebody"),
    ],
)
def test_a_decision_is_told_in_the_words_of_the_record(request_: dict[str, Any], words: str) -> None:
    node = recorded_decision(decided(**request_))
    assert node is not None
    assert node.entry.label == words
    assert node.at == EPOCH


@pytest.mark.parametrize("request_", [{}, {"comment": "no"}, {"approved_by": None, "rejected_by": ""}])
def test_without_a_decider_there_is_no_decision(request_: dict[str, Any]) -> None:
    assert recorded_decision(decided(**request_)) is None


@pytest.mark.parametrize("field", ["rejected_at", "decided_at"])
def test_the_time_is_that_of_the_record(field: str) -> None:
    node = recorded_decision(decided(rejected_by="Ada", **{field: at(5).isoformat()}))
    assert node is not None
    assert node.at == at(5)


@given(JSON, JSON, JSON, JSON)
def test_any_json_makes_a_decision_or_none(approved: Any, rejected: Any, moment: Any, comment: Any) -> None:
    fields = {"approved_by": approved, "rejected_by": rejected, "approved_at": moment, "comment": comment}
    node = recorded_decision(decided(**fields))
    assert node is None or node.entry.label


def card(**told: Any) -> Any:
    return parse_entry({"id": "c", "request_id": "c", "type": "confirmation", "title": "Delete it?", **told})


def questions(**told: Any) -> Any:
    options = [{"id": "o1", "label": "eu-west"}, {"id": "o2", "label": "us-east"}]
    return parse_entry({"id": "q", "questions": [{"id": "q1", "question": "Where?", "options": options}], **told})


@pytest.mark.parametrize(
    ("settled", "words"),
    [
        (card(), ""),
        (card(approved=True, decided_by="Ada"), "approved by Ada"),
        (card(approved=False, decided_at=NOW.isoformat()), f"dismissed at {clock(NOW)}"),
        (card(approved="odd"), ""),
        (questions(), ""),
        (questions(answers=[{"question_id": "q1", "answer": "o1"}]), 'answered "eu-west"'),
        (questions(answers=[{"question_id": "q1", "selected_option_ids": ["o2", "o1"]}], answered_by="Ada"),
         'answered "us-east", "eu-west" by Ada'),
        (questions(answers=[{"question_id": "q1", "free_text": "on Mars"}]), 'answered "on Mars"'),
        (questions(answers="on Mars"), 'answered "on Mars"'),
        (questions(answers={"odd": [1]}), "answered"),
        (message_entry("hello", 1), ""),
    ],
)  # fmt: skip
def test_a_settled_card_or_question_says_how(settled: Any, words: str) -> None:
    assert settled_words(settled) == words


@given(JSON)
def test_any_answers_have_words(answers: Any) -> None:
    assert isinstance(settled_words(questions(answers=answers)), str)


def rows_of(task: Task, *, times: tuple[float, ...] = (0, 10)) -> list[str]:
    """Return the rows of the tree of a task with messages at these times, as text."""
    made = activity([message_entry(f"at {seconds}", seconds) for seconds in times])
    rows = ActivityRows(lambda: NOW)
    rows.source = ActivitySource("t", {"t": made}, {"t": ()}, {}, task)
    for _ in rows.arrange():
        pass
    listed = map(rows.row, range(len(rows)))
    return [row.text if isinstance(row, StatusRow) else row.node.entry.label for row in listed if not row_is_end(row)]  # type: ignore[union-attr]


def row_is_end(row: object) -> bool:
    return isinstance(row, StatusRow) and row.name == "end"


def test_a_decision_is_a_row_of_the_tree_at_its_time() -> None:
    """Point 10: who opens the task later sees the decision where it was made."""
    task = decided(approved_by="Ada", approved_at=at(5).isoformat())
    assert rows_of(task) == ["at 0", "approved by Ada", "at 10"]
    assert rows_of(decided(approved_by="Ada", approved_at=at(50).isoformat()))[-1] == "approved by Ada"


def test_a_decision_without_a_time_is_below_the_entries() -> None:
    assert rows_of(decided("completed", rejected_by="Ada", comment="no")) == ["at 0", "at 10", 'rejected by Ada: "no"']


def test_rows_after_a_decision_are_appended_and_a_new_decision_rearranges() -> None:
    made = activity([message_entry("m1", 0), entry("x", 10, action="other")])
    rows = ActivityRows(lambda: NOW)
    rows.source = ActivitySource(
        "t", {"t": made}, {"t": ()}, {}, decided(approved_by="Ada", approved_at=at(5).isoformat())
    )
    for _ in rows.arrange():
        pass
    assert len(rows) == 3
    made.add_log(Log((message_entry("m2", 20),)), at(100))
    assert rows.only_grows()
    rows.append()
    assert [rows.key(index) for index in range(len(rows))] == ["t/m1", "t/decision of the record", "t/x", "t/m2"]
    made.add_log(Log((message_entry("m3", 2),)), at(101))
    assert not rows.only_grows()
    rows.source = ActivitySource(
        "t", {"t": made}, {"t": ()}, {}, decided(rejected_by="Bob", rejected_at=at(5).isoformat())
    )
    assert not rows.only_grows()


def test_a_decision_without_a_time_stays_below_rows_that_are_appended() -> None:
    made = activity([message_entry("m1", 0)])
    rows = ActivityRows(lambda: NOW)
    rows.source = ActivitySource("t", {"t": made}, {"t": ()}, {}, decided(approved_by="Ada"))
    for _ in rows.arrange():
        pass
    made.add_log(Log((message_entry("m2", 20),)), at(100))
    assert rows.only_grows()
    rows.append()
    assert [rows.key(index) for index in range(len(rows))] == ["t/m1", "t/m2", "\ndecision"]
