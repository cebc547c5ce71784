"""The dialog that chooses an agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice


@pytest.mark.long
async def test_an_agent_is_chosen_for_the_filter_and_for_a_new_task(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("at")
        await operator.until(lambda: "type to narrow" in operator.text)
        await operator.press(*"release", "enter")
        await operator.until(lambda: "Nothing of 1 loaded" in operator.text)
        assert operator.app.screen.query_one(Input).value == 'agent:"Release bot"'
        await operator.press("at", *"writer", "f3")
        await operator.until(lambda: "A new task" in operator.text and "Writer" in operator.text)
        await operator.press(*"hello", "f4", *"A title", "f2")
        await operator.until(lambda: operator.sent == ["create"])
        await operator.until(lambda: operator.here.local.store.tasks({"agent_id": "writer"}))
        assert operator.here.local.store.tasks({"agent_id": "writer"})[0]["title"] == "A title"
