"""The details of a wait: read beside the review, and never in its way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.services.review_loader import load_review, load_wait_details

OPTIONS = {"approvers": {"user_ids": ["u1"]}, "timeout_seconds": 60, "on_deny": "continue"}
DEFINITION = {
    "orchestration_nodes": [{"id": "n1", "type": "wait", "name": "Release", "description": "Look twice"}],
    "graph": [{"id": "n1", "settings": {"hitl_options": OPTIONS}}, {"id": "pay", "settings": {"hitl_options": OPTIONS}}],
}  # fmt: skip
REQUEST = {"wait_node_id": "n1", "content": "pay 5 EUR"}


def define(platform: Platform, **definition: Any) -> None:
    platform.store.put_agent({**platform.local.platform.agent("a1"), **definition})


async def test_the_node_of_a_wait_is_loaded(platform: Platform, server: Server) -> None:
    define(platform, **DEFINITION)
    platform.task("t", status="paused", hitl_request=REQUEST)
    async with make_client(server.url) as client:
        details = await load_wait_details(client, await load_review(client, "t"))
    assert details.node
    assert details.options
    assert (details.subject_id, details.node.name, details.node.text) == ("n1", "Release", "Look twice")
    assert (details.options.on_deny, details.has_problem) == ("continue", False)


async def test_a_name_that_the_agents_record_lacks_comes_from_the_workflow(platform: Platform, server: Server) -> None:
    define(platform, **DEFINITION)
    platform.task("t", status="paused", hitl_request=REQUEST)

    async def without_names(request: Request, connection: Connection) -> bool:
        if request.path != "/agents/a1":
            return False
        nodes = [{"id": "n1", "name": None, "description": "Look twice"}]
        await connection.reply(200, {"id": "a1", "orchestration_nodes": nodes})
        return True

    platform.before_reply = without_names
    async with make_client(server.url) as client:
        details = await load_wait_details(client, await load_review(client, "t"))
    assert details.node
    assert (details.node.name, details.node.text) == ("Release", "Look twice")


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [(404, {"detail": "gone"}, ""), (200, {"id": "a2"}, "agent 'a2'"), (200, [], "no agent"), (403, {"detail": "no"}, "no (403)")],
)  # fmt: skip
async def test_details_that_cannot_be_read_break_nothing(
    platform: Platform, server: Server, status: int, body: Any, problem: str
) -> None:
    platform.task("t", status="paused", hitl_request=REQUEST)

    async def odd(request: Request, connection: Connection) -> bool:
        if not request.path.startswith(("/agents/", "/v1/workflows")):
            return False
        await connection.reply(status, body)
        return True

    platform.before_reply = odd
    async with make_client(server.url) as client:
        details = await load_wait_details(client, await load_review(client, "t"))
    assert (details.node, details.options) == (None, None)
    assert problem in details.node_problem
    assert bool(problem) is details.has_problem


async def test_the_state_of_a_held_call_is_loaded_with_its_address(platform: Platform, server: Server) -> None:
    define(platform, **DEFINITION)
    task = platform.task("t", status="paused")
    approval = platform.local.decisions.hold_call(task, "pay", {"amount": 5})
    request_id = approval["request_id"]
    platform.entry("t", tool_name="pay", payload={}, approval_request_id=request_id, result="it waits")
    async with make_client(server.url) as client:
        review = await load_review(client, "t")
        details = await load_wait_details(client, review)
        assert details.approval
        assert details.options
        assert (details.approval.settled, details.options.timeout_seconds) == (False, 60)
        assert details.approval_url == f"{server.url}/agents/a1/tool-approvals/{request_id}"
        platform.store.put_approval({**approval, "agent_id": "a2"})
        lost = await load_wait_details(client, review)
        assert lost.approval is None
        assert "Approval request not found" in lost.approval_problem


async def test_a_wait_without_node_or_approval_is_asked_about_nowhere(platform: Platform, server: Server) -> None:
    platform.task(
        "t", status="paused", pending_eca_request={"connector_name": "Gmail", "auth_url": "https://a.example"}
    )
    async with make_client(server.url) as client:
        review = await load_review(client, "t")
        before = len(server.requests)
        assert (await load_wait_details(client, review)).subject_id == ""
        assert len(server.requests) == before
