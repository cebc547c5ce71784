"""The notice after a copy: where the terminal may have ignored it, it tells the key that shows the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tui.app import copy_commands
from tui.screens.review import ReviewScreen
from tui.services.clipboard import HANDED_TO_TERMINAL


async def test_a_copied_address_that_may_not_arrive_can_be_read(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_commands, "copy_text", lambda *_: HANDED_TO_TERMINAL)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        copying = operator.app.services.copying
        copying.copy("address", "https://a.example")
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        assert "if nothing arrives" not in operator.toasts() + operator.text
        copying.copy("address", "https://a.example")
        await operator.until(lambda: "if nothing arrives: M shows it for 10 s" in operator.text)
