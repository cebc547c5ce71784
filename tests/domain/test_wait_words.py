"""The words of waits: what can be ended here does not look like what cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from tui.app.ascii_filter import ASCII_GLYPHS
from tui.client.task_facts import Need, Wait, WaitKind
from tui.domain import wait_words
from tui.widgets.task_columns import COLUMNS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "seconds_until", "sentence"),
    [
        (WaitKind.APPROVAL, None, "waits: approval for 12m"),
        (WaitKind.UNKNOWN, None, "waits: paused (reason unknown) for 12m"),
        (WaitKind.WEBHOOK, None, "waits for a machine: webhook for 12m"),
        (WaitKind.SCHEDULE, 300, "waits for a machine: self-schedule, in 5m"),
        (WaitKind.SCHEDULE, -120, "waits for a machine: self-schedule, late 2m"),
    ],
)
def test_a_sentence_tells_the_wait_and_its_time(kind: WaitKind, seconds_until: int | None, sentence: str) -> None:
    until = None if seconds_until is None else NOW + timedelta(seconds=seconds_until)
    assert wait_words.sentence_of(Wait(kind, NOW - timedelta(minutes=12), until), NOW) == sentence


def test_an_unknown_beginning_has_no_time() -> None:
    assert wait_words.sentence_of(Wait(WaitKind.SECRET, None), NOW) == "waits: secret asked"


def test_only_what_can_be_ended_here_has_the_accent_and_each_need_its_own_glyph() -> None:
    accented = {kind for kind in WaitKind if wait_words.style_of(Wait(kind, None)) == "need"}
    assert accented == {kind for kind in WaitKind if kind.need is Need.ME}
    assert accented == {WaitKind.APPROVAL, WaitKind.QUESTION, WaitKind.SIGN_IN}
    glyphs = [wait_words.GLYPHS[need] for need in Need]
    assert len(set(glyphs)) == len({ASCII_GLYPHS[glyph] for glyph in glyphs}) == len(Need)
    assert {cell_len(glyph) for glyph in glyphs} == {1}


def test_each_wait_fits_into_its_column_and_says_how_it_ends_if_not_here() -> None:
    for kind in WaitKind:
        assert cell_len(f"‖ {kind}") < COLUMNS[0].width
        assert (kind in wait_words.ENDS) is (kind.need is not Need.ME)
