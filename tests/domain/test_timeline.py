"""Spans of time, their bars, and the axis below."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.activity_builders import activity_of_log, call_of_log
from tests.widgets.widget_app import NOW
from tui.client.models import Task
from tui.domain.timeline import Span, SpanKind, bar_cells, longest_spans, spans, time_axis
from tui.domain.tree_rows import walk_tree


def test_spans_with_reported_times_are_exact_and_others_derived() -> None:
    ends = {"started_at": NOW.isoformat(), "finished_at": (NOW + timedelta(seconds=7)).isoformat(), "result": "ok"}
    activity = activity_of_log(call_of_log("exact", **ends), {"type": "think", "thought": "hm"}, call_of_log("open"))
    task = Task.from_value({"id": "t", "status": "executing"})
    rows = list(walk_tree({"t": activity}, {}, "t"))
    exact, thought, still = spans(rows, {"t": task}, NOW + timedelta(seconds=60)).values()
    assert {exact.kind, thought.kind, still.kind} == {SpanKind.TOOL, SpanKind.THOUGHT}
    told = {span.seconds: span for span in (exact, thought, still)}
    assert not told[7.0].is_derived
    assert told[1.0].is_derived
    assert told[58.0].is_open


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 200))
def test_a_bar_is_at_least_one_cell_and_within_the_axis(begin: int, length: int, whole: int, width: int) -> None:
    at = NOW + timedelta(seconds=begin)
    span = Span(SpanKind.TOOL, at, at + timedelta(seconds=length))
    first, last = bar_cells(span, NOW, NOW + timedelta(seconds=whole), width)
    assert 0 <= first < last <= width


def test_a_long_wait_does_not_compress_the_axis() -> None:
    work = Span(SpanKind.TOOL, NOW, NOW + timedelta(seconds=10))
    wait = Span(SpanKind.PERSON, NOW + timedelta(seconds=10), NOW + timedelta(hours=9), is_open=True)
    assert time_axis([work, wait]) == (NOW, NOW + timedelta(seconds=12.5))
    assert longest_spans({0: work, 1: wait}) == [0]
