"""KeyRhythm: which keys were pressed alone, and when keys that write text do nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from tui.screens.key_rhythm import PAUSE_SECONDS, QUIET_SECONDS, KeyRhythm, TextRun, writes_text

GAPS = st.lists(st.floats(0.0, 3.0), max_size=30)


@pytest.mark.parametrize(
    ("gap", "is_alone"), [(0.0, False), (QUIET_SECONDS - 0.01, False), (QUIET_SECONDS + 0.01, True)]
)
def test_a_key_is_alone_if_none_came_right_before_it(gap: float, is_alone: bool) -> None:
    rhythm = KeyRhythm()
    assert rhythm.is_alone(5.0)
    rhythm.note_key(5.0)
    assert rhythm.is_alone(5.0 + gap) is is_alone


def test_a_key_right_after_a_decision_makes_it_a_burst_until_the_next_decision() -> None:
    rhythm = KeyRhythm()
    assert not rhythm.follows_decision(1.0)
    rhythm.note_decision(1.0)
    assert not rhythm.is_burst
    assert rhythm.follows_decision(1.0 + QUIET_SECONDS - 0.01)
    assert rhythm.is_burst
    assert not rhythm.follows_decision(1.0 + QUIET_SECONDS)
    assert rhythm.is_burst
    rhythm.note_decision(3.0)
    assert not rhythm.is_burst


@given(GAPS)
def test_a_pause_lasts_until_no_key_has_come_for_its_time(gaps: list[float]) -> None:
    rhythm, now = KeyRhythm(), 10.0
    assert not rhythm.is_paused(now)
    rhythm.pause(now)
    has_ended = False
    for gap in gaps:
        now += gap
        has_ended = has_ended or gap >= PAUSE_SECONDS
        if not has_ended:
            assert rhythm.is_paused(now)
            rhythm.pause(now)
    assert not rhythm.is_paused(now + PAUSE_SECONDS)


@given(st.characters(codec="utf-8", exclude_categories=["C"]))
def test_every_printable_character_writes_text(character: str) -> None:
    assert writes_text(events.Key(character, character)) is character.isprintable()


@pytest.mark.parametrize(
    ("key", "is_text"),
    [("enter", True), ("backspace", True), ("escape", False), ("pagedown", False), ("down", False), ("f6", False)],
)
def test_keys_that_move_or_leave_write_no_text(key: str, is_text: bool) -> None:
    assert writes_text(events.Key(key, None)) is is_text


@given(GAPS)
def test_a_run_of_keys_remembers_the_choices_before_it(gaps: list[float]) -> None:
    run, now, before = TextRun(), 10.0, 0
    for number, gap in enumerate(gaps):
        now += gap
        run.note_key(now)
        if gap >= PAUSE_SECONDS or number == 0:
            before = number
        run.note_pick(0, number)
    assert run.end() == ({0: before} if gaps else {})
    assert run.end() == {}
