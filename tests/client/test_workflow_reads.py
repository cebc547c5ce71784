"""Reads of workflow nodes and tool approvals over real HTTP, in any form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.client.client import Client
from tui.client.errors import ApiError, NotFound, NotSupported, UnexpectedAnswer
from tui.client.workflow_reads import read_agent_definition, read_tool_approval, read_workflow_nodes


async def test_an_unknown_tool_approval_is_an_error(platform: Platform, client: Client) -> None:
    with pytest.raises(ApiError, match="Approval request not found"):
        await read_tool_approval(client, "a1", "r1")


DEFINITION = {
    "orchestration_nodes": [
        {"id": "n1", "type": "wait", "name": "Release", "definition": {"type": "hitl", "definition": {"body": "Look twice"}}}
    ],
    "graph": [{"id": "n1", "settings": {"hitl_options": {"timeout_seconds": 60, "approvers": {"user_ids": ["u"]}}}}],
}  # fmt: skip


async def test_the_nodes_of_a_workflow_and_their_approvals_are_read(platform: Platform, server: Server) -> None:
    platform.store.put_agent({**platform.local.platform.agent("a1"), **DEFINITION})
    async with make_client(server.url) as client:
        definition = await read_agent_definition(client, "a1")
        assert server.requests[-1].path == "/agents/a1"  # only the controller's record is known to have nodes
        (node,), (item,) = definition.nodes, definition.graph_items
        assert (node.name, node.text) == ("Release", "Look twice")
        assert item.hitl_options
        assert item.hitl_options.timeout_seconds == 60
        assert item.hitl_options.approvers
        assert item.hitl_options.approvers.user_ids == ("u",)
        (named,) = await read_workflow_nodes(client, "a1")
        assert (named.id, named.name, named.text) == ("n1", "Release", None)
        with pytest.raises(NotFound):
            await read_workflow_nodes(client, "a2")
    async with make_client(server.url, rest=False) as client:
        with pytest.raises(NotSupported):
            await read_workflow_nodes(client, "a1")


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        ({"settled": False}, True),
        ({"settled": True, "request_id": "r1"}, True),
        ({}, False), ([], False), (None, False), ({"detail": "no"}, False), ({"settled": "no"}, False),
        ({"settled": True, "request_id": "r2"}, False), ({"settled": True, "id": "r2"}, False),
    ],
)  # fmt: skip
async def test_an_approval_is_believed_only_if_it_has_a_state_and_is_the_one_asked_for(
    body: Any, is_read: bool
) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, body)

    async with Server(serve) as server, make_client(server.url) as client:
        if is_read:
            assert (await read_tool_approval(client, "a1", "r1")).raw == body
        else:
            with pytest.raises(UnexpectedAnswer):
                await read_tool_approval(client, "a1", "r1")


@pytest.mark.parametrize(
    ("body", "names"),
    [([{"id": "n"}], ["n"]), ({"items": [{"id": "n"}]}, ["n"]), ({"nodes": []}, []), ([1, None], ["", ""]), ({}, None), ("x", None)],
)  # fmt: skip
async def test_nodes_in_any_form_are_read(body: Any, names: list[str] | None) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, body)

    async with Server(serve) as server, make_client(server.url) as client:
        if names is None:
            with pytest.raises(UnexpectedAnswer):
                await read_workflow_nodes(client, "w")
        else:
            assert [node.id for node in await read_workflow_nodes(client, "w")] == names
