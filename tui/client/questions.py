"""The questions of a card, parsed from any form: apart from the ids, how a card spells its fields is not documented."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from tui.client.json_values import object_of, text_of, text_or_empty

_ID_FIELDS = ("id", "question_id")
_TEXT_FIELDS = ("question", "text", "title")
_OPTION_ID_FIELDS = ("id", "value")
_LABEL_FIELDS = ("label", "text", "title")


class Question(Struct, frozen=True):
    """A question with its options: the id and the text of each."""

    id: str
    text: str
    options: tuple[tuple[str, str], ...]
    takes_text: bool = True
    """Whether the question takes a text in the operator's own words."""
    more: dict[str, Any] = field(default_factory=dict)
    """The other fields of the question, which a person has to see as well."""
    option_notes: tuple[str, ...] = ()
    """The other fields of each option as text; empty where no option has any."""


def parse_question(value: object, number: int) -> Question:
    """Parse the question with this number in its card; whatever its form is, it can be answered.

    Only `allow_free_text: false` beside options keeps a question from taking a text.
    """
    if not isinstance(value, dict):
        return Question(f"q{number}", text_or_empty(value), ())
    question_id, id_field = _first_text(value, _ID_FIELDS)
    text, text_field = _first_text(value, _TEXT_FIELDS)
    options = value.get("options")
    has_options = isinstance(options, list) and bool(options)
    known = {id_field, text_field, "allow_free_text", "options" if has_options else ""}
    more = {name: item for name, item in value.items() if name not in known and item is not None}
    question = Question(question_id or f"q{number}", text, (), more=more)
    if not isinstance(options, list) or not options:
        return question
    notes = tuple(map(_option_note, options))
    return replace(
        question,
        options=tuple(map(_parse_option, options, range(1, len(options) + 1))),
        takes_text=value.get("allow_free_text") is not False,
        option_notes=notes if any(notes) else (),
    )


def _parse_option(value: object, number: int) -> tuple[str, str]:
    """Return the id and the text of an option."""
    if not isinstance(value, dict):
        text = text_or_empty(value) or str(number)
        return text, text
    text = _first_text(value, _LABEL_FIELDS)[0] or str(number)
    return _first_text(value, _OPTION_ID_FIELDS)[0] or text, text


def _option_note(value: object) -> str:
    """Return the other fields of an option as text."""
    fields = object_of(value)
    known = {_first_text(fields, _OPTION_ID_FIELDS)[1], _first_text(fields, _LABEL_FIELDS)[1]}
    texts = (f"{name}: {text_of(item)}" for name, item in fields.items() if name not in known and item is not None)
    return ", ".join(texts)


def _first_text(fields: dict[str, Any], names: tuple[str, ...]) -> tuple[str, str]:
    """Return the text of the first of these fields that has one, and the name of that field; both empty if none has."""
    for name in names:
        if text := text_of(fields.get(name)):
            return text, name
    return "", ""
