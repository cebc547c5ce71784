"""doctor --record: it asks first, writes private files into a new folder, and lists them."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server, free_port
from tui.cli import record_command
from tui.services import answer_recorder


@pytest.fixture(autouse=True)
def quick_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record events for a short time only."""
    monkeypatch.setattr(answer_recorder, "EVENTS_SECONDS", 0.2)


async def test_an_operator_records_what_the_platform_answers(
    shell: Shell, platform: Platform, server: Server, tmp_path: Path
) -> None:
    platform.task("t1", result="a secret result")
    folder = tmp_path / "deep" / "answers"
    said = await shell.on(server, "doctor", "--record", str(folder), "--yes")
    assert said.code == 0
    names = sorted(path.name for path in folder.iterdir())
    listed = [word for word in said.out.split() if word.endswith(".json")]
    assert sorted(listed) == names
    assert "01-rest-agents.json" in names
    assert f"{len(names)} files in {folder}, for you alone: look through them, then send the folder" in said.err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    texts = "".join(path.read_text() for path in folder.iterdir())
    for secret in (KEY, "a secret result", "127.0.0.1", "t1", "Invoice bot", str(server.port)):
        assert secret not in texts
    index = json.loads((folder / "index.json").read_text())
    assert (index["kind"], index["platform"]) == ("record", "self-hosted")
    assert [file["file"] for file in index["files"] if file["file"]] == [name for name in names if name != "index.json"]
    record = json.loads((folder / "01-rest-agents.json").read_text())
    assert (record["route"], record["status"]) == ("GET /v1/agents?page&per_page (rest)", 200)
    assert record["body"]["items"][0]["status"] == "ACTIVE"
    assert {request.method for request in server.requests} == {"GET"}


async def test_json_lists_what_was_written(shell: Shell, platform: Platform, server: Server, tmp_path: Path) -> None:
    said = await shell.on(server, "doctor", "--json", "--record", str(tmp_path / "new"), "--yes")
    assert (said.code, said.json["kind"], said.json["folder"]) == (0, "doctor record", str(tmp_path / "new"))
    assert {"file", "route", "status", "problem"} == set(said.json["items"][0])
    missing = [item for item in said.json["items"] if item["route"].startswith("GET /v1/workflows/{workflow} ")]
    assert [item["problem"] for item in missing] == ["no id is known that it needs"]


@pytest.mark.parametrize(("is_terminal", "answer"), [(False, "y\n"), (True, "\n"), (True, ""), (True, "no\n")])
async def test_without_a_yes_nothing_is_read(
    shell: Shell, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, answer: str
) -> None:
    monkeypatch.setattr(record_command, "_is_terminal", lambda: is_terminal)
    said = await shell.on(server, "doctor", "--record", str(tmp_path / "new"), stdin=answer)
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("nothing was read and nothing written\n")
    assert server.requests == []
    assert not (tmp_path / "new").exists()


async def test_it_says_what_it_will_do_before_it_asks(
    shell: Shell, platform: Platform, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_command, "_is_terminal", lambda: True)
    said = await shell.on(server, "doctor", "--record", str(tmp_path / "new"), stdin="Y\n")
    assert said.code == 0
    assert said.err.startswith("This reads the 20 read routes of 127.0.0.1:")
    assert "Go on? y, or anything else to leave it:" in said.err


async def test_a_folder_that_is_there_is_left_alone(shell: Shell, server: Server, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in (".", "link"):
        said = await shell.on(server, "doctor", "--record", str(tmp_path / name), "--yes")
        assert (said.code, "is there already: name a new folder" in said.err) == (3, True)
    assert server.requests == []


async def test_a_folder_that_cannot_be_made_is_an_error(shell: Shell, server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = await shell.on(server, "doctor", "--record", str(tmp_path / "file" / "new"), "--yes")
    assert said.code in {1, 3}
    assert server.requests == []


async def test_offline_only_the_index_is_written(shell: Shell, tmp_path: Path, fast_clock: object) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    shell.export(XPANDER_API_KEY=KEY, XPANDER_BASE_URL=url, XPANDER_API_URL=url, XPANDER_AGENT_ID="a1")
    said = await asyncio.to_thread(shell, "doctor", "--record", str(tmp_path / "new"), "--yes")
    assert said.code == 5
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.json"]
