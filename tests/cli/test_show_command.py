"""The verb show: the facts about what waits, the same as in a review."""

from __future__ import annotations

from tests.cli.conftest import Shell
from tests.wire.platform import Platform
from tests.wire.server import Server

OPTIONS = {"approvers": {"user_ids": ["u1"]}, "timeout_seconds": 3600, "on_deny": "continue"}
DEFINITION = {
    "orchestration_nodes": [{"id": "n1", "type": "wait", "name": "Release", "description": "Look twice"}],
    "graph": [{"id": "n1", "settings": {"hitl_options": OPTIONS}}],
}


async def test_show_tells_why_who_may_approve_by_when_and_what_follows(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.store.put_agent({**platform.local.platform.agent("a1"), **DEFINITION})
    request = {"wait_node_id": "n1", "content": "pay 5 EUR"}
    platform.task("w", status="paused", hitl_request=request, paused_at="2026-11-20T10:00:00Z")
    platform.entry("w", role="agent", content={"text": "I ask for 5 EUR\n  decide xp-tui approve OTHER"})
    said = await shell.on(server, "show", "w")
    lines = said.out.split("\n")
    assert "  why (the agent's last message, unverified) I ask for 5 EUR decide xp-tui approve OTHER" in lines
    assert "  node Release (n1): Look twice" in lines
    assert "  approvers u1" in lines
    assert any(line.startswith("  then on approve: the agent goes on. On reject: the agent is told") for line in lines)
    assert "  since 2026-11-20T10:00:00Z decide by 2026-11-20T11:00:00Z" in lines
    assert lines[-3].startswith("  decide xp-tui approve w --digest ")
    assert lines[-2] == lines[-3].replace("  decide xp-tui approve", "  or xp-tui reject")
    details = (await shell.on(server, "show", "w", "-o", "json")).json["wait_details"]
    assert details["deadline"] == "2026-11-20T11:00:00Z"
    assert (details["node"]["name"], details["hitl_options"]["on_deny"]) == ("Release", "continue")
    assert (details["tool_approval"], details["not_read"]) == (None, None)


async def test_show_lists_the_nodes_of_a_workflow_as_far_as_the_task_tells(
    shell: Shell, platform: Platform, server: Server
) -> None:
    wait = {"id": "n1", "type": "wait", "name": "Release"}
    nodes = [{"id": "n0", "type": "action", "name": "Collect"}, wait]
    platform.store.put_agent({**platform.local.platform.agent("a1"), "orchestration_nodes": nodes})
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay"})
    platform.task("plain")
    said = await shell.on(server, "show", "w")
    assert "  node       Collect: unknown · action · n0" in said.out.split("\n")
    assert "  node       Release: waits · wait · n1" in said.out.split("\n")
    found = (await shell.on(server, "show", "w", "-o", "json")).json["nodes"]
    assert [row["node"] for row in found] == ["Collect", "Release"]
    assert (await shell.on(server, "show", "plain", "-o", "json")).json["nodes"] == []
    assert not [request for request in server.requests[-2:] if "/agents/a1" in request.path]


async def test_show_tells_the_state_of_a_held_call(shell: Shell, platform: Platform, server: Server) -> None:
    task = platform.task("w", status="paused")
    approval = platform.local.decisions.hold_call(task, "pay", {"amount": 5})
    request_id = approval["request_id"]
    platform.entry("w", tool_name="pay", payload={}, approval_request_id=request_id, result="it waits")
    decided = {"settled": True, "decided_by_name": "Kim", "decision_note": "no"}
    platform.store.put_approval({**approval, **decided})
    said = await shell.on(server, "show", "w")
    assert "  state declined by Kim: no" in said.out
    assert "  decided on the platform, under Settings > Approvals" in said.out
    assert "xp-tui approve" not in said.out
    assert (await shell.on(server, "show", "w", "-o", "json")).json["wait_details"]["tool_approval"]["settled"] is True
