"""The verb local and the option --local: how a local platform is started, found, used and ended."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

import tui.local
from tests.cli.conftest import Shell, refuse_screens, said_instead_of_screens
from tests.cli.local_platform import PLAIN_LOCAL, start_platform
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server, free_port
from tui.cli.main import run
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.local import process
from tui.local.data_dir import Address, DataDir
from tui.local.scenario_runner import ScenarioRunner
from tui.storage.private_files import write_private
from tui.storage.settings import BadSettings


def exported(lines: list[str]) -> dict[str, str]:
    """Return the variables that the printed lines export."""
    assert all(line.startswith("export ") for line in lines)
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


async def test_the_printed_lines_export_the_platform_to_a_shell(shell: Shell) -> None:
    async with start_platform(shell, *PLAIN_LOCAL) as one:
        environ = exported(await one.lines(4))
        url, key = environ["XPANDER_BASE_URL"], environ["XPANDER_API_KEY"]
        assert url.startswith("http://127.0.0.1:")
        assert (environ["XPANDER_API_URL"], environ["XPANDER_ORGANIZATION_ID"]) == (url, "local")
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{url}/v1/agents", headers={"x-api-key": key})).status_code == 200
            assert (await http.get(f"{url}/v1/agents")).status_code == 401
    assert one.code.result() == 0
    assert DataDir(shell.state / "local").running() is None
    assert "XPANDER_AGENT_ID=your-agent" in shell.capsys.readouterr().err


async def test_a_second_local_platform_says_where_the_first_runs(shell: Shell) -> None:
    async with start_platform(shell, *PLAIN_LOCAL, "--quiet") as one:
        (url,) = await one.lines(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", (shell.home / "printed").open("w+"))
            assert await asyncio.to_thread(run, ["local"], refuse_screens) == 0
            sys.stdout.seek(0)
            lines = sys.stdout.read().splitlines()
            sys.stdout.close()
        assert exported(lines)["XPANDER_BASE_URL"] == url
        assert f"already running: {url}" in shell.capsys.readouterr().err


async def test_closing_stdin_does_not_end_a_platform_that_others_use(shell: Shell) -> None:
    home = DataDir(shell.state / "local")
    async with start_platform(shell, *PLAIN_LOCAL, "--quiet") as one:
        await one.lines(1)
        with home.user_lock():
            one.stdin.close()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(one.code), 1.0)
            assert home.running() is not None
            assert home.has_users()
        assert await one.code == 0


async def test_a_platform_that_is_ending_is_not_found(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    home, ends, may_end = DataDir(shell.state / "local"), threading.Event(), threading.Event()
    end = process.Server.end

    def slowly(server: process.Server) -> None:
        ends.set()
        may_end.wait()
        end(server)

    def come() -> Address | None:
        with home.user_lock():
            return home.running()

    monkeypatch.setattr(process.Server, "end", slowly)
    async with start_platform(shell, *PLAIN_LOCAL, "--quiet") as one:
        await one.lines(1)
        one.stdin.close()
        await asyncio.to_thread(ends.wait)
        assert home.running() is not None
        assert home.has_users()
        coming = asyncio.create_task(asyncio.to_thread(come))
        may_end.set()
        assert await coming is None


async def test_without_a_key_the_verbs_use_the_running_local_platform(shell: Shell) -> None:
    async with start_platform(shell, *PLAIN_LOCAL, "--quiet") as one:
        (url,) = await one.lines(1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", (shell.home / "printed").open("w"))
            assert await asyncio.to_thread(run, ["agents"], refuse_screens) == 0
            sys.stdout.close()
        assert f"no API key is set: using the local platform at {url}" in shell.capsys.readouterr().err
        assert "Invoice bot" in (shell.home / "printed").read_text()
    assert (await asyncio.to_thread(shell, "agents")).code == 3  # and once it has ended, they do not


async def test_a_local_platform_can_be_filled_for_a_load_test(shell: Shell, tmp_path: Path) -> None:
    data = tmp_path / "elsewhere"
    many = ("--tasks", "60", "--entries", "25", "--seed", "7", "--now", "2026-11-21T12:00")
    async with start_platform(shell, *PLAIN_LOCAL, *many, "--data", str(data)) as one:
        environ = exported(await one.lines(4))
        headers = {"x-api-key": environ["XPANDER_API_KEY"]}
        async with httpx.AsyncClient(base_url=environ["XPANDER_API_URL"], headers=headers) as http:
            page = (await http.get("/v1/tasks")).json()
        assert page["total"] == 61
        assert max(task["created_at"] for task in page["items"]) < "2026-11-21T12:00:30"
    assert data.stat().st_mode & 0o777 == 0o700
    assert not (shell.state / "local").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--pace", "0"], "--pace is a number between 0.01 and 1000"),
        (["--chaos", "earthquake"], "'earthquake' is no fault; there is: drop=20"),
        (["--now", "soon"], "Invalid isoformat string: 'soon'"),
    ],
)
def test_invalid_options_are_refused_with_a_reason(shell: Shell, words: list[str], why: str) -> None:
    said = shell(*PLAIN_LOCAL, *words)
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith(f"xp-tui: {why}")
    assert not (shell.state / "local").exists()


def test_a_taken_port_is_reported_and_nothing_keeps_running(shell: Shell) -> None:
    with process.listen(0) as taken:
        port = taken.getsockname()[1]
        said = shell("local", "--no-history", "--port", str(port))
    assert (said.code, said.err) == (3, f"xp-tui: port {port} cannot be used: Address already in use\n")
    assert DataDir(shell.state / "local").running() is None


def test_a_start_during_another_start_is_asked_to_retry(shell: Shell) -> None:
    home = DataDir(shell.state / "local")
    with home.server_lock():
        said = shell(*PLAIN_LOCAL)
    assert (said.code, said.err) == (
        3,
        f"xp-tui: another program is starting a platform in {home.path}: try again\n",
    )


def test_without_its_libraries_local_says_what_to_install(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tui.local, "process")
    monkeypatch.delitem(sys.modules, "tui.local.process")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = shell("local")
    assert (said.code, said.err.count("\n")) == (3, 1)
    assert "pip install 'xp-tui[local]'" in said.err


def test_a_failure_of_the_scenario_runner_ends_the_platform_with_an_error(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run_once(self: ScenarioRunner) -> None:
        raise RuntimeError("an agent fell over")

    monkeypatch.setattr(ScenarioRunner, "run", run_once)
    assert run([*PLAIN_LOCAL, "--quiet"], refuse_screens) == 1
    told = shell.capsys.readouterr()
    assert "xp-tui has failed: RuntimeError: an agent fell over" in told.err
    assert DataDir(shell.state / "local").running() is None


def test_a_free_port_is_used_if_the_default_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "DEFAULT_PORT", free_port())
    with process.listen(None) as first, process.listen(None) as second:
        assert first.getsockname() == ("127.0.0.1", process.DEFAULT_PORT)
        assert second.getsockname()[1] not in {0, process.DEFAULT_PORT}
        with pytest.raises(OSError, match=f"port {process.DEFAULT_PORT} cannot be used"):
            process.listen(process.DEFAULT_PORT)  # when it is asked for, it is that or none


# --local, with another platform set as well


CLOUD_KEY = "key-of-the-cloud-0123456789"
ACTING = {
    "run": ("run", "a1", "do it"),
    "continue": ("continue", "t1", "more of it"),
    "stop": ("stop", "t1"),
    "approve": ("approve", "w", "--yes-unseen"),
    "reject": ("reject", "w", "--yes-unseen", "--comment", "no"),
    "update": ("update", "t1", "--result", "by hand", "--yes"),
}
READING = [("tasks",), ("show", "t1"), ("log", "t1"), ("agents",), ("reload", "t1"), ("watch", "done"), ("doctor",)]
BOTH_WAYS = pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])


def with_local(words: tuple[str, ...], is_before: bool) -> tuple[str, ...]:
    return ("--local", *words) if is_before else (*words, "--local")


def filled(platform: Platform) -> Platform:
    """Add the tasks that the verbs use."""
    platform.task("t1")
    platform.task("done", status="completed")
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})
    return platform


@pytest.fixture
async def cloud(shell: Shell) -> AsyncIterator[Server]:
    """Another platform with the same tasks, which is configured in every way."""
    with closing(Platform()) as platform:
        platform.agent("a1", "Cloud bot")
        async with Server(filled(platform).handle) as served:
            shell.export(
                XPANDER_API_KEY=CLOUD_KEY, XPANDER_BASE_URL=served.url, XPANDER_API_URL=served.url,
                XPANDER_ORGANIZATION_ID="org-of-the-cloud", XPANDER_AGENT_ID="agent-of-the-cloud", XP_TUI_PROFILE="prod",
            )  # fmt: skip
            told = (
                f'api_key = "{CLOUD_KEY}"\nbase_url = "{served.url}"\napi_url = "{served.url}"\norganization = "o1"\n'
            )
            shell.configure(f"{told}[profiles.prod]\n{told}")
            yield served


@pytest.fixture
async def here(shell: Shell, platform: Platform, server: Server) -> AsyncIterator[Server]:
    """The platform of the test, registered as the local platform of this machine."""
    home = DataDir(shell.state / "local")
    write_private(home.path / "key", KEY.encode())
    filled(platform)
    with home.server_lock():
        home.announce(Address(server.url, KEY))
        yield server


@BOTH_WAYS
@pytest.mark.parametrize("verb", ACTING)
async def test_an_action_with_local_reaches_only_the_local_platform(
    shell: Shell, cloud: Server, here: Server, verb: str, is_before: bool
) -> None:
    said = await asyncio.to_thread(shell, *with_local(ACTING[verb], is_before))
    assert cloud.requests == []
    assert [request.method for request in here.requests if request.method != "GET"], said.err
    assert {request.headers["x-api-key"] for request in here.requests} == {KEY}
    sent = b"".join(request.target.encode() + request.body for request in here.requests)
    for name in (CLOUD_KEY, "of-the-cloud"):
        assert name.encode() not in sent
    assert said.code == 0, said.err
    assert f"--local: using the local platform at {here.url}" in said.err
    assert shell.journal.verify().lines >= 2


@pytest.mark.parametrize("verb", ACTING)
async def test_without_local_the_configured_platform_is_used(
    shell: Shell, cloud: Server, here: Server, verb: str
) -> None:
    await asyncio.to_thread(shell, *ACTING[verb])
    assert here.requests == []
    assert {request.headers["x-api-key"] for request in cloud.requests} == {CLOUD_KEY}


@BOTH_WAYS
@pytest.mark.parametrize("words", READING, ids=[words[0] for words in READING])
async def test_a_query_with_local_reaches_only_the_local_platform(
    shell: Shell, cloud: Server, here: Server, words: tuple[str, ...], is_before: bool
) -> None:
    said = await asyncio.to_thread(shell, *with_local(words, is_before))
    assert cloud.requests == []
    assert here.requests
    assert said.code == 0, said.err


async def test_with_local_the_configured_agent_is_ignored(shell: Shell, cloud: Server, here: Server) -> None:
    said = await asyncio.to_thread(shell, "run", "do it", "--local")
    assert (said.code, here.requests, cloud.requests) == (3, [], [])
    assert said.err.startswith("xp-tui: which agent?")
    assert (await asyncio.to_thread(shell, "run", "do it", "--local", "--agent", "a1")).code == 0
    assert cloud.requests == []


@BOTH_WAYS
@pytest.mark.parametrize("verb", ACTING)
async def test_local_without_a_running_platform_does_nothing(
    shell: Shell, cloud: Server, verb: str, is_before: bool
) -> None:
    said = await asyncio.to_thread(shell, *with_local(ACTING[verb], is_before))
    words = "xp-tui: no local platform is running on this machine: xp-tui local starts one\n"
    assert said == (3, "", words)
    assert cloud.requests == []
    assert list(shell.journal.lines()) == []


@pytest.mark.parametrize("other", ["--base-url", "--api-url", "--profile", "--api-key-file", "--organization"])
@BOTH_WAYS
@pytest.mark.parametrize("verb", ACTING)
async def test_local_together_with_another_platform_is_an_error(
    shell: Shell, cloud: Server, here: Server, verb: str, is_before: bool, other: str
) -> None:
    words = (*ACTING[verb], other, "prod" if other == "--profile" else cloud.url)
    said = await asyncio.to_thread(shell, *with_local(words, is_before))
    assert said == (3, "", f"xp-tui: --local and {other} name two platforms: leave one of them out\n")
    assert cloud.requests + here.requests == []


async def test_the_screens_with_local_reach_only_the_local_platform(
    shell: Shell, cloud: Server, here: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def opened(client: Client, *_: object, **more: Any) -> None:
        given.update(more, surfaces=client.surfaces)
        raise BadSettings("that is enough")

    monkeypatch.setattr("tui.app.app.XpTui", opened)
    said = await asyncio.to_thread(said_instead_of_screens, shell, "--local")
    assert given["surfaces"] == Surfaces(here.url, here.url, "local")
    assert (given["place"], given["initial_filter"]) == ("local", "")
    assert said == f"--local: using the local platform at {here.url}\nxp-tui: that is enough\n"
    assert cloud.requests == []


async def test_local_does_not_change_the_time_format(shell: Shell, here: Server) -> None:
    for words, time in (((), "relative"), (("--utc",), "utc"), (("--time", "local"), "local")):
        found = {}
        for place in ((*words, "config"), ("config", *words)):
            found = (await asyncio.to_thread(shell, *place, "--local", "-o", "json")).json["items"]
            assert found["time"]["value"] == time
    said = await asyncio.to_thread(shell, "tasks", "--time", "soon")
    assert (said.code, "invalid choice: 'soon'" in said.err) == (3, True)


async def test_the_key_of_another_platform_is_masked_with_local_too(shell: Shell, cloud: Server, here: Server) -> None:
    words = ("reject", "w", "--yes-unseen", "--comment", f"not with {CLOUD_KEY}")
    said = await asyncio.to_thread(shell, *words, "--local")
    assert CLOUD_KEY not in said.out + said.err + shell.journal.path.read_text()
