"""`xp-tui report`: a task that ran elsewhere is put on record with its metrics, and called done by its record only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.conftest import FastClock
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.local.data_dir import ORGANIZATION
from tui.local.schemas import TaskReport
from tui.local.task_reports import record_report

REPORT = ("report", "a1", "--input", "count the words", "--result", "4 words")
TOKENS = {
    "prompt_tokens": 900, "completion_tokens": 12, "cache_read_tokens": 0, "cache_write_tokens": 0,
    "total_tokens": 912,
}  # fmt: skip
NO_TOKENS = dict.fromkeys(TOKENS, 0)
WITH_TOKENS = (*REPORT, "--prompt-tokens", "900", "--completion-tokens", "12", "--yes")


def posted(server: Server) -> list[tuple[str, Any]]:
    """Return the path and the body of each request that acts."""
    return [(request.path, request.json) for request in server.requests if request.method != "GET"]


async def test_an_operator_reports_a_run_of_elsewhere_with_its_metrics(
    shell: Shell, platform: Platform, server: Server
) -> None:
    said = await shell.on(
        server, *WITH_TOKENS, "--duration", "12.5", "--tool", "count", "--tool", "mail.send", "--model", "gpt-5"
    )  # fmt: skip
    (task,) = platform.tasks.values()
    assert said == (
        0, f"the report is on record {task['id']}\nmetrics: the record shows the tokens {task['id']}\n", "",
    )  # fmt: skip
    (report_path, report), (metrics_path, metrics) = posted(server)
    assert (report_path, metrics_path) == ("/agent-execution/a1/report_task", "/agents-metrics/a1/execution")
    assert report == {
        "id": None, "input": "count the words", "llm_response": None, "tokens": TOKENS, "is_success": True,
        "result": "4 words", "duration": 12.5, "used_tools": ["count", "mail.send"],
    }  # fmt: skip
    assert metrics == {
        "execution_id": task["id"], "source": "sdk", "sub_executions": [], "memory_thread_id": task["id"],
        "task": "count the words", "triggered_by": "N/A", "skills": [], "status": "completed", "internal_status": None,
        "duration": 12.5, "ai_model": "gpt-5", "worker": None, "ai_employee_id": None,
        "api_calls_made": ["count", "mail.send"], "result": "4 words",
        "llm_tokens": {"inner": NO_TOKENS, "worker": TOKENS},
    }  # fmt: skip
    assert (task["status"], task["result"], task["duration"]) == ("completed", "4 words", 12.5)
    assert [(line["kind"], line["verb"]) for line in shell.journal.lines()] == [
        ("sent", "report"), ("done", "report"), ("sent", "metrics"), ("done", "metrics"),
    ]  # fmt: skip


async def test_a_report_is_read_from_json_and_arguments_override_it(
    shell: Shell, platform: Platform, server: Server
) -> None:
    whole = {"agent_id": "a2", "id": "mine", "input": "in", "result": "out", "tokens": {"prompt_tokens": 5}}
    words = ("report", "--from", "-", "--status", "failed", "--completion-tokens", "2", "--no-metrics", "--yes")
    said = await shell.on(server, *words, "-o", "json", stdin=json.dumps(whole))
    assert (said.code, said.json["outcome"], said.json["metrics"], said.json["task"]["id"]) == (
        0, "confirmed", None, "mine",
    )  # fmt: skip
    ((path, body),) = posted(server)
    assert (path, body["is_success"]) == ("/agent-execution/a2/report_task", False)
    assert (body["tokens"]["prompt_tokens"], body["tokens"]["total_tokens"]) == (5, 7)
    assert platform.tasks["mine"]["status"] == "failed"


async def test_a_result_and_a_response_are_read_from_files(shell: Shell, platform: Platform, server: Server) -> None:
    result, response = shell.home / "result", shell.home / "response"
    result.write_text("a long result\n")
    response.write_text('[{"role": "assistant"}]')
    words = ("report", "a1", "--input", "-", "--result-file", str(result), "--llm-response", str(response), "--yes")
    assert (await shell.on(server, *words, stdin="of the input")).code == 0
    ((_, body),) = posted(server)
    assert (body["input"], body["result"], body["llm_response"]) == (
        "of the input", "a long result\n", [{"role": "assistant"}],
    )  # fmt: skip


async def test_a_report_is_sent_only_with_confirmation(shell: Shell, server: Server) -> None:
    said = await shell.on(server, *REPORT)
    assert said == (2, "", "xp-tui: this puts a task on the platform's record; say --yes if that is meant\n")
    assert server.requests == []


async def test_no_report_is_sent_in_read_only_mode(shell: Shell, server: Server) -> None:
    said = await shell.on(server, *REPORT, "--yes", "--read-only")
    assert (said.code, posted(server)) == (3, [])
    assert said.out.startswith("read-only: report was not sent")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("report", "--input", "x"), "which agent? xp-tui report AGENT"),
        (("report", "a1", "count", "--input", "x"), "one agent: xp-tui report AGENT"),
        (("report", "a1"), "nothing to report: give --input, --result or --from"),
        (("report", "a1", "--input", "-", "--result-file", "-"), "standard input can be read once"),
        (("report", "a1", "--result", "x", "--result-file", "y"), "one result: give --result or --result-file"),
        (("report", "a1", "--from", "HOME"), "a report has no field output; it has id, input,"),
        (("report", "a1", "--from", "-"), "the report is not right: duration is a number of seconds."),
    ],
)
async def test_a_report_that_is_not_right_is_refused(
    shell: Shell, server: Server, words: tuple[str, ...], why: str
) -> None:
    odd = shell.home / "odd.json"
    odd.write_text('{"output": 1}')
    said = await shell.on(
        server, *[word.replace("HOME", str(odd)) for word in words], "--yes", stdin='{"input": "x", "duration": "2"}'
    )
    assert (said.code, said.out, server.requests) == (3, "", [])
    assert said.err.startswith(f"xp-tui: {why}")


@pytest.mark.parametrize("words", [("--duration", "nan"), ("--prompt-tokens", "-1"), ("--prompt-tokens", "many")])
async def test_an_odd_number_is_refused_in_words(shell: Shell, server: Server, words: tuple[str, str]) -> None:
    said = await shell.on(server, *REPORT, f"{words[0]}={words[1]}")
    assert (said.code, server.requests) == (3, [])
    assert f"argument {words[0]}: '{words[1]}' is no " in said.err


async def test_a_report_that_no_record_shows_is_not_called_done(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    async def answer(request: Request, connection: Connection) -> bool:
        if not request.path.endswith("report_task"):
            return False
        claimed = {"id": "t9", "agent_id": "a1", "organization_id": ORGANIZATION, "status": "completed"}
        await connection.reply(200, claimed)
        return True

    platform.before_reply = answer
    said = await shell.on(server, *WITH_TOKENS)
    assert (said.code, platform.tasks) == (6, {})
    assert said.out.startswith("sent, and answered with task t9, which could not be read: ")
    assert [path for path, _ in posted(server)] == ["/agent-execution/a1/report_task"], "no metrics without a record"
    again = await shell.on(server, *WITH_TOKENS)
    assert (again.code, len(posted(server))) == (7, 1)
    assert "xp-tui report … --anyway sends it again" in again.out


@pytest.mark.parametrize(("updated_at", "is_found"), [("2999-01-01T00:00:00Z", True), ("2020-01-01T00:00:00Z", False)])
async def test_a_report_whose_answer_was_lost_is_found_by_its_id_unless_the_record_is_older(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, updated_at: str, is_found: bool
) -> None:
    async def answer(request: Request, connection: Connection) -> bool:
        if not request.path.endswith("report_task"):
            return False
        record_report(platform.local.platform, "a1", TaskReport(**request.json).model_dump())
        platform.change("mine", updated_at=updated_at)
        await connection.reply(502, b"<html>bad gateway</html>", {"content-type": "text/html"})
        return True

    platform.before_reply = answer
    said = await shell.on(server, *REPORT, "--id", "mine", "--yes")
    words = "the report is on record (no clear answer came: the platform failed (502)) mine\n"
    assert (said.code == 0, said.out == words) == (is_found, is_found)
    assert list(platform.tasks) == ["mine"]


async def test_metrics_that_were_refused_are_told_beside_the_report(
    shell: Shell, platform: Platform, server: Server
) -> None:
    async def answer(request: Request, connection: Connection) -> bool:
        if is_metrics := "agents-metrics" in request.path:
            await connection.reply(403, {"detail": "not yours"})
        return is_metrics

    platform.before_reply = answer
    said = await shell.on(server, *WITH_TOKENS, "-o", "json")
    assert (said.code, said.json["verb"], said.json["outcome"]) == (4, "report", "confirmed")
    assert said.json["metrics"] == {"outcome": "refused", "sent": True, "words": "refused: not yours (403)"}
