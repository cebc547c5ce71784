"""What the inspector shows of a task: the parts of an entry, an event, a plan step, or the task itself."""

from __future__ import annotations

from tui.client.event_stream import Link
from tui.client.events import Event
from tui.client.log_entries import Compaction, Delegation, Entry, Questions, Reasoning, SignIn, ToolCall
from tui.client.log_entries import Message as Said
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Gap, TreeRow
from tui.domain.activity_rows import StatusRow
from tui.domain.state import State
from tui.widgets.document_layout import Part


def row_parts(row: TreeRow | StatusRow | None, state: State, task_id: str, review_key: str) -> list[Part]:
    """Return what a row of the activity is about; without a row, why there is none."""
    if isinstance(row, StatusRow):
        return _status_parts(row, state.task(task_id), review_key)
    if row is not None and (parts := _tree_row_parts(row, state)):
        return parts
    if state.activity(task_id) is None:
        return [Part("a moment", "the log is being read")]
    if len(state.logs[task_id].activity):
        return [Part("nothing to show", "no entry is of the kind that is asked for")]
    return [Part("nothing has happened yet", "the log is empty")]


def _tree_row_parts(row: TreeRow, state: State) -> list[Part]:
    if row.node is not None:
        return entry_parts(row.node.entry)
    if row.child_id is not None and (child := state.task(row.child_id)):
        return task_parts(child)
    if row.step is not None:
        return [Part("step of the plan", row.step.title), Part("as it is", row.step.raw)]
    return []


def _status_parts(row: StatusRow, task: AnyTask | None, review_key: str) -> list[Part]:
    if row.name == "end" and task:
        return task_parts(task)
    if row.name == "wait" and task:
        asked = task.hitl_request or task.pending_eca_request
        return [Part(f"{review_key} reviews it", row.text), Part("what exactly", asked.raw if asked else None)]
    return [Part(row.code.strip(" ─"), row.text)]


def event_parts(chosen: object) -> list[Part] | None:
    """Return what a line of the events is about; None where there is no line."""
    match chosen:
        case Event() as event:
            return [Part(event.type, event.data), Part("whole event", event.raw)]
        case Entry() as entry:
            return entry_parts(entry)
        case Gap() as gap:
            filled = "not known yet" if gap.filled is None else str(gap.filled)
            told = (
                f"from {gap.at.astimezone():%H:%M:%S} for {humanize.exact_duration(gap.seconds)}, back-filled: {filled}"
            )
            return [Part("the stream was away", told)]
        case Link() as link:
            return [Part("link", str(link))]
    return None


def entry_parts(entry: Entry) -> list[Part]:
    """Return an entry as parts of a document, the whole of it last and folded."""
    found: list[Part] = []
    match entry:
        case ToolCall():
            why = entry.reasoning
            reason = "\n".join(part for part in (why.title, why.description) if part) if why else None
            cut = f"result, cut by the platform from {entry.cut_from:,} characters" if entry.cut_from else "result"
            found = [Part("payload", entry.arguments), Part("why, in the agent's words", reason)]
            found += [Part("error" if entry.is_error else cut, entry.result, is_markdown=not entry.is_error)]
        case Said():
            found = [Part(entry.role or "said", entry.text, is_markdown=True), Part("files", list(entry.files))]
        case Reasoning():
            found = [Part(entry.title or entry.type, entry.thought or entry.analysis, is_markdown=True)]
            found += [Part("action", entry.action), Part("result", entry.result, is_markdown=True)]
        case Delegation():
            found = [Part("asked", entry.query, is_markdown=True), Part("files", list(entry.files))]
        case Questions():
            found = [Part(question.text or "question", [words for _, words in question.options] or "open")
                     for question in entry.asked]  # fmt: skip
            found.append(Part("answers", entry.answers))
        case SignIn():
            found = [Part("sign-in", entry.label), Part("where", entry.url)]
        case Compaction():
            found = [Part(entry.label, entry.data)]
    return [*found, Part("whole entry", entry.raw, is_folded=bool(found))]


def task_parts(task: AnyTask) -> list[Part]:
    """Return a task as parts of a document."""
    asked = task.input.text if task.input else None
    return [
        Part("result", task.result, is_markdown=True),
        Part("asked", asked, is_markdown=True),
        Part("task", task.id),
        Part("whole record", task.raw, is_folded=True),
    ]
