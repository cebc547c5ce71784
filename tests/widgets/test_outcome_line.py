"""OutcomeLine: the outcome of a decision."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tui.widgets.outcome_line import OutcomeLine


class OneOutcome(App[None]):
    """An app with one outcome line."""

    CSS = "OutcomeLine { height: auto; }"

    def compose(self) -> ComposeResult:
        yield OutcomeLine()


async def test_an_outcome_is_shown_whole_and_takes_no_line_before() -> None:
    async with OneOutcome().run_test(size=(40, 12)) as pilot:
        line = pilot.app.query_one(OutcomeLine)
        line.show_outcome("")
        await pilot.pause()
        assert not line.display
        line.show_outcome("approved, " * 12)
        await pilot.pause()
        assert line.display
        assert line.size.height == 3


async def test_an_outcome_is_no_markup_and_holds_no_control_character() -> None:
    async with OneOutcome().run_test() as pilot:
        line = pilot.app.query_one(OutcomeLine)
        line.show_outcome("[b]sent\x1b[2J\n")
        assert "[b]sent" in str(line.content)
        assert "\x1b" not in str(line.content)
