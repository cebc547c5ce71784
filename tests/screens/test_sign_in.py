"""A sign-in opens only at the host that was shown, once its whole address was visible."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice
from tui.screens.review import ReviewScreen

MASKED = "masked parts were not shown yet in payload"


async def open_sign_in(operator: Operator, url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Open the review of a task that waits for a sign-in; return the list of URLs that are opened."""
    opened: list[str] = []
    monkeypatch.setattr(operator.app, "open_url", opened.append)
    request = {"connector_name": "Mail", "auth_url": url}
    platform = operator.here.local.platform
    platform.change(invoice(operator), hitl_request=None, pending_eca_request=request)
    await operator.press("a")
    await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen) and "sign in to Mail" in operator.text)
    return opened


async def test_a_url_that_hides_its_host_is_not_opened(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Private: what is unseen is shown only once a key is refused.
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        opened = await open_sign_in(operator, "https://evil.example\\@accounts.google.com/", monkeypatch)
        screen = operator.app.screen
        assert isinstance(screen, ReviewScreen)
        assert "sign in to Mail, at an address with a backslash in it" in operator.text
        await operator.press("M")
        await operator.until(lambda: not screen._unseen)
        await operator.press("b")
        await operator.until(lambda: "backslash" in operator.toasts())
        assert opened == []


async def test_the_browser_opens_once_every_line_was_seen_and_the_masked_parts_revealed(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Private: what is unseen is shown only once a key is refused.
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        url = "https://accounts.example:8443/o?client=7&state=to-evil-example-1"
        opened = await open_sign_in(operator, url, monkeypatch)
        screen = operator.app.screen
        assert isinstance(screen, ReviewScreen)
        await operator.until(lambda: "at https://accounts.example:8443" in operator.text)
        await operator.press("b")
        await operator.until(lambda: MASKED in operator.text or "a moment" in operator.text)
        await operator.until(lambda: MASKED in screen._unseen)
        await operator.press("b")
        await operator.until(lambda: MASKED in operator.text)
        assert opened == []
        await operator.press("M")
        await operator.until(lambda: not screen._unseen)
        await operator.press("b")
        await operator.until(lambda: opened == [url])
