"""The verbs that act: the requests that they send, what they print, and their exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.conftest import FastClock
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.cli.action_commands import action_exit_code
from tui.client import errors
from tui.services.actions import Action, Outcome, Verb


def created(server: Server) -> dict[str, Any]:
    """Return the body of the request that created the newest task."""
    asked = [request for request in server.requests if request.method == "POST"]
    assert asked[-1].path.endswith("/invoke/async")
    body: dict[str, Any] = asked[-1].json
    return body


def file(shell: Shell, name: str, value: Any) -> str:
    """Write a JSON file into the home of a shell."""
    path = shell.home / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


# run


async def test_run_creates_a_task_from_an_agent_and_a_prompt(shell: Shell, platform: Platform, server: Server) -> None:
    said = await shell.on(server, "run", "a1", "do it", "--title", "T", "--source", "cron")
    (task,) = platform.tasks.values()
    assert said == (0, f"the task was created {task['id']}\n", "")
    assert created(server) == {"events_streaming": True, "title": "T", "source": "cron", "input": {"text": "do it"}}
    assert (task["agent_id"], task["title"]) == ("a1", "T")
    assert [line["kind"] for line in shell.journal.lines()] == ["sent", "done"]


@pytest.mark.parametrize("words", [["--agent", "a2", "do it"], ["-", "--agent", "a2"]])
async def test_run_takes_the_agent_as_an_option_and_the_prompt_from_stdin(
    shell: Shell, platform: Platform, server: Server, words: list[str]
) -> None:
    assert (await shell.on(server, "run", *words, stdin="do it")).code == 0
    (task,) = platform.tasks.values()
    assert (task["agent_id"], task["input"]["text"]) == ("a2", "do it")


async def test_run_sends_every_option_of_a_task(shell: Shell, server: Server) -> None:
    said = await shell.on(
        server, "run", "a1", "do it",
        "--file", "https://x/1", "--file", "https://x/2", "--user-id", "u1", "--user-email", "u@x",
        "--user-name", "U", "--timezone", "Europe/Madrid", "--agent-version", "3",
        "--user-first-name", "Ute", "--user-last-name", "Um", "--test-run-node", "n1",
        "--user-attributes", file(shell, "attributes.json", {"tier": "gold"}),
        "--principal", file(shell, "principal.json", {"kind": "user", "id": "u1"}),
        "--attachments", file(shell, "attachments.json", [{"url": "https://x/3", "kind": "pdf"}]),
        "--payload-extension", file(shell, "payload.json", {"p": 1}), "--worker", "w1", "--run-locally",
        "--output-format", "json", "--output-schema", file(shell, "schema.json", {"type": "object"}), "--no-events",
        "--context", "C", "--instructions", "I", "--expected-output", "E", "--mcp", file(shell, "mcp.json", [{"m": 1}]),
        "--triggering-agent", "a2", "--think", "harder", "--no-attachment-injection", "--return-metrics",
        "--user-tokens", file(shell, "tokens.json", {"t": "x"}), "--oidc-token-file", file(shell, "oidc", "tok\n"),
        "--model-provider", "P", "--model", "M", "--reasoning-effort", "low", "--tool-call-limit", "7",
        "--harness-cli", "H", "--permission-mode", "gated",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert created(server) == {
        "input": {
            "text": "do it", "files": ["https://x/1", "https://x/2"],
            "user": {
                "id": "u1", "email": "u@x", "display_name": "U", "timezone": "Europe/Madrid", "first_name": "Ute",
                "last_name": "Um", "additional_attributes": {"tier": "gold"},
            },
            "attachments": [{"url": "https://x/3", "kind": "pdf"}], "principal": {"kind": "user", "id": "u1"},
        },
        "test_run_node_id": "n1",
        "source": "xp-tui", "payload_extension": {"p": 1}, "worker_id": "w1", "run_locally": True,
        "output_format": "json", "output_schema": {"type": "object"}, "events_streaming": False,
        "additional_context": "C", "instructions_override": "I", "expected_output": "E", "mcp_servers": [{"m": 1}],
        "triggering_agent_id": "a2", "think_mode": "harder", "disable_attachment_injection": True,
        "return_metrics": True, "user_tokens": {"t": "x"}, "user_oidc_token": "tok", "llm_model_provider": "P",
        "llm_model_name": "M", "llm_reasoning_effort": "low", "tool_call_limit": 7, "harness_cli": "H",
        "permission_mode": "gated",
    }  # fmt: skip
    (asked,) = [request for request in server.requests if request.method == "POST"]
    assert asked.query == {"version": "3"}


async def test_run_reads_a_whole_request_and_arguments_override_it(
    shell: Shell, platform: Platform, server: Server
) -> None:
    request = {"agent_id": "a2", "source": "file", "title": "Of the file",
               "input": {"text": "of the file", "files": ["https://x/1"], "user": {"id": "u1", "email": "u@x"}}}  # fmt: skip
    words = ("--title", "Of the words", "--file", "https://x/2", "--user-id", "u2")
    assert (await shell.on(server, "run", "--from", "-", *words, stdin=json.dumps(request))).code == 0
    assert created(server) == {
        "events_streaming": True, "source": "file", "title": "Of the words",
        "input": {"text": "of the file", "files": ["https://x/1", "https://x/2"], "user": {"id": "u2", "email": "u@x"}},
    }  # fmt: skip
    assert [task["agent_id"] for task in platform.tasks.values()] == ["a2"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["run", "do it"], "which agent? xp-tui run AGENT PROMPT"),
        (["run", "a1", "do", "it"], "one prompt: put it in quotes"),
        (["run", "a1", " "], "what should the agent do? Give a prompt"),
        (["run", "--agent", "a1"], "what should the agent do? Give a prompt"),
        (["run", "--agent", "a1", "-"], "what should the agent do? Give a prompt"),
        (["run", "a1", "x", "--from", "HOME/none"], "HOME/none cannot be read: "),
        (["run", "a1", "x", "--from", "HOME/list"], "HOME/list holds no JSON object"),
        (["run", "a1", "x", "--mcp", "HOME/object"], "HOME/object holds no JSON list"),
        (["run", "a1", "x", "--mcp", "HOME/broken"], "HOME/broken: "),
        (["run", "a1", "x", "--from", "HOME/input"], "input is an object in the platform's requests"),
        (["run", "a1", "x", "--oidc-token-file", "HOME/bytes"], "HOME/bytes cannot be read: "),
        (["run", "a1", "x", "--user-id", "u1"], "a user needs an e-mail address: the platform refuses a task without it. Give --user-email"),
        (["continue", "t1", "x", "--timezone", "Europe/Madrid"], "a user needs an e-mail address"),
        (["run", "a1", "x", "--from", "HOME/user"], "a user needs an e-mail address"),
        (["run", "a1", "x", "--from", "HOME/odd-user"], "user is an object in the platform's requests"),
        (["update", "t1"], "nothing to change: give --status, --result or --internal-status"),
    ],
)  # fmt: skip
async def test_an_invalid_request_is_reported_and_nothing_is_sent(
    shell: Shell, server: Server, words: list[str], why: str
) -> None:
    for name, text in (("list", "[]"), ("object", "{}"), ("broken", "["), ("input", '{"input": "text"}')):
        file(shell, name, text)
    file(shell, "user", {"input": {"user": {"id": "u1", "email": " "}}})
    file(shell, "odd-user", {"input": {"user": "Ute"}})
    (shell.home / "bytes").write_bytes(b"\xff")
    said = await shell.on(server, *[word.replace("HOME", str(shell.home)) for word in words])
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith(f"xp-tui: {why.replace('HOME', str(shell.home))}")
    assert server.requests == []
    assert list(shell.journal.lines()) == []


@pytest.mark.parametrize("prompt", ['{"xpander_task_id": 5}', '{"xpander_task_id": ""}', "{no json", '{"a": 1}'])
async def test_a_prompt_in_json_is_sent_as_text(shell: Shell, platform: Platform, server: Server, prompt: str) -> None:
    assert (await shell.on(server, "run", "a1", prompt)).code == 0
    assert [task["input"]["text"] for task in platform.tasks.values()] == [prompt]


async def test_a_prompt_that_is_a_task_id_starts_no_task(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1", status="completed", result="all is well")
    prompt = ' {"xpander_task_id": "t1"}'
    said = await shell.on(server, "run", prompt)
    assert (said.code, "Task t1" in said.out, "all is well" in said.out) == (0, True, True)
    said = await shell.on(server, "run", prompt, "--watch", "-o", "ndjson")
    assert (said.code, said.rows[-1]["kind"], said.rows[-1]["id"]) == (0, "final", "t1")
    assert list(platform.tasks) == ["t1"]


async def test_run_can_follow_a_task_to_its_end(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    async def ends() -> None:
        async with asyncio.timeout(20):
            while not any(request.path.endswith("/events") for request in server.requests):
                await asyncio.sleep(0.01)
        (task_id,) = platform.tasks
        await platform.finish(task_id, result="done at last")

    ending = asyncio.create_task(ends())
    said = await shell.on(server, "run", "a1", "do it", "--watch", "-o", "ndjson")
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    final = said.rows[-1]
    assert (said.code, final["kind"], final["status"], final["result"]) == (0, "final", "completed", "done at last")


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
async def test_the_id_of_a_started_task_is_printed_when_following_it_fails(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, status: int
) -> None:
    reads = 0

    async def answer(request: Request, connection: Connection) -> bool:
        nonlocal reads
        if request.method != "GET" or not platform.tasks:
            return False
        reads += 1
        if is_broken := reads > 1:  # the first read after the start confirms it
            await connection.reply(status, {"detail": "no more"})
        return is_broken

    platform.before_reply = answer
    said = await shell.on(server, "run", "a1", "do it", "--watch")
    (task_id,) = platform.tasks
    assert said.code == 6, said
    assert said.err.splitlines()[-1].startswith(
        f"xp-tui: the task {task_id} was started; to follow it: xp-tui watch {task_id}. Following it failed: "
    )
    assert not re.search("try(ing)? again", said.out + said.err, re.IGNORECASE)


@pytest.mark.parametrize("failure", [BrokenPipeError("nobody reads"), OSError("disk full"), RuntimeError("a bug")])
async def test_the_id_of_a_started_task_is_printed_whatever_fails_afterwards(
    shell: Shell, platform: Platform, server: Server, failure: Exception
) -> None:
    async def fails(*_: object, **__: object) -> int:
        raise failure

    shell.patch.setattr("tui.cli.action_commands.follow", fails)
    shell.patch.setattr("tui.cli.action_commands.write_crash_report", lambda *_: "xp-tui broke")
    said = await shell.on(server, "run", "a1", "do it", "--watch")
    (task_id,) = platform.tasks
    assert (said.code, f"xp-tui watch {task_id}. Following it failed" in said.err) == (6, True), said


@pytest.mark.parametrize("words", [["run", "a1", "do it"], ["continue", "w", "more", "--anyway"], ["stop", "w"],
                                   ["approve", "w", "--yes-unseen"], ["update", "w", "--status", "failed", "--yes"]])  # fmt: skip
async def test_no_message_suggests_a_retry_after_an_action_was_sent(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, words: list[str]
) -> None:
    waiting(platform)

    async def answer(request: Request, connection: Connection) -> bool:
        if is_action := request.method != "GET":
            await connection.reply(502, {"detail": "bad gateway"})
        return is_action

    platform.before_reply = answer
    said = await shell.on(server, *words)
    assert said.code == 6, said
    assert "try again" not in (said.out + said.err).lower()


async def test_a_task_that_the_platform_refused_is_not_followed(shell: Shell, server: Server) -> None:
    said = await shell.on(server, "run", "nobody", "do it", "--watch")
    assert (said.code, said.out) == (1, "refused: Agent not found (404) nobody\n")
    assert [request.method for request in server.requests] == ["GET", "POST", "GET"], (
        "a look for what may have been made"
    )


# continue


async def test_continue_sends_to_the_thread_of_the_task(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1", status="completed")
    said = await shell.on(server, "continue", "t1", "shorter, please")
    assert said == (0, "the message is in the thread t1\n", "")
    assert created(server)["id"] == "t1"
    assert platform.tasks["t1"]["input"]["text"] == "shorter, please"


# stop, approve, reject, update


def waiting(platform: Platform, task_id: str = "w") -> None:
    platform.task(task_id, status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})


async def test_the_outcome_of_an_action_is_printed_as_json(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")
    told = (await shell.on(server, "stop", "t1", "-o", "json")).json
    task = told.pop("task")
    assert told == {
        "v": 1, "kind": "deed", "verb": "stop", "target": "t1", "outcome": "confirmed", "sent": True,
        "words": "stopped",
    }  # fmt: skip
    assert (task["id"], task["status"]) == ("t1", "stopped")
    told = (await shell.on(server, "stop", "gone", "-o", "ndjson")).json
    assert (told["outcome"], told["task"]) == ("gone", None)


@pytest.mark.parametrize(
    ("verb", "decided", "words"),
    [
        ("approve", "approved_by", "approved: because (on record as Local Operator) w"),
        ("reject", "rejected_by", "rejected: because (on record as Local Operator) w"),
    ],
)
async def test_yes_unseen_prints_what_was_decided(
    shell: Shell, platform: Platform, server: Server, verb: str, decided: str, words: str
) -> None:
    waiting(platform)
    digest = (await shell.on(server, "show", "w", "-o", "json")).json["digest"]
    said = await shell.on(server, verb, "w", "--yes-unseen", "--comment", "because")
    assert said == (0, f"{words}\n", f"unseen: approval, digest {digest}, Task w\n")
    assert platform.tasks["w"]["hitl_request"][decided] == "Local Operator"
    assert platform.tasks["w"]["hitl_request"]["comment"] == "because"
    assert [line["comment"] for line in shell.journal.lines()] == ["because", "because"]


async def test_a_task_that_does_not_wait_cannot_be_decided(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")
    said = await shell.on(server, "approve", "t1", "--yes-unseen")
    assert (said.code, said.out) == (1, "there is nothing to decide: the task is executing t1\n")
    assert said.err.startswith("unseen: no wait, digest ")
    assert platform.decisions == []


async def test_update_changes_a_record_only_with_confirmation(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")
    change = ("update", "t1", "--status", "failed", "--result", "by hand", "--internal-status", "checked")
    said = await shell.on(server, *change)
    assert (said.code, said.out, server.requests) == (2, "", [])
    assert said.err == "xp-tui: this changes the platform's record; say --yes if that is meant\n"
    assert (await shell.on(server, *change, "--yes")).code == 0
    task = platform.tasks["t1"]
    assert (task["status"], task["result"], task["internal_status"]) == ("failed", "by hand", "checked")


async def test_a_refusal_comes_with_advice(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")

    async def answer(request: Request, connection: Connection) -> bool:
        if is_stop := request.method != "GET":
            await connection.reply(403, {"detail": "not yours"})
        return is_stop

    platform.before_reply = answer
    said = await shell.on(server, "stop", "t1")
    assert (said.code, said.out) == (4, "refused: not yours (403) t1\n")
    assert said.err == "Check XPANDER_ORGANIZATION_ID and whom the agent belongs to\n"


async def test_progress_is_shown_on_a_terminal(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as seen, os.fdopen(follower, "w") as screen:
        shell.patch.setattr(sys, "stderr", screen)
        assert (await shell.on(server, "stop", "t1")).out == "stopped t1\n"
        screen.write("END\n")
        screen.flush()
        told = b""
        while b"END" not in told:
            told += seen.read(65536)
    assert told.decode().splitlines()[:-1] == ["stop: sending", "stop: waiting for the task to show it"]


SENT, NOT_SENT = True, False


@pytest.mark.parametrize(
    ("outcome", "is_sent", "digest", "error", "code"),
    [
        (Outcome.CONFIRMED, SENT, "d", None, 0),
        (Outcome.TAKEN_BACK, NOT_SENT, "d", None, 2),
        (Outcome.HELD_BACK, NOT_SENT, "d", None, 2),
        (Outcome.UNKNOWN, SENT, "d", errors.ConnectionLost("x"), 6),
        (Outcome.STILL_RUNNING, SENT, None, None, 6),
        (Outcome.GONE, NOT_SENT, None, errors.NotFound("x"), 1),
        (Outcome.GONE, NOT_SENT, "d", errors.NotFound("x"), 7),
        (Outcome.GONE, SENT, "d", errors.NotFound("x"), 1),
        (Outcome.GONE, SENT, "d", None, 6),
        (Outcome.ALREADY, NOT_SENT, "d", None, 7),
        (Outcome.ALREADY, NOT_SENT, None, None, 7),
        (Outcome.ALREADY, SENT, "d", errors.Conflict("x"), 6),
        (Outcome.ALREADY, SENT, None, None, 6),
        (Outcome.ALREADY_SENT, NOT_SENT, "d", None, 7),
        (Outcome.CHANGED, NOT_SENT, "d", None, 7),
        (Outcome.REFUSED, SENT, None, errors.Forbidden("x"), 4),
        (Outcome.REFUSED, SENT, None, errors.Unauthorized("x"), 4),
        (Outcome.REFUSED, SENT, None, errors.Invalid("x"), 1),
        (Outcome.REFUSED, SENT, None, errors.RateLimited("x"), 5),
        (Outcome.NOT_SENT, NOT_SENT, None, errors.ReadOnly("x"), 3),
        (Outcome.NOT_SENT, NOT_SENT, None, errors.NotSupported("x"), 3),
        (Outcome.NOT_SENT, NOT_SENT, None, errors.Unreachable("x"), 5),
        (Outcome.NOT_SENT, NOT_SENT, "d", errors.TimedOut("x"), 5),
        (Outcome.NOT_SENT, NOT_SENT, "d", None, 1),
    ],
)
def test_each_outcome_has_the_exit_code_that_help_lists(
    outcome: Outcome, is_sent: bool, digest: str | None, error: errors.ApiError | None, code: int
) -> None:
    # Private: no platform leads to each of these outcomes in a short test.
    action = Action(Verb.APPROVE, "t1", digest, is_sent=is_sent)
    assert action_exit_code(action.done(outcome, "", error=error)) == code
