"""The verb agent: the page of an agent as text and as JSON, without any secret."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Shell
from tests.domain.test_agent_page import HOSTILE_RECORD, SECRET
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server


async def test_an_agent_is_shown_with_its_mcp_servers_and_without_its_secrets(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.store.put_agent({**platform.local.platform.agent("a1"), **HOSTILE_RECORD})
    said = await shell.on(server, "agent", "a1")
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.split("\n")]
    assert "MCP servers: an id is a key in the file of --user-tokens" in lines
    assert {"id mcp-1", "server https://ledger.example.com:8443/…", "accepts tokens yes"} <= set(lines)
    assert "condition input.hook_token equal ••••" in lines
    assert SECRET not in said.out + said.err
    for form in ("json", "ndjson"):
        said = await shell.on(server, "agent", "a1", "-o", form)
        assert SECRET not in said.out
        assert (said.json["kind"], said.json["mcp_servers"][0]["id"]) == ("agent", "mcp-1")
    assert not [
        request for request in server.requests if request.path.endswith(("/db", "/streaming_spec", "_preflight"))
    ]


async def test_the_record_of_another_agent_is_not_shown(shell: Shell, platform: Platform, server: Server) -> None:
    async def lie(request: Request, connection: Connection) -> bool:
        if not request.path.endswith("/agents/a1"):
            return False
        await connection.reply(200, {"id": "a2", "name": "Another"})
        return True

    platform.before_reply = lie
    said = await shell.on(server, "agent", "a1")
    assert said.code != 0
    assert "answered with agent 'a2'" in said.err
    assert "Another" not in said.out


@pytest.mark.parametrize(("words", "code", "text"), [(["nope"], 1, "no agent 'nope'"), ([], 3, "which agent?")])
async def test_an_agent_that_is_missing_or_not_named_is_an_error(
    shell: Shell, platform: Platform, server: Server, words: list[str], code: int, text: str
) -> None:
    said = await shell.on(server, "agent", *words)
    assert (said.code, said.out) == (code, "")
    assert text in said.err


async def test_a_workflow_without_nodes_in_its_record_has_those_of_its_own_route(
    shell: Shell, platform: Platform, server: Server
) -> None:
    async def reply(request: Request, connection: Connection) -> bool:
        if request.path.endswith("/workflows/a1/nodes"):
            await connection.reply(200, [{"id": "n1", "type": "agent", "name": "Look", "target_agent_id": "a2"}])
            return True
        return False

    platform.before_reply = reply
    platform.store.put_agent({**platform.local.platform.agent("a1"), "type": "orchestration"})
    found = (await shell.on(server, "agent", "a1", "-o", "json")).json
    assert [node["name"] for node in found["nodes"]] == ["Look"]
    assert [agent["id"] for agent in found["sub_agents"]] == ["a2"]
