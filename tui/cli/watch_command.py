"""The verb watch: what happens in tasks, as it happens, until they end."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime

from msgspec import Struct, field

from tui.cli.context import Session, iso_time, status_cell, task_json
from tui.cli.exit_codes import FAILED, UsageError
from tui.cli.log_command import describe_entry, entry_json
from tui.cli.output import FAINT, STRONG, Cell, Output
from tui.client.client import Client
from tui.client.event_stream import LinkState
from tui.client.events import Event
from tui.client.json_codec import dumps
from tui.client.json_values import EPOCH
from tui.client.log_entries import Entry
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.filters import SECONDS_PER_UNIT, Filter, parse_filter
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen, TaskGone, TasksSeen
from tui.services.task_follower import TaskFollower

MIN_SPLIT_LINE_CHARS = 400
"""Characters of a line from which it is printed word by word."""
MAX_WITHHELD_WORD_CHARS = 120
"""Characters at its end that are kept back then."""
MAX_WITHHELD_CHARS = 65536
"""Characters that are kept back at the most."""
_OPEN = re.compile(
    r"(?:[:=]|\b(?:bearer|basic))[\"'\s]*\Z|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END ).)*\Z",
    re.IGNORECASE | re.DOTALL,
)
"""A text whose next word may be a secret."""


NOT_FAILED = parse_filter("-status:failed,error,stopped")
"""How a task ends well, where nothing else is waited for."""


async def watch(session: Session) -> int:
    """Follow tasks until each has ended or matches --until."""
    arguments = session.arguments
    return await follow(
        session, arguments.tasks, parse_filter(arguments.until or ""), parse_patience(arguments.patience)
    )


async def follow(session: Session, task_ids: list[str], until: Filter, seconds: float | None) -> int:
    """Follow these tasks; the code tells whether each came to what was waited for, or without that ended well."""
    ids = list(dict.fromkeys(task_ids))
    show = _Show(session.out, until, several=len(ids) > 1)
    jobs = [asyncio.create_task(_until(session.client, show, task_id)) for task_id in ids]
    try:
        async with asyncio.timeout(seconds):
            ends = await asyncio.gather(*jobs)
    except TimeoutError:
        session.out.error(f"not ended after {humanize.duration(seconds or 0)}")
        return FAILED
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
    for task in ends:
        show.end(task)
    matches = (until or NOT_FAILED).predicate()
    return 0 if all(matches(task) for task in ends) else FAILED


async def _until(client: Client, show: _Show, task_id: str) -> AnyTask:
    """Follow one task until it ends, or matches before that."""
    early = show.matched(task_id)
    whole = asyncio.create_task(TaskFollower(client, task_id, show.tell).run())
    try:
        await asyncio.wait((whole, early), return_when=asyncio.FIRST_COMPLETED)
        return await (whole if whole.done() else early)
    finally:
        whole.cancel()
        await asyncio.gather(whole, return_exceptions=True)


def parse_patience(text: str | None) -> float | None:
    """Seconds from a length of time like 30m."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found or float(found[1]) <= 0:
        raise UsageError(f"--timeout is a length of time as 90s, 30m or 2h, not {text!r}")
    return float(found[1]) * SECONDS_PER_UNIT[found[2] or "s"]


class _Show(Struct):
    """Prints each change, and knows when a task has come to what is waited for."""

    out: Output
    until: Filter
    several: bool
    _early: dict[str, asyncio.Future[AnyTask]] = field(default_factory=dict)
    _statuses: dict[str, str] = field(default_factory=dict)
    _changed: dict[str, datetime] = field(default_factory=dict)
    """When each task was last changed: a replayed stream tells of older states, which are no news."""
    _texts: dict[str, str] = field(default_factory=dict)
    """What was streamed of each task and is not printed yet."""

    def matched(self, task_id: str) -> asyncio.Future[AnyTask]:
        """Done with the task once it matches."""
        return self._early.setdefault(task_id, asyncio.get_running_loop().create_future())

    def tell(self, change: Change) -> None:
        """Print one change."""
        match change:
            case EventSeen(task_id, event):
                self._event(task_id, event)
            case LogSeen(task_id, _, _, fresh):
                for entry in fresh:
                    self._entry(task_id, entry)
            case GapSeen(task_id, gap):
                self._say(
                    "gap",
                    task_id,
                    id=iso_time(gap.at),
                    time=iso_time(gap.at),
                    data={"seconds": gap.seconds, "filled": gap.filled},
                )
                filled = "not filled yet" if gap.filled is None else f"{gap.filled} back-filled"
                self._line(task_id, Cell(f"─ gap {humanize.exact_duration(gap.seconds)}, {filled} ─", FAINT))
            case LinkSeen(task_id, link, at):
                data = {"state": str(link.state), "reason": link.reason, "delay": link.delay, "attempt": link.attempt}
                self._say("link", task_id, time=iso_time(at), data=data)
                if link.state is not LinkState.CONNECTING:
                    self._line(task_id, Cell(f"● {self.out.safe(str(link))}", FAINT))
            case TasksSeen((task,), at):
                self._task(task, iso_time(at))
            case TaskGone(task_id, at, reason):
                self._say("task", task_id, time=iso_time(at), data={"gone": reason})
        self.out.flush()

    def end(self, task: AnyTask) -> None:
        """Print the final object."""
        self._print_rest(task.id)
        if self.out.format == "table":
            if task.result:
                self.out.line(Cell("result", FAINT))
                self.out.text(task.result)
        else:
            self.out.json({**task_json(task, task.wait, None), "kind": "final"})

    def _task(self, task: AnyTask, at: str | None) -> None:
        wait = task.wait
        early = self._early.get(task.id)
        if self.until and early and not early.done() and self.until.predicate()(task):
            early.set_result(task)
        told = f"{task.status} {wait.kind if wait else ''}"
        when, known = task.changed_at or EPOCH, self._changed.get(task.id, EPOCH)
        self._changed[task.id] = max(when, known)
        if self._statuses.get(task.id) == told or when < known:
            return
        self._statuses[task.id] = told
        self._say("task", task.id, time=at, type=task.status, data=task.raw)
        cell = status_cell(task, wait)
        self._line(task.id, Cell(self.out.safe(cell.text), cell.style), Cell(self.out.safe(task.name), STRONG))

    def _event(self, task_id: str, event: Event) -> None:
        told = {"id": event.frame_id or None, "type": event.type, "data": event.data}
        self._say("event", task_id, provenance="live", time=iso_time(event.time), **told)
        if self.out.format != "table":
            return
        if (piece := event.chunk) is not None:
            self._stream(task_id, piece)
        elif (task := event.task) and task.id == task_id:
            self._task(task, iso_time(event.time))
        elif entry := event.entry:
            self._line_of(task_id, event.type, entry)
        elif plan := event.plan:
            self._line(task_id, "plan", f"{plan.done}/{len(plan.steps)}")
        elif event.type not in {"connected", "context_status"}:
            rest = self.out.safe(dumps(self.out.redactor.json(event.data)))
            self._line(task_id, self.out.safe(event.type), Cell(rest, FAINT))

    def _stream(self, task_id: str, piece: str) -> None:
        """Print streamed text as far as its lines, or the words of a long one, have come to their end."""
        text = self._texts.get(task_id, "") + piece
        if end := self._printable(text):
            self.out.text(text[:end].removesuffix("\n"))
        self._texts[task_id] = text[end:]

    def _print_rest(self, task_id: str) -> None:
        if rest := self._texts.pop(task_id, ""):
            self.out.text(rest)

    def _printable(self, text: str) -> int:
        """How many characters can be printed, without cutting a secret that comes in pieces."""
        mask = self.out.redactor.text
        ends = [found.end() for found in re.finditer("\n", text)]
        if not ends and len(text) > MIN_SPLIT_LINE_CHARS:
            ends = [found.end() for found in re.finditer(" ", text[:-MAX_WITHHELD_WORD_CHARS])]
        for end in reversed(ends[-50:]):
            left, right = text[:end], text[end:]
            if not _OPEN.search(left) and mask(left) + mask(right) == mask(text):
                return end
        return len(text) if len(text) > MAX_WITHHELD_CHARS else 0

    def _entry(self, task_id: str, entry: Entry) -> None:
        self._say("entry", task_id, provenance="back-filled", **entry_json(entry))
        if self.out.format == "table":
            self._line_of(task_id, entry.kind, entry)

    def _line_of(self, task_id: str, word: str, entry: Entry) -> None:
        when = entry.created_at.astimezone(None).strftime("%H:%M:%S") if entry.created_at else ""
        self._line(task_id, Cell(when, FAINT), f"{self.out.safe(word):<17}", *describe_entry(self.out, entry))

    def _line(self, task_id: str, *cells: Cell | str) -> None:
        if self.out.format != "table":
            return
        self._print_rest(task_id)
        self.out.line(*([Cell(self.out.safe(task_id[:8]), FAINT)] if self.several else []), *cells)

    def _say(self, kind: str, task_id: str, **rest: object) -> None:
        if self.out.format != "table":
            self.out.json({"kind": kind, "task_id": task_id, **rest})
