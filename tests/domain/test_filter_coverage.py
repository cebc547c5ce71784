"""FilterCoverage: for how many tasks the fields are known that lists do not tell."""

from __future__ import annotations

from typing import Any

from tui.client.task_rows import TaskRow
from tui.domain.filter_coverage import FilterCoverage
from tui.domain.filters import FilterContext, parse_filter


def row(name: str, **more: Any) -> TaskRow:
    return TaskRow.from_value({"id": name, "status": "failed", **more})


def test_only_tasks_that_the_rest_of_the_filter_lets_through_are_counted() -> None:
    coverage = FilterCoverage(parse_filter("status:failed tokens:>1k"))
    matches = coverage.predicate(FilterContext())
    tasks = [
        row("a"),
        row("b", tokens={"total_tokens": 5_000}),
        row("c", tokens=None),
        row("d", input={"text": "x"}, tokens=None),
        row("e", status="completed"),
    ]
    assert [task.id for task in tasks if matches(task)] == ["b"]
    assert coverage.words == "tokens: known for 2 of 4"
    assert coverage.counts == {"tokens": (2, 4)}


def test_a_task_that_is_read_later_is_counted_once_and_nothing_is_said_when_all_are_known() -> None:
    coverage = FilterCoverage(parse_filter("tokens:>1k"))
    matches = coverage.predicate(FilterContext())
    assert not matches(row("a"))
    assert coverage.words == "tokens: known for 0 of 1"
    assert coverage.predicate(FilterContext())(row("a", tokens={"total_tokens": 5_000}))
    assert (coverage.words, coverage.counts) == ("", {"tokens": (1, 1)})


def test_fields_that_lists_tell_are_not_counted() -> None:
    coverage = FilterCoverage(parse_filter("status:failed title:x"))
    coverage.predicate(FilterContext())(row("a"))
    assert (coverage.words, coverage.counts) == ("", {})
