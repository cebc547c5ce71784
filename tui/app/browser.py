"""Finds out whether pages can be opened in a browser on the machine that the operator sits at."""

from __future__ import annotations

import sys
from collections.abc import Mapping

NO_BROWSER = "no browser on this machine"
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
_REMOTE_SHELLS = ("SSH_CONNECTION", "SSH_TTY")
_PLATFORMS_WITH_BROWSER = ("darwin", "win32", "cygwin")


def missing_browser(environment: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return why no browser can be opened; empty where one can.

    `BROWSER` is believed even over SSH: editors set it to a program that opens the page on the operator's machine. A
    browser in the terminal would draw over the dashboard, so without `BROWSER` only those with a window count.
    """
    if environment.get("BROWSER"):
        return ""
    if any(environment.get(name) for name in _REMOTE_SHELLS):
        return NO_BROWSER
    if platform in _PLATFORMS_WITH_BROWSER:
        return ""
    if not any(environment.get(name) for name in _DISPLAYS):
        return NO_BROWSER
    import webbrowser  # late: it looks for all browsers that are installed

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return NO_BROWSER
    runs_in_terminal = type(browser) is webbrowser.GenericBrowser
    return NO_BROWSER if runs_in_terminal else ""
