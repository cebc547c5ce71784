"""TaskTable: rows with changing times."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from tests.widgets.widget_app import NOW, WidgetApp
from tui.client.models import Task
from tui.domain.state import State, TasksSeen
from tui.domain.task_list import TaskListModel
from tui.security.redact import Redactor
from tui.widgets.styled_text import StyledLine
from tui.widgets.task_table import TaskTable
from tui.widgets.ui_context import UIContext


@pytest.mark.parametrize("form", ["relative", "local"])
async def test_only_rows_with_changing_times_are_redrawn(form: str) -> None:
    # Private: which rows are redrawn is not visible from outside.
    dice, now, looked_at = random.Random(7), [NOW], []

    class Looked(TaskTable):
        def styled_line(self, index: int, width: int) -> StyledLine:
            looked_at.append(index)
            return super().styled_line(index, width)

    def task(number: int) -> Task:
        begun = NOW - timedelta(seconds=dice.choice([1, 59.5, 3599, 86_399, 400 * 86_400]), milliseconds=number)
        status = dice.choice(["completed", "executing", "paused"])
        raw = {"id": f"t{number}", "status": status, "started_at": begun.isoformat()}
        return Task.from_value(raw if number % 7 else {"id": f"t{number}", "status": status})

    listing, state = TaskListModel(), State().after([TasksSeen(tuple(map(task, range(30))), NOW)])
    tasks = Looked(UIContext(lambda: now[0], Redactor(), "test", {"time": form}))
    async with WidgetApp(tasks).run_test(size=(120, 30)) as pilot:
        tasks.show(listing, lambda: listing.apply(state, state.touched.tasks))
        await pilot.pause()
        for _ in range(60):
            now[0] += timedelta(seconds=dice.choice([1, 1, 1, 1, 1, 58, 3600, 86_400, -7200]))
            tasks.tick()
            await pilot.pause()
            steady, width = dict(tasks._valid_until), tasks.scrollable_content_region.width
            tasks._cached_lines.clear()
            assert [tasks._drawn[y] for y in range(24)] == [tasks._line_key(y, width) for y in range(24)]
            tasks._valid_until = steady
        running = sum("▶" in tasks.text_of(index) for index in range(24))
        looked_at.clear()
        now[0] += timedelta(milliseconds=1)
        tasks.tick()
        assert len(looked_at) <= running < 24
