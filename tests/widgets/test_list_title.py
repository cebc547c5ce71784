"""ListTitle: the counts of the groups, and how live the list is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.domain.task_list_builders import row, seen
from tests.widgets.list_parts_app import NOW, ListPartsApp
from tui.domain.state import State
from tui.domain.task_list import TaskListModel
from tui.widgets.list_title import ListTitle, Liveness


async def test_the_title_counts_the_groups_and_says_when_the_list_is_not_live() -> None:
    state = State().after([seen(row("a", status="failed"), row("b", status="paused"), row("c"))])
    listing = TaskListModel()
    listing.apply(state, state.touched.tasks)
    async with ListPartsApp().run_test(size=(120, 24)) as pilot:
        title = pilot.app.screen.query_one(ListTitle)

        def shown(liveness: Liveness, **more: Any) -> str:
            about: dict[str, Any] = {"marked": 0, "only_group": None, "is_filtered": False, "total": None, **more}
            title.show_counts(liveness, listing, **about)
            return title.render_line(0).text

        live = Liveness("live", "running", checked_at=NOW)
        assert " ‖ 1 need you  ✗ 1 failed " in shown(live)
        assert "running" not in shown(live)
        assert " ▶ 0 running " in shown(live, only_group="Running")
        assert " * 2 marked " in shown(live, marked=2)
        assert shown(live, is_filtered=True, total=9).rstrip().endswith("3 of 3 loaded · 9 total")
        assert " ● last read 2m ago " in shown(Liveness("live", checked_at=NOW - timedelta(minutes=2)))


def test_liveness_is_stale_after_too_long_a_silence() -> None:
    live = Liveness("live", "running", max_silent_seconds=10.0, checked_at=NOW)
    assert not live.is_stale(NOW + timedelta(seconds=10))
    assert live.is_stale(NOW + timedelta(seconds=11))
    assert not Liveness().is_stale(NOW)
    assert live.has_same_text_as(Liveness("live", "running"))
    assert not live.has_same_text_as(Liveness("live", "running", "why"))
