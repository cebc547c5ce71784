"""The command line below the screens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice
from tui.screens.task_detail import TaskScreen


@pytest.mark.long
async def test_the_command_line_runs_commands_by_name(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("colon", *"filtr", "enter")
        await operator.until(lambda: "did you mean filter?" in operator.text)
        await operator.press(*["backspace"] * 5, *"filter id:nothing", "enter")
        await operator.until(lambda: "Nothing of 1 loaded tasks is shown" in operator.text)
        await operator.press("colon", *f"open {invoice(operator)['id'][:8]}", "enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        await operator.press("colon", *"theme xp-light", "enter")
        await operator.until(lambda: operator.app.theme == "xp-light")
        await operator.press("colon", *"theme none", "enter")
        await operator.until(lambda: "there is no theme none" in operator.toasts())
