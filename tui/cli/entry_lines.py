"""Log entries as lines of the command line: a call is a line for its request and one for what came back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from tui.cli.context import iso_time
from tui.cli.output import AMBER, COOL, FAINT, RED, Cell, Output
from tui.client.json_codec import dumps
from tui.client.log_entries import Confirmation, Delegation, Entry, Message, Questions, Reasoning, SignIn, ToolCall
from tui.domain import humanize
from tui.domain.recorded_decision import RecordedDecision, settlement
from tui.security.sanitize import cut_line, sanitize_text

MAX_VALUE_CHARS = 300
"""Characters of a request, a result or an error that are printed in its line."""
Cells = list[Cell | str]


class EntryPrinter:
    """Prints entries as cells of lines, safe to print, and counts what is cut in them."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self.cut_count = 0
        """How many values were printed in part."""

    def describe(self, entry: Entry) -> Cells:
        """Return the cells of an entry's own line; of a call these are its request, and that its result is missing."""
        safe = self._out.safe
        match entry:
            case Message():
                author = entry.role
                if entry.user and entry.user.name:
                    author = entry.user.name
                return [Cell(safe(author), COOL if entry.role == "user" else ""), safe(entry.text)]
            case ToolCall():
                return self._request(entry)
            case Reasoning():
                confidence = ""
                if entry.confidence is not None:
                    confidence = f"{entry.confidence:.2f}"
                return [Cell(entry.type, FAINT), safe(entry.label), Cell(confidence, FAINT)]
            case Delegation():
                return [safe(entry.agent_id or ""), safe(entry.label)]
            case SignIn() | Questions() | Confirmation():
                return [Cell(safe(entry.label), AMBER if entry.is_open else "")]
            case RecordedDecision():
                return [safe(entry.label)]
            case _:
                return [safe(entry.label), Cell(self._value(_other_fields(entry)), FAINT)]

    def describe_end(self, entry: Entry, seconds: float | None = None) -> Cells:
        """Return the cells that say how an entry ended: a call's result or error, an answer, a decision; or none."""
        if isinstance(entry, ToolCall):
            return self._result(entry, seconds)
        words, _ = settlement(entry)
        if not words:
            return []
        return [self._out.safe(words)]

    def answer(self, message: Message, questions: Questions) -> Cells:
        """Return the cells of a message that repeats the answer to these questions."""
        label = self._value(questions.label)
        words, _ = settlement(questions)
        if message.user and message.user.name and " by " not in words:
            words = f"{words} by {message.user.name}"
        return [self._out.safe(words), Cell(f"to: {label}", FAINT)]

    @property
    def cut_words(self) -> str:
        """The words about what was cut, with the way to see it whole; empty if nothing was."""
        if not self.cut_count:
            return ""
        return f"{self.cut_count} cut at {MAX_VALUE_CHARS} characters: -o json prints them whole"

    def _request(self, call: ToolCall) -> Cells:
        """Return the cells of a call's request: its name, whether it is still open, and its arguments."""
        cells: Cells = [Cell(self._out.safe(call.name), RED if call.is_error else "")]
        if call.approval_request_id and not call.is_finished:
            cells.append(Cell("waits for approval", AMBER))
        elif not call.is_finished:
            cells.append(Cell("no result yet", COOL))
        return [*cells, Cell(self._value(call.arguments), FAINT)]

    def _result(self, call: ToolCall, seconds: float | None) -> Cells:
        """Return the cells of a call's result or error, with its duration if that is known; none while it is open."""
        if not call.is_finished:
            return []
        outcome = Cell("✓")
        if call.is_error:
            outcome = Cell("✗ failed", RED)
        cells: Cells = [outcome]
        if seconds is not None:
            cells.append(Cell(humanize.exact_duration(seconds), FAINT))
        if call.cut_from:
            cells.append(Cell(f"(cut by the platform from {call.cut_from:,} characters)", FAINT))
        text = self._value(call.result) or "nothing came back"
        return [*cells, Cell(text, outcome.style)]

    def _value(self, value: object) -> str:
        """Return a value in one line, redacted and cut: a text as it is, else JSON; no value as an empty text."""
        if value in (None, {}, ""):
            return ""
        text = value
        if not isinstance(text, str):
            text = dumps(self._out.redactor.json(value))
        line = " ".join(sanitize_text(self._out.redactor.text(text), longest=sys.maxsize).split())
        if len(line) > MAX_VALUE_CHARS:
            self.cut_count += 1
        return cut_line(line, MAX_VALUE_CHARS)


def _other_fields(entry: Entry) -> Mapping[str, Any]:
    return {name: value for name, value in entry.raw.items() if name not in {"id", "created_at", "type", "action"}}


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON in the documented shape; `data` is the object that the platform sent."""
    return {
        "type": entry.kind,
        "id": entry.id,
        "time": iso_time(entry.created_at),
        "label": entry.label,
        "data": entry.raw,
    }
