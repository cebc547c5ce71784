"""The verbs as processes, connected to a served platform: output and exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.wire.platform import KEY, Platform, add_waiting_task
from tests.wire.server import Server, free_port


async def command(server: Server, home: Path, *words: str, key: str = KEY) -> tuple[int, str, str]:
    """Run the real command as a process; return its exit code and output."""
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


async def test_verbs_print_their_results_and_end_with_their_exit_codes(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    add_waiting_task(platform)
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


async def test_an_unreachable_platform_ends_with_exit_code_5(platform: Platform, tmp_path: Path) -> None:
    server = Server(platform.handle, port=free_port())
    assert (await command(server, tmp_path, "stop", "t1"))[0] == 5


async def test_options_of_log_watch_and_run_work(platform: Platform, server: Server, tmp_path: Path) -> None:
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


async def test_an_interrupt_and_a_closed_pipe_end_a_process_silently(
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
