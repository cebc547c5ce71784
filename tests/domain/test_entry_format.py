"""Entries and runs as one line of text."""

from __future__ import annotations

from datetime import timedelta

from tests.domain.activity_builders import activity_of_log, call_of_log
from tests.widgets.widget_app import NOW
from tui.client.models import Task
from tui.domain.entry_format import summary


def test_a_finished_run_has_a_summary() -> None:
    activity = activity_of_log(call_of_log("a", result="x"), call_of_log("b", result="no", is_error=True))
    times = {"created_at": NOW.isoformat(), "finished_at": (NOW + timedelta(seconds=90)).isoformat()}
    task = Task.from_value({"id": "t", "status": "failed", **times})
    assert summary(task, activity) == "failed in 90.0s · 2 calls, 1 failed"
