"""Workflows of the local platform: their nodes, and approvals that expire."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.local.conftest import Serve, Served
from tui.local.scenario import BadScenario, parse_scenario


async def test_a_waits_node_is_named_by_the_routes_of_workflows_and_the_agents_record(here: Served) -> None:
    made = here.local.platform.create("invoice-bot", {"input": {"text": "pay"}})
    node_id = (await here.until(made["id"], "paused"))["hitl_request"]["wait_node_id"]
    async with here.http() as http:
        rows = (await http.get("/v1/workflows")).json()
        assert "invoice-bot" in [row["id"] for row in rows["items"]]
        assert (await http.get("/v1/workflows/invoice-bot")).json()["name"] == "Invoice bot"
        nodes = (await http.get("/v1/workflows/invoice-bot/nodes")).json()
        assert [(node["id"], node["name"], node["type"]) for node in nodes] == [(node_id, "Release payment", "wait")]
        assert (await http.get("/v1/workflows/writer/nodes")).status_code == 404
        record = (await http.get("/agents/invoice-bot")).json()
        assert record["orchestration_nodes"][0]["id"] == node_id
        (item,) = (item for item in record["graph"] if item["id"] == node_id)
        assert item["settings"]["hitl_options"]["approvers"]["user_ids"] == ["you", "u-dana"]


async def test_an_approval_that_nobody_decides_expires_and_its_task_goes_on(serve: Serve) -> None:
    async with serve() as here:
        made = here.local.platform.create("shell-bot", {"input": {"text": "make room"}})
        await here.until(made["id"], "paused")
        card = next(entry for entry in here.log(made["id"]) if entry.get("action") == "approval_requested")
        path = f"/agents/shell-bot/tool-approvals/{card['approval_request_id']}"
        async with here.http() as http:
            approval = (await http.get(path)).json()
            assert (approval["settled"], approval["status"]) == (False, "pending")
            expires_at = datetime.fromisoformat(approval["expires_at"])
            assert expires_at - datetime.fromisoformat(approval["created_at"]) == timedelta(hours=2)
            here.local.runner.play_until(expires_at + timedelta(seconds=2))
            approval = (await http.get(path)).json()
            assert (approval["settled"], approval["approved"], approval["status"]) == (True, False, "expired")
            answer = await http.post(f"{path}/decision", json={"approve": True})
            assert (answer.status_code, answer.json()["detail"]) == (409, "expired: nobody had decided in time")
        task = await here.until(made["id"], "completed")
        assert "Nothing was deleted" in task["result"]


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [("id = 'n'", "needs an id and a type"), ("id = 'm'\ntype = 'wait'", "'n', which is no node")],
)
def test_a_scenario_with_a_missing_node_is_refused(nodes: str, problem: str) -> None:
    text = f"""
[agent]
id = "a"
name = "A"
icon = "x"
[[nodes]]
{nodes}
[[steps]]
finish = "x"
node = "n"
"""
    with pytest.raises(BadScenario, match=problem):
        parse_scenario("a.toml", text)
