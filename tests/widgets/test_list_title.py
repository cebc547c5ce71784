"""ListTitle: the counts of the groups, and how live the list is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.domain.task_list_builders import row, seen
from tests.widgets.list_parts_app import NOW, ListPartsApp
from tui.domain.list_status import ListStatus
from tui.domain.state import State
from tui.domain.task_list import TaskListModel
from tui.widgets.list_title import ListTitle, Liveness, shortened_place

KNOWN = ListStatus(read_at=NOW, total=3)


async def test_the_title_counts_the_groups_and_says_when_the_list_is_not_live() -> None:
    state = State().after([seen(row("a", status="failed"), row("b", status="paused"), row("c"))])
    listing = TaskListModel()
    listing.apply(state, state.touched.tasks)
    async with ListPartsApp().run_test(size=(120, 24)) as pilot:
        title = pilot.app.screen.query_one(ListTitle)

        def shown(liveness: Liveness, **more: Any) -> str:
            about: dict[str, Any] = {"marked": 0, "only_group": None, "is_filtered": False, "status": KNOWN, **more}
            title.show_counts(liveness, listing, **about)
            return title.render_line(0).text

        live = Liveness("live", "running", checked_at=NOW)
        assert " ‖ 1 need you  ✗ 1 failed " in shown(live)
        assert "running" not in shown(live)
        assert " ▶ 0 running " in shown(live, only_group="Running")
        assert " * 2 marked " in shown(live, marked=2)
        assert " ● last read 2m ago " in shown(Liveness("live", checked_at=NOW - timedelta(minutes=2)))
        nine = ListStatus(read_at=NOW, total=9)
        assert shown(live, is_filtered=True, status=nine).rstrip().endswith("3 of 3 loaded · 9 total")
        assert " ‖ 1 need you  ✗ 1+ failed " in shown(live, status=nine)
        assert shown(live, status=ListStatus(read_at=NOW)).rstrip().endswith("3 loaded · more there")
        capped = shown(live, status=ListStatus(read_at=NOW, total=1000))
        assert capped.rstrip().endswith("3 loaded · 1,000+ total")


@pytest.mark.parametrize(
    ("place", "room", "shown"),
    [
        ("cloud", 3, "cloud"),
        ("agent-controller.acme.example", 29, "agent-controller.acme.example"),
        ("agent-controller.acme.example", 16, "…er.acme.example"),
        ("agent-controller.acme.example", -5, "…example"),
        ("prod · agent-controller.acme.example", 20, "prod · …acme.example"),
        ("prod · agent-controller.acme.example", 10, "prod"),
        ("a-long-profile · cloud", 9, "a-long-p…"),
        ("prod · cloud", 11, "prod"),
    ],
)
def test_a_host_is_cut_at_its_front(place: str, room: int, shown: str) -> None:
    assert shortened_place(place, room) == shown


async def test_at_80_columns_the_host_gives_way_to_the_counters() -> None:
    state = State().after(
        [seen(*(row(f"t{number}", status="paused") for number in range(3)), row("f", status="failed"))]
    )
    listing = TaskListModel()
    listing.apply(state, state.touched.tasks)
    for columns, host in ((82, " ….acme.example "), (140, " agent-controller.acme.example ")):
        async with ListPartsApp(place="agent-controller.acme.example").run_test(size=(columns, 24)) as pilot:
            title = pilot.app.screen.query_one(ListTitle)
            live = Liveness("live", "running", checked_at=NOW)
            status = ListStatus(read_at=NOW, total=1000)
            title.show_counts(live, listing, marked=7, only_group=None, is_filtered=True, status=status)
            line = title.render_line(0).text
            assert len(line) == title.size.width
            assert "need you" in line
            assert "✗ 1" in line
            assert "1,000" in line
            assert host in line


async def test_nothing_known_is_no_zero_and_a_lost_link_makes_counts_stale() -> None:
    """Point 9: `0 need you` is never said when nothing is known; stale counts are faint with their age."""
    listing, some = TaskListModel(), TaskListModel()
    state = State().after([seen(row("a", status="failed"), row("b", status="paused"))])
    some.apply(state, state.touched.tasks)
    async with ListPartsApp().run_test(size=(120, 24)) as pilot:
        title = pilot.app.screen.query_one(ListTitle)

        def styles(liveness: Liveness, model: TaskListModel, status: ListStatus) -> dict[str, str]:
            title.show_counts(liveness, model, marked=0, only_group=None, is_filtered=False, status=status)
            return {piece.text.strip(): piece.style for piece, _ in title._left}

        offline = Liveness("offline", "failed", checked_at=NOW, is_current=False)
        assert styles(offline, listing, ListStatus())["‖ ? need you"] == "faint"
        assert "● offline" in styles(offline, listing, ListStatus())
        assert styles(offline, some, ListStatus())["‖ 1+ need you"] == "faint"
        live = Liveness("live", "running", checked_at=NOW, read_at=NOW)
        assert styles(live, listing, KNOWN)["‖ 0 need you"] == "faint"
        assert styles(live, some, KNOWN)["‖ 1 need you"] == "need"
        lost = Liveness("offline", "failed", checked_at=NOW, read_at=NOW - timedelta(minutes=3), is_current=False)
        shown = styles(lost, some, ListStatus(read_at=NOW, total=2))
        assert "● offline, read 3m ago" in shown
        assert (shown["‖ 1 need you"], shown["✗ 1 failed"]) == ("faint", "faint")


def test_liveness_is_stale_after_too_long_a_silence() -> None:
    live = Liveness("live", "running", max_silent_seconds=10.0, checked_at=NOW)
    assert not live.is_stale(NOW + timedelta(seconds=10))
    assert live.is_stale(NOW + timedelta(seconds=11))
    assert not Liveness().is_stale(NOW)
    assert live.has_same_text_as(Liveness("live", "running"))
    assert not live.has_same_text_as(Liveness("live", "running", "why"))
