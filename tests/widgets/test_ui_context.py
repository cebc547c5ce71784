"""UIContext: times as text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.widgets.widget_app import NOW
from tui.security.redact import Redactor
from tui.widgets.ui_context import UIContext


@pytest.mark.parametrize("form", ["relative", "local", "utc"])
def test_a_time_is_shown_in_few_cells(form: str) -> None:
    ui = UIContext(lambda: NOW, Redactor(), "test", {"time": form})
    for seconds in (0, 59, 3600, 86_400, 400 * 86_400):
        assert 0 < len(ui.format_time(NOW - timedelta(seconds=seconds))) <= 12
