"""KeyFooter: the active keys, each of which can be clicked."""

from __future__ import annotations

from pathlib import Path

from tests.local.conftest import Serve
from tests.screens.operator import open_dashboard


async def test_the_footer_shows_active_keys_and_a_click_presses_them(serve: Serve, tmp_path: Path) -> None:
    async with serve() as here, open_dashboard(here, tmp_path) as operator:
        here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": "A run"})
        await operator.until(lambda: "A run" in operator.text)

        def keys() -> str:
            return operator.text.rstrip("\n").split("\n")[-1]

        await operator.press("enter")
        await operator.until(lambda: "tree, timeline" in keys())
        await operator.press("2")
        await operator.until(lambda: "tree, timeline" not in keys())
        await operator.click("esc back")
        await operator.until(lambda: "⏎ open" in keys())
        await operator.click("^p palette")
        await operator.until(lambda: "Search for commands" in operator.text)
        await operator.press("escape")
        await operator.pilot.resize_terminal(60, 24)
        await operator.until(lambda: "a review  …" in keys() and keys().endswith("▏^p palette "))
