"""A form with all options of a new task or message, in groups; each option is a line with its label and its field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.domain.task_options import FILE_KINDS, OPTION_GROUPS, TASK_OPTIONS, OptionKind, TaskOption
from tui.widgets.choice_field import ChoiceField

UNSET = "unset"
"""The choice that sends nothing, so that the platform or the agent decides."""
NO, YES = "no", "yes"


class OptionForm(VerticalScroll, can_focus=False):
    """A form with the options of a request; it scrolls with the field that has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move_focus(-1)", "Option before", show=False, id="options.before"),
        Binding("down", "move_focus(1)", "Option after", show=False, id="options.after"),
    ]

    class OptionsChanged(Message):
        """A message that an option was changed."""

    def __init__(
        self, texts: Mapping[str, str], suggestions: Mapping[str, Collection[str]], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._texts = texts
        """The texts of the options when the form is opened, by name."""
        self._suggestions = suggestions
        """Known values of options that take any text, by name."""
        self._fields = {option.name: self._field(option) for option in TASK_OPTIONS}

    def compose(self) -> ComposeResult:
        """Compose the groups, each with a heading and its options."""
        for title, options in OPTION_GROUPS.items():
            yield Static(title, classes="group", markup=False)
            for option in options:
                with Horizontal(classes="option"):
                    yield Static(option.label, classes="label", markup=False)
                    yield self._fields[option.name]

    def _field(self, option: TaskOption) -> Widget:
        """Return the field of an option, with the text that the form is opened with."""
        text, field_id = self._texts.get(option.name, ""), _field_id(option)
        match option.kind:
            case OptionKind.CHOICE:
                return ChoiceField((UNSET, *option.choices), text or UNSET, id=field_id)
            case OptionKind.FLAG:
                return ChoiceField((NO, YES), text or NO, id=field_id)
            case _:
                known = self._suggestions.get(option.name, ())
                suggester = SuggestFromList(sorted(known), case_sensitive=False)
                return Input(text, placeholder=_placeholder(option), suggester=suggester, id=field_id, compact=True)

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the options that are set, by name."""
        texts = {option.name: self._text_of(option) for option in TASK_OPTIONS}
        return {name: text for name, text in texts.items() if text}

    @property
    def set_labels(self) -> list[str]:
        """The labels of the options that are set."""
        return [option.label for option in TASK_OPTIONS if self._text_of(option)]

    def _text_of(self, option: TaskOption) -> str:
        """Return the text of an option; empty where it is not set."""
        field = self._fields[option.name]
        if isinstance(field, ChoiceField):
            return "" if field.chosen in {UNSET, NO} else field.chosen
        assert isinstance(field, Input)
        return field.value.strip()

    def focus_option(self, name: str = "") -> None:
        """Focus the field of an option; the first one where no option has this name."""
        first_field = next(iter(self._fields.values()))
        self._fields.get(name, first_field).focus()

    def action_move_focus(self, by: int) -> None:
        """Move the focus to the option before or after, not beyond the first and the last."""
        fields = list(self._fields.values())
        index = next((index for index, field in enumerate(fields) if field.has_focus), 0)
        fields[max(0, min(index + by, len(fields) - 1))].focus()

    @on(Input.Changed)
    @on(ChoiceField.ChoiceChanged)
    def _note_change(self, event: Message) -> None:
        event.stop()
        self.post_message(self.OptionsChanged())


def _field_id(option: TaskOption) -> str:
    return f"option-{option.name}"


def _placeholder(option: TaskOption) -> str:
    """Return the text of an empty field: the hint, and for a file that its name belongs here."""
    if option.is_secret:
        return f"file: {option.hint}; kept in no draft"
    if option.kind in FILE_KINDS:
        return f"file: {option.hint}"
    return option.hint
