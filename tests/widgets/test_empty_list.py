"""EmptyList: why no task is shown, and which keys help."""

from __future__ import annotations

from tests.widgets.list_parts_app import ListPartsApp, text_of
from tui.domain.filters import parse_filter
from tui.widgets.empty_list import EmptyList
from tui.widgets.list_title import Liveness


async def test_an_empty_list_says_why_and_which_key_helps() -> None:
    async with ListPartsApp().run_test() as pilot:
        empty = pilot.app.screen.query_one(EmptyList)
        assert text_of(pilot.app, "#empty") == "Reading the tasks …"
        empty.show_reason(Liveness("live", "running"))
        assert text_of(pilot.app, "#empty").endswith("n starts one")
        empty.show_reason(Liveness("no link", "failed", "The platform does not answer."))
        assert text_of(pilot.app, "#empty").startswith("The platform does not answer.")
        empty.show_filtered(parse_filter('status:"faild"'), ["odd"], 3, has_more=True)
        assert "No task has the status faild, did you mean failed?" in text_of(pilot.app, "#empty")
        assert text_of(pilot.app, "#empty").endswith("m loads more")
        empty.show_filtered(parse_filter("status:odd"), ["odd"], 3, has_more=False)
        assert "No task has" not in text_of(pilot.app, "#empty")
