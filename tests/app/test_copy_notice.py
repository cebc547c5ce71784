"""The copy menu, which draws no secret, and the notice after a copy, which tells the key that shows the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tui.app import copy_commands
from tui.screens.copy_dialog import CopyScreen
from tui.screens.messages import OpenUrl
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


async def test_a_secret_in_an_address_is_not_drawn(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    opened: list[str] = []
    async with dashboard_with_invoice(serve, tmp_path, size=(160, 40)) as operator:
        app = operator.app
        monkeypatch.setattr(app, "open_url", opened.append)
        monkeypatch.setenv("BROWSER", "a-browser")
        addresses = {"address": f"https://{secret}.example/o", "approval": f"https://a.example/{secret}"}
        app.services.copying.copy_selected(addresses)
        await operator.until(lambda: isinstance(app.screen, CopyScreen) and "approval" in operator.text)
        assert secret not in operator.text
        await operator.press("escape")
        app.post_message(OpenUrl(addresses["address"]))
        await operator.until(lambda: "opening https://" in operator.toasts())
        assert secret not in operator.toasts() + operator.text
        assert opened == [addresses["address"]]
