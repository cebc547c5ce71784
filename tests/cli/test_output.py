"""Output: tables that fit the terminal, colours, and what scripts and closed pipes get."""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.cli.output import AMBER, Cell, Column, Output, ignore_broken_pipe
from tui.security.redact import Redactor

COLUMNS = (
    Column("STATUS"),
    Column("TITLE", min_width=6),
    Column("TOKENS", is_number=True, drop_order=1),
    Column("ID", drop_order=2),
)
ROW = ("paused", "Pay the overdue invoice", "18.2k", "0123456789ab")


class Screen(io.StringIO):
    """A text stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def output(width: int | None, patch: pytest.MonkeyPatch, **environ: str) -> Output:
    """Return an Output on a stream, which is a terminal if it has a width."""
    if width is not None:
        patch.setenv("COLUMNS", str(width))
    told = {"TERM": "xterm", **environ}
    return Output(
        io.StringIO() if width is None else Screen(), io.StringIO(), Redactor(["the-key-0123456789"]), environ=told
    )


def printed(out: Output) -> str:
    """Return what was printed."""
    assert isinstance(out.stdout, io.StringIO)
    return out.stdout.getvalue()


@pytest.mark.parametrize(
    ("width", "table"),
    [
        (None, "STATUS  TITLE                    TOKENS  ID\npaused  Pay the overdue invoice   18.2k  0123456789ab\n"),
        (80, "STATUS  TITLE                    TOKENS  ID\npaused  Pay the overdue invoice   18.2k  0123456789ab\n"),
        (44, "STATUS  TITLE           TOKENS  ID\npaused  Pay the overd…   18.2k  0123456789ab\n"),
        (36, "STATUS  TITLE   TOKENS  ID\npaused  Pay t…   18.2k  0123456789ab\n"),
        (35, "STATUS  TITLE          ID\npaused  Pay the over…  0123456789ab\n"),
        (20, "STATUS  TITLE\npaused  Pay the ove…\n"),
        (14, "STATUS  TITLE\npaused  Pay t…\n"),
        (5, "STATUS  TITLE\npaused  Pay t…\n"),
    ],
)
def test_a_table_cuts_text_first_and_drops_columns_then(
    monkeypatch: pytest.MonkeyPatch, width: int | None, table: str
) -> None:
    out = output(width, monkeypatch, NO_COLOR="1")
    out.table(COLUMNS, [ROW])
    assert printed(out) == table


@given(
    st.integers(1, 120), st.lists(st.tuples(st.text("ab…日本 ", max_size=40), st.text("0123", max_size=12)), max_size=4)
)
def test_no_table_row_is_wider_than_the_terminal(width: int, texts: list[tuple[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out = output(width, patch, NO_COLOR="1")
        out.table(
            [Column("TEXT", min_width=2), Column("N", is_number=True, drop_order=1)], [list(row) for row in texts]
        )
    lines = printed(out).splitlines()
    assert len(lines) == len(texts) + 1
    assert max(map(cell_len, lines)) <= max(width, 4)


@pytest.mark.parametrize(
    ("environ", "is_styled"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_used_only_on_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], is_styled: bool
) -> None:
    for out, styled in ((output(80, monkeypatch, **environ), is_styled), (output(None, monkeypatch, **environ), False)):
        out.line(Cell("waits", AMBER), Cell("", AMBER), "for you", "")
        assert printed(out) == ("\x1b[33mwaits\x1b[0m  for you\n" if styled else "waits  for you\n")


def test_colours_follow_the_environment_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Output(Screen(), io.StringIO(), Redactor())
    assert out.is_colourful
    monkeypatch.setenv("NO_COLOR", "1")
    assert not out.is_colourful


def test_times_are_printed_in_the_configured_form(monkeypatch: pytest.MonkeyPatch) -> None:
    out = output(None, monkeypatch)
    assert out.when(datetime.now(UTC) - timedelta(hours=3, minutes=1)) == "3h ago"
    then = datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC)
    out.time = "utc"
    assert (out.when(then), out.when(None)) == ("2026-11-21 12:00:05Z", "")
    out.time = "local"
    assert out.when(then) == then.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def test_data_goes_to_stdout_and_messages_to_stderr_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    out = output(None, monkeypatch)
    out.text("first\nthe-key-0123456789 \x1b[2J")
    out.note("a\nnote the-key-0123456789")
    out.error("no\nthe-key-0123456789 \x1b")
    assert printed(out) == "    first\n    •••• ␛[2J\n"
    assert isinstance(out.stderr, io.StringIO)
    assert out.stderr.getvalue() == "a note ••••\nxp-tui: no\n    •••• ␛\n"


def test_json_is_ascii_and_on_one_line_for_line_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    out = output(None, monkeypatch)
    out.format = "ndjson"
    out.json({"title": "naïve\nthe-key-0123456789"})
    line = printed(out)
    assert (line.isascii(), line.count("\n")) == (True, 1)
    assert json.loads(line) == {"v": 1, "title": "naïve\n••••"}
    out.format = "json"
    out.json({"title": "x"})
    assert printed(out).removeprefix(line) == '{\n  "v": 1,\n  "title": "x"\n}\n'


def test_output_to_a_closed_pipe_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        stdout.write("nobody reads this")
        os.close(read)
        with pytest.raises(BrokenPipeError):
            stdout.flush()
        ignore_broken_pipe()
        stdout.write("nor this")
        stdout.flush()


def test_wrapped_text_of_the_platform_stays_indented(monkeypatch: pytest.MonkeyPatch) -> None:
    out = output(12, monkeypatch)
    out.text("abcdefgh  digest\n\n漢字漢字漢")
    assert printed(out) == "    abcdefgh\n      digest\n\n    漢字漢字\n    漢\n"


def test_an_error_of_several_lines_has_one_prefix_and_is_indented(monkeypatch: pytest.MonkeyPatch) -> None:
    out = output(None, monkeypatch)
    out.error("the first\nxp-tui: approved")
    assert isinstance(out.stderr, io.StringIO)
    assert out.stderr.getvalue() == "xp-tui: the first\n    xp-tui: approved\n"
