"""Hostile text in every field of every model, through the real command on a pseudo-terminal."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.cells import cell_len

from tests.conftest import RecordTried
from tests.local.conftest import KEY, Serve, Served
from tests.trust.corpus import LAYOUT, corpus
from tests.trust.tokens import offenders, shapes
from tui.local.data_dir import ORGANIZATION

TEXTS = [text.encode("utf-8", "replace").decode() for text in corpus()]
"""Without lone surrogates, which the local platform's own wire cannot carry; tests/cli/test_query_ndjson.py serves those."""
SIZE = (50, 200)
BARE = """
import sys
from textual.app import App
from textual.widgets import Static
sys.path.insert(0, {path!r})
from tests.trust.corpus import LAYOUT, corpus
class Bare(App):
    def compose(self):
        for text in corpus():
            yield Static(text.encode("utf-8", "replace").decode()[:200], markup=False)
    def on_mount(self):
        self.set_interval(0.05, self.further)
    def further(self):
        self.screen.scroll_relative(y=40, animate=False)
        if self.screen.scroll_offset.y >= self.screen.max_scroll_y:
            self.exit()
Bare().run()
"""
"""A Textual app that shows the same texts as they are."""


class Terminal:
    """A pseudo-terminal with a command on it; all output is kept."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, env=environ, start_new_session=True
        )
        os.close(follower)
        self.written = b""
        self._seen = 0
        """How much was written when a key was pressed last."""

    def read(self, seconds: float, quiet: float = 10.0) -> None:
        """Read the output for this long, or until none has come for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([self.leader], [], [], min(left, quiet))[0]:
            try:
                self.written += os.read(self.leader, 1 << 16)
            except OSError:
                return

    def until(self, words: str, patience: float = 20.0) -> None:
        """Wait until words were printed since the last key."""
        end = time.monotonic() + patience
        while words not in plain(self.written[self._seen :]):
            assert time.monotonic() < end, plain(self.written[-5000:])
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.last_words()}"
            self.read(0.05)

    def last_words(self) -> str:
        """Return what the command printed when it ended."""
        said = plain(self.written)
        return said[max(said.rfind("xp-tui has failed"), said.rfind("Traceback"), len(said) - 20_000) :][:3000]

    def press(self, keys: str) -> None:
        """Press keys, and read the output."""
        self._seen = len(self.written)
        os.write(self.leader, keys.encode())
        before = len(self.written)
        end = time.monotonic() + 0.4
        while len(self.written) == before and time.monotonic() < end:
            self.read(0.05, quiet=0.05)
        self.read(1.0, quiet=0.03)


def plain(raw: bytes) -> str:
    """Return the output without terminal control sequences."""
    return re.sub(r"\x1b\[[0-9;:<>=?]*[A-Za-z]", "", raw.decode("utf-8", "replace"))


def drawn(raw: bytes) -> pyte.Screen:
    """Return the screen that a terminal shows after this output."""
    screen = pyte.Screen(SIZE[1], SIZE[0])
    pyte.ByteStream(screen).feed(re.sub(rb"\x1b\[[<>=][0-9;]*u|\x1b\[\?[0-9;]*\$p", b"", raw))
    return screen


@contextmanager
def on_a_terminal(command: list[str], environ: dict[str, str]) -> Iterator[Terminal]:
    terminal = Terminal(command, environ)
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.leader)


def planted(shape: Any, text: str) -> Any:
    """Return the shape with the text in each marked place."""
    match shape:
        case "*":
            return text
        case dict():
            return {name: planted(item, text) for name, item in shape.items()}
        case list():
            return [planted(item, text) for item in shape]
        case _:
            return shape


ENTRIES: tuple[dict[str, Any], ...] = (
    {"role": "user", "content": {"text": "*", "files": ["*"]}, "user": {"display_name": "*", "email": "*"}},
    {"role": "agent", "content": {"text": "*"}},
    {"tool_name": "*", "operation_id": "*", "payload": {"*": "*", "a": ["*"]}, "result": "*", "reasoning": {"title": "*", "description": "*"}},
    {"tool_name": "*", "payload": "*", "result": {"x": "*"}, "is_error": True, "tool_call_id": "*"},
    {"type": "think", "title": "*", "thought": "*", "action": "*", "result": "*", "confidence": 0.5},
    {"type": "analyze", "title": "*", "analysis": "*"},
    {"agent_id": "*", "query": "*", "reasoning": {"title": "*"}, "files": ["*"]},
    {"type": "token_ready", "data": {"server_name": "*", "url": "*"}},
    {"questions": [{"id": "*", "question": "*", "options": [{"id": "*", "label": "*"}]}], "answers": {"*": "*"}, "title": "*"},
    {"request_id": "*", "type": "confirm", "title": "*", "description": "*", "approved": True},
    {"action": "stop_execution", "title": "*", "description": "*", "reasoning": "*"},
    {"action": "*", "type": "*", "data": {"*": ["*"]}},
)  # fmt: skip
EVENTS = (
    {"type": "think", "data": {"type": "think", "id": "*", "title": "*", "thought": "*"}},
    {"type": "tool_call_request", "data": {"request_id": "*", "tool_name": "*", "payload": {"*": "*"}}},
    {"type": "chunk", "data": "*"},
    {"type": "*", "data": {"*": "*"}},
)


def plant(here: Served) -> str:
    """Put every text into every field of agents, rows, records, logs and events; return the task with all entries."""
    store, platform = here.local.store, here.local.platform
    main = ""
    for number, text in enumerate(TEXTS):
        title = f"T{number:03} {text}"
        asked: dict[str, Any] = {
            "input": {"text": title, "user": {"display_name": text, "email": text, "first_name": text}}
        }
        made = platform.create("your-agent", {**asked, "title": title, "source": text, "events_streaming": True})
        task = store.task(made["id"]) or {}
        status = (text or "odd") if number % 7 == 0 else ("completed", "failed", "executing", "stopped")[number % 4]
        news: dict[str, Any] = {"title": title, "result": f"{text}\n{title}", "status": status, "source": text}
        store.put_task({**task, **news, "internal_status": text, "user_id": text})
        main = made["id"]
    for number, text in enumerate(TEXTS):
        shape = ENTRIES[number % len(ENTRIES)]
        told = {**planted(shape, f"E{number:03} {text}"), "id": f"e{number}", "created_at": platform.now}
        store.put_entry(main, told)
        platform.push(main, [planted(EVENTS[number % len(EVENTS)], f"V{number:03} {text}")])
    row = store.task(main) or {}
    store.put_task({**row, "status": "executing", "title": "the long one", "updated_at": platform.now})
    for number, text in enumerate(TEXTS[:: max(len(TEXTS) // 25, 1)]):
        waits = platform.create("invoice-bot", {"input": {"text": text}, "title": f"W{number:03} {text}"})
        request = {
            "title": text,
            "description": text,
            "operation_id": text,
            "content": {"*": text, "why": [text], text: text},
        }
        record = store.task(waits["id"]) or {}
        store.put_task({**record, "status": "paused", "hitl_request": request, "paused_at": platform.now})
    agent = platform.agent("writer")
    store.put_agent(
        {**agent, "name": "\x1b]0;PWNED\x07[@click=app.quit]", "description": "\x9b31m", "status": "\x1b[2J"}
    )
    return main


def walk(shell: Terminal) -> None:
    """Open every screen, dialog, menu, toast and list that shows the planted texts."""
    shell.until("Needs you")
    shell.read(1.0)
    for key in ("a", "\x1b[F", "y", "\x1b", "c", "\x1b", "n", "n", "N", "\x1b"):
        shell.press(key)
        shell.read(0.15)
    shell.until("STATUS")
    for _ in range(4):
        shell.press("m")
        shell.read(0.5)
    for key in ("t", "t", "t", "s", "s", "S", "s", "s", "s", "s", "s", "s", "X", "\x1b", "y", "\x1b"):
        shell.press(key)
        shell.read(0.1)
    shell.press("\x1b[H")
    for _ in range(len(TEXTS) // 30 + 6):
        shell.press("\x1b[6~")
        shell.read(0.2)
    for keys in ("@", "\x1b", "\x10", "\x1b", ":", "\x1b", "?", "?", "  X", "\x1b", "y", "\x1b", "\x1b"):
        shell.press(keys)
        shell.read(0.1)
    shell.press("/")
    shell.press("the long one")
    shell.press("\r")
    shell.until("the long one")
    shell.press("\x1b[H")
    shell.press("\r")
    shell.until("Inspector")
    shell.read(1.5)
    shell.press("\x1b[H")
    for _ in range(len(TEXTS) // 10):  # entries and events, in the upper half of the screen
        shell.press("\x1b[6~")
        shell.read(0.15)
    shell.press("\x1b[H")
    for _ in range(len(TEXTS) // 3):
        shell.press("j")
    for keys in ("v", "v", "P", "P", "y", "\x1b", "c", "\x1b", "X", "\x1b", "2", "\x1b[H"):
        shell.press(keys)
        shell.read(0.1)
    for _ in range(len(TEXTS) // 12):
        shell.press("\x1b[6~")
        shell.read(0.15)
    for keys in (
        "W",
        "w",
        "\x1b[H",
        "\x1b[6~",
        "\x1b[6~",
        "3",
        "zR",
        "\x1b[F",
        "y",
        "\x1b",
        "/",
        "E0",
        "\r",
        "\r",
        "\x1b",
        "Z",
        "\x1b",
    ):
        shell.press(keys)
        shell.read(0.1)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    path = str(Path(__file__).parents[2])
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLORTERM": "truecolor",
            "PYTHONPATH": path, "LANG": "C.UTF-8"}  # fmt: skip


def test_the_attacks_are_many_and_reach_the_terminal_through_a_bare_app(
    environ: dict[str, str], record_tried: RecordTried
) -> None:
    assert len(TEXTS) >= 400
    program = BARE.format(path=environ["PYTHONPATH"])
    with on_a_terminal([sys.executable, "-c", program], environ) as shell:
        end = time.monotonic() + 60
        while shell.process.poll() is None and time.monotonic() < end:
            shell.read(0.1)
        found = offenders(shell.written).total()
    assert found > 1000
    record_tried(
        "hostile text, the control: a bare Textual app lets it through", len(TEXTS), f"{found:,} offenders seen"
    )


@pytest.mark.long
async def test_no_hostile_text_reaches_the_terminal(
    serve: Serve, tmp_path: Path, environ: dict[str, str], record_tried: RecordTried
) -> None:
    async with serve(pace=0.001) as here:
        plant(here)
        environ |= {"XPANDER_API_KEY": KEY, "XPANDER_BASE_URL": here.url, "XPANDER_API_URL": here.url,
                    "XPANDER_ORGANIZATION_ID": ORGANIZATION}  # fmt: skip

        def visit() -> Terminal:
            with on_a_terminal([sys.executable, "-m", "tui"], environ) as shell:
                walk(shell)
                assert shell.process.poll() is None, shell.last_words()  # nothing of it ended the app
                shell.press("\x11")
                end = time.monotonic() + 10
                while shell.process.poll() is None and time.monotonic() < end:
                    shell.read(0.1)
                return shell

        shell = await asyncio.to_thread(visit)
    told, bad = shapes(shell.written)
    assert not bad, bad.most_common(20)
    text = shell.written.decode("utf-8", "replace")
    assert "PWNED\x07" not in text
    assert told["clipboard"] == 0
    titles = set(re.findall(r"\x1b\]0;([^\x07]*)\x07", text))
    assert all(re.fullmatch(r"((\d+\+?|\?) need you · )?xp-tui|", title) for title in titles), titles
    for letter, least in (("T", 0.9), ("E", 0.9), ("V", 0.5), ("W", 0.9)):
        seen = {int(number) for number in re.findall(rf"{letter}(\d\d\d)", plain(shell.written))}
        wanted = 25 if letter == "W" else len(TEXTS)
        assert len(seen) >= least * wanted, (letter, len(seen), sorted(set(range(wanted)) - seen))
    words = f"{len(shell.written):,} bytes written, 0 other shapes"
    record_tried("hostile text in every field, on every screen: only the allow-list", len(TEXTS), words)


async def test_wide_and_hidden_text_leaves_the_right_edge_straight(
    serve: Serve, tmp_path: Path, environ: dict[str, str]
) -> None:
    async with serve(pace=0.001) as here:
        # pyte drops what follows an enclosing mark, so these are left to the other tests.
        for number, text in enumerate(one for one in LAYOUT if "\u20e3" not in one):
            title = text.encode("utf-8", "replace").decode()[:400]
            here.local.platform.create("your-agent", {"input": {"text": title}, "title": f"L{number:03} {title}"})
        environ |= {"XPANDER_API_KEY": KEY, "XPANDER_BASE_URL": here.url, "XPANDER_API_URL": here.url,
                    "XPANDER_ORGANIZATION_ID": ORGANIZATION}  # fmt: skip

        def visit() -> bytes:
            with on_a_terminal([sys.executable, "-m", "tui"], environ) as shell:
                shell.until("L000")
                shell.until("live")
                shell.read(0.3)
                return shell.written

        rows = drawn(await asyncio.to_thread(visit)).display
    listed = [row[:140] for row in rows if "Your agent" in row[:140] and "L0" in row]  # without the preview
    assert len(listed) > 15
    places = {cell_of(row, "Your agent") for row in listed}
    assert len(places) == 1, [
        row for row in listed if cell_of(row, "Your agent") != 96
    ]  # the column behind the title begins in the same cell in every row


def cell_of(row: str, words: str) -> int:
    """Return the cell in which words begin."""
    return cell_len(row[: row.rindex(words)])


@pytest.mark.parametrize("form", ["json", "ndjson", "table"])
async def test_no_hostile_text_is_printed_by_the_verbs(
    serve: Serve, tmp_path: Path, environ: dict[str, str], form: str
) -> None:
    async with serve(pace=0.001) as here:
        main = plant(here)
        environ |= {"XPANDER_API_KEY": KEY, "XPANDER_BASE_URL": here.url, "XPANDER_API_URL": here.url,
                    "XPANDER_ORGANIZATION_ID": ORGANIZATION}  # fmt: skip
        for words in (["tasks", "--all"], ["show", main], ["log", main], ["agents"]):
            command = [sys.executable, "-m", "tui", *words, "-o", form]
            process = await asyncio.create_subprocess_exec(
                *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
            )
            out, error = await process.communicate()
            assert process.returncode == 0, error
            if form == "table":
                assert not offenders(out), offenders(out).most_common(10)
            else:
                assert out.isascii()
                for line in out.splitlines() if form == "ndjson" else [out]:
                    json.loads(line)
            assert not offenders(error)
