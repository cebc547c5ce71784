"""The verbs tasks, show, log and agents: what they print, in each form, and their errors."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Shell
from tests.wire.platform import KEY, Platform, add_waiting_task
from tests.wire.server import Connection, Request, Server
from tui import __version__
from tui.cli.context import Session
from tui.cli.main import run

# tasks


def plan(done: int, steps: int) -> dict[str, object]:
    """Return a plan of this many steps."""
    tasks = [{"id": str(number), "title": f"Step {number}", "completed": number < done} for number in range(steps)]
    return {"enabled": True, "tasks": tasks}


async def test_tasks_lists_waiting_tasks_first(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("done", status="completed", finished_at="2026-11-20T09:30:00Z")
    platform.task("odd", status="hibernating")
    platform.task("busy", "a2", deep_planning=plan(1, 3), tokens={"total_tokens": 18_200})
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n", "content": "pay"})
    said = await shell.on(server, "tasks", "--utc")
    head, *rows = said.out.splitlines()
    assert (said.code, said.err) == (0, "4 loaded\n")
    assert head.split()[:4] == ["STATUS", "ID", "TITLE", "AGENT"]
    assert [row.split()[:3] for row in rows] == [
        ["‖", "approval", "w"],
        ["▶", "executing", "busy"],
        ["✓", "completed", "done"],
        ["?", "hibernating", "odd"],
    ]
    assert [name in rows[1] for name in ("Release bot", "Invoice bot")] == [True, False]


async def test_tasks_pushes_filters_down_to_the_platform(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1", input={"text": "x", "user": {"id": "u1"}})
    platform.task("t2", status="failed")
    said = await shell.on(server, "tasks", "--status", "failed", "--status", "stopped", "-o", "ndjson")
    assert [row["id"] for row in said.rows] == ["t2"]
    asked = [request.query["status"] for request in server.requests if request.path == "/v1/tasks"]
    assert asked == ["failed", "stopped"]
    words = ("--user", "u1", "--parent", "p", "--triggering-agent", "a2", "--internal-status", "s", "--agent", "a1")
    assert (await shell.on(server, "tasks", *words)).out == ""
    asked_for = dict(server.requests[-1].query)
    assert {name: asked_for[name] for name in ("user_id", "parent_task_id", "triggering_agent_id", "internal_status")} == {
        "user_id": "u1", "parent_task_id": "p", "triggering_agent_id": "a2", "internal_status": "s",
    }  # fmt: skip


async def test_a_local_filter_prints_the_count_of_matches(shell: Shell, platform: Platform, server: Server) -> None:
    for number in range(260):
        platform.task(f"t{number:03}", status="completed", title=f"Task {number % 10}")
    said = await shell.on(server, "tasks", "title:9", "-o", "json")
    told = said.json
    assert (told["kind"], told["filter"], told["loaded"], told["total"]) == ("tasks", "title:9", 200, 260)
    assert len(told["items"]) == 20
    assert said.err == "20 of 200 loaded, 260 in all: --all for the rest\n"
    said = await shell.on(server, "tasks", "--filter", "-title:9", "tokens:>1k", "--all", "-o", "ndjson")
    assert said.rows == []
    assert said.err == ("lists do not tell tokens: only tasks that do are found by tokens:\n0 of 260 loaded\n")


async def test_tasks_lists_tasks_without_the_names_of_agents(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")

    async def answer(request: Request, connection: Connection) -> bool:
        if is_agents := request.path.startswith("/v1/agents"):
            await connection.reply(status, {"detail": "not now"})
        return is_agents

    platform.before_reply, status = answer, 404
    said = await shell.on(server, "tasks")
    assert (said.code, " t1 " in said.out) == (0, True)
    assert said.err == "the agents' names are not known: not now (404)\n1 loaded\n"
    status = 401
    said = await shell.on(server, "tasks")
    assert (said.code, said.out) == (4, "")


async def test_a_waiting_task_whose_record_cannot_be_read_is_listed(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("w", status="paused")

    async def answer(request: Request, connection: Connection) -> bool:
        if is_task := request.path.endswith("/w"):
            await connection.reply(403, {"detail": "not yours"})
        return is_task

    platform.before_reply = answer
    said = await shell.on(server, "tasks")
    assert said.code == 0
    assert said.out.splitlines()[1].startswith("◇ paused (reason unknown)  w")


# show


async def test_show_prints_everything_about_a_task(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task(
        "t1", status="completed", result="two\nlines", deep_planning=plan(1, 2), tokens={"total_tokens": 18_200},
        input={"text": "do it", "user": {"id": "u1", "display_name": "Dana Reyes"}}, sub_executions=["s1", "s2"],
        parent_execution="p1", internal_status="checked", events_streaming=False,
    )  # fmt: skip
    platform.entry("t1", role="agent", content={"text": "two\nlines"})
    said = await shell.on(server, "show", "t1")
    lines = [line.strip() for line in said.out.splitlines()]
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if len(line.split()) > 1}
    assert said.code == 0
    assert lines[0] == "Task t1"
    assert lines[-3:] == ["Result", "two", "lines"]
    expected = {
        "status": "✓ completed", "internal": "checked", "id": "t1", "agent": "a1", "asked": "do it",
        "by": "Dana Reyes", "source": "api", "parent": "p1", "sub-tasks": "s1, s2", "model": "openai gpt-4.1",
        "tokens": "18.2k", "events": "not streamed, polled", "log": "1 entries", "plan": "1 of 2 steps",
        "✓": "Step 0", "·": "Step 1",
    }  # fmt: skip
    assert {name: told.get(name) for name in expected} == expected
    assert (await shell.on(server, "reload", "t1")).out == said.out


async def test_show_prints_the_whole_request_and_how_to_decide(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n", "content": '{"amount": 1204}'})
    said = await shell.on(server, "show", "w")
    digest = (await shell.on(server, "show", "w", "-o", "json")).json["digest"]
    assert "Waits for: approval" in said.out
    assert '"amount": 1204' in said.out
    assert f"xp-tui approve w --digest {digest}" in said.out
    platform.task("odd", status="paused")
    said = await shell.on(server, "show", "odd")
    assert "what it waits for is not provided by the platform" in said.out
    assert "there is nothing to approve" in said.out
    assert "--digest" not in said.out


async def test_a_short_id_is_answered_with_the_matching_ids(shell: Shell, platform: Platform, server: Server) -> None:
    for name in ("abcdef-1", "abcdef-2", "abcxyz-3"):
        platform.task(name)
    said = await shell.on(server, "show", "abcd")
    assert (said.code, said.out) == (1, "")
    assert said.err == ("xp-tui: no task 'abcd': Task not found (404). Ids that begin so: abcdef-2, abcdef-1\n")
    assert "Give the whole id; xp-tui tasks lists them" in (await shell.on(server, "show", "abc")).err
    asked = len(server.requests)
    assert "Give the whole id" in (await shell.on(server, "show", "x" * 32)).err
    assert len(server.requests) == asked + 1  # that was whole


# agents


async def test_agents_are_listed_in_each_form(shell: Shell, server: Server) -> None:
    said = await shell.on(server, "agents")
    assert [line.split()[:4] for line in said.out.splitlines()[1:]] == [
        ["Invoice", "bot", "a1", "active"],
        ["Release", "bot", "a2", "active"],
    ]
    assert (said.code, said.err) == (0, "2 agents\n")
    rows = (await shell.on(server, "agents", "-o", "ndjson")).rows
    assert [(row["kind"], row["id"], row["raw"]["icon"]) for row in rows] == [
        ("agent", "a1", "🚀"),
        ("agent", "a2", "🚀"),
    ]
    told = (await shell.on(server, "agents", "-o", "json")).json
    assert (told["kind"], [agent["name"] for agent in told["items"]]) == ("agents", ["Invoice bot", "Release bot"])


# Any verb


def test_version_and_help_are_printed(shell: Shell) -> None:
    assert shell("--version") == (0, f"xp-tui {__version__}\n", "")
    said = shell("--help")
    assert (said.code, said.err, "exit codes: 0 ok" in said.out) == (0, "", True)
    said = shell("frobnicate")
    assert (said.code, said.out, "invalid choice: 'frobnicate'" in said.err) == (3, "", True)


def test_unreadable_settings_end_every_verb(shell: Shell) -> None:
    path = shell.configure("hold = \n")
    said = shell("tasks")
    assert (said.code, said.out, said.err.startswith(f"xp-tui: {path}:1:8: ")) == (3, "", True)


async def test_a_mistake_in_a_filter_is_underlined(shell: Shell, server: Server) -> None:
    said = await shell.on(server, "tasks", "stat:x")
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("xp-tui: the filter cannot be read\n")
    assert "^^^^" in said.err
    assert server.requests == []


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)])
def test_an_interrupt_and_a_closed_pipe_end_a_verb_silently(
    shell: Shell, raised: type[BaseException], code: int
) -> None:
    async def screens(session: Session) -> int:
        raise raised

    silenced: list[bool] = []
    shell.patch.setattr("tui.cli.output.ignore_broken_pipe", lambda: silenced.append(True))
    assert run([], screens) == code
    assert shell.capsys.readouterr() == ("", "")
    assert silenced == [True] * (raised is BrokenPipeError)


def test_an_unexpected_error_is_one_sentence_and_a_crash_file(shell: Shell) -> None:
    async def screens(session: Session) -> int:
        raise RuntimeError(f"with {KEY} in it")

    shell.export(XPANDER_API_KEY=KEY)
    assert run([], screens) == 1
    told = shell.capsys.readouterr()
    (file,) = (shell.state / "crashes").iterdir()
    assert told.err.startswith("xp-tui: xp-tui has failed: RuntimeError: with •••• in it. What is known is in ")
    assert str(file) in told.err
    assert KEY not in told.err + file.read_text()


# Point 7: the same kinds of waits as on the screens

RUN_AT = "2099-01-01T00:00:00Z"


@pytest.fixture
def waits(platform: Platform) -> dict[str, str]:
    """Let one task wait for each kind of input; return the words for each task."""
    agent = platform.store.agent("a1")
    nodes = [
        {"id": "hook", "type": "wait", "definition": {"type": "webhook"}},
        {"id": "clock", "type": "self_schedule"},
    ]
    platform.store.put_agent({**(agent or {}), "orchestration_nodes": nodes})
    add_waiting_task(platform, "approval")
    for name in ("secret", "member", "held", "silent", "question"):
        platform.task(name, status="paused")
    platform.task("hook", status="paused", last_executed_node_id="hook")
    platform.task("clock", status="paused", last_executed_node_id="clock")
    platform.entry("secret", action="ask_for_secret", name="TOKEN")
    platform.entry("member", action="invite_member", email="mei@example.com")
    platform.entry("held", action="approval_requested", approval_request_id="r1")
    platform.entry("question", questions=[{"id": "q", "question": "Which?"}])
    platform.entry("clock", action="self_schedule", run_at=RUN_AT)
    return {
        "approval": "‖ approval", "question": "‖ question", "secret": "◇ secret asked", "member": "◇ invitation",
        "held": "◇ held call", "silent": "◇ paused (reason unknown)", "hook": "○ webhook", "clock": "○ self-schedule",
    }  # fmt: skip


async def test_tasks_and_show_say_the_same_kinds_as_the_screens(
    shell: Shell, server: Server, waits: dict[str, str]
) -> None:
    listed = await shell.on(server, "tasks")
    for task_id, words in waits.items():
        (line,) = [line for line in listed.out.splitlines() if f" {task_id} " in line]
        assert line.startswith(f"{words} ")
        shown = await shell.on(server, "show", task_id)
        assert f"status     {words}\n" in shown.out
        begin = "Waits for a machine" if words.startswith("○") else "Waits for"
        assert f"\n{begin}: {words[2:]}\n" in shown.out
        decides = "xp-tui approve" in shown.out
        assert decides is (task_id == "approval")
    assert "in 72y" in listed.out


async def test_the_json_tells_the_kind_the_need_and_the_time(
    shell: Shell, server: Server, waits: dict[str, str]
) -> None:
    document = await shell.on(server, "tasks", "-o", "json")
    lines = await shell.on(server, "tasks", "-o", "ndjson")
    for items in (document.json["items"], lines.rows):
        kinds = {item["id"]: (item["wait"]["kind"], item["wait"]["needs"]) for item in items}
        assert kinds == {
            "approval": ("approval", "me"), "question": ("question", "me"), "secret": ("secret asked", "elsewhere"),
            "member": ("invitation", "elsewhere"), "held": ("held call", "elsewhere"), "silent": ("paused", "elsewhere"),
            "hook": ("webhook", "machine"), "clock": ("schedule", "machine"),
        }  # fmt: skip
    shown = (await shell.on(server, "show", "clock", "-o", "json")).json
    assert shown["wait"]["until"] == RUN_AT
    assert "digest" not in shown


@pytest.mark.parametrize(
    ("need", "found"),
    [
        ("me", {"approval", "question"}),
        ("elsewhere", {"secret", "member", "held", "silent"}),
        ("machine", {"hook", "clock"}),
    ],
)
async def test_the_filter_needs_finds_what_only_logs_and_agents_tell(
    shell: Shell, server: Server, waits: dict[str, str], need: str, found: set[str]
) -> None:
    for form in ("json", "ndjson"):
        said = await shell.on(server, "tasks", f"needs:{need}", "-o", form)
        items = said.rows if form == "ndjson" else said.json["items"]
        assert {item["id"] for item in items} == found
        assert said.err.startswith(f"{len(found)} of {len(waits)} loaded")


@pytest.mark.parametrize(
    ("task_id", "need", "words"),
    [("hook", "machine", "○ webhook"), ("clock", "machine", "○ self-schedule"), ("question", "me", "‖ question")],
)
async def test_watch_says_the_same_kinds_and_stops_at_a_need(
    shell: Shell, server: Server, waits: dict[str, str], task_id: str, need: str, words: str
) -> None:
    said = await shell.on(server, "watch", task_id, "--until", f"needs:{need}", "--timeout", "20s")
    assert said.code == 0
    assert f"{words} " in said.out
