"""The page of an agent: opened from the picker and from a task, whole, and without any secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.domain.test_agent_page import HOSTILE_RECORD, SECRET
from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, open_dashboard
from tui.screens.agent_page import AgentDocument, AgentScreen
from tui.screens.agent_picker import AgentPicker
from tui.screens.copy_dialog import CopyScreen
from tui.screens.task_detail import TaskScreen


async def page_text(operator: Operator) -> str:
    """Return the whole text of the page, from its first line to its last."""
    document = operator.app.screen.query_one(AgentDocument)
    return "\n".join(document.text_of(index) for index in range(document.count()))


async def test_the_id_that_user_tokens_needs_is_found_from_the_agent_picker(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("at")
        await operator.until(lambda: isinstance(operator.app.screen, AgentPicker))
        await operator.press(*"invoice", "f4")
        await operator.until(lambda: isinstance(operator.app.screen, AgentScreen))
        await operator.until(lambda: "version 4" in operator.text)
        await operator.press("slash", *"mcp-ledger", "enter")
        document = operator.app.screen.query_one(AgentDocument)
        await operator.until(lambda: document.copies().get("value") == "mcp-ledger")
        await operator.press("escape", "y")
        await operator.until(lambda: isinstance(operator.app.screen, CopyScreen))
        await operator.until(lambda: "record" in operator.text)
        await operator.press("escape", "escape")
        await operator.until(lambda: isinstance(operator.app.screen, AgentPicker))


@pytest.mark.long
async def test_a_tasks_page_tells_which_node_waits_and_opens_sub_agents(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        await operator.press("at")
        await operator.until(lambda: "Release payment" in operator.text)
        assert "waits  ·  wait  ·  release-payment" in operator.text
        await operator.press("escape", "colon", *"agent researcher", "enter")
        await operator.until(lambda: "agent Researcher" in operator.text and "version" in operator.text)
        await operator.press("slash", *"agent-scout", "enter")
        document = operator.app.screen.query_one(AgentDocument)
        await operator.until(lambda: document.row and document.row.key.part == document.sub_agents_part)
        await operator.press("escape", "enter")
        await operator.until(lambda: "agent Scout" in operator.text and "version" in operator.text)
        await operator.press("escape")
        await operator.until(lambda: "agent Researcher" in operator.text)


async def test_no_secret_of_an_agent_is_on_its_page_nor_in_what_can_be_copied(serve: Serve, tmp_path: Path) -> None:
    async with serve() as here, open_dashboard(here, tmp_path) as operator:
        here.local.store.put_agent({**here.local.platform.agent("analyst"), **HOSTILE_RECORD, "id": "analyst"})
        await operator.press("colon", *"agent analyst", "enter")
        await operator.until(lambda: "agent Ledger bot" in operator.text)
        await operator.press("z", "R")
        assert "mcp-1" in await page_text(operator)
        assert SECRET not in await page_text(operator)
        document = operator.app.screen.query_one(AgentDocument)
        for index in range(document.count()):
            document.move_to(index)
            assert SECRET not in str(document.copies())
        await operator.press("M", "y")
        await operator.until(lambda: isinstance(operator.app.screen, CopyScreen))
        assert SECRET not in operator.text


async def test_an_agent_that_cannot_be_read_says_why_and_the_key_that_reads_it_again(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve() as here, open_dashboard(here, tmp_path) as operator:
        await operator.press("colon", *"agent nobody", "enter")
        await operator.until(lambda: "could not be read" in operator.text)
        assert "r reads it again" in operator.text
        here.local.store.put_agent({**here.local.platform.agent("analyst"), "id": "nobody", "name": "Somebody"})
        await operator.press("r")
        await operator.until(lambda: "agent Somebody" in operator.text)
