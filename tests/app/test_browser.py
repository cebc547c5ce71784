"""missing_browser: where a page can be opened."""

from __future__ import annotations

import webbrowser

import pytest

from tui.app.browser import NO_BROWSER, missing_browser


@pytest.mark.parametrize(
    ("environment", "platform", "is_missing"),
    [
        ({}, "linux", True),
        ({"DISPLAY": ":0"}, "linux", False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", False),
        ({"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, "linux", True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1.2.3.4 1 5.6.7.8 22"}, "linux", True),
        ({"SSH_CONNECTION": "1.2.3.4 1 5.6.7.8 22", "BROWSER": "/vscode/helper"}, "linux", False),
        ({}, "darwin", False),
        ({"SSH_TTY": "/dev/ttys001"}, "darwin", True),
        ({}, "win32", False),
        ({"DISPLAY": ""}, "linux", True),
    ],
)
def test_a_browser_is_missing_over_ssh_and_without_a_display(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], platform: str, is_missing: bool
) -> None:
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser("firefox"))
    assert missing_browser(environment, platform) == (NO_BROWSER if is_missing else "")


def test_a_browser_that_would_draw_in_the_terminal_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("w3m"))
    assert missing_browser({"DISPLAY": ":0"}, "linux") == NO_BROWSER


def test_no_installed_browser_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", fail)
    assert missing_browser({"DISPLAY": ":0"}, "linux") == NO_BROWSER
