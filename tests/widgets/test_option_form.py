"""The form of the options: the order of the focus, what is in sight, and how a choice is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from tui.domain.task_options import TASK_OPTIONS
from tui.widgets.choice_field import ChoiceField
from tui.widgets.option_form import OptionForm


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while not holds():
            await pilot.pause(0.01)


class FormApp(App[None]):
    """An app that shows nothing but the form."""

    CSS = "OptionForm { height: 8; } ChoiceField { height: 1; width: 1fr; } .option { height: 1; } .label { width: 20; } .option Input { width: 1fr; }"

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__()
        self.animation_level = "none"
        self._texts = texts

    def compose(self) -> ComposeResult:
        yield OptionForm(self._texts, {"model": ["gpt-5"]})


def test_each_option_has_a_label_and_a_place_of_its_own() -> None:
    for values in zip(
        *((option.name, option.flag, option.label, option.place) for option in TASK_OPTIONS), strict=True
    ):
        assert len(set(values)) == len(TASK_OPTIONS), values


async def test_the_focus_goes_through_all_options_in_order_and_stays_in_sight() -> None:
    app = FormApp({})
    async with app.run_test(size=(60, 10)) as pilot:
        form = app.query_one(OptionForm)
        assert [field.id for field in app.screen.focus_chain] == [f"option-{option.name}" for option in TASK_OPTIONS]
        form.focus_option()
        await pilot.press("tab", *["down"] * 8)
        focused = form.query_one(f"#option-{TASK_OPTIONS[9].name}")
        assert app.focused is focused
        await until(pilot, lambda: form.region.contains_region(focused.region))
        await pilot.press(*["up"] * 10)
        assert app.focused is form.query_one(f"#option-{TASK_OPTIONS[0].name}")


async def test_the_texts_are_those_that_are_set() -> None:
    texts = {"title": "T", "output_format": "json", "run_locally": "yes", "harness_cli": "another"}
    app = FormApp(texts)
    async with app.run_test() as pilot:
        form = app.query_one(OptionForm)
        assert form.texts == texts
        assert form.set_labels == ["title", "output format", "harness CLI", "run locally"]
        for name in texts:
            form.focus_option(name)
            await pilot.press("ctrl+u", "left")
        assert form.texts == {"output_format": "markdown", "harness_cli": "xpander"}


async def test_a_known_value_is_suggested() -> None:
    app = FormApp({})
    async with app.run_test() as pilot:
        app.query_one(OptionForm).focus_option("model")
        await pilot.press("g", "p")
        await pilot.pause()
        field = app.query_one("#option-model", Input)
        await pilot.press("right")
        assert field.value == "gpt-5"


@pytest.mark.parametrize(("width", "shown"), [(50, "…"), (90, " unset  claude-code  codex [opencode] xpander ")])
async def test_the_chosen_one_is_in_sight_and_a_click_chooses_another(width: int, shown: str) -> None:
    app = FormApp({"harness_cli": "opencode"})
    async with app.run_test(size=(width, 10)) as pilot:
        form = app.query_one(OptionForm)
        form.focus_option("harness_cli")
        field = form.query_one("#option-harness_cli", ChoiceField)
        await until(pilot, lambda: form.region.contains_region(field.region))
        assert "[opencode]" in field.render_line(0).text
        assert field.render_line(0).text.startswith(shown)
        await pilot.click(field, offset=(field.render_line(0).text.index("codex"), 0))
        await until(pilot, lambda: field.chosen != "opencode")
        assert (field.chosen, form.texts) == ("codex", {"harness_cli": "codex"})
