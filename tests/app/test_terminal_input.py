"""TerminalInput: undecodable bytes are skipped, and nothing else is lost with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import textual.constants
from hypothesis import assume, given
from hypothesis import strategies as st
from textual.events import Key, Paste
from textual.message import Message

from tests.app.pseudo_terminal import UNREADABLE_INPUT
from tui.app.terminal_input import TerminalInput


def told(messages: list[Message]) -> list[str]:
    """Return keys by name, and pasted text in quotes."""
    names = [repr(one.text) if isinstance(one, Paste) else one.key for one in messages if isinstance(one, Key | Paste)]
    return [str(name) for name in names]


@pytest.fixture(autouse=True)
def silence_is_at_once() -> Iterator[None]:
    """Wait for nothing after an escape."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textual.constants, "ESCAPE_DELAY", 0.0)
        yield


def read(*readings: bytes) -> list[str]:
    """Return the keys and pastes that these reads give, each followed by a moment of silence."""
    keys = TerminalInput()
    found: list[Message] = []
    for data in readings:
        found += keys.messages(data)
        found += keys.messages_after_silence()
    return told(found)


@pytest.mark.parametrize("data", UNREADABLE_INPUT)
def test_undecodable_input_is_skipped_and_the_keys_around_it_are_read(data: bytes) -> None:
    assert read(b"a" + data, b"b")[0] == "a"
    assert read(b"a" + data, b"b")[-1] == "b"


@pytest.mark.parametrize("data", [b"\xff", b"\x1b[1114112u", b"\x1b[M \xff\xfe", b"\x1b[M\xc3\xa9!"])
def test_the_rest_of_a_read_is_not_lost_after_undecodable_input(data: bytes) -> None:
    assert read(b"a" + data + b"bc\x1b[A") == ["a", "b", "c", "up"]


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_paste_with_an_undecodable_byte_is_still_a_paste(cut: int) -> None:
    data = b"\x1b[200~caf\xe9 A\x1b[201~"
    found = TerminalInput()
    messages = [*found.messages(data[:cut]), *found.messages(data[cut:])]
    assert told(messages) == ["'caf\ufffd A'"]


@pytest.mark.parametrize("inside", [b"x\x1b[Mabc", b"\x1b[A\x1bA", b"\x1b[200~A", b"\x1b" * 40, b"\x1b[20", b"A\r"])
def test_nothing_in_a_paste_is_a_key_or_a_mouse_report(inside: bytes) -> None:
    assert read(b"a\x1b[200~" + inside, b"\x1b[201~b") == ["a", repr(inside.decode()), "b"]


def test_an_unfinished_mouse_report_swallows_no_later_key() -> None:
    assert read(b"\x1b[M", b"a", b"b")[-2:] == ["a", "b"]


@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([*UNREADABLE_INPUT, b"\x1b", b"\x1b[", b"\x1b[M", b"1;2;"]), max_size=8
    )
)
def test_no_bytes_stop_the_input_thread(readings: list[bytes]) -> None:
    assert read(*readings, b"\x1b[201~", b"q")[-1] == "q"


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_bytes_in_a_paste_are_never_keys(pieces: list[bytes]) -> None:
    assume(b"\x1b[201~" not in b"".join(pieces))
    keys = TerminalInput()
    found = [*keys.messages(b"\x1b[200~")]
    for piece in pieces:
        found += keys.messages(piece)
    assert found == []
    found += keys.messages(b"\x1b[201~")
    assert [type(one) for one in found] == [Paste]
