"""Plain text of what is selected, to be copied: whole, masked and safe, without glyphs, fold marks and indentation."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tui.client.events import Event
from tui.client.json_codec import pretty
from tui.client.log_entries import Entry, Message, ToolCall
from tui.domain.state import State
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import TreeRow
from tui.screens.task_parts import entry_parts, event_parts, row_parts
from tui.security.redact import Redactor
from tui.security.sanitize import sanitize_text
from tui.widgets.document_layout import Part


def row_text(row: TreeRow | StatusRow | None, state: State, task_id: str, redactor: Redactor) -> str:
    """Return the text of a row of the activity; of a reply that is being streamed, all that has come so far."""
    activity = state.activity(task_id)
    if isinstance(row, StatusRow) and row.name == "streaming" and activity is not None:
        return value_text(activity.streaming, redactor)
    if isinstance(row, StatusRow) and row.name != "end":
        return value_text(row.text, redactor)
    if isinstance(row, TreeRow) and row.node is not None:
        return item_text(row.node.entry, redactor)
    return parts_text(row_parts(row, state, task_id, ""), redactor)


def item_text(item: object, redactor: Redactor) -> str:
    """Return the text of an item of the event pane, or of an entry; empty for none."""
    match item:
        case Event(entry=Entry() as entry) if entry.kind != "other":
            return item_text(entry, redactor)
        case Event() as event:
            return f"{value_text(event.type, redactor)}\n{value_text(event.data, redactor)}".rstrip()
        case ToolCall() as call:
            parts = [Part("", call.name), *(part for part in entry_parts(call) if not part.is_folded)]
            return parts_text(parts, redactor)
        case Message(text=text, files=()) if text:
            return value_text(text, redactor)
        case Entry() as entry:
            return parts_text(entry_parts(entry), redactor)
        case _:
            return parts_text(event_parts(item) or (), redactor)


def parts_text(parts: Sequence[Part], redactor: Redactor) -> str:
    """Return the text of a document: its headings and values, without a part that repeats the others as JSON."""
    filled = [part for part in parts if part.value not in (None, "", {}, [])]
    shown = [part for part in filled if not part.is_folded] or filled
    blocks = [[value_text(part.heading, redactor), value_text(part.value, redactor)] for part in shown]
    return "\n\n".join("\n".join(filter(None, block)) for block in blocks)


def value_text(value: object, redactor: Redactor) -> str:
    """Return a value as text: a text as it is, anything else as JSON; secrets are masked."""
    if isinstance(value, str):
        return sanitize_text(redactor.text(value), longest=sys.maxsize)
    if value is None:
        return ""
    return sanitize_text(pretty(redactor.json(value)), longest=sys.maxsize)
