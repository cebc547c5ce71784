"""Inspector: values that Python calls equal and JSON does not, such as 1, 1.0 and true."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult

from tui.security.redact import Redactor
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector

PAIRS: list[tuple[Any, Any]] = [(1, True), (0, False), (1, 1.0), (0.0, -0.0), (True, 1.0), (0, 0.0)]


class OneInspector(App[None]):
    """An app with one inspector of a payload."""

    def compose(self) -> ComposeResult:
        yield Inspector(Redactor(), can_fold=False, is_whole=True)


@pytest.mark.parametrize(("before", "after"), [*PAIRS, *((one, other) for other, one in PAIRS)])
@pytest.mark.parametrize("wrap", [lambda one: {"go": one}, lambda one: {"a": [{"b": one}]}, lambda one: [one, "x"]])
async def test_a_value_that_differs_only_in_json_type_is_redrawn_and_unread(before: Any, after: Any, wrap: Any) -> None:
    async with OneInspector().run_test() as pilot:
        inspector = pilot.app.query_one(Inspector)
        inspector.show([Part("what exactly", wrap(before))])
        drawn = [inspector.text_of(index) for index in range(inspector.count())]
        inspector.is_read = True
        inspector.show([Part("what exactly", wrap(before))])
        assert inspector.is_read
        inspector.show([Part("what exactly", wrap(after))])
        assert not inspector.is_read
        assert [inspector.text_of(index) for index in range(inspector.count())] != drawn
