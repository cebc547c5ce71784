"""Each worked-around bug of Textual: one test that the stock class still has it, one that the workaround helps.

A test of a stock class fails once Textual is mended; it says which workaround to remove then.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste, Resize
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Static

from tests.app.pseudo_terminal import terminal
from tests.local.conftest import Serve
from tests.screens.operator import open_dashboard
from tui.app import textual_workarounds
from tui.app.terminal import Terminal
from tui.app.terminal_input import TerminalInput
from tui.app.textual_workarounds import ResumableDriver, XTermParser, reports_crashes_without_locals

MAX_WORKAROUND_LINES = 80


def remove(workaround: str) -> str:
    """Return the instruction to remove a workaround once Textual is fixed."""
    return f"Textual is mended: remove the workaround {workaround}, its test and its report in docs/upstream.md"


def test_there_are_few_workarounds_and_each_has_a_test() -> None:
    source = Path(textual_workarounds.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_WORKAROUND_LINES
    tested = set(re.findall(r'remove\("(\w+)"\)', Path(__file__).read_text(encoding="utf-8")))
    assert set(textual_workarounds.__all__) <= tested


# A frame that is drawn within a batch

ROWS = 45
"""To so many rows a terminal is resized: what stands at the bottom is moved, and has not changed otherwise."""
FRAMES_SECONDS = 0.2
"""Time for a dozen frames."""


class OneLine(App[None]):
    """An app with one line at the bottom of the screen."""

    CSS = "Static { dock: bottom; }"

    def compose(self) -> ComposeResult:
        yield Static("the last line", markup=False)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what the app under test writes to its terminal."""
    pieces: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "is_headless", False)
    monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: pieces.append(data))
    return pieces


async def test_textual_loses_a_frame_that_is_drawn_within_a_batch(
    written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with OneLine().run_test() as pilot:
        app, is_displayed = pilot.app, asyncio.Event()
        line = app.query_one(Static)

        def note_that_all_is_displayed() -> None:
            if line.region.bottom == ROWS:
                is_displayed.set()

        monkeypatch.setattr(app, "post_display_hook", note_that_all_is_displayed)
        with app.batch_update():
            written.clear()
            app.post_message(Resize(Size(80, ROWS), Size(80, ROWS)))
            await asyncio.wait_for(is_displayed.wait(), 10)
        await asyncio.sleep(FRAMES_SECONDS)  # that nothing happens cannot be awaited; the pilot would draw by itself
        assert "the last line" not in "".join(written), remove("XpTui.batch_update")
        app.screen.refresh()
        await pilot.pause()
        assert "the last line" in "".join(written)


async def test_the_whole_screen_is_drawn_after_a_batch(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as here, open_dashboard(here, tmp_path) as operator:
        refreshed: list[object] = []
        with monkeypatch.context() as patch:
            patch.setattr(operator.app.screen, "refresh", lambda *regions, **more: refreshed.append((regions, more)))
            with operator.app.batch_update():
                assert refreshed == []
        assert refreshed == [((), {})]  # no region: all of it


# Undecodable bytes

UNREADABLE = [b"\xff", b"\x1b[M \xff\xfe", b"\x1b[1114112u", b"\x1b[48;0;0;0;0t\x1b[<0;5;5M"]


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """Restore the signal handlers, which a driver replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def read_keys(driver_class: type[LinuxDriver], data: bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a driver read bytes and then the key q, at which it ends; return the keys that it read."""
    driver, keys = driver_class(App()), list[str]()
    reader, writer = os.pipe()

    def process(_: LinuxDriver, message: Message) -> None:
        if isinstance(message, Key):
            keys.append(message.key)
            if message.key == "q":
                driver.exit_event.set()

    monkeypatch.setattr(driver_class, "process_message", process)
    monkeypatch.setattr(driver, "fileno", reader)
    os.write(writer, data + b"q")
    os.close(writer)
    try:
        driver.run_input_thread()
    finally:
        os.close(reader)
    return keys


@pytest.mark.usefixtures("signals_as_before")
@pytest.mark.parametrize("data", UNREADABLE)
async def test_textual_stops_reading_keys_after_undecodable_bytes(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    error: Exception | None = None
    try:
        read_keys(LinuxDriver, data, monkeypatch)
    except (ValueError, ZeroDivisionError) as raised:
        error = raised
    assert error is not None, remove("XTermParser")


@pytest.mark.usefixtures("signals_as_before")
@pytest.mark.parametrize("data", UNREADABLE)
async def test_keys_are_read_after_undecodable_bytes(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_keys(Terminal, data, monkeypatch)[-1] == "q"


# Pasted escape sequences

PASTED = ["one\x1b\x1b[Atwo", "\x1b[31mred text and all the words after it"]


def keys_and_pastes(messages: list[Message]) -> tuple[list[str], list[str]]:
    keys = [one.key for one in messages if isinstance(one, Key)]
    return keys, [one.text for one in messages if isinstance(one, Paste)]


@pytest.mark.parametrize("text", PASTED)
def test_textual_reads_pasted_escape_sequences_as_keys(text: str) -> None:
    keys, pastes = keys_and_pastes(list(XTermParser().feed(f"\x1b[200~{text}\x1b[201~")))
    assert keys, remove("TerminalInput")
    assert pastes != [text], remove("TerminalInput")


@pytest.mark.parametrize("text", PASTED)
def test_pasted_escape_sequences_are_text(text: str) -> None:
    messages = list(TerminalInput().messages(f"\x1b[200~{text}\x1b[201~".encode()))
    assert keys_and_pastes(messages) == ([], [text])


# Continuing after SIGSTOP

CONTINUED = """
import asyncio, os, signal, sys, termios, threading
from textual.app import App
from {module} import {name}

def readers():
    return [thread.name for thread in threading.enumerate()].count("textual-input")

async def continued():
    os.kill(os.getpid(), signal.SIGCONT)
    await asyncio.sleep(0.05)
    return readers()

class Continued(App):
    async def on_ready(self):
        self.exit(message=f"readers: {{await continued()}}.")

async def main():
    await Continued(driver_class={name}).run_async()
    print(f"echo: {{bool(termios.tcgetattr(0)[3] & termios.ECHO)}}.", flush=True)
    print(f"readers at the end: {{await continued()}}.", flush=True)
    termios.tcsetattr(0, termios.TCSANOW, before)
    os._exit(0)

before = termios.tcgetattr(0)
asyncio.run(main())
"""
"""An app that is continued while it runs and once it has ended, on a terminal; it tells what was left of the terminal."""


def continued_twice(driver: type[LinuxDriver], home: Path) -> tuple[str, str, str]:
    """Return how many threads read keys while the app ran, whether the terminal echoed afterwards, and how many read then."""
    code = CONTINUED.format(module=driver.__module__, name=driver.__name__)
    with terminal(home, [sys.executable, "-c", code]) as shell:
        assert shell.ends() == 0
        told = shell.seen.decode()
    found = [re.findall(rf"{words}: (\w+)\.", told)[-1] for words in ("readers", "echo", "readers at the end")]
    return found[0], found[1], found[2]


def test_textual_reads_keys_twice_after_sigcont(tmp_path: Path) -> None:
    readers, echo, at_the_end = continued_twice(LinuxDriver, tmp_path)
    assert int(readers) > 1, remove("ResumableDriver")
    assert echo == "False", remove("ResumableDriver")
    assert int(at_the_end) > 0, remove("ResumableDriver")


def test_keys_are_read_once_and_the_terminal_is_restored_after_sigcont(tmp_path: Path) -> None:
    assert continued_twice(ResumableDriver, tmp_path) == ("1", "True", "0")


# Tracebacks

SECRET = "correct horse"


class DrawnError(Exception):
    """An error that draws itself with its secret."""

    def __rich__(self) -> str:
        return SECRET


def fail_with_a_local() -> None:
    password = SECRET
    raise ValueError(f"the password has {len(password)} characters")


def fail_with_an_error_that_draws_itself() -> None:
    raise DrawnError("it draws itself")


class Failing(App[None]):
    """An app that fails at its start."""

    def __init__(self, fail: Callable[[], None]) -> None:
        super().__init__()
        self.fail = fail

    def on_mount(self) -> None:
        """Raise the error."""
        self.fail()


@reports_crashes_without_locals(lambda _, error: f"it has failed: {error}")
class FailingDiscreetly(Failing):
    """A failing app with the workaround."""


FAILURES = [fail_with_a_local, fail_with_an_error_that_draws_itself]


def printed(app: App[None], capsys: pytest.CaptureFixture[str]) -> str:
    """Run an app that fails, and return what it prints."""
    app.run(headless=True)
    assert app.return_code == 1
    return "".join(capsys.readouterr())


@pytest.mark.parametrize("fail", FAILURES)
def test_textual_prints_local_variables_when_an_app_fails(
    fail: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert SECRET in printed(Failing(fail), capsys), remove("reports_crashes_without_locals")


@pytest.mark.parametrize("fail", FAILURES)
def test_a_failure_of_the_app_is_reported_in_one_sentence(
    fail: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((ValueError, DrawnError)) as raised:
        fail()
    assert printed(FailingDiscreetly(fail), capsys).strip() == f"it has failed: {raised.value}"


# Paging in a list without room


async def test_textual_fails_to_page_in_an_option_list_without_room() -> None:
    async def turn_a_page() -> None:
        async with App[None]().run_test(size=(80, 4)) as pilot:
            await pilot.press("ctrl+p")
            await pilot.pause(0.5)
            await pilot.press("down", "pagedown")

    # Where this fails, Textual is mended: remove PaletteScreen.check_action and its report in docs/upstream.md.
    with pytest.raises(KeyError):
        await turn_a_page()
