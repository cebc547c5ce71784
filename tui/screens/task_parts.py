"""The parts of a document that the inspector shows: of an entry, an event, a plan step, or a task."""

from __future__ import annotations

from tui.client.event_stream import Link
from tui.client.events import Event
from tui.client.log_entries import Compaction, Delegation, Entry, Questions, Reasoning, SignIn, ToolCall
from tui.client.log_entries import Message as MessageEntry
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Gap
from tui.domain.recorded_decision import RecordedDecision
from tui.domain.state import State
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import TreeRow
from tui.widgets.document_layout import Part


def row_parts(row: TreeRow | StatusRow | None, state: State, task_id: str, review_key: str) -> list[Part]:
    """Return the parts for a row of the activity; without a row, the reason why there is none."""
    if isinstance(row, StatusRow):
        return _status_parts(row, state.task(task_id), review_key)
    if row is not None:
        parts = _tree_row_parts(row, state)
        if parts:
            return parts
    if state.activity(task_id) is None:
        return [Part("a moment", "the log is being read")]
    if len(state.logs[task_id].activity):
        return [Part("nothing to show", "no entry is of the kind that is asked for")]
    return [Part("nothing has happened yet", "the log is empty")]


def _tree_row_parts(row: TreeRow, state: State) -> list[Part]:
    """Return the parts for a row of the tree: of its entry, its sub-task or its plan step; none if all are unknown."""
    if row.node is not None:
        return entry_parts(row.node.entry)
    if row.child_id is not None:
        child = state.task(row.child_id)
        if child is not None:
            return task_parts(child)
    if row.step is not None:
        return [Part("step of the plan", row.step.title), Part("as it is", row.step.raw)]
    return []


def _status_parts(row: StatusRow, task: AnyTask | None, review_key: str) -> list[Part]:
    """Return the parts for a status of the task: its end, the request that it waits with, or the text alone."""
    if row.name == "end" and task:
        return task_parts(task)
    if row.name == "wait" and task:
        request = task.hitl_request or task.pending_eca_request
        return [
            Part(f"what it waits for: {review_key} opens the review", row.text),
            Part("what exactly", request.raw if request else None),
        ]
    if row.name == "decision" and task and task.hitl_request:
        return [Part("decided", row.text), Part("what exactly", task.hitl_request.raw)]
    return [Part(row.code.strip(" ─"), row.text)]


def event_parts(chosen: object) -> list[Part] | None:
    """Return the parts for the chosen line of the event pane; None where no line is chosen."""
    match chosen:
        case Event() as event:
            return [Part(event.type, event.data), Part("whole event", event.raw)]
        case Entry() as entry:
            return entry_parts(entry)
        case Gap() as gap:
            return [Part("the stream was away", _gap_text(gap))]
        case Link() as link:
            return [Part("link", str(link))]
    return None


def _gap_text(gap: Gap) -> str:
    filled = "not known yet" if gap.filled is None else str(gap.filled)
    duration = humanize.exact_duration(gap.seconds)
    return f"from {gap.at.astimezone():%H:%M:%S} for {duration}, back-filled: {filled}"


def entry_parts(entry: Entry) -> list[Part]:
    """Return the parts of an entry; the last one is the whole entry, folded."""
    parts: list[Part] = []
    match entry:
        case ToolCall():
            parts = _tool_call_parts(entry)
        case MessageEntry():
            parts = [Part(entry.role or "said", entry.text, is_markdown=True), Part("files", list(entry.files))]
        case Reasoning():
            parts = [Part(entry.title or entry.type, entry.thought or entry.analysis, is_markdown=True)]
            parts += [Part("action", entry.action), Part("result", entry.result, is_markdown=True)]
        case Delegation():
            parts = [Part("asked", entry.query, is_markdown=True), Part("files", list(entry.files))]
        case Questions():
            for question in entry.asked:
                option_labels = [label for _, label in question.options]
                parts.append(Part(question.text or "question", option_labels or "open"))
            parts.append(Part("answers", entry.answers))
        case SignIn():
            parts = [Part("sign-in", entry.label), Part("where", entry.url)]
        case RecordedDecision():
            parts = [Part("decided", entry.label)]
        case Compaction():
            parts = [Part(entry.label, entry.data)]
    return [*parts, Part("whole entry", entry.raw, is_folded=bool(parts))]


def _tool_call_parts(call: ToolCall) -> list[Part]:
    """Return the parts of a tool call: its arguments, the agent's reason for it, and its result or error."""
    reason = None
    if call.reasoning:
        reason_lines = (call.reasoning.title, call.reasoning.description)
        reason = "\n".join(line for line in reason_lines if line)
    result_heading = "result"
    if call.is_error:
        result_heading = "error"
    elif call.cut_from:
        result_heading = f"result, cut by the platform from {call.cut_from:,} characters"
    return [
        Part("payload", call.arguments),
        Part("why, in the agent's words", reason),
        Part(result_heading, call.result, is_markdown=not call.is_error),
    ]


def task_parts(task: AnyTask) -> list[Part]:
    """Return the parts of a task."""
    asked = task.input.text if task.input else None
    return [
        Part("result", task.result, is_markdown=True),
        Part("asked", asked, is_markdown=True),
        Part("task", task.id),
        Part("whole record", task.raw, is_folded=True),
    ]
