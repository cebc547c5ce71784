"""The verb watch: each change is printed once, as it happens, until the condition holds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from tests.cli.conftest import CommandResult, Shell
from tests.conftest import FastClock
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server
from tui.cli.exit_codes import UsageError
from tui.cli.output import Output
from tui.cli.watch_command import _ChangePrinter, parse_timeout
from tui.client.event_stream import Link, LinkState
from tui.client.events import Event
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.domain.activity_log import Gap
from tui.domain.filters import parse_filter
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen, TaskGone, TasksSeen
from tui.security.redact import Redactor

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@asynccontextmanager
async def watched(shell: Shell, server: Server, *words: str) -> AsyncIterator[asyncio.Future[CommandResult]]:
    """Run a watch whose streams are open."""
    tasks = len({word for word in words if word.startswith("t")})
    watch = asyncio.ensure_future(shell.on(server, "watch", *words))
    async with asyncio.timeout(20):
        while sum(request.path.endswith("/events") for request in server.requests) < tasks and not watch.done():
            await asyncio.sleep(0.01)
        try:
            yield watch
        finally:
            await watch


def without_clocks(text: str) -> list[str]:
    """Return the lines without their times."""
    return [re.sub(r"^(t\d )?\d\d:\d\d:\d\d ", r"\1", line) for line in text.splitlines()]


async def test_watch_prints_events_as_they_happen(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    platform.task("t1", title="Evil \x1b[31m title")
    platform.entry("t1", role="user", content={"text": "do it"})
    async with watched(shell, server, "t1") as watch:
        await platform.push("t1", "connected", {})
        await platform.push("t1", "think", {"payload": {"input": {"title": "Look", "confidence": 0.5, "thought": "x"}}})
        await platform.push(
            "t1", "plan_updated", {"tasks": [{"id": "1", "title": "a", "completed": True}, {"id": "2"}]}
        )
        for piece in ("It is ", f"{KEY[:5]}", f"{KEY[5:]}\nand", " so on"):
            await platform.push("t1", "chunk", piece)
        await platform.push("t1", "brand_new", {"note": f"\x1b[2J {KEY}"})
        await platform.push("t1", "context_status", {"percent": 5})
        platform.change("t1", status="paused", hitl_request={"wait_node_id": "n", "content": "pay"})
        await platform.push("t1", "task_updated", platform.tasks["t1"])
        await platform.finish("t1", result="done\nat last")
    said = watch.result()
    lines = without_clocks(said.out)
    assert (said.code, said.err) == (0, "")
    assert lines[0] == "▶ executing Evil ␛[31m title"
    told = [line for line in lines if not line.startswith(("●", "message"))]
    if "    It is" in told:  # a message of the log came in the middle of the text
        told[told.index("    It is") : told.index("    ••••") + 1] = ["    It is ••••"]
    assert told[1:] == [
        "think             think Look 0.50",
        "plan 1/2",
        "    It is ••••",
        "    and so on",
        'brand_new         brand_new {"note":"\\u001b[2J \\u2022\\u2022\\u2022\\u2022"}',
        "‖ approval Evil ␛[31m title",
        "✓ completed Evil ␛[31m title",
        "result",
        "    done",
        "    at last",
    ]
    assert sum(line.startswith("message") for line in lines) == 2  # the prompt and the answer, from the log
    assert "● live" in lines


async def test_each_line_names_its_task_when_several_are_watched(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    platform.task("t1")
    platform.task("t2")
    async with watched(shell, server, "t1", "t2", "t1") as watch:
        await platform.push("t1", "chunk", "of the first")
        await platform.finish("t2", "failed", "")
        await platform.finish("t1")
    said = watch.result()
    lines = without_clocks(said.out)
    assert said.code == 1  # t2 has failed
    for line in ("t1 ▶ executing Task t1", "t2 ▶ executing Task t2", "t2 ✗ failed Task t2", "t1 ✓ completed Task t1"):
        assert lines.count(line) == 1
    assert "    of the first" in lines
    assert sum(request.path.endswith("/events") for request in server.requests) == 2  # named twice, followed once


async def test_watch_prints_every_change_and_the_final_task_as_ndjson(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    platform.task("t1")
    async with watched(shell, server, "t1", "-o", "ndjson") as watch:
        await platform.push("t1", "chunk", "a piece")
        await platform.finish("t1", result="done")
    rows = watch.result().rows
    assert {row["task_id"] for row in rows[:-1]} == {"t1"}
    (piece,) = (row for row in rows if row.get("type") == "chunk")
    assert (piece["kind"], piece["provenance"], piece["data"], piece["id"]) == ("event", "live", "a piece", "1")
    assert [row["type"] for row in rows if row["kind"] == "task"] == ["executing", "completed"]
    assert [row["data"]["state"] for row in rows if row["kind"] == "link"] == ["connecting", "live"]
    assert [row["label"] for row in rows if row["kind"] == "entry"] == ["done"]
    assert (rows[-1]["kind"], rows[-1]["id"], rows[-1]["result"]) == ("final", "t1", "done")


@pytest.mark.parametrize(("until", "code"), [("status:paused,completed", 0), ("status:completed", 1)])
async def test_watch_ends_as_soon_as_its_condition_holds(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, until: str, code: int
) -> None:
    platform.task("t1")
    async with watched(shell, server, "t1", "--until", until, "--timeout", "60s") as watch:
        platform.change("t1", status="paused" if code == 0 else "failed")
        await platform.push("t1", "task_updated" if code == 0 else "task_finished", platform.tasks["t1"])
    assert watch.result().code == code


async def test_watching_an_unknown_task_is_an_error(shell: Shell, server: Server) -> None:
    said = await shell.on(server, "watch", "t1")
    assert (said.code, said.out, "Task not found" in said.err) == (1, "", True)


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("90", 90.0), ("1.5s", 1.5), ("30m", 1800.0), ("2h", 7200.0), ("1d", 86400.0)]
)
def test_a_timeout_is_parsed_as_a_duration(text: str | None, seconds: float | None) -> None:
    assert parse_timeout(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0.0h", "-5", "m", "1w", "soon", "1 h"])
def test_an_invalid_timeout_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--timeout is a length of time as 90s, 30m or 2h"):
        parse_timeout(text)


# Single changes


class PrintedChanges:
    """What watch prints of changes."""

    def __init__(self, form: str = "table", *, several: bool = False, until: str = "") -> None:
        self.out = StringIO()
        output = Output(self.out, StringIO(), Redactor([KEY]), form, environ={})
        # Private: changes are printed without a watch that brings them.
        self.show = _ChangePrinter(output, parse_filter(until), several)

    def from_value(self, *changes: Change) -> str:
        """Apply these changes, and return what was printed."""
        begin = self.out.tell()
        for change in changes:
            self.show.print_change(change)
        return self.out.getvalue()[begin:]


def task(status: str, at: int, **more: Any) -> TasksSeen:
    """Return a task as it was at this many seconds after noon."""
    told = {"id": "task-0001", "status": status, "title": "Pay", "updated_at": f"2026-11-21T12:00:{at:02}Z", **more}
    return TasksSeen((Task.from_value(told),), NOW)


def event(kind: str, data: Any) -> EventSeen:
    return EventSeen("task-0001", Event.from_value({"type": kind, "data": data, "time": "2026-11-21T12:00:00Z"}), NOW)


def test_a_replayed_status_is_not_printed_again() -> None:
    told = PrintedChanges()
    assert told.from_value(task("executing", 5)) == "▶ executing Pay\n"
    assert told.from_value(task("executing", 6), task("pending", 1), task("executing", 6)) == ""
    assert told.from_value(task("completed", 7)) == "✓ completed Pay\n"


def test_a_gap_is_printed_with_the_number_of_entries_that_filled_it() -> None:
    gap = Gap(NOW, 12.4)
    told = PrintedChanges(several=True)
    assert told.from_value(GapSeen("task-0001", gap)) == "task-000 ─ gap 12.4s, not filled yet ─\n"
    assert told.from_value(GapSeen("task-0001", Gap(NOW, 12.4, 3))) == "task-000 ─ gap 12.4s, 3 back-filled ─\n"
    told = PrintedChanges("ndjson")
    assert '"data":{"seconds":12.4,"filled":null}' in told.from_value(GapSeen("task-0001", gap))


def test_the_state_of_the_stream_is_printed_except_the_first_connection() -> None:
    told = PrintedChanges()
    assert told.from_value(LinkSeen("task-0001", Link(LinkState.CONNECTING), NOW)) == ""
    link = Link(LinkState.RECONNECTING, "it \x1b broke", 3.0, 2)
    assert told.from_value(LinkSeen("task-0001", link, NOW)) == "● reconnecting 3 s (2nd): it ␛ broke\n"


CALL = {"request_id": "r1", "tool_name": "search", "payload": {"q": "late"}}


def entry_lines(text: str) -> list[str]:
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in text.splitlines()]


def log(*entries: dict[str, Any], fresh: int = 0, at: int = 1) -> LogSeen:
    """Return a log that was read at this many seconds after noon, the last entries of which are fresh."""
    parsed = tuple(map(parse_entry, entries))
    return LogSeen("task-0001", Log(parsed), NOW + timedelta(seconds=at), parsed[len(parsed) - fresh :])


def test_a_result_shows_what_came_back_and_not_the_request_again() -> None:
    told = PrintedChanges()
    told.from_value(task("executing", 1))
    assert entry_lines(told.from_value(event("tool_call_request", CALL))) == [
        'tool_call_request search no result yet {"q":"late"}'
    ]
    assert entry_lines(told.from_value(event("tool_call_result", {**CALL, "result": "3 hits"}))) == [
        "tool_call_result  search ✓ 0.0s 3 hits"
    ]
    failed = {**CALL, "request_id": "r2", "result": "HTTP 503", "is_error": True}
    assert entry_lines(told.from_value(event("tool_call_result", failed))) == [
        "tool_call_result  search ✗ failed HTTP 503"
    ]


def test_the_result_of_a_call_that_only_the_log_tells_is_printed_once() -> None:
    told = PrintedChanges()
    told.from_value(task("executing", 1), event("tool_call_request", CALL))
    logged = {**CALL, "id": "r1", "created_at": "2026-11-21T12:00:00Z"}
    done = {**logged, "result": "3 hits", "finished_at": "2026-11-21T12:00:02Z"}
    assert told.from_value(log(logged)) == ""
    assert entry_lines(told.from_value(log(done, at=2))) == ["tool result       search ✓ 2.0s 3 hits"]
    assert told.from_value(log(done, at=3)) == ""


def test_a_back_filled_call_has_a_line_for_its_request_and_one_for_its_result() -> None:
    told = PrintedChanges()
    done = {**CALL, "id": "r9", "created_at": "2026-11-21T12:00:00Z", "finished_at": "2026-11-21T12:00:02Z"}
    printed = told.from_value(task("executing", 1), log({**done, "result": {"n": 3}}, fresh=1))
    assert entry_lines(printed)[1:] == [
        'tool              search {"q":"late"}',
        'tool result       search ✓ 2.0s {"n":3}',
    ]


def test_an_answer_is_printed_as_an_answer() -> None:
    told = PrintedChanges()
    question = {"id": "q1", "text": "Which region?", "options": [{"id": "o1", "label": "eu-west-1"}]}
    card = {"id": "c1", "questions": [question], "answers": [{"question_id": "q1", "answer": "o1"}]}
    message = {"id": "m1", "role": "user", "content": {"text": "eu-west-1"}}
    printed = told.from_value(task("executing", 1), log(card, message, fresh=1))
    assert printed.splitlines()[1].split(None, 1) == ["answer", 'answered "eu-west-1" to: Which region?']


def test_a_vanished_task_is_printed_as_ndjson() -> None:
    gone = TaskGone("task-0001", NOW, "Task not found")
    assert '"data":{"gone":"Task not found"}' in PrintedChanges("ndjson").from_value(gone)
    assert PrintedChanges().from_value(gone) == ""  # the verb itself says so, and ends


def test_streamed_text_is_printed_line_by_line_and_long_lines_in_parts() -> None:
    told = PrintedChanges()
    assert told.from_value(event("chunk", "first\nsec")) == "    first\n"
    assert told.from_value(event("chunk", "ond\n")) == "    second\n"
    assert told.from_value(event("chunk", "x" * 399)) == ""
    assert told.from_value(event("chunk", f" {'y' * 130}")) == f"    {'x' * 399} \n"
    assert told.from_value(event("chunk", "z" * 70000)).endswith("zz… [+60146 chars]\n")
    assert told.from_value(event("chunk", "begun")) == ""
    assert told.from_value(event("plan_updated", {"tasks": []})) == "    begun\nplan 0/0\n"


def test_the_rest_of_streamed_text_is_printed_before_the_result() -> None:
    told = PrintedChanges()
    told.from_value(event("chunk", "the last words"))
    begin = told.out.tell()
    told.show.print_final(Task.from_value({"id": "task-0001", "status": "completed", "result": None}))
    assert told.out.getvalue()[begin:] == "    the last words\n"


@pytest.mark.parametrize(
    "secret", [KEY, "password: hunter22hunter22", "Bearer abcdefgh12345678", "password:\n  hunter22hunter22"]
)
@pytest.mark.parametrize("before", ["", "x " * 200, "x\n" * 5])
@pytest.mark.parametrize("between", [(), (LinkSeen("task-0001", Link(LinkState.RECONNECTING), NOW),)])
def test_a_streamed_secret_is_masked_however_it_is_split(secret: str, before: str, between: tuple[Change, ...]) -> None:
    for cut in range(1, len(secret)):
        printed = PrintedChanges().from_value(
            event("chunk", before + secret[:cut]), *between, event("chunk", f"{secret[cut:]}\nmore\n")
        )
        assert secret.split()[-1] not in printed.replace("\n", "")
        assert printed.endswith("more\n")


def test_a_private_key_that_is_streamed_line_by_line_is_masked_whole() -> None:
    lines = [
        "-----BEGIN RSA PRIVATE KEY-----\n",
        *("QUJDREVGR0hJSktM\n" for _ in range(9)),
        "-----END RSA PRIVATE KEY-----\n",
    ]
    printed = PrintedChanges().from_value(*(event("chunk", line) for line in ["here:\n", *lines, "so far\n"]))
    assert "QUJD" not in printed
    assert printed.startswith("    here:\n")
    assert printed.endswith("so far\n")


def test_a_long_line_is_printed_while_it_comes() -> None:
    printed = PrintedChanges().from_value(*(event("chunk", "word ") for _ in range(200)))
    assert 400 < len(printed) < 1000


def test_changes_of_other_tasks_are_printed_as_they_came() -> None:
    child = {"id": "child", "status": "completed", "title": "Of a child"}
    assert "sub_task_finished" in PrintedChanges().from_value(event("sub_task_finished", child))


async def test_the_first_match_of_a_condition_counts() -> None:
    told = PrintedChanges(until="status:paused")
    early = told.show.matched("task-0001")
    told.from_value(task("executing", 1))
    assert not early.done()
    told.from_value(task("paused", 2), task("paused", 3))
    assert early.result().updated_at == datetime(2026, 11, 21, 12, 0, 2, tzinfo=UTC)
