"""The verb watch: prints the changes of tasks as they happen, until the tasks end."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime

from msgspec import Struct, field

from tui.cli.context import Session, iso_time, status_cell, task_json
from tui.cli.entry_lines import Cells, EntryPrinter, entry_json
from tui.cli.exit_codes import FAILED, OK, UsageError
from tui.cli.output import FAINT, STRONG, Cell, Output
from tui.client.client import Client
from tui.client.event_stream import LinkState
from tui.client.events import Event
from tui.client.json_codec import dumps
from tui.client.json_values import EPOCH
from tui.client.log_entries import Entry, Message, Questions, ToolCall
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Gap
from tui.domain.activity_nodes import Node
from tui.domain.answer_messages import repeats_answer
from tui.domain.filter_values import SECONDS_PER_UNIT
from tui.domain.filters import Filter, FilterContext, parse_filter
from tui.domain.state import AgentsSeen, Change, EventSeen, GapSeen, LinkSeen, LogSeen, State, TaskGone, TasksSeen
from tui.domain.waits import needs_agent
from tui.services.task_follower import TaskFollower
from tui.services.wait_reader import read_agent_of_wait

MIN_SPLIT_LINE_CHARS = 400
"""How long a line of streamed text must be to be printed in parts, before its line break has come."""
MAX_WITHHELD_WORD_CHARS = 120
"""How many characters at the end of such a line are withheld."""
MAX_WITHHELD_CHARS = 65536
"""How many characters are withheld at most, whatever they contain."""
MAX_TRIED_ENDS = 50
"""How many line breaks or spaces are tried as the place where printing stops."""
SHORT_ID_CHARS = 8
LABEL_CHARS = 17
END_WORDS = {"tool": "result", "question": "answer", "confirmation": "decision"}
"""The word for the end of each kind of entry."""
EVENTS_WITHOUT_NEWS = frozenset({"connected", "context_status"})
"""Types of events that tell an operator nothing, and are not printed in a table."""
_BEFORE_SECRET = re.compile(
    r"(?:[:=]|\b(?:bearer|basic))[\"'\s]*\Z|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END ).)*\Z",
    re.IGNORECASE | re.DOTALL,
)
"""Matches a text whose next word may be a secret."""
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd]?)")


NOT_FAILED = parse_filter("-status:failed,error,stopped")
"""The filter that a task must match at its end when --until is not given."""


async def watch(session: Session) -> int:
    """Watch tasks until each has ended or matches --until."""
    arguments = session.arguments
    until = parse_filter(arguments.until or "")
    return await follow(session, arguments.tasks, until, parse_timeout(arguments.watch_timeout))


async def follow(session: Session, task_ids: list[str], until: Filter, seconds: float | None) -> int:
    """Follow tasks until each has ended or matches `until`.

    Return 0 if every task matches `until`, or without it, if none failed or was stopped; FAILED otherwise, and also
    when the tasks have not ended after so many seconds.
    """
    different_ids = list(dict.fromkeys(task_ids))
    printer = _ChangePrinter(session.out, until, several=len(different_ids) > 1)
    jobs = [asyncio.create_task(_follow_until(session.client, printer, task_id)) for task_id in different_ids]
    jobs_beside = [asyncio.create_task(_read_agents_of_waits(session.client, printer))]
    try:
        async with asyncio.timeout(seconds):
            tasks = await asyncio.gather(*jobs)
    except TimeoutError:
        session.out.error(f"not ended after {humanize.duration(seconds or 0)}")
        return FAILED
    finally:
        for job in (*jobs, *jobs_beside):
            job.cancel()
        await asyncio.gather(*jobs, *jobs_beside, return_exceptions=True)
    for task in tasks:
        printer.print_final(task)
    if printer.cut_words:
        session.out.note(printer.cut_words)
    matches = (until or NOT_FAILED).predicate(printer.filter_context)
    return OK if all(matches(task) for task in tasks) else FAILED


async def _read_agents_of_waits(client: Client, printer: _ChangePrinter) -> None:
    """Read the agent of each task that waits at a node of its workflow, each agent once."""
    read_ids = set()
    while True:
        task = await printer.waits_at_nodes.get()
        if task.agent_id in read_ids:
            continue
        read_ids.add(task.agent_id)
        asked_at = client.now
        if agent := await read_agent_of_wait(client, task):
            printer.print_change(AgentsSeen((agent,), asked_at))


async def _follow_until(client: Client, printer: _ChangePrinter, task_id: str) -> AnyTask:
    """Follow one task until it ends, or matches before that."""
    matched = printer.matched(task_id)
    ended = asyncio.create_task(TaskFollower(client, task_id, printer.print_change).run())
    try:
        await asyncio.wait((ended, matched), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return await ended
        return await matched
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


def parse_timeout(text: str | None) -> float | None:
    """Parse a timeout like 30m; return seconds."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if not match or float(match["number"]) <= 0:
        raise UsageError(f"--timeout is a length of time as 90s, 30m or 2h, not {text!r}")
    return float(match["number"]) * SECONDS_PER_UNIT[match["unit"] or "s"]


class _ChangePrinter(Struct):
    """Prints each change, and resolves a future for each task that matches `until`."""

    out: Output
    until: Filter
    several: bool
    waits_at_nodes: asyncio.Queue[AnyTask] = field(default_factory=asyncio.Queue)
    """Tasks that wait at a node of their workflow, which the record of their agent describes."""
    _state: State = field(default_factory=State)
    """What is known of the tasks, to tell why they wait."""
    _matches: dict[str, asyncio.Future[AnyTask]] = field(default_factory=dict)
    _statuses: dict[str, str] = field(default_factory=dict)
    """The status and the wait of each task that were printed last."""
    _changed_at: dict[str, datetime] = field(default_factory=dict)
    """When each task last changed: a replayed stream repeats older states, which are not printed again."""
    _withheld: dict[str, str] = field(default_factory=dict)
    _is_text_over: bool = False
    """Whether the stream has gone on after its text; a line from elsewhere may come in the middle of a word."""
    """Streamed text of each task that is not printed yet."""
    _open_calls: dict[str, set[str]] = field(default_factory=dict)
    """The calls of each task whose request was printed and whose result was not."""
    _entries: EntryPrinter = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self._entries = EntryPrinter(self.out)

    def matched(self, task_id: str) -> asyncio.Future[AnyTask]:
        """Return a future that gets the task once it matches."""
        return self._matches.setdefault(task_id, asyncio.get_running_loop().create_future())

    @property
    def cut_words(self) -> str:
        """The words about what was cut; empty if nothing was."""
        return self._entries.cut_words

    def print_change(self, change: Change) -> None:
        """Print one change."""
        self._state = self._state.after([change])
        match change:
            case EventSeen(task_id, event):
                self._is_text_over = event.chunk is None
                self._print_event(task_id, event)
                self._is_text_over = False
            case LogSeen(task_id, _, at, new_entries):
                for entry in new_entries:
                    self._print_entry(task_id, entry)
                self._print_late_results(task_id)
                self._print_waits(at)
            case GapSeen(task_id, gap):
                self._print_gap(task_id, gap)
            case LinkSeen():
                self._print_link(change)
            case TasksSeen((task,), at):
                self._print_task(task, iso_time(at))
                if needs_agent(task):
                    self.waits_at_nodes.put_nowait(task)
            case AgentsSeen():
                self._print_waits(change.at)
            case TaskGone(task_id, at, reason):
                self._print_json("task", task_id, time=iso_time(at), data={"gone": reason})
        self.out.flush()

    def _print_waits(self, at: datetime) -> None:
        """Print the waits that have become known better than they were when they were printed."""
        for task_id in list(self._statuses):
            task = self._state.task(task_id)
            if task is not None:
                self._print_task(task, iso_time(at))

    def print_final(self, task: AnyTask) -> None:
        """Print the final state of a task: its result, or its JSON."""
        self._is_text_over = True
        self._print_withheld(task.id)
        if self.out.format != "table":
            self.out.json({**task_json(task, self._state.wait(task.id), None), "kind": "final"})
        elif task.result:
            self.out.line(Cell("result", FAINT))
            self.out.text(task.result)

    def _print_gap(self, task_id: str, gap: Gap) -> None:
        """Print a gap of the stream, and how much of it the log has filled."""
        data = {"seconds": gap.seconds, "filled": gap.filled}
        self._print_json("gap", task_id, id=iso_time(gap.at), time=iso_time(gap.at), data=data)
        filled = "not filled yet"
        if gap.filled is not None:
            filled = f"{gap.filled} back-filled"
        self._print_line(task_id, Cell(f"─ gap {humanize.exact_duration(gap.seconds)}, {filled} ─", FAINT))

    def _print_link(self, change: LinkSeen) -> None:
        """Print a new state of the connection; as text, not that it is only connecting."""
        link = change.link
        data = {"state": str(link.state), "reason": link.reason, "delay": link.delay, "attempt": link.attempt}
        self._print_json("link", change.task_id, time=iso_time(change.at), data=data)
        if link.state is not LinkState.CONNECTING:
            self._print_line(change.task_id, Cell(f"● {self.out.safe(str(link))}", FAINT))

    def _print_task(self, task: AnyTask, at: str | None) -> None:
        """Print a task whose status or wait is new, and resolve its future if it matches."""
        self._resolve_match(task)
        wait = self._state.wait(task.id)
        status = f"{task.status} {wait.kind if wait else ''}"
        changed_at = task.changed_at or EPOCH
        last_changed_at = self._changed_at.get(task.id, EPOCH)
        self._changed_at[task.id] = max(changed_at, last_changed_at)
        is_replayed = changed_at < last_changed_at
        if is_replayed or self._statuses.get(task.id) == status:
            return
        self._statuses[task.id] = status
        self._print_json("task", task.id, time=at, type=task.status, data=task.raw)
        cell = status_cell(task, wait)
        self._print_line(task.id, Cell(self.out.safe(cell.text), cell.style), Cell(self.out.safe(task.name), STRONG))

    @property
    def filter_context(self) -> FilterContext:
        """The context of filters: with all that is known of why a task waits."""
        return FilterContext(wait_of=lambda task: self._state.wait(task.id))

    def _resolve_match(self, task: AnyTask) -> None:
        """Resolve the future of a task that matches `until`, unless it is resolved already."""
        future = self._matches.get(task.id)
        if self.until and future and not future.done() and self.until.predicate(self.filter_context)(task):
            future.set_result(task)

    def _print_event(self, task_id: str, event: Event) -> None:
        """Print an event: in a table, as the chunk, task, entry or plan that it carries, or else its data."""
        fields = {"id": event.frame_id or None, "type": event.type, "data": event.data}
        self._print_json("event", task_id, provenance="live", time=iso_time(event.time), **fields)
        if self.out.format != "table":
            return
        chunk = event.chunk
        task = event.task
        plan = event.plan
        if chunk is not None:
            self._print_chunk(task_id, chunk)
        elif task and task.id == task_id:
            self._print_task(task, iso_time(event.time))
        elif event.entry:
            self._print_live_entry(task_id, event.type, event.entry)
        elif plan:
            self._print_line(task_id, "plan", f"{plan.done}/{len(plan.steps)}")
        elif event.type not in EVENTS_WITHOUT_NEWS:
            data = self.out.safe(dumps(self.out.redactor.json(event.data)))
            self._print_line(task_id, self.out.safe(event.type), Cell(data, FAINT))

    def _print_chunk(self, task_id: str, chunk: str) -> None:
        """Print a chunk of streamed text up to its last line break, or the last word of a long line."""
        text = self._withheld.get(task_id, "") + chunk
        printable_chars = self._printable_chars(text)
        if printable_chars > 0:
            self.out.text(text[:printable_chars].removesuffix("\n"))
        self._withheld[task_id] = text[printable_chars:]

    def _print_withheld(self, task_id: str) -> None:
        """Print the streamed text of a task that was withheld: whole if it is over, else without its last word."""
        text = self._withheld.pop(task_id, "")
        printable_chars = len(text)
        if not self._is_text_over:
            printable_chars = self._printable_chars(text, r"\s")
            self._withheld[task_id] = text[printable_chars:]
        if printable_chars > 0:
            self.out.text(text[:printable_chars].rstrip())

    def _printable_chars(self, text: str, end_pattern: str = "\n") -> int:
        """Return how many characters are printable now: printing stops where that does not split a secret in two."""
        redact = self.out.redactor.text
        ends = [match.end() for match in re.finditer(end_pattern, text)]
        if not ends and len(text) > MIN_SPLIT_LINE_CHARS:
            ends = [match.end() for match in re.finditer(" ", text[:-MAX_WITHHELD_WORD_CHARS])]
        for end in reversed(ends[-MAX_TRIED_ENDS:]):
            printed = text[:end]
            withheld = text[end:]
            splits_no_secret = not _BEFORE_SECRET.search(printed) and redact(printed) + redact(withheld) == redact(text)
            if splits_no_secret:
                return end
        if len(text) > MAX_WITHHELD_CHARS:
            return len(text)
        return 0

    def _print_entry(self, task_id: str, entry: Entry) -> None:
        """Print an entry of the log that the stream has not told."""
        self._print_json("entry", task_id, provenance="back-filled", **entry_json(entry))
        if self.out.format != "table":
            return
        questions = self._answered_questions(task_id, entry)
        if isinstance(entry, Message) and questions is not None:
            self._print_timed(task_id, entry.created_at, "answer", self._entries.answer(entry, questions))
            return
        self._print_entry_line(task_id, entry.kind, entry)
        label = f"{entry.kind} {END_WORDS.get(entry.kind, 'end')}"
        self._print_end(task_id, label, entry, self._node(task_id, entry.id))

    def _print_live_entry(self, task_id: str, event_type: str, entry: Entry) -> None:
        """Print the entry of an event: of a call that has returned, its name and what came back."""
        if not isinstance(entry, ToolCall) or not entry.is_finished:
            self._print_entry_line(task_id, event_type, entry)
            return
        node = self._node(task_id, entry.id)
        call = entry
        if node and isinstance(node.entry, ToolCall):
            call = node.entry
        self._print_end(task_id, event_type, call, node)

    def _print_late_results(self, task_id: str) -> None:
        """Print the results of calls that only the log has told, while the stream was away."""
        for call_id in sorted(self._open_calls.get(task_id, ())):
            node = self._node(task_id, call_id)
            if node and isinstance(node.entry, ToolCall) and node.entry.is_finished:
                self._print_end(task_id, "tool result", node.entry, node)

    def _print_entry_line(self, task_id: str, label: str, entry: Entry) -> None:
        """Print the line of an entry: its time, its label and its description."""
        if isinstance(entry, ToolCall):
            self._open_calls.setdefault(task_id, set()).add(entry.id)
        self._print_timed(task_id, entry.created_at, label, self._entries.describe(entry))

    def _print_end(self, task_id: str, label: str, entry: Entry, node: Node | None) -> None:
        """Print how an entry ended, if it has: a call's result or error, an answer, a decision."""
        seconds = None
        if node and (node.is_timed or node.logged):  # else only the end was told, and taken for the beginning as well
            seconds = node.seconds
        cells = self._entries.describe_end(entry, seconds)
        if not cells:
            return
        at = entry.created_at
        if isinstance(entry, ToolCall):
            at = entry.finished_at or at
            cells = [self.out.safe(entry.name), *cells]
            for key in entry.keys:
                self._open_calls.get(task_id, set()).discard(key)
        self._print_timed(task_id, at, label, cells)

    def _print_timed(self, task_id: str, at: datetime | None, label: str, cells: Cells) -> None:
        """Print a line with a time and a label."""
        clock = ""
        if at:
            clock = at.astimezone(None).strftime("%H:%M:%S")
        padded_label = self.out.safe(label).ljust(LABEL_CHARS)
        self._print_line(task_id, Cell(clock, FAINT), padded_label, *cells)

    def _node(self, task_id: str, entry_id: str) -> Node | None:
        """Return the node of an entry, in which all that is known of it is joined."""
        activity = self._state.activity(task_id)
        if activity is None:
            return None
        return activity.get(entry_id)

    def _answered_questions(self, task_id: str, entry: Entry) -> Questions | None:
        """Return the questions whose recorded answer a user's message repeats; None for anything else."""
        activity = self._state.activity(task_id)
        if activity is None or not isinstance(entry, Message) or entry.role != "user":
            return None
        asked = (node.entry for node in activity.nodes.of_kind(Questions))
        return next((each for each in asked if isinstance(each, Questions) and repeats_answer(entry, each)), None)

    def _print_line(self, task_id: str, *cells: Cell | str) -> None:
        """Print a line of a table; it begins with the task's id if several tasks are watched."""
        if self.out.format != "table":
            return
        self._print_withheld(task_id)
        if self.several:
            cells = (Cell(self.out.safe(task_id[:SHORT_ID_CHARS]), FAINT), *cells)
        self.out.line(*cells)

    def _print_json(self, kind: str, task_id: str, **fields: object) -> None:
        if self.out.format != "table":
            self.out.json({"kind": kind, "task_id": task_id, **fields})
