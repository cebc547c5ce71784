"""The preview of the task under the cursor: its name, why it waits, and its result or latest entries."""

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
from tui.domain import humanize, wait_words
from tui.domain.state import State
from tui.domain.task_list_rows import TaskLine
from tui.domain.wait_subject import wait_subject
from tui.security.redact import Redactor
from tui.security.sanitize import one_line
from tui.widgets.document_layout import Document, Part
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledLine, StyledText, fit, make_strip, wrap

if TYPE_CHECKING:
    from tui.domain.activity_nodes import Node

MIN_LINES_FOR_PAYLOAD = 12
"""Lines of the preview from which a payload is laid out; in fewer lines it is written as one text."""
MAX_ENTRIES = 60
"""Maximum latest entries that the preview keeps."""
MAX_NAME_CHARS = 500
MAX_TEXT_CHARS = 4_000


class TaskPreview(Widget):
    """A preview of one task in a few lines."""

    COMPONENT_CLASSES = SegmentLine.COMPONENT_CLASSES

    def __init__(self, now: Callable[[], datetime], redactor: Redactor, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._now = now
        self._redactor = redactor
        self._line: TaskLine | None = None
        self._agent = ""
        self._subject = ""
        """The key fields, or the words, of what the task waits for."""
        self._latest: list[Node] = []
        self._rows: list[StyledLine] = []
        self._shown_clocks = ("", "")

    def show(self, line: TaskLine | None, state: State) -> None:
        """Show a preview of the task in this line; of none, show nothing."""
        self._line = line
        self._agent = self._subject = ""
        self._latest = []
        if line:
            self._agent = _agent_name(line, state)
            open_entry = None
            activity = state.activity(line.waiting_task.id)
            if activity:
                self._latest = activity.nodes[-MAX_ENTRIES:]
                open_entry = activity.open_entry
            if line.wait:
                self._subject = wait_subject(line.waiting_task, open_entry, self._redactor)
        self._update_rows()

    def tick(self) -> None:
        """Update the preview at a tick of the clock if its times have changed."""
        if self._line and self._shown_clocks != self._clocks(self._line):
            self._update_rows()

    def _clocks(self, line: TaskLine) -> tuple[str, str]:
        """Return how long ago the task was created, and how long it has waited."""
        now = self._now()
        waited = wait_words.time_of(line.wait, now) if line.wait else ""
        return humanize.ago(line.waiting_task.created_at, now), waited

    def _update_rows(self) -> None:
        rows: list[StyledLine] = []
        if self._line:
            rows = self._with_cut_marked(self._layout(self._line, self.size.width))
        if rows != self._rows:
            self._rows = rows
            self.refresh()

    def _with_cut_marked(self, rows: list[StyledLine]) -> list[StyledLine]:
        """Return the rows that fit; if not all do, the last one tells how many more there are."""
        height = self.size.height
        if len(rows) <= height or height == 0:
            return rows
        hidden = humanize.counted(len(rows) - height + 1, "more line")
        mark = f"… {hidden}"
        if self._line and self._line.wait:
            mark = f"{mark}: {key_name(self.screen, 'tasks.review')} shows all"
        return [*rows[: height - 1], [StyledText(mark, "faint")]]

    def on_resize(self) -> None:
        """Lay the preview out again after a resize."""
        self._update_rows()

    def render_line(self, y: int) -> Strip:
        """Render a line."""
        styled_line: StyledLine = []
        if y < len(self._rows):
            styled_line = self._rows[y]
        return make_strip(styled_line, self.size.width, self.rich_style, self._rich_style_of)

    def _rich_style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"bar--{style}", partial=True)

    # Layout

    def _layout(self, line: TaskLine, width: int) -> list[StyledLine]:
        self._shown_clocks = self._clocks(line)
        created, _ = self._shown_clocks
        task = line.waiting_task
        name = one_line(self._redactor.text(task.name), longest=MAX_NAME_CHARS)
        facts = [one_line(self._redactor.text(self._agent)), one_line(task.id), created]
        rows: list[StyledLine] = [
            [StyledText(name, "strong")],
            [StyledText(fit("  ".join(fact for fact in facts if fact), width), "faint")],
        ]
        if line.wait:
            wait_text = f"{wait_words.glyph_of(line.wait)} {wait_words.sentence_of(line.wait, self._now())}"
            rows.append([StyledText(wait_text, wait_words.style_of(line.wait))])
            rows += self._wait_rows(task, line.wait, width)
            rows += self._payload_rows(task, width)
        elif task.result:
            rows += self._wrapped(task.result, width)
        elif task.input and task.input.text:
            rows += self._wrapped(task.input.text, width, prefix="asked: ")
        lines_left = self.size.height - len(rows) - 1
        if lines_left > 2 and self._latest:
            rows += [[], *self._latest_rows(lines_left - 1, width)]
        return rows

    def _latest_rows(self, count: int, width: int) -> list[StyledLine]:
        """Return a heading and the latest entries, one row each."""
        from tui.domain.entry_format import entry_line

        rows: list[StyledLine] = [[StyledText("latest", "faint")]]
        for node in self._latest[-count + 1 :]:
            line = entry_line(node, self._redactor)
            clock = f"{node.at.astimezone():%H:%M:%S} " if node.at > EPOCH else ""
            result = f" {line.outcome}" if line.outcome else ""
            text_width = max(width - len(clock) - 4 - cell_len(result), 8)
            style = line.style if line.style in SegmentLine.STYLES else "faint"
            rows.append(
                [
                    StyledText(f"{clock}{line.code} ", "faint"),
                    StyledText(fit(line.text, text_width)),
                    StyledText(result, style),
                ]
            )
        return rows

    def _wait_rows(self, task: TaskRow, wait: Wait, width: int) -> list[StyledLine]:
        """Return the key fields of what a task waits for, and what is said about it; the review shows all of it."""
        if wait.is_being_read:
            return []
        rows: list[StyledLine] = []
        if self._subject:
            rows += wrap([StyledText(self._subject, "strong")], max(width, 1))
        request = task.hitl_request
        words = wait_words.ENDS.get(wait.kind, "")
        if request is not None:
            words = request.description or request.title or ""
        elif not words and not self._subject:
            words = "open it to see"
        is_said_already = one_line(self._redactor.text(words), longest=MAX_TEXT_CHARS) == self._subject
        if words and not is_said_already:
            rows += self._wrapped(words, width)
        return rows

    def _payload_rows(self, task: TaskRow, width: int) -> list[StyledLine]:
        """Return the payload of a request: as one text if the preview has few lines, else as a document."""
        request = task.hitl_request
        if not request or not request.content:
            return []
        if self.size.height < MIN_LINES_FOR_PAYLOAD:
            return self._wrapped(dumps(self._redactor.json(parse_nested(request.content))), width)
        document = Document([Part("what exactly", request.content)], self._redactor, can_fold=False)
        lines = [
            [StyledText(text, _preview_style(style)) for text, style in row.styled_line] for row in document.rows(width)
        ]
        return [[], *lines]

    def _wrapped(self, text: str, width: int, *, prefix: str = "") -> list[StyledLine]:
        safe = one_line(self._redactor.text(text), longest=MAX_TEXT_CHARS)
        return list(wrap([StyledText(prefix + safe)], max(width, 1)))


def _agent_name(line: TaskLine, state: State) -> str:
    """Return the name of the agent of a line's task; its id if the name is not known."""
    agent = state.agents.get(line.task.agent_id)
    if agent is None:
        return line.task.agent_id
    return agent[1].name


def _preview_style(style: str) -> str:
    """Return the preview's style for a style of the document; one that the preview does not have becomes faint."""
    if style in SegmentLine.STYLES:
        return style
    return "faint" if style else ""
