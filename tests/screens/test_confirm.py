"""The dialog before a stop: every task that would be stopped can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice, open_dashboard


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (120, 40)])
async def test_the_stop_dialog_lists_every_task(serve: Serve, tmp_path: Path, size: tuple[int, int]) -> None:
    async with dashboard_with_invoice(serve, tmp_path, (120, 40)) as first:
        platform, parent = first.here.local.platform, invoice(first)["id"]
        for number in range(60):
            told = {"input": {"text": "x"}, "title": f"Sub-task {number:02}", "parent_execution_id": parent}
            platform.create("your-agent", told)
        async with open_dashboard(first.here, tmp_path / "second", size) as operator:
            await operator.until(lambda: len(operator.app.services.store.state.children_of(parent)) == 60)
            await operator.press("home", "X")
            await operator.until(lambda: "Stop this task and 60 below it?" in operator.text)
            await operator.until(lambda: "more lines below: pgdn" in operator.text)
            assert "Keep running" in operator.text
            seen = set[str]()
            for _ in range(61):
                seen |= {f"{number:02}" for number in range(60) if f"Sub-task {number:02}" in operator.text}
                if "the end; pgup goes back" in operator.text:
                    break
                await operator.press("pagedown")
            assert len(seen) == 60
            await operator.press("enter")
            await operator.until(lambda: "Stop this task" not in operator.text)
            assert operator.sent == []
