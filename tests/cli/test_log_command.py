"""The verb log: one line for each request, and one for what came back; answers and decisions as what they are."""

from __future__ import annotations

import asyncio
from io import StringIO
from typing import Any

from tests.cli.conftest import Shell
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server
from tui.cli.entry_lines import MAX_VALUE_CHARS, EntryPrinter
from tui.cli.output import Cell, Output
from tui.client.log_entries import parse_entry
from tui.security.redact import Redactor


def family(platform: Platform) -> None:
    """Add a task with nested sub-tasks, whose trigger is in the log, and one that may not be read."""
    platform.task("root", sub_executions=["child"], status="completed")
    platform.task("child", "a2", parent_execution="root", sub_executions=["gone"], status="completed")
    platform.entry("root", role="user", content={"text": "do \x1b[31m it"}, user={"display_name": "Dana Reyes"})
    platform.entry("root", type="think", title="Look first", confidence=0.7, thought="?")
    platform.entry("root", tool_name="pay", payload={"amount": 7}, result="paid", finished_at="2026-11-20T09:30:00Z")
    platform.entry("root", tool_name="wire", payload={}, result="no", is_error=True)
    platform.entry("root", tool_name="hold", payload={}, approval_request_id="r1")
    platform.entry("root", tool_name="wait", payload=None)
    platform.entry("root", type="login_required", data={"server_name": "Gmail"})
    platform.entry("root", agent_id="a2", reasoning={}, query="find it", created_execution_id="child")
    platform.entry("root", action="brand_new", note="hm")
    platform.entry("child", role="agent", content={"text": "found"})


async def test_log_prints_a_line_for_each_entry(shell: Shell, platform: Platform, server: Server) -> None:
    family(platform)
    said = await shell.on(server, "log", "root", "--utc")
    lines = [line[9:] for line in said.out.splitlines()]
    assert (said.code, said.err) == (0, "9 entries\n")
    for line in (
        "USR Dana Reyes do ␛[31m it",
        "RSN think Look first 0.70",
        "SGN Gmail login required",
        '··· brand_new {"note":"hm"}',
    ):
        assert line in lines
    tools = {line.split()[1]: line for line in lines if line.startswith("TOL")}
    assert tools["pay"] == 'TOL pay {"amount":7}'
    assert tools["wire"] == "TOL wire"
    assert tools["hold"] == "TOL hold waits for approval"
    assert tools["wait"] == "TOL wait no result yet"


async def test_log_tree_includes_sub_tasks_and_names_missing_logs(
    shell: Shell, platform: Platform, server: Server
) -> None:
    family(platform)
    said = await shell.on(server, "log", "root", "--tree")
    lines = said.out.splitlines()
    assert said.code == 0
    assert "the sub-task gone could not be read: Task not found (404)" in said.err
    (place,) = (number for number, line in enumerate(lines) if "SUB" in line and "find it" in line)
    assert lines[place + 1].split()[1:] == ["AGT", "agent", "found"]
    told = (await shell.on(server, "log", "root", "--tree", "-o", "json")).json
    assert (told["kind"], told["task_id"], told["partial"]) == ("log", "root", False)
    assert [(row["task_id"], row["depth"]) for row in told["items"] if row.get("label") == "found"] == [("child", 1)]


async def test_without_the_controller_log_says_that_it_has_only_messages(
    shell: Shell, platform: Platform, server: Server
) -> None:
    family(platform)
    shell.export(XPANDER_API_KEY=KEY, XPANDER_API_URL=server.url)
    said = await asyncio.to_thread(shell, "log", "root", "-o", "ndjson")
    assert [row["type"] for row in said.rows] == ["message"]
    assert said.err == "1 entries, messages only: the controller, which has the whole log, is not set\n"


def cells_of(entry: dict[str, Any]) -> tuple[str, str, EntryPrinter]:
    """Return the text of an entry's line, that of the line for its end, and the printer."""
    printer = EntryPrinter(Output(StringIO(), StringIO(), Redactor([KEY]), environ={}))
    parsed = parse_entry({"id": "e", **entry})
    lines = (printer.describe(parsed), printer.describe_end(parsed, 1.25))
    request, end = (" ".join(cell.text if isinstance(cell, Cell) else cell for cell in line).strip() for line in lines)
    return request, end, printer


async def test_log_prints_what_came_back_of_each_call(shell: Shell, platform: Platform, server: Server) -> None:
    family(platform)
    said = await shell.on(server, "log", "root", "--utc")
    lines = [line[9:] for line in said.out.splitlines()]
    paid, failed = (lines.index(line) for line in ('TOL pay {"amount":7}', "TOL wire"))
    assert lines[paid + 1].startswith("    ✓ ")
    assert lines[paid + 1].endswith(" paid")
    assert said.out.splitlines()[paid + 1].startswith("09:30:00 ")
    assert lines[failed + 1] == "    ✗ failed no"
    assert said.out.splitlines()[failed + 1].startswith(" " * 9)


def test_a_result_is_one_line_and_its_cut_is_counted() -> None:
    request, end, printer = cells_of({"tool_name": "read", "payload": {"q": 1}, "result": "a\nb" + "x" * 30_000})
    assert request == 'read {"q":1}'
    assert end.startswith("✓ 1.2s a bxxx")
    assert len(end) < MAX_VALUE_CHARS + 10
    kept = end.removeprefix("✓ 1.2s ").index("…")
    assert end.endswith(f"… [+{30_003 - kept} chars]")
    assert printer.cut_words == f"1 cut at {MAX_VALUE_CHARS} characters: -o json prints them whole"


def test_results_of_every_type_are_told_and_masked() -> None:
    assert cells_of({"tool_name": "t", "returned": True})[1] == "✓ 1.2s nothing came back"
    assert cells_of({"tool_name": "t", "result": {"token": KEY, "n": 0}})[1].endswith('"n":0}')
    assert KEY not in cells_of({"tool_name": "t", "result": [KEY]})[1]
    assert cells_of({"tool_name": "t", "result": False})[1] == "✓ 1.2s false"
    assert cells_of({"tool_name": "t", "is_error": True})[1] == "✗ failed 1.2s nothing came back"
    assert cells_of({"tool_name": "t", "payload": "\x1b[2J"})[0] == "t no result yet ␛[2J"
    cut = cells_of({"tool_name": "t", "result": "so far [TRUNCATED OUTPUT - 52000 chars"})[1]
    assert "(cut by the platform from 52,000 characters)" in cut
    held = {"tool_name": "t", "approval_request_id": "r"}
    assert cells_of(held)[:2] == ("t waits for approval", "")
    assert cells_of({**held, "result": "ran"})[:2] == ("t", "✓ 1.2s ran")


QUESTION = {"id": "q1", "text": "Which region?", "options": [{"id": "o1", "label": "eu-west-1"}]}
ANSWER = {"question_id": "q1", "selected_option_ids": ["o1"]}


async def test_log_shows_an_answer_as_an_answer(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("root", status="completed")
    told = {"answers": [ANSWER], "answered_by": "Ann", "answered_at": "2026-11-20T09:20:00Z"}
    card = platform.entry("root", questions=[QUESTION], **told)
    times = {"created_at": "2026-11-20T09:20:01Z"}
    platform.entry("root", role="user", content={"text": "eu-west-1"}, user={"display_name": "Ann"}, **times)
    platform.entry("root", role="user", content={"text": "go on"}, created_at="2026-11-20T09:21:00Z")
    said = await shell.on(server, "log", "root", "--utc")
    assert [line[9:] for line in said.out.splitlines()] == [
        "ASK Which region?",
        'DEC answered "eu-west-1" by Ann to: Which region?',
        "USR user go on",
    ]
    items = (await shell.on(server, "log", "root", "-o", "json")).json["items"]
    assert [item.get("answer_to") for item in items] == [None, card["id"], None]


async def test_an_answer_that_no_message_repeats_stands_below_its_question(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("root", status="completed")
    platform.entry("root", questions=[QUESTION], answers=[ANSWER], answered_at="2026-11-20T09:30:00Z")
    platform.entry("root", questions=[QUESTION])
    said = await shell.on(server, "log", "root", "--utc")
    lines = said.out.splitlines()
    assert lines[1] == '09:30:00     answered "eu-west-1"'
    assert [line[9:] for line in lines[::2]] == ["ASK Which region?", "ASK Which region?"]


async def test_log_has_the_decision_of_the_record(shell: Shell, platform: Platform, server: Server) -> None:
    request = {"wait_node_id": "n", "title": "Pay", "rejected_by": "Ann", "comment": "wrong supplier"}
    platform.task("root", status="completed", hitl_request={**request, "rejected_at": "2026-11-20T09:30:00Z"})
    platform.entry("root", role="user", content={"text": "do it"})
    said = await shell.on(server, "log", "root", "--utc")
    assert said.out.splitlines()[-1] == '09:30:00 DEC rejected by Ann: "wrong supplier" · Pay'
