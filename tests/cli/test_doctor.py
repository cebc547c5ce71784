"""The verb doctor: the problem that it finds, the sentence that it prints, and the exit code."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import sys
import termios
import time
from contextlib import closing
from email.utils import formatdate
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import CommandResult, Shell, refuse_screens
from tests.conftest import FastClock
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server, free_port
from tui.cli import doctor
from tui.cli.main import run

Findings = dict[str, list[tuple[str, str]]]


def found(said: CommandResult) -> Findings:
    """Return the findings, by subject."""
    told: Findings = {}
    for item in said.json["items"]:
        told.setdefault(item["what"], []).append((item["grade"], item["words"]))
    assert said.json["ok"] == (said.code == 0)
    assert (said.code == 0) == all(grade != "bad" for those in told.values() for grade, _ in those)
    return told


async def looked(shell: Shell, *words: str) -> tuple[int, Findings]:
    """Run doctor with the exported environment."""
    said = await asyncio.to_thread(shell, "doctor", "--json", *words)
    return said.code, found(said)


async def test_doctor_lists_its_checks_when_all_is_well(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")
    said = await shell.on(server, "doctor")
    lines = {line[2:16].strip(): (line[0], line[16:].strip()) for line in said.out.splitlines()}
    assert said.code == 0
    assert {mark for mark, _ in lines.values()} == {"✓", "·"}
    place = server.url.removeprefix("http://")
    assert lines["rest"][1].startswith(f"{place}: 2 agents on the first page, ")
    assert lines["controller"][1].startswith(f"{place}: 2 agents on the first page, ")
    assert lines["key"] == ("✓", "set, from XPANDER_API_KEY")
    assert lines["host"] == ("✓", place)
    assert lines["proxy"] == ("✓", "controller: none, it stays on this machine")
    assert lines["tls"] == ("·", "controller: none, plain http")
    assert lines["events"] == ("✓", f"{place}: 200, text/event-stream")
    assert lines["state"] == ("✓", f"{shell.state}, yours alone")
    assert lines["terminal"] == ("·", "stdout is no terminal")


async def test_doctor_skips_live_events_without_a_running_stream(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("t1", events_streaming=False)
    told = found(await shell.on(server, "doctor", "--json"))
    place = server.url.removeprefix("http://")
    assert told["events"] == [("note", f"{place}: not tried, no running task has a stream")]


async def test_doctor_reports_what_a_missing_surface_lacks(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1")
    shell.export(XPANDER_API_KEY=KEY, XPANDER_API_URL=server.url)
    code, told = await looked(shell)
    assert code == 0
    assert told["controller"] == [("note", "no address: what only this surface has is not offered")]
    ((grade, words),) = told["events"]
    assert (grade, words) == (
        "note",
        "live events need the controller, and no address of it is set: running tasks are polled",
    )


def test_doctor_reports_a_missing_key(shell: Shell) -> None:
    said = shell("doctor", "--json")
    assert said.code == 3
    ((grade, words),) = found(said)["platform"]
    assert (grade, words.startswith("no API key is set: set XPANDER_API_KEY")) == ("bad", True)


async def test_doctor_reports_a_wrong_key_on_each_surface(shell: Shell, server: Server) -> None:
    shell.export(XPANDER_API_KEY="wrong-key-0123456789", XPANDER_API_URL=server.url, XPANDER_BASE_URL=server.url)
    code, told = await looked(shell)
    assert code == 4
    for name in ("rest", "controller"):
        assert told[name] == [
            ("bad", "Invalid API key (401). Check XPANDER_API_KEY; a self-hosted controller has a key of its own")
        ]


async def test_doctor_reports_an_unreachable_platform_as_a_network_problem(shell: Shell, fast_clock: FastClock) -> None:
    shell.export(XPANDER_API_KEY=KEY, XPANDER_API_URL=f"http://127.0.0.1:{free_port()}")
    code, told = await looked(shell)
    assert code == 5
    assert told["rest"][0][0] == told["events"][0][0] == "bad"
    assert "127.0.0.1 cannot be reached" in told["rest"][0][1]


async def test_doctor_reports_a_failing_platform(shell: Shell) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(400, {"detail": "not today"})

    async with Server(serve) as server:
        said = await shell.on(server, "doctor", "--json")
    assert said.code == 1
    assert found(said)["rest"] == [("bad", "not today (400)")]


async def test_doctor_reports_a_stream_that_is_no_event_stream(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("t1")

    async def answer(request: Request, connection: Connection) -> bool:
        if is_stream := request.path.endswith("/events"):
            await connection.reply(200, b"<html>", {"Content-Type": "text/html"})
        return is_stream

    platform.before_reply = answer
    said = await shell.on(server, "doctor", "--json")
    place = server.url.removeprefix("http://")
    assert (said.code, found(said)["events"]) == (1, [("bad", f"{place}: 200, text/html")])


async def test_doctor_accepts_a_platform_without_agents(shell: Shell) -> None:
    with closing(Platform()) as empty:
        async with Server(empty.handle) as server:
            shell.export(XPANDER_API_KEY=KEY, XPANDER_BASE_URL=server.url)
            code, told = await looked(shell)
    assert [grade for grade, _ in told["events"]] == ["note"]
    assert code == 0


async def test_doctor_reports_a_clock_difference(shell: Shell, platform: Platform, server: Server) -> None:
    async def answer(request: Request, connection: Connection) -> bool:
        if is_list := request.path == "/v1/agents":
            date = formatdate(time.time() + 90, usegmt=True)
            await connection.reply(200, {"items": [], "total": 0, "total_pages": 1}, {"Date": date})
        return is_list

    platform.before_reply = answer
    ((grade, words),) = found(await shell.on(server, "doctor", "--json"))["rest"]
    assert grade == "ok"
    assert words.endswith(("; its clock is +90 s off ours", "; its clock is +89 s off ours"))


async def test_doctor_names_the_proxy_without_its_password(shell: Shell, platform: Platform, server: Server) -> None:
    # Private: a check by itself needs no platform with HTTPS.
    shell.export(
        XPANDER_API_KEY=KEY,
        XPANDER_API_URL="http://platform.example",
        HTTP_PROXY=f"http://user:pass-0123456789@127.0.0.1:{server.port}",
    )
    code, told = await looked(shell, "--insecure-http")
    assert (code, told["rest"][0][0]) == (0, "ok")
    assert told["proxy"] == [("note", "rest: through 127.0.0.1, as the environment says")]
    assert "pass-0123456789" not in str(told)
    assert server.requests[0].target.startswith("http://platform.example/")  # and so it does
    shell.export(NO_PROXY="platform.example")
    assert doctor._check_proxy("rest", "http://platform.example") == doctor.Finding("proxy", "ok", "rest: none")


async def test_doctor_tries_a_configured_certificate_authority(
    shell: Shell, platform: Platform, fast_clock: FastClock
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as ca:
        async with Server(platform.handle, context) as server:
            shell.export(XPANDER_API_KEY=KEY, XPANDER_API_URL=server.url)
            code, told = await looked(shell, "--ca", ca)
            assert (code, told["tls"]) == (0, [("ok", f"rest: --ca {ca}")])
            assert told["rest"][0][0] == "ok"
            code, told = await looked(shell)
            assert (code, told["tls"]) == (5, [("ok", "rest: the system's authorities")])
            assert "name it with --ca or SSL_CERT_FILE" in told["rest"][0][1]


async def test_doctor_reports_an_unreadable_certificate_authority(shell: Shell, tmp_path: Path) -> None:
    # Private: a check by itself needs no platform with HTTPS.
    (tmp_path / "empty.pem").write_text("")
    shell.export(SSL_CERT_FILE=str(tmp_path / "empty.pem"))
    first, second = await doctor._check_tls("rest", "https://platform.example", str(tmp_path / "gone.pem"))
    assert (first.grade, second.grade) == ("bad", "bad")
    assert first.words.startswith(f"rest: --ca {tmp_path / 'gone.pem'} cannot be used: ")
    assert second.words.startswith(f"rest: SSL_CERT_FILE {tmp_path / 'empty.pem'} cannot be used: ")


async def test_doctor_reports_each_local_problem_with_its_path(shell: Shell, tmp_path: Path) -> None:
    path = shell.configure('agnet = "a1"\nagent = "a1"\n')
    shell.journal.write("sent")
    shell.journal.path.write_text("{}\n")
    shell.patch.setattr(doctor, "styles_directory", lambda: None)
    said = await asyncio.to_thread(shell, "doctor", "--json")
    told = found(said)
    assert said.code == 1  # of several, the first counts
    assert told["styles"] == [("bad", "the stylesheets are missing: install xp-tui anew")]
    assert told["settings"] == [
        ("ok", str(path)),
        ("note", f"{path}:1: nothing is called 'agnet', did you mean agent?"),
    ]
    assert told["setting"] == [("ok", f"agent = a1 (file {path})")]
    assert told["journal"] == [("bad", "line 1: it was changed; see xp-tui journal verify")]
    assert said.err.startswith("xp-tui: ")  # the warning is seen by any verb


def test_doctor_reports_a_state_folder_that_is_a_link(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    shell.state.parent.mkdir(parents=True)
    shell.state.symlink_to(tmp_path / "elsewhere")
    ((grade, words),) = found(shell("doctor", "--json"))["state"]
    assert (grade, words) == ("bad", f"{shell.state} is a link: remove it, a directory is made in its place")


@pytest.mark.parametrize(
    ("size", "encoding", "environ", "lines"),
    [
        ((40, 120), "utf-8", {"TERM": "xterm"}, [("✓", "120×40, colours: xterm")]),
        ((40, 120), "utf-8", {"NO_COLOR": "1", "COLORTERM": "truecolor"}, [("✓", "120×40, colours: none")]),
        ((40, 80), "utf-8", {"COLORTERM": "truecolor", "TMUX": "x"}, [("✓", "80×40, colours: truecolor, within tmux")]),
        (
            (23, 80),
            "latin-1",
            {"TERM": "vt100", "TMUX": "x", "SSH_CONNECTION": "x"},
            [
                ("·", "80×23, colours: vt100, within tmux and ssh"),
                ("·", "the encoding is latin-1: set LANG to a UTF-8 one"),
            ],
        ),
    ],
)
def test_doctor_lists_the_abilities_of_the_terminal(
    shell: Shell, size: tuple[int, int], encoding: str, environ: dict[str, str], lines: list[tuple[str, str]]
) -> None:
    shell.patch.delenv("COLORTERM", raising=False)
    shell.export(**environ)
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, size)
    with os.fdopen(leader, "rb", buffering=0) as seen, os.fdopen(follower, "w", encoding=encoding) as screen:
        shell.patch.setattr(sys, "stdout", screen)
        assert run(["doctor"], refuse_screens) == 3
        screen.write("END\n")
        screen.flush()
        told = b""
        while b"END" not in told:
            told += seen.read(65536)
    plain = re.sub(r"\x1b\[\d*m", "", told.decode(encoding)).replace("\\u2713", "✓")
    assert re.findall(r"^(\S) terminal +(.*)\r$", plain, re.MULTILINE) == lines


def test_doctor_says_where_copied_text_goes(shell: Shell, tmp_path: Path) -> None:
    words = "the terminal's (OSC 52), if it has one; otherwise a file"
    assert found(shell("doctor", "--json"))["clipboard"] == [("note", words)]
    shell.export(TMUX="/tmp/tmux")
    words = "the terminal's (OSC 52) through tmux: set -g set-clipboard on"
    assert found(shell("doctor", "--json"))["clipboard"] == [("note", words)]
    (tmp_path / "xclip").write_text("#!/bin/sh\n")
    (tmp_path / "xclip").chmod(0o755)
    shell.export(DISPLAY=":0", PATH=str(tmp_path))
    assert found(shell("doctor", "--json"))["clipboard"] == [("ok", "the system's")]
