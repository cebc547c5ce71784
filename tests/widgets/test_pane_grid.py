"""PaneGrid: panes are resized and zoomed."""

from __future__ import annotations

from tests.widgets.search_app import SearchApp
from tui.widgets.pane_grid import PaneGrid


async def test_panes_are_resized_within_limits_and_zoomed() -> None:
    app = SearchApp()
    async with app.run_test(size=(100, 24)) as pilot:
        grid = app.query_one(PaneGrid)

        async def widths() -> tuple[int, int]:
            await pilot.pause()
            return app.query_one("#left").size.width, app.query_one("#right").size.width

        assert await widths() == (50, 50)
        grid.resize("left", 1)
        assert await widths() == (60, 40)
        grid.resize("right", 9)
        assert await widths() == (20, 80)
        grid.zoom("right")
        await pilot.pause()
        assert [app.query_one(f"#{name}").display for name in ("left", "right", "below")] == [False, True, False]
        grid.zoom(None)
        assert await widths() == (20, 80)
