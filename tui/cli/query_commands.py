"""The verbs that look: tasks, show, agents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from tui.cli.context import Session, group_rank, iso_time, status_cell, task_json, waited_or_run_seconds
from tui.cli.output import AMBER, FAINT, STRONG, Cell, Column
from tui.client.client import MAX_PARALLEL_REQUESTS
from tui.client.errors import ApiError, NotFound
from tui.client.json_codec import parse_nested, pretty
from tui.client.models import Task
from tui.client.task_facts import Status
from tui.client.task_rows import AnyTask, Page, TaskQuery, TaskRow
from tui.domain import humanize
from tui.domain.filters import Filter, FilterContext, parse_filter
from tui.domain.review import ReviewSnapshot, review_of
from tui.domain.state import State, TasksSeen
from tui.security.redact import Redactor
from tui.security.sanitize import sanitize_text

DEFAULT_TASK_LIMIT = 200
"""How many tasks are looked at without --all."""
MAX_WAIT_READS = 50
"""How many paused tasks are read one by one, to tell why they wait."""
NOT_FULLY_SHOWN = (
    "parts of what waits are masked, as they may be secrets: a digest does not decide about what was not seen whole. "
    "Reveal them in the review of xp-tui, or decide with --yes-unseen"
)
"""Why a digest does not decide."""


class _LoadedTasks(Struct):
    """Counts the tasks of a list as they are loaded, and chooses those that match the filter."""

    matches: Callable[[AnyTask], bool]
    ids: set[str] = field(default_factory=set)
    """The ids of all tasks that were loaded."""
    matched: int = 0
    """How many of them match."""
    total: int | None = 0
    """How many tasks there are in all; None where the platform does not say."""

    def add(self, page: Page) -> list[TaskRow]:
        """Add a page; return its tasks that were not loaded before and match."""
        chosen = []
        for task in page.items:
            if task.id not in self.ids:
                self.ids.add(task.id)
                if self.matches(task):
                    chosen.append(task)
        self.matched += len(chosen)
        if page.number == 1:  # the first page of the list of one status
            self.total = None if page.total is None or self.total is None else self.total + page.total
        return chosen


async def tasks(session: Session) -> int:
    """List tasks: filtered here, and as far as the platform can, there."""
    arguments, out = session.arguments, session.out
    asked = parse_filter(" ".join([*arguments.filter, arguments.more or ""]).strip())
    await _learn_agents(session)
    context = FilterContext(datetime.now(UTC), session.agents)
    loaded = _LoadedTasks(asked.predicate(context))
    async with aclosing(_load(session, _query(session, asked, context), loaded)) as pages:
        if out.format == "ndjson":
            await _print_lines(session, pages)
        else:
            chosen = await _read_chosen(session, pages)
            if out.format == "json":
                _print_document(session, asked, loaded, chosen)
            else:
                _table(session, chosen)
    if any(term.field == "tokens" for term in asked.terms):
        out.note("lists do not tell tokens: only tasks that do are found by tokens:")
    shown = f"{loaded.matched} of " if asked else ""
    count, total = len(loaded.ids), loaded.total
    in_all = f", {total:,} in all: --all for the rest" if total and total > count else ""
    out.note(f"{shown}{count} loaded{in_all}")
    return 0


async def _learn_agents(session: Session) -> None:
    """Ask for the agents' names; a list without them is still a list."""
    try:
        await session.learn_agents()
    except ApiError as error:
        if error.status in {401, 403}:
            raise
        session.out.note(f"the agents' names are not known: {error.message}")


async def _load(
    session: Session, query: TaskQuery, loaded: _LoadedTasks
) -> AsyncGenerator[tuple[Page, list[TaskRow]], None]:
    """Load the list page by page, without --all only the newest; yield each page and what is chosen of it."""
    async with aclosing(session.client.tasks(query)) as pages:
        async for page in pages:
            yield page, loaded.add(page)
            if len(loaded.ids) >= DEFAULT_TASK_LIMIT and not session.arguments.all:
                return


async def _print_lines(session: Session, pages: AsyncIterator[tuple[Page, list[TaskRow]]]) -> None:
    """Print each chosen task as a line of JSON as soon as its page is loaded."""
    async for _, chosen in pages:
        for task in chosen:
            session.out.json(_task_json(session, task))


async def _read_chosen(session: Session, pages: AsyncIterator[tuple[Page, list[TaskRow]]]) -> list[TaskRow]:
    """Load all pages, then read the chosen tasks that are paused: each task as the latest answer tells it."""
    state = State()
    ids: list[str] = []
    async for page, chosen in pages:
        ids += [task.id for task in chosen]
        state = state.after([TasksSeen(page.items, session.client.now)])
    state = await _look_into(session, state, ids)
    return [task for task in map(state.task, ids) if task]


def _print_document(session: Session, asked: Filter, loaded: _LoadedTasks, chosen: Sequence[TaskRow]) -> None:
    """Print the chosen tasks as one document."""
    items = [_task_json(session, task) for task in chosen]
    count, total = len(loaded.ids), loaded.total
    session.out.json({"kind": "tasks", "filter": str(asked), "loaded": count, "total": total, "items": items})


def _task_json(session: Session, task: TaskRow) -> dict[str, Any]:
    return task_json(task, task.wait, session.agents.get(task.agent_id))


def _query(session: Session, asked: Filter, context: FilterContext) -> TaskQuery:
    """What the platform is to choose: the flags first, then what the filter says."""
    arguments = session.arguments
    pushed = asked.pushed_down(context)
    return replace(
        pushed,
        agent_id=session.settings["agent"] or pushed.agent_id,
        status=tuple(arguments.status or ()) or pushed.status,
        user_id=arguments.user,
        parent_task_id=arguments.parent or pushed.parent_task_id,
        triggering_agent_id=arguments.triggering_agent,
        internal_status=arguments.internal_status,
    )


async def _look_into(session: Session, state: State, found: list[str]) -> State:
    """Read the paused tasks themselves: a row of a list does not say why they wait."""
    gate = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)

    async def read(task_id: str) -> TasksSeen:
        async with gate:
            asked = session.client.now
            try:
                return TasksSeen((await session.client.task(task_id),), asked)
            except ApiError:
                return TasksSeen((), asked)

    rows = [task for task_id in found if (task := state.task(task_id)) and task.status == Status.PAUSED]
    return state.after(await asyncio.gather(*(read(task.id) for task in rows[:MAX_WAIT_READS])))


def _table(session: Session, found: list[TaskRow]) -> None:
    out, now = session.out, datetime.now(UTC)
    columns = [
        Column("STATUS"),
        Column("ID"),
        Column("TITLE", min_width=10),
        Column("AGENT", min_width=6),
        Column("WAIT/RUN", is_number=True),
        Column("PLAN", is_number=True, drop_order=2),
        Column("TOKENS", is_number=True, drop_order=1),
        Column("UPDATED", is_number=True, drop_order=3),
    ]
    rows: list[list[Cell | str]] = []
    for task in sorted(found, key=_order):
        wait = task.wait
        seconds = waited_or_run_seconds(task, wait, now)
        plan = f"{task.plan.done}/{len(task.plan.steps)}" if task.plan and task.plan.steps else ""
        rows.append(
            [
                _safe(session, status_cell(task, wait)),
                Cell(out.safe(task.id), FAINT),
                Cell(out.safe(task.title or task.name), STRONG if wait else ""),
                out.safe(session.agents.get(task.agent_id) or task.agent_id),
                humanize.duration(seconds) if seconds is not None else "",
                plan,
                humanize.short_count(task.tokens.total) if task.tokens else "",
                Cell(out.when(task.updated_at or task.changed_at), FAINT),
            ]
        )
    kept = [place for place in range(len(columns)) if place < 4 or any(_text(row[place]) for row in rows)]
    if rows:
        out.table([columns[place] for place in kept], [[row[place] for place in kept] for row in rows])


def _order(task: TaskRow) -> tuple[int, float]:
    """By groups, who needs a person first; among these, who has waited longest."""
    wait = task.wait
    since = wait.since.timestamp() if wait and wait.since else 0.0
    return group_rank(task, wait), since


def _safe(session: Session, cell: Cell) -> Cell:
    return Cell(session.out.safe(cell.text), cell.style)


def _text(cell: Cell | str) -> str:
    return cell.text if isinstance(cell, Cell) else cell


async def show(session: Session) -> int:
    """Show one task, and where it waits, exactly what there is to decide."""
    task = await find_task(session, session.arguments.task)
    seen = review_of(task, await session.client.log(task))
    if session.out.format != "table":
        told = {**task_json(task, seen.wait, None), "entries": len(seen.log.entries)}
        if seen.wait:
            _, is_whole = printed_request(session.out.redactor, seen.held)
            told |= {"digest": seen.digest, "digest_decides": is_whole, "held": seen.held}
        session.out.json(told)
        return 0
    _record(session, seen)
    if task.result:
        session.out.line("")
        session.out.line(Cell("Result", FAINT))
        session.out.text(task.result)
    if seen.wait:  # last, where nothing of the agent's own can look like it
        _decision(session, seen)
    return 0


async def find_task(session: Session, task_id: str) -> Task:
    """A task by its id; where there is none, the ids that begin so are named."""
    try:
        return await session.client.task(task_id)
    except NotFound as error:
        near = []
        if 4 <= len(task_id) < 32:
            async with aclosing(session.client.tasks()) as pages:
                async for page in pages:
                    near += [task.id for task in page.items if task.id.startswith(task_id)]
                    if page.number * page.LIMIT >= DEFAULT_TASK_LIMIT:
                        break
        hint = f"Ids that begin so: {', '.join(near[:5])}" if near else "Give the whole id; xp-tui tasks lists them"
        raise NotFound(f"no task {task_id!r}: {error.message}", status=error.status, hint=hint) from error


def _record(session: Session, seen: ReviewSnapshot) -> None:
    out, task = session.out, seen.task
    status = _safe(session, status_cell(task, seen.wait))
    user = task.input.user.name if task.input and task.input.user else task.user_id
    plan = task.plan
    lines = {
        "status": status.text,
        "internal": task.internal_status,
        "id": task.id,
        "agent": task.agent_id,
        "asked": task.input.text if task.input else None,
        "by": user,
        "source": task.source,
        "parent": task.parent_id,
        "sub-tasks": ", ".join(task.sub_executions) or None,
        "model": " ".join(filter(None, (task.llm_model_provider, task.llm_model_name))) or None,
        "created": out.when(task.created_at),
        "updated": out.when(task.updated_at),
        "finished": out.when(task.finished_at),
        "tokens": humanize.short_count(task.tokens.total) if task.tokens else None,
        "events": "streamed" if task.events_streaming else "not streamed, polled",
        "log": f"{len(seen.log.entries)} entries" + (", messages only" if seen.log.is_partial else ""),
        "plan": f"{plan.done} of {len(plan.steps)} steps" if plan and plan.steps else None,
    }
    out.line(Cell(out.safe(task.name), STRONG))
    for name, value in lines.items():
        if value:
            out.line(Cell(f"  {name:<10}", FAINT), Cell(out.safe(value), status.style if name == "status" else ""))
    for step in plan.steps if plan else ():
        out.line(Cell(f"  {'':<10}", FAINT), f"{'✓' if step.completed else '·'} {out.safe(step.title)}")


def printed_request(redactor: Redactor, held: Any) -> tuple[Any, bool]:
    """What waits with its secrets masked, as `show` prints it, and whether that is the whole of it: nothing masked."""
    try:
        told = parse_nested(held)
    except RecursionError:
        told = held
    printed = redactor.json(told)
    return printed, printed == told and redactor.json(held) == held


def _decision(session: Session, seen: ReviewSnapshot) -> None:
    """Print what waits, the whole of it, and how it can be decided."""
    out = session.out
    printed, is_whole = printed_request(out.redactor, seen.held)
    out.line("")
    out.line(Cell(f"Waits for: {seen.wait.kind if seen.wait else ''}", AMBER))
    if seen.held is None:
        out.line("  what it waits for is not provided by the platform")
    else:
        for line in pretty(printed).split("\n"):
            text = sanitize_text(line, longest=sys.maxsize, reveals=True)
            out.indented(text.replace("\n", "\\n"))  # a line separator within a text begins no line of its own
    since = iso_time(seen.wait.since) if seen.wait else None
    out.line(Cell("  since", FAINT), since or "not provided", Cell("no deadline published", FAINT))
    if blocked_now := seen.blocked_now:
        out.line(Cell("  decide", FAINT), blocked_now)
    elif not is_whole:
        out.line(Cell("  digest", FAINT), seen.digest, Cell("it does not decide about this", FAINT))
        out.line(Cell("  decide", FAINT), NOT_FULLY_SHOWN)
    else:
        out.line(Cell("  digest", FAINT), seen.digest)
        out.line(Cell("  decide", FAINT), f"xp-tui approve {out.safe(seen.task.id)} --digest {seen.digest}")


async def agents(session: Session) -> int:
    """List agents."""
    out = session.out
    found = [agent async for page in session.client.agents() for agent in page.items]
    if out.format == "json":
        items = [{"id": agent.id, "name": agent.name, "status": agent.status, "raw": agent.raw} for agent in found]
        out.json({"kind": "agents", "items": items})
    elif out.format == "ndjson":
        for agent in found:
            out.json({"kind": "agent", "id": agent.id, "name": agent.name, "status": agent.status, "raw": agent.raw})
    else:
        columns = [Column("NAME", min_width=12), Column("ID", min_width=8), Column("STATUS"), Column("MODEL", min_width=6),
                   Column("DESCRIPTION", min_width=12)]  # fmt: skip
        out.table(
            columns,
            [
                [
                    out.safe(agent.name),
                    Cell(out.safe(agent.id), FAINT),
                    out.safe((agent.status or "").lower()),
                    out.safe(agent.model_name or ""),
                    Cell(out.safe(agent.description or ""), FAINT),
                ]
                for agent in found
            ],
        )
    out.note(f"{len(found)} agents")
    return 0
