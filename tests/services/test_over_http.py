"""The client, the watch and the deeds over real HTTP, on both surfaces."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FastClock, make_client
from tests.memory_journal import MemoryJournal
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server, free_port
from tui.client import errors
from tui.client.client import Client
from tui.client.task_rows import TaskQuery
from tui.domain.state import Change, EventSeen, GapSeen, LogSeen, State
from tui.services.actions import Action, ActionRunner, Outcome, Phase, Verb
from tui.services.list_poller import PollIntervals
from tui.services.review_loader import load_review
from tui.services.task_follower import TaskFollower

SURFACES = [
    {"rest": True, "controller": True},
    {"rest": False, "controller": True},
    {"rest": True, "controller": False},
]


def actions(client: Client, told: list[Action] | None = None) -> tuple[ActionRunner, MemoryJournal]:
    lines = MemoryJournal()
    steps: list[Action] = [] if told is None else told
    return ActionRunner(client, lines, steps.append, clock=FastClock()), lines


def waiting(platform: Platform, task_id: str = "w") -> None:
    platform.task(task_id, status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})


@pytest.mark.parametrize("surfaces", SURFACES)
async def test_lists_and_records_come_from_whatever_surface_there_is(
    platform: Platform, server: Server, surfaces: dict[str, Any]
) -> None:
    for number in range(120):
        platform.task(f"t{number}", "a1" if number % 2 else "a2", "completed" if number % 3 else "paused")
    async with make_client(server.url, **surfaces) as client:
        pages = [page async for page in client.tasks(TaskQuery(status=("paused", "completed")))]
        ids = [task.id for page in pages for task in page.items]
        assert sorted(ids) == sorted(platform.tasks)
        assert (await client.task("t3")).title == "Task t3"
        agents = [agent.name async for page in client.agents() for agent in page.items]
    assert agents == ["Invoice bot", "Release bot"]
    assert all(int(request.query.get("per_page", 50)) == 50 for request in server.requests)


@pytest.mark.parametrize("surfaces", SURFACES)
async def test_no_action_ever_destroys(platform: Platform, server: Server, surfaces: dict[str, Any]) -> None:
    waiting(platform)
    async with make_client(server.url, **surfaces) as client:
        actions = [
            client.create("a1", {"input": {"text": "x"}}), client.create("a1", {"id": "w", "input": {"text": "x"}}),
            client.stop("w"), client.approve("w"), client.reject("w", "no"), client.update("w", {"result": "x"}),
            client.answer("a1", "w", "d", []), client.confirm("a1", "w", "r", True),
        ]  # fmt: skip
        for action in actions:
            with suppress(errors.ApiError):
                await action
    assert not [one for one in server.requests if one.method == "DELETE" and "/v1/" in one.path]
    assert "DESTROYED" not in {verb for verb, _, _ in platform.decisions}


async def test_the_transport_itself_refuses_to_destroy(client: Client, server: Server) -> None:
    with pytest.raises(ValueError, match="never sent"):
        await client.transport.act("DELETE", f"{server.url}/v1/tasks/t1")
    assert server.requests == []


async def test_an_id_that_would_change_the_path_is_refused(client: Client, server: Server) -> None:
    for task_id in ("", ".", "..", " "):
        with pytest.raises(ValueError, match="no id"):
            await client.stop(task_id)
    await asyncio.gather(client.stop("../../v1/agents"), return_exceptions=True)
    assert all("/v1/tasks/..%2F..%2Fv1%2Fagents/stop" in request.target for request in server.requests)


async def test_read_only_sends_nothing_that_acts(platform: Platform, server: Server) -> None:
    platform.task("t1")
    async with make_client(server.url, read_only=True) as client:
        with pytest.raises(errors.ReadOnly):
            await client.stop("t1")
        assert (await client.task("t1")).id == "t1"
    assert [request.method for request in server.requests] == ["GET"]


ANSWERS = [
    (401, {"detail": "Invalid API key"}, errors.Unauthorized, "Invalid API key"),
    (403, {"detail": "no"}, errors.Forbidden, "no"),
    (404, {}, errors.NotFound, "no such thing"),
    (409, {"detail": "decided"}, errors.Conflict, "decided"),
    (
        422,
        {"detail": [{"loc": ["body", "input"], "msg": "field required"}]},
        errors.Invalid,
        "body.input: field required",
    ),
    (502, b"<html><h1>Bad gateway</h1></html>", errors.ServerError, "the platform failed (502)"),
    (200, b"<html>hello</html>", errors.UnexpectedAnswer, "an HTML page"),
    (200, b'{"id": "t', errors.UnexpectedAnswer, "ends too early"),
    (200, b"[1, 2]", errors.UnexpectedAnswer, "no task"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), ANSWERS)
async def test_every_bad_answer_has_words(status: int, body: Any, kind: type[Exception], words: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(status, body)

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(kind, match=None) as caught:
            await client.task("t1")
    assert words in str(caught.value)
    assert "<h" not in str(caught.value)


async def test_reads_are_tried_again_and_actions_are_not(platform: Platform, server: Server, client: Client) -> None:
    platform.task("t1")
    failures = 3

    async def fail(request: Request, connection: Connection) -> bool:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            await connection.reply(503, {"detail": "busy"}, {"Retry-After": "1"})
        return failures >= 0

    platform.before_reply = fail
    assert (await client.task("t1")).id == "t1"
    assert len(server.requests) == 4
    failures = 1
    with pytest.raises(errors.ServerError):
        await client.stop("t1")
    assert len(server.requests) == 5


async def test_nobody_there_is_said_so() -> None:
    async with make_client(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(errors.Unreachable, match="cannot be reached"):
            await client.task("t1")


async def test_one_bad_row_costs_no_other() -> None:
    rows = [5, {"id": "a", "status": "on_fire"}, {"title": "no id"}, None, {"id": "b", "created_at": "yesterday"}]

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, {"items": rows, "total": 5, "page": 1, "total_pages": 1})

    async with Server(serve) as server, make_client(server.url) as client:
        (page,) = [page async for page in client.tasks()]
    assert len({task.id for task in page.items}) == 5


async def follow(platform: Platform, server: Server, story: Any, **more: Any) -> tuple[State, list[Change]]:
    changes: list[Change] = []
    clock = FastClock(factor=100.0)
    async with make_client(server.url, clock=clock) as client:
        follower = TaskFollower(client, "t1", changes.append, clock=clock, intervals=PollIntervals(**more))
        job = asyncio.create_task(follower.run())
        await story()
        async with asyncio.timeout(60):
            await job
    return State().after(changes), changes


@pytest.mark.parametrize("resume", ["by id", "replay", "live only"])
async def test_a_stream_cut_again_and_again_loses_nothing(platform: Platform, server: Server, resume: str) -> None:
    platform.resume = resume
    platform.task("t1")
    frames = 0

    async def cut(connection: Connection, frame: bytes) -> bool:
        nonlocal frames
        frames += 1
        await connection.chunk(frame if frames % 3 else frame[: len(frame) // 2])
        return bool(frames % 3)

    platform.stream_hook = cut
    calls = 60

    async def story() -> None:
        for number in range(calls):
            await platform.tool("t1", f"r{number}", "search", {"q": number}, {"hits": number})
            await asyncio.sleep(0.005)
        await platform.finish("t1")

    state, changes = await follow(platform, server, story)
    activity = state.activity("t1")
    assert activity is not None
    assert [node.entry.id for node in activity.nodes if node.entry.kind == "tool"] == [f"r{n}" for n in range(calls)]
    if resume == "by id":
        ids = [change.event.frame_id for change in changes if isinstance(change, EventSeen)]
        assert ids == sorted(set(ids), key=int)
    if resume == "live only":
        gaps = [change.gap for change in changes if isinstance(change, GapSeen)]
        assert gaps
        assert all(gap.filled is not None for gap in activity.gaps.values())
        assert any(change.fresh for change in changes if isinstance(change, LogSeen))


async def test_an_end_while_the_stream_is_down_is_read_from_the_task(platform: Platform, server: Server) -> None:
    platform.task("t1")

    async def down(request: Request, connection: Connection) -> bool:
        if "/events" in request.path:
            await connection.reply(404, {"detail": "no stream"})
        return "/events" in request.path

    platform.before_reply = down
    state, _ = await follow(platform, server, lambda: platform.finish("t1"))
    assert state.task("t1").status == "completed"  # type: ignore[union-attr]


async def test_approve_what_was_shown(platform: Platform, client: Client) -> None:
    waiting(platform)
    seen = await load_review(client, "w")
    told: list[Action] = []
    doer, lines = actions(client, told)
    done = await doer.run_action(Action(Verb.APPROVE, "w", seen.digest, "fine", hold=1.0))
    assert (done.outcome, done.words) == (Outcome.CONFIRMED, "approved, on record as Local Operator")
    assert platform.decisions == [("approve", "w", {"comment": "fine"})]
    assert [line["kind"] for line in lines.entries] == ["held", "sent", "done"]
    assert [one.phase for one in told] == [Phase.HELD, Phase.CHECKING, Phase.SENDING, Phase.SETTLING, Phase.DONE]
    assert (await doer.run_action(done)).outcome is Outcome.NOT_SENT


async def test_what_changed_gone_or_was_decided_is_not_sent(platform: Platform, client: Client) -> None:
    doer, lines = actions(client)
    for name, change, outcome in (
        ("a", {"hitl_request": {"wait_node_id": "n1", "content": "pay 9,204 EUR"}}, Outcome.CHANGED),
        ("b", {"status": "stopped"}, Outcome.GONE),
        ("c", {"hitl_request": {"content": "pay 1,204 EUR", "approved_by": "Dana"}}, Outcome.ALREADY),
    ):
        waiting(platform, name)
        seen = await load_review(client, name)
        platform.change(name, **change)
        assert (await doer.run_action(Action(Verb.APPROVE, name, seen.digest))).outcome is outcome
    assert platform.decisions == []
    assert "sent" not in [line["kind"] for line in lines.entries]


async def test_a_held_decision_can_be_taken_back(platform: Platform, client: Client) -> None:
    waiting(platform)
    doer, _ = actions(client)
    action = Action(Verb.REJECT, "w", (await load_review(client, "w")).digest, hold=600.0)
    job = asyncio.create_task(doer.run_action(action))
    await asyncio.sleep(0)
    assert doer.take_back(action.id)
    assert (await job).outcome is Outcome.TAKEN_BACK
    assert platform.decisions == []


async def test_what_was_held_while_nothing_moved_is_not_sent(
    platform: Platform, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ctrl+z, or a lid that was closed: nobody could have taken it back meanwhile."""
    waiting(platform)
    monkeypatch.setattr("tui.services.actions.MAX_STANDSTILL_SECONDS", -1.0)
    doer, lines = actions(client)
    done = await doer.run_action(Action(Verb.APPROVE, "w", (await load_review(client, "w")).digest, hold=5.0))
    assert done.outcome is Outcome.TAKEN_BACK
    assert "stood still" in done.words
    assert [line["kind"] for line in lines.entries] == ["held", "done"]
    assert platform.decisions == []


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_is_unknown_and_nothing_is_sent_again(
    platform: Platform, client: Client, server: Server, applied: bool
) -> None:
    waiting(platform)
    digest = (await load_review(client, "w")).digest

    async def lose(request: Request, connection: Connection) -> bool:
        if "/hitl/" not in request.path:
            return False
        if applied:
            platform.change("w", status="executing", hitl_request=None)
        connection.reset()
        return True

    platform.before_reply = lose
    done = await actions(client)[0].run_action(Action(Verb.APPROVE, "w", digest))
    assert done.outcome is Outcome.UNKNOWN
    assert ("no longer waits" if applied else "still waits") in done.words
    assert sum("/hitl/" in request.path for request in server.requests) == 1


async def test_a_stop_says_what_became_of_the_task(platform: Platform, client: Client) -> None:
    platform.task("t1")
    platform.task("t2", status="completed")
    doer, _ = actions(client)
    assert (await doer.run_action(Action(Verb.STOP, "t1"))).words == "stopped"
    assert (await doer.run_action(Action(Verb.STOP, "t2"))).words == "it had ended already: completed, nothing was sent"
    assert (await doer.run_action(Action(Verb.STOP, "nope"))).outcome is Outcome.GONE


async def test_a_new_task_whose_answer_was_lost_is_found(platform: Platform, client: Client) -> None:
    async def lose(request: Request, connection: Connection) -> bool:
        if "/invoke/async" in request.path:
            created = client.now.isoformat()
            platform.task("made", "a1", "pending", input=request.json["input"], created_at=created)
            connection.reset()
        return "/invoke/async" in request.path

    platform.before_reply = lose
    done = await actions(client)[0].run_action(
        Action(Verb.CREATE, "a1", body={"agent": "a1", "input": {"text": "hello"}})
    )
    assert (done.outcome, done.task.id if done.task else None) == (Outcome.CONFIRMED, "made")


async def command(server: Server, home: Path, *words: str, key: str = KEY) -> tuple[int, str, str]:
    """The real command in a process of its own."""
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(home), "XPANDER_API_KEY": key, "XPANDER_BASE_URL": server.url,
        "XPANDER_API_URL": server.url, "PYTHONWARNINGS": "error",
    }  # fmt: skip
    pipe = asyncio.subprocess.PIPE
    job = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *words, stdout=pipe, stderr=pipe, env=environ
    )
    async with asyncio.timeout(60):
        out, err = await job.communicate()
    assert job.returncode is not None
    assert b"Traceback" not in err
    assert key.encode() not in out + err or not key
    assert b"\x1b" not in out + err
    return job.returncode, out.decode(), err.decode()


async def test_the_verbs_and_their_exit_codes(platform: Platform, server: Server, tmp_path: Path) -> None:
    waiting(platform)
    platform.task("t1", status="completed", title="evil \x1b[31m ‮", result="fine")

    async def run(*words: str, key: str = KEY) -> tuple[int, str, str]:
        return await command(server, tmp_path, *words, key=key)

    code, out, err = await run("tasks")
    assert (code, "approval" in out, "2 loaded" in err) == (0, True, True)
    assert (await run("tasks", "-o", "ndjson"))[1].isascii()
    assert (await run("tasks", key=""))[2].startswith("xp-tui: no API key is set: set XPANDER_API_KEY")
    assert (await run("tasks", key=""))[0] == 3
    assert (await run("tasks", key="wrong-key-0123456789"))[0] == 4
    code, _, err = await run("tasks", "stat:x")
    assert (code, "^^^^" in err) == (3, True)
    assert (await run("show", "nope"))[0] == 1
    assert (await run("frobnicate"))[0] == 3
    code, out, _ = await run("show", "w")
    digest = next(line.split()[-1] for line in out.splitlines() if line.strip().startswith("digest"))
    assert (await run("approve", "w", "--digest", "0" * 16))[0] == 7
    assert platform.decisions == []
    assert (await run("approve", "w", "--digest", digest, "--read-only"))[0] == 3
    assert (await run("approve", "w", "--digest", digest))[:2] == (
        0,
        "approved, on record as Local Operator w\n",
    )
    assert (await run("run", "a1", "do it", "--title", "T"))[0] == 0
    assert (await run("update", "t1", "--result", "x"))[0] == 2
    assert (await run("log", "t1"))[0] == 0
    assert (await run("watch", "t1", "-o", "ndjson"))[0] == 0
    assert (await run("journal", "verify"))[0] == 0
    assert (await run("doctor", "--json"))[0] == 0


async def test_the_command_when_nobody_is_there(tmp_path: Path) -> None:
    server = Server(Platform().handle, port=free_port())
    assert (await command(server, tmp_path, "stop", "t1"))[0] == 5


async def test_the_lesser_words_of_the_verbs(platform: Platform, server: Server, tmp_path: Path) -> None:
    platform.task("done", status="completed", result="fine")
    platform.task("stuck", status="paused", hitl_request={"wait_node_id": "n1"}, events_streaming=False)
    platform.entry("done", tool_name="pay", payload={"amount": 7}, result="paid")

    async def run(*words: str) -> tuple[int, str, str]:
        return await command(server, tmp_path, *words)

    code, out, _ = await run("log", "done", "--tree")
    assert (code, "pay" in out) == (0, True)
    code, _, err = await run("watch", "stuck", "--timeout", "1s")
    assert (code, "not ended after 1s" in err) == (1, True)
    assert (await run("watch", "stuck", "--until", "status:paused"))[0] == 0
    assert (await run("watch", "done", "--until", "status:failed"))[0] == 1
    assert (await run("watch", "done", "--timeout", "soon"))[0] == 3
    wishes = tmp_path / "wishes.json"
    wishes.write_text('{"agent_id": "a1", "title": "From a file", "input": {"text": "all at once"}}')
    assert (await run("run", "--from", str(wishes)))[0] == 0
    assert any(task.get("title") == "From a file" for task in platform.tasks.values())
    wishes.write_text("{")
    code, _, err = await run("run", "--from", str(wishes))
    assert (code, str(wishes) in err) == (3, True)


async def test_an_interrupt_and_a_closed_pipe_end_in_silence(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    platform.task("t1")
    for number in range(2000):
        platform.task(f"n{number}", status="completed", title="x" * 60)
    environ = {"HOME": str(tmp_path), "XPANDER_API_KEY": KEY, "XPANDER_BASE_URL": server.url}
    pipe = asyncio.subprocess.PIPE

    async def start(*words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui", *words, stdout=pipe, stderr=pipe, env=environ
        )

    async with asyncio.timeout(60):
        watching = await start("watch", "t1")
        assert watching.stdout
        assert watching.stderr
        await watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert await watching.wait() == 130
        assert b"Traceback" not in await watching.stderr.read()
        piped = await start("tasks", "--all", "-o", "ndjson")
        assert piped.stdout
        assert piped.stderr
        await piped.stdout.readline()
        piped.stdout._transport.close()  # type: ignore[attr-defined]
        await piped.wait()
        said = await piped.stderr.read()
        assert b"Traceback" not in said
        assert b"rror" not in said
