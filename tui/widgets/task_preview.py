"""A glance at the task under the cursor: what it is, why it waits, what it came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.client.json_codec import dumps, parse_nested
from tui.client.json_values import EPOCH
from tui.client.task_facts import Wait
from tui.client.task_rows import TaskRow
from tui.domain import humanize
from tui.domain.state import State
from tui.domain.task_list_rows import TaskLine
from tui.security.redact import Redactor
from tui.security.sanitize import one_line
from tui.widgets.document_layout import Document, Part
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledLine, StyledText, fit, make_strip, wrap

if TYPE_CHECKING:
    from tui.domain.activity_nodes import Node

MIN_LINES_FOR_PAYLOAD = 12
"""Lines from which a payload is written out, and not put in one line."""
MAX_ENTRIES = 60
"""How many of the latest entries are at hand."""


class TaskPreview(Widget):
    """A few lines about one task."""

    COMPONENT_CLASSES = SegmentLine.COMPONENT_CLASSES

    def __init__(self, now: Callable[[], datetime], redactor: Redactor, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._now = now
        self._line: TaskLine | None = None
        self._agent = self._asked = ""
        self._latest: list[Node] = []
        self._rows: list[StyledLine] = []
        self._clocks = ("", "")
        """What the clocks said when it was written."""
        self._redactor = redactor

    def show(self, line: TaskLine | None, state: State) -> None:
        """Show another task, or the same one anew."""
        agent = state.agents.get(line.task.agent_id) if line else None
        self._line, self._agent = line, agent[1].name if agent else (line.task.agent_id if line else "")
        waiting = (line.path[-1] if line.path else line.task).id if line else ""
        activity = state.activity(waiting)
        self._latest = activity.nodes[-MAX_ENTRIES:] if activity else []
        self._asked = ""
        if activity and (node := activity.open_node):
            from tui.client.log_entries import ToolCall  # pydantic: the first frame has no entries
            from tui.domain.entry_format import short_json

            call = node.entry.arguments if isinstance(node.entry, ToolCall) else None
            self._asked = node.entry.label + (f"  {short_json(call, self._redactor)}" if call else "")
        self._write()

    def tick(self) -> None:
        """The clocks go on."""
        if self._line and self._clocks != self._read_clocks(self._line):
            self._write()

    def _read_clocks(self, line: TaskLine) -> tuple[str, str]:
        """How long ago the task was made, and how long it has waited."""
        task, now = line.path[-1] if line.path else line.task, self._now()
        since = line.wait.since if line.wait else None
        return humanize.ago(task.created_at, now), humanize.duration((now - since).total_seconds()) if since else ""

    def _write(self) -> None:
        """Write it anew; it is drawn where it has changed."""
        rows = self._lines(self._line, self.size.width) if self._line else []
        if rows != self._rows:
            self._rows = rows
            self.refresh()

    def on_resize(self) -> None:
        """Take the new width."""
        self._write()

    def render_line(self, y: int) -> Strip:
        """One of its lines."""
        width = self.size.width
        pieces = self._rows[y] if y < len(self._rows) else []
        return make_strip(pieces, width, self.rich_style, self._style_of)

    def _style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"bar--{style}", partial=True)

    def _lines(self, line: TaskLine, width: int) -> list[StyledLine]:
        self._clocks = begun, waited = self._read_clocks(line)
        task = line.path[-1] if line.path else line.task
        found: list[StyledLine] = [[StyledText(one_line(self._redactor.text(task.name), longest=500), "strong")]]
        about = [one_line(self._redactor.text(self._agent)), one_line(task.id), begun]
        found.append([StyledText(fit("  ".join(part for part in about if part), width), "faint")])
        if line.wait:
            since = f" for {waited}" if waited else ""
            found.append([StyledText(f"‖ waits: {line.wait.kind}{since}", "need")])
            found += self._wrapped("", self._wanted(task, line.wait, self._asked), width)
            found += self._payload(task, width)
        elif task.result:
            found += self._wrapped("", task.result, width)
        elif task.input and task.input.text:
            found += self._wrapped("asked: ", task.input.text, width)
        room = self.size.height - len(found) - 1
        if room > 2 and self._latest:
            found += [[], *self._told(room - 1, width)]
        return found

    def _told(self, count: int, width: int) -> list[StyledLine]:
        """The latest of what happened, a line each."""
        from tui.domain.entry_format import entry_line

        lines: list[StyledLine] = [[StyledText("latest", "faint")]]
        for node in self._latest[-count + 1 :]:
            line = entry_line(node, self._redactor)
            clock = f"{node.at.astimezone():%H:%M:%S} " if node.at > EPOCH else ""
            after = f" {line.outcome}" if line.outcome else ""
            room = max(width - len(clock) - 4 - cell_len(after), 8)
            style = line.style if line.style in SegmentLine.STYLES else "faint"
            lines.append(
                [
                    StyledText(f"{clock}{line.code} ", "faint"),
                    StyledText(fit(line.text, room)),
                    StyledText(after, style),
                ]
            )
        return lines

    def _wanted(self, task: TaskRow, wait: Wait, asked: str) -> str:
        """What it waits for, in short; the review shows the whole."""
        if request := task.hitl_request:
            return request.description or request.title or ""
        if task.pending_eca_request:
            return f"sign in to {task.pending_eca_request.connector_name or 'a connector'}"
        return asked or ("open it to see" if wait.kind != "paused" else "the platform does not tell the reason")

    def _payload(self, task: TaskRow, width: int) -> list[StyledLine]:
        """What is asked for: in one line where there is little room, written out where there is more."""
        content = task.hitl_request.content if task.hitl_request else None
        if not content:
            return []
        if self.size.height < MIN_LINES_FOR_PAYLOAD:
            return self._wrapped("", dumps(self._redactor.json(parse_nested(content))), width)
        rows = Document([Part("what exactly", content)], self._redactor, can_fold=False).rows(width)
        return [[], *([StyledText(text, _preview_style(style)) for text, style in row.pieces] for row in rows)]

    def _wrapped(self, begin: str, text: str, width: int) -> list[StyledLine]:
        return list(wrap([StyledText(begin + one_line(self._redactor.text(text), longest=4000))], max(width, 1)))


def _preview_style(style: str) -> str:
    """Return the style that the preview has for a style of the document; those that it lacks are faint."""
    if style in SegmentLine.STYLES:
        return style
    return "faint" if style else ""
