"""Inspector: values that Python calls equal and JSON does not, such as 1, 1.0 and true."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult

from tui.security.redact import Redactor
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector

PAIRS: list[tuple[Any, Any]] = [(1, True), (0, False), (1, 1.0), (0.0, -0.0), (True, 1.0), (0, 0.0)]


class OneInspector(App[None]):
    """An app with one inspector of a payload."""

    def compose(self) -> ComposeResult:
        yield Inspector(Redactor(), can_fold=False, is_whole=True)


@pytest.mark.parametrize(("before", "after"), [*PAIRS, *((one, other) for other, one in PAIRS)])
@pytest.mark.parametrize("wrap", [lambda one: {"go": one}, lambda one: {"a": [{"b": one}]}, lambda one: [one, "x"]])
async def test_a_value_that_differs_only_in_json_type_is_redrawn_and_unread(before: Any, after: Any, wrap: Any) -> None:
    async with OneInspector().run_test() as pilot:
        inspector = pilot.app.query_one(Inspector)
        inspector.show([Part("what exactly", wrap(before))])
        drawn = [inspector.text_of(index) for index in range(inspector.count())]
        inspector.is_read = True
        inspector.show([Part("what exactly", wrap(before))])
        assert inspector.is_read
        inspector.show([Part("what exactly", wrap(after))])
        assert not inspector.is_read
        assert [inspector.text_of(index) for index in range(inspector.count())] != drawn


class TwoPanes(App[None]):
    """An app with a pane under review that is as high as its lines, above one that takes the other rows."""

    CSS = "Inspector { overflow-x: hidden; } #facts { height: auto; max-height: 10; overflow-y: scroll; } #payload { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Inspector(Redactor(), can_fold=False, is_whole=True, id="facts")
        yield Inspector(Redactor(), can_fold=False, is_whole=True, id="payload")


def lines(inspector: Inspector) -> list[str]:
    return [inspector.text_of(index) for index in range(inspector.count())]


def look(inspector: Inspector) -> None:
    """Let all visible lines count as seen."""
    for moment in range(5):
        inspector.note_visible_lines(float(moment))


def beside(*texts: str) -> list[Part]:
    return [Part(f"fact {number}", text, is_beside=True) for number, text in enumerate(texts)]


async def test_a_part_that_folds_under_review_says_its_cut_and_opens_with_enter() -> None:
    async with TwoPanes().run_test() as pilot:
        facts = pilot.app.query_one("#facts", Inspector)
        long = Part("asked", "word " * 40, is_beside=True, is_folded=True, folds=True)
        short = Part("why", "a word", is_beside=True, is_folded=True, folds=True)
        facts.show([long, short, Part("what", {"a": {"b": 1}})])
        await pilot.pause()
        first, second, *rest = lines(facts)
        assert first.startswith(" asked      ▸ word")
        assert first.endswith("chars]")
        assert second == " why        a word"
        assert rest == [" what", "    a: 1 field", "      b: 1"]
        facts.focus()
        await pilot.press("enter")
        assert lines(facts)[0].startswith(" asked      ▾ word")
        assert len(lines(facts)) == 8
        await pilot.press("end", "enter", "left")
        assert lines(facts)[-1] == "      b: 1"  # no other part folds


async def test_a_folded_line_is_read_without_what_it_folds_away() -> None:
    async with TwoPanes().run_test() as pilot:
        payload = pilot.app.query_one("#payload", Inspector)
        payload.show([Part("", "pay"), Part("Request envelope", {"id": "n1"}, is_folded=True, folds=True)])
        await pilot.pause()
        look(payload)
        assert payload.is_read
        assert lines(payload) == ["  pay", " ▸ Request envelope  1 field"]


async def test_only_changed_lines_have_to_be_seen_again_where_seen_lines_are_kept() -> None:
    async with TwoPanes().run_test() as pilot:
        facts = pilot.app.query_one("#facts", Inspector)
        facts.show(beside(*(f"text {number}" for number in range(20))))
        await pilot.pause()
        look(facts)
        assert facts.unseen() == "lines 11-20 were not shown yet"
        facts.show(beside("new", *(f"text {number}" for number in range(1, 20))), keeps_seen=True)
        assert not facts.is_read
        facts.scroll_to(y=10, animate=False, immediate=True)
        look(facts)
        assert facts.unseen() == "lines 1-1 were not shown yet"
        facts.scroll_to(y=0, animate=False, immediate=True)
        look(facts)
        assert facts.is_read


async def test_a_pane_as_high_as_its_lines_grows_again_after_it_was_empty() -> None:
    async with TwoPanes().run_test() as pilot:
        facts = pilot.app.query_one("#facts", Inspector)
        facts.show(beside("a", "b"))
        await pilot.pause()
        assert facts.size.height == 2
        facts.show([])
        await pilot.pause()
        assert facts.size.height == 0
        facts.show(beside("a", "b", "c"))
        await pilot.pause()
        assert facts.size.height == 3
