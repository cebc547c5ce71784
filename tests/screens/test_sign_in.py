"""A sign-in opens only at the host that was shown, once its whole address was visible."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, open_dashboard
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.client.task_facts import Wait, WaitKind
from tui.domain.review import ReviewSnapshot
from tui.screens.copy_dialog import CopyChoices, CopyScreen
from tui.screens.review import ReviewScreen
from tui.screens.review_words import signed_in_words
from tui.screens.task_detail import TaskScreen

MASKED = "masked parts were not shown yet in payload"


async def open_sign_in(
    operator: Operator, url: str, monkeypatch: pytest.MonkeyPatch, browser: str = "a-browser"
) -> list[str]:
    """Open the review of a task that waits for a sign-in; return the list of URLs that are opened."""
    opened: list[str] = []
    monkeypatch.setattr(operator.app, "open_url", opened.append)
    monkeypatch.setenv("BROWSER", browser)
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


async def press_until(operator: Operator, key: str, words: str) -> None:
    """Press a key again and again until words are on the screen."""
    end = time.monotonic() + 15
    while words not in operator.text:
        assert time.monotonic() < end, operator.text
        await operator.press(key)
        await operator.pilot.pause(0.1)


@pytest.mark.long
async def test_an_operator_signs_in_with_the_seeded_task_of_the_demo(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 8: the page is really requested, the task goes on, and the review says so."""
    monkeypatch.setenv("BROWSER", "a-browser")
    async with serve(history=True, pace=5.0) as here, httpx.AsyncClient() as browser:
        waiting = [task for task in here.local.store.tasks({"status": "paused"}) if task["pending_eca_request"]]
        (task,) = waiting[:1]
        opened: list[str] = []
        async with open_dashboard(here, tmp_path, initial_filter=f"id:{task['id']}") as operator:
            monkeypatch.setattr(operator.app, "open_url", opened.append)
            await operator.until(lambda: "sign-in" in operator.text)
            await operator.press("a")
            await operator.until(lambda: f"sign in to Gmail, at {here.url}" in operator.text)
            await operator.press("M")
            screen = operator.app.screen
            assert isinstance(screen, ReviewScreen)
            await operator.until(lambda: not screen._unseen)
            await operator.press("b")
            await operator.until(lambda: opened)
            page = await browser.get(opened[0])
            assert "Sign in" in page.text
            assert "signed in; the task goes on" not in operator.text
            assert (await browser.post(opened[0])).status_code == 200
            await operator.until(lambda: "signed in; the task goes on" in operator.text)
            assert f"sign in to Gmail, at {here.url}" in operator.text
            assert opened[0].rpartition("/")[2] not in operator.text.replace("\n", "")
            assert "enter opens the task" in operator.text
            assert "n the next that waits" in operator.text
            await operator.press("enter")
            await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
            await here.until(task["id"], "completed")


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY"])
async def test_over_ssh_the_address_is_copied_instead(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Point 8: over SSH there is no browser, and the whole address can be copied though it is masked on the screen."""
    url = "https://accounts.example:8443/o?client=7&access_token=abcdefgh12345678"
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setenv(variable, "10.0.0.1 52022 10.0.0.2 22")
        opened = await open_sign_in(operator, url, monkeypatch, browser="")
        await operator.until(lambda: "https://accounts.example:8443" in operator.text)
        await press_until(operator, "b", "no browser on this machine")
        assert "y copies the address" not in operator.text
        assert opened == []
        copied: list[str] = []
        monkeypatch.setattr(operator.app.services.copying, "copy", lambda name, text: copied.append(text))
        await operator.press("y")
        await operator.until(lambda: isinstance(operator.app.screen, CopyScreen))
        assert operator.app.screen.query_one(CopyChoices).names[0] == "address"
        await operator.until(lambda: " a  address" in operator.text)
        assert "abcdefgh12345678" not in operator.text
        await operator.press("enter")
        await operator.until(lambda: copied == [url])


async def test_an_address_that_hides_its_host_is_not_copied(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await open_sign_in(operator, "https://evil.example\\@accounts.google.com/", monkeypatch)
        await operator.press("y")
        await operator.until(lambda: isinstance(operator.app.screen, CopyScreen))
        assert "address" not in operator.app.screen.query_one(CopyChoices).names


def signed_in(entries: list[object], status: str = "executing", wait: Wait | None = None) -> str:
    before = Wait(WaitKind.SIGN_IN, None)
    task = Task.from_value({"id": "t", "status": status})
    log = Log(tuple(map(parse_entry, entries)))
    return signed_in_words(ReviewSnapshot(task, Log(), before, None), ReviewSnapshot(task, log, wait, None))


def test_a_sign_in_is_reported_only_if_the_log_says_so() -> None:
    login, ready = {"id": "1", "type": "login_required"}, {"id": "2", "type": "token_ready"}
    assert signed_in([login, ready]) == "signed in; the task goes on"
    assert signed_in([login, ready], "completed") == "signed in; the task is completed"
    assert signed_in([login]) == ""
    assert signed_in([]) == ""
    assert signed_in([ready, login]) == ""
    assert signed_in([login, ready], wait=Wait(WaitKind.SIGN_IN, None)) == ""
    assert signed_in([login, ready], "stopped") == "signed in; the task is stopped"
