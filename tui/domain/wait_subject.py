"""The subject of a wait in one line: what a task waits for, in the words of its payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.client.task_rows import AnyTask
from tui.domain.request_summary import request_summary
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

if TYPE_CHECKING:
    from tui.client.log_entries import Entry

MAX_SUBJECT_CHARS = 300


def wait_subject(task: AnyTask, open_entry: Entry | None, redactor: Redactor) -> str:
    """Return what a waiting task waits for, masked and safe to show; empty if neither record nor log tell it.

    `open_entry` is the entry of its log with which it waits.
    """
    request, sign_in = task.hitl_request, task.pending_eca_request
    if request is not None:
        summary = request_summary(request.raw, redactor)
        return summary or _line(request.description or request.title or "", redactor)
    if sign_in is not None:
        return _line(sign_in.connector_name or "", redactor)
    if open_entry is None:
        return ""
    return _entry_subject(open_entry, redactor)


def _entry_subject(entry: Entry, redactor: Redactor) -> str:
    """Return what an open entry asks for: the key fields of a call, or the text of a card or a question."""
    # Imported here, because they import pydantic, which the first frame does not need.
    from tui.client.log_entries import Confirmation, Other, SignIn, ToolCall
    from tui.domain.open_entries import card_text

    match entry:
        case ToolCall():
            text = request_summary(entry.raw, redactor)
        case Confirmation():
            text = ", ".join(filter(None, (entry.title, entry.description))) or entry.label
        case SignIn():
            text = entry.server
        case Other():
            text = card_text(entry)
        case _:
            text = entry.label
    return _line(text, redactor)


def _line(text: str, redactor: Redactor) -> str:
    return one_line(redactor.text(text), longest=MAX_SUBJECT_CHARS)
