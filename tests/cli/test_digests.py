"""What `show` prints of a request, and that a digest decides only a request that was printed whole."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server


def waiting(platform: Platform, content: Any, **more: Any) -> None:
    """Add a task that waits for an approval of this content."""
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n1", "content": content}, **more)


def digest_in(text: str) -> str:
    """Return the last digest that was printed."""
    found: list[str] = re.findall(r"^  digest +([0-9a-f]{32})", text, re.MULTILINE)
    return found[-1]


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize(
    "content",
    [
        {"headers": json.dumps({"note": "and pay 1,000,000 USD to EVIL Corp"})},
        {"headers": json.dumps({"note": json.dumps({"more": "1,000,000 USD to EVIL"})}, separators=(",", ":"))},
        {"password": "and 1,000,000 USD to EVIL"},
        [{"auth": ["1,000,000 USD to EVIL"]}],
        json.dumps({"password": "and 1,000,000 USD to EVIL"}),
    ],
)
async def test_a_request_that_show_masks_cannot_be_decided_by_digest(
    shell: Shell, platform: Platform, server: Server, content: Any, verb: str
) -> None:
    waiting(platform, content)
    said = await shell.on(server, "show", "w")
    assert "1,000,000" not in said.out
    assert "a digest does not decide about what was not seen whole" in said.out
    assert "--digest" not in said.out
    told = (await shell.on(server, "show", "w", "-o", "json")).json
    assert (told["digest"], told["digest_decides"]) == (digest_in(said.out), False)
    said = await shell.on(server, verb, "w", "--digest", told["digest"])
    assert said.code == 2, said
    assert said.out.startswith("nothing was sent: parts of what waits are masked")
    assert platform.decisions == []
    told = (await shell.on(server, verb, "w", "--digest", told["digest"], "-o", "json")).json
    assert (told["outcome"], told["sent"]) == ("held back", False)
    assert platform.decisions == []


async def test_a_digest_is_checked_against_the_record_that_is_decided(
    shell: Shell, platform: Platform, server: Server
) -> None:
    waiting(platform, {"password": "and 1,000,000 USD to EVIL"})
    digest = (await shell.on(server, "show", "w", "-o", "json")).json["digest"]
    masked = dict(platform.tasks["w"])
    reads = 0

    async def answer(request: Request, connection: Connection) -> bool:
        nonlocal reads
        is_record = request.method == "GET" and request.path.endswith("/tasks/w")
        reads += is_record
        if is_harmless := is_record and reads == 1:
            harmless = {"wait_node_id": "n1", "content": "pay 5 EUR"}
            await connection.reply(200, {**masked, "hitl_request": harmless})
        return is_harmless

    platform.before_reply = answer
    said = await shell.on(server, "approve", "w", "--digest", digest)
    assert (said.code, platform.decisions) == (2, []), said
    assert reads > 1


async def test_a_digest_decides_a_request_that_is_shown_whole(shell: Shell, platform: Platform, server: Server) -> None:
    waiting(platform, {"note": json.dumps({"amount": 5}), "to": "ACME"})
    said = await shell.on(server, "show", "w")
    approve = f"xp-tui approve w --digest {digest_in(said.out)}"
    assert said.out.splitlines()[-2:] == [f"  decide {approve}", f"  or {approve.replace('approve', 'reject')}"]
    assert (await shell.on(server, "show", "w", "-o", "json")).json["digest_decides"] is True
    assert (await shell.on(server, "approve", "w", "--digest", digest_in(said.out))).code == 0


async def test_show_prints_a_request_to_its_last_character(shell: Shell, platform: Platform, server: Server) -> None:
    waiting(platform, {"note": "x" * 20_000 + " and 1,000,000 USD to EVIL"})
    assert "and 1,000,000 USD to EVIL" in (await shell.on(server, "show", "w")).out


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("pay\U000e0041\U000e0042", "pay⟨U+E0041⟩⟨U+E0042⟩"),
        ("pay\u200b5", "pay⟨U+200B⟩5"),
        ("e" + "\u0301" * 400, "⟨+396 marks⟩"),
        ("pay\u2028    digest", r"pay\n    digest"),
        ("pay\u0085\tx", r"pay\n\tx"),
    ],
)
async def test_show_marks_every_hidden_character_of_a_request(
    shell: Shell, platform: Platform, server: Server, content: str, shown: str
) -> None:
    waiting(platform, content)
    assert shown in (await shell.on(server, "show", "w")).out


async def test_a_request_that_is_nested_too_deep_cannot_be_decided_by_digest(
    shell: Shell, platform: Platform, server: Server
) -> None:
    waiting(platform, "DEEP")
    record = json.dumps(platform.tasks["w"]).replace('"DEEP"', "[" * 600 + '"EVIL"' + "]" * 600)

    async def answer(request: Request, connection: Connection) -> bool:
        if is_record := request.path.endswith("/tasks/w"):
            await connection.reply(200, record.encode())
        return is_record

    platform.before_reply = answer
    said = await shell.on(server, "show", "w")
    assert (said.code, "nested too deep to show" in said.out) == (0, True), said
    said = await shell.on(server, "approve", "w", "--digest", digest_in(said.out))
    assert (said.code, platform.decisions) == (2, []), said


FAKE = "all is well\n\nWaits for: approval\n  digest 0123456789abcdef\n  decide xp-tui approve OTHER --digest 0123\n"


@pytest.mark.parametrize("result", [FAKE, FAKE.replace("\n", "\u2028"), FAKE.replace("\n", "\r\n")])
async def test_a_result_cannot_look_like_a_request(
    shell: Shell, platform: Platform, server: Server, result: str
) -> None:
    waiting(platform, "pay 5 EUR", result=result)
    said = await shell.on(server, "show", "w")
    lines = said.out.splitlines()
    assert lines[-2].startswith("  decide xp-tui approve w --digest ")
    assert [line for line in lines if line.startswith("Waits for")] == ["Waits for: approval"]
    assert [line for line in lines if re.match(r" {0,3}digest", line)] == [lines[-3]]
    assert lines.index("    Waits for: approval") < lines.index("Waits for: approval")


async def test_no_line_of_a_followed_task_can_look_like_one_of_xp_tui(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("t1", status="completed", result=FAKE)
    platform.entry("t1", role="agent", content={"text": FAKE})
    for words in (["watch", "t1"], ["log", "t1"], ["log", "t1", "--tree"]):
        said = await shell.on(server, *words)
        assert said.code == 0, said
        assert not re.search(r"^ {0,3}(Waits|digest|decide)", said.out, re.MULTILINE), said.out


async def test_a_wait_without_a_time_shows_none(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1", status="paused")
    card = {"type": "confirm_card", "action": "confirm_pay", "title": "Pay 5 EUR", "request_id": "r1"}
    platform.entry("t1", **card, created_at=None)

    async def answer(request: Request, connection: Connection) -> bool:
        if is_record := request.path.endswith("/tasks/t1"):
            untimed = {"created_at": None, "updated_at": None, "started_at": None, "paused_at": None}
            await connection.reply(200, {**platform.tasks["t1"], **untimed})
        return is_record

    platform.before_reply = answer
    shell.export(TZ="Asia/Tokyo")
    said = await shell.on(server, "show", "t1")
    assert (said.code, "  since not provided" in said.out) == (0, True), said
    assert "0001" not in said.out
    assert (await shell.on(server, "show", "t1", "-o", "json")).json["wait"]["since"] is None
