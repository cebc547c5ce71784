"""The verbs that list: tasks, agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from tui.cli.context import Session, group_rank, status_cell, task_json, waited_or_run_seconds
from tui.cli.exit_codes import UsageError
from tui.cli.output import FAINT, STRONG, Cell, Column
from tui.client.client import MAX_PARALLEL_REQUESTS
from tui.client.errors import ApiError, Invalid
from tui.client.models import Agent
from tui.client.task_facts import Status, Wait
from tui.client.task_rows import Page, TaskQuery, TaskRow
from tui.domain import humanize, wait_words
from tui.domain.filter_coverage import FilterCoverage
from tui.domain.filter_values import nearest_status
from tui.domain.filters import WAIT_FIELDS, Filter, FilterContext, parse_filter
from tui.domain.list_status import MAX_COUNTED_TASKS, counted_total
from tui.domain.state import Change, State, TasksSeen
from tui.services.wait_reader import read_wait

DEFAULT_TASK_LIMIT = 200
"""How many tasks are loaded without --all."""
MAX_WAIT_READS = 50
"""How many paused tasks are read one by one, to learn why they wait."""
TASK_COLUMNS = (
    Column("STATUS"),
    Column("ID"),
    Column("TITLE", min_width=10),
    Column("AGENT", min_width=6),
    Column("WAIT/RUN", is_number=True),
    Column("PLAN", is_number=True, drop_order=2),
    Column("TOKENS", is_number=True, drop_order=1),
    Column("UPDATED", is_number=True, drop_order=3),
)
REQUIRED_TASK_COLUMNS = 4
"""How many of the first columns are printed even if all their cells are empty."""


class _LoadedTasks(Struct):
    """The loaded tasks of a list: their state, and how many there are and match the filter."""

    ids: set[str] = field(default_factory=set)
    """The ids of all loaded tasks."""
    state: State = field(default_factory=State)
    """What is known of the loaded tasks: their rows, and of waiting ones why they wait."""
    match_count: int = 0
    wait_read_count: int = 0
    """How many tasks were read one by one, to learn why they wait."""
    unread_count: int = 0
    """How many tasks were not read although they wait, because they were too many."""
    total: int | None = 0
    """How many tasks the platform has; None when it does not say."""

    def add(self, page: Page, asked_at: datetime) -> list[str]:
        """Add a page; return the ids of the tasks that are new."""
        new_ids = list(dict.fromkeys(task.id for task in page.items if task.id not in self.ids))
        self.ids.update(new_ids)
        self.state = self.state.after([TasksSeen(page.items, asked_at)])
        if page.number == 1:  # a query for several statuses has a first page for each
            if page.total is None or self.total is None:
                self.total = None
            else:
                self.total += page.total
        return new_ids

    def tasks(self, ids: Sequence[str]) -> list[TaskRow]:
        """Return the tasks with these ids, as they are known now."""
        return [task for task in map(self.state.task, ids) if task]


LoadedPages = AsyncIterator[list[str]]
"""The ids of the matching tasks of each page."""


async def tasks(session: Session) -> int:
    """List tasks; the platform applies the part of the filter that it supports."""
    arguments, out = session.arguments, session.out
    task_filter = parse_filter(" ".join([*arguments.filter, arguments.more or ""]).strip())
    await _learn_agents(session)
    loaded = _LoadedTasks()
    context = FilterContext(datetime.now(UTC), session.agents, lambda task: loaded.state.wait(task.id))
    coverage = FilterCoverage(task_filter.without(WAIT_FIELDS))
    async with aclosing(_load_pages(session, task_filter, coverage, context, loaded)) as pages:
        if out.format == "ndjson":
            async for ids in pages:
                for task in loaded.tasks(ids):
                    out.json(_task_json(session, task, loaded.state))
                loaded.state = State()
        else:
            matching = loaded.tasks([task_id async for ids in pages for task_id in ids])
            if out.format == "json":
                _print_document(session, task_filter, coverage, loaded, matching)
            else:
                _print_table(session, matching, loaded.state)
    if coverage.words:
        out.note(f"{coverage.words}: lists do not tell it of the others, xp-tui show does")
    _print_counts(session, loaded, is_filtered=bool(task_filter))
    return 0


def _print_counts(session: Session, loaded: _LoadedTasks, *, is_filtered: bool) -> None:
    count, total = len(loaded.ids), loaded.total
    matches = in_all = ""
    if is_filtered:
        matches = f"{loaded.match_count} of "
    if total and total > count:
        in_all = f", {counted_total(total)} in all: --all for the rest"
    elif total is None and count >= DEFAULT_TASK_LIMIT and not session.arguments.all:
        in_all = ", the platform does not tell how many there are: --all for the rest"
    elif total is not None and total == MAX_COUNTED_TASKS:
        in_all = f", {counted_total(total)} in all: the platform counts no further"
    session.out.note(f"{matches}{count} loaded{in_all}")
    if loaded.unread_count:
        session.out.note(
            f"of the waiting tasks {MAX_WAIT_READS} were read for why they wait, {loaded.unread_count} were not"
        )


async def _learn_agents(session: Session) -> None:
    """Read the names of the agents; print a note when that fails, unless the key is not accepted."""
    try:
        await session.learn_agents()
    except ApiError as error:
        if error.status in {401, 403}:
            raise
        session.out.note(f"the agents' names are not known: {error.message}")


async def _load_pages(
    session: Session, task_filter: Filter, coverage: FilterCoverage, context: FilterContext, loaded: _LoadedTasks
) -> AsyncGenerator[list[str], None]:
    """Load the pages of the list, without --all only the newest; yield the ids of each page's tasks that match.

    A list does not tell why tasks wait: those that match apart from their wait are read before they are tested for it.
    """
    query = _task_query(session, task_filter, context)
    context = replace(context, asked_internal_status=query.internal_status)
    matches = task_filter.predicate(context)
    may_match = coverage.predicate(context)
    async with aclosing(session.client.tasks(query)) as pages:
        async for page in _checked_pages(pages, query):
            new_ids = loaded.add(page, session.client.now)
            candidates = [task.id for task in loaded.tasks(new_ids) if may_match(task)]
            await _read_waiting(session, loaded, candidates)
            matching = [task.id for task in loaded.tasks(candidates) if matches(task)]
            loaded.match_count += len(matching)
            yield matching
            if len(loaded.ids) >= DEFAULT_TASK_LIMIT and not session.arguments.all:
                return


async def _checked_pages(pages: AsyncIterator[Page], query: TaskQuery) -> AsyncIterator[Page]:
    """Yield the pages of a list; raise UsageError if the platform does not take the query that narrows it."""
    try:
        async for page in pages:
            yield page
    except Invalid as error:
        if query == TaskQuery():
            raise
        raise UsageError(f"the platform does not take this filter: {error.message}") from error


def _print_document(
    session: Session,
    task_filter: Filter,
    coverage: FilterCoverage,
    loaded: _LoadedTasks,
    matching: Sequence[TaskRow],
) -> None:
    """Print the matching tasks as one JSON document."""
    items = [_task_json(session, task, loaded.state) for task in matching]
    count, total = len(loaded.ids), loaded.total
    document: dict[str, Any] = {"kind": "tasks", "filter": str(task_filter), "loaded": count, "total": total}
    known = {name: {"known": known, "of": of} for name, (known, of) in coverage.counts.items()}
    if known:
        document["known"] = known
    session.out.json({**document, "items": items})


def _task_json(session: Session, task: TaskRow, state: State) -> dict[str, Any]:
    return task_json(task, state.wait(task.id), session.agents.get(task.agent_id))


def _task_query(session: Session, task_filter: Filter, context: FilterContext) -> TaskQuery:
    """Return the query that the platform is asked; flags win over the filter."""
    arguments = session.arguments
    for status in arguments.status or ():
        if nearest := nearest_status(status):
            raise UsageError(f"no status {status}, did you mean {nearest}?")
    pushed_down = task_filter.pushed_down(context)
    return replace(
        pushed_down,
        agent_id=session.settings["agent"] or pushed_down.agent_id,
        status=tuple(arguments.status or ()) or pushed_down.status,
        user_id=arguments.user,
        parent_task_id=arguments.parent or pushed_down.parent_task_id,
        triggering_agent_id=arguments.triggering_agent or pushed_down.triggering_agent_id,
        internal_status=arguments.internal_status or pushed_down.internal_status,
    )


async def _read_waiting(session: Session, loaded: _LoadedTasks, ids: list[str]) -> None:
    """Read why paused tasks wait, because the rows of a list do not tell."""
    semaphore = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)

    async def read(task_id: str) -> list[Change]:
        async with semaphore:
            return await read_wait(session.client, task_id)

    paused_ids = [task.id for task in loaded.tasks(ids) if task.status == Status.PAUSED]
    ids_to_read = paused_ids[: max(MAX_WAIT_READS - loaded.wait_read_count, 0)]
    loaded.wait_read_count += len(ids_to_read)
    loaded.unread_count += len(paused_ids) - len(ids_to_read)
    for changes in await asyncio.gather(*map(read, ids_to_read)):
        loaded.state = loaded.state.after(changes)


def _print_table(session: Session, matching: list[TaskRow], state: State) -> None:
    now = datetime.now(UTC)
    waits = {task.id: state.wait(task.id) for task in matching}
    ordered = sorted(matching, key=lambda task: _sort_key(task, waits[task.id]))
    rows = [_task_cells(session, task, waits[task.id], now) for task in ordered]
    visible = [
        index
        for index in range(len(TASK_COLUMNS))
        if index < REQUIRED_TASK_COLUMNS or any(_cell_text(row[index]) for row in rows)
    ]
    if rows:
        session.out.table(
            [TASK_COLUMNS[index] for index in visible], [[row[index] for index in visible] for row in rows]
        )


def _task_cells(session: Session, task: TaskRow, wait: Wait | None, now: datetime) -> list[Cell | str]:
    """Return the cells of a task's row, in the order of `TASK_COLUMNS`."""
    out = session.out
    status = status_cell(task, wait)
    seconds = waited_or_run_seconds(task, wait, now)
    duration = ""
    if wait and wait.until:
        duration = wait_words.time_of(wait, now)
    elif seconds is not None:
        duration = humanize.duration(seconds)
    plan = ""
    if task.plan and task.plan.steps:
        plan = f"{task.plan.done}/{len(task.plan.steps)}"
    tokens = ""
    if task.tokens:
        tokens = humanize.short_count(task.tokens.total)
    return [
        Cell(out.safe(status.text), status.style),
        Cell(out.safe(task.id), FAINT),
        Cell(out.safe(task.title or task.name), STRONG if wait and wait.needs_person else ""),
        out.safe(session.agents.get(task.agent_id) or task.agent_id),
        duration,
        plan,
        tokens,
        Cell(out.when(task.updated_at or task.changed_at), FAINT),
    ]


def _sort_key(task: TaskRow, wait: Wait | None) -> tuple[int, float]:
    """Return a sort key: by group, and tasks that have waited longest first."""
    since = 0.0
    if wait and wait.since:
        since = wait.since.timestamp()
    return group_rank(task, wait), since


def _cell_text(cell: Cell | str) -> str:
    return cell.text if isinstance(cell, Cell) else cell


async def agents(session: Session) -> int:
    """List agents."""
    out = session.out
    found_agents = [agent async for page in session.client.agents() for agent in page.items]
    if out.format == "json":
        out.json({"kind": "agents", "items": [_agent_json(agent) for agent in found_agents]})
    elif out.format == "ndjson":
        for agent in found_agents:
            out.json({"kind": "agent", **_agent_json(agent)})
    else:
        columns = [
            Column("NAME", min_width=12),
            Column("ID", min_width=8),
            Column("STATUS"),
            Column("MODEL", min_width=6),
            Column("DESCRIPTION", min_width=12),
        ]
        rows: list[list[Cell | str]] = [
            [
                out.safe(agent.name),
                Cell(out.safe(agent.id), FAINT),
                out.safe((agent.status or "").lower()),
                out.safe(agent.model_name or ""),
                Cell(out.safe(agent.description or ""), FAINT),
            ]
            for agent in found_agents
        ]
        out.table(columns, rows)
    out.note(f"{len(found_agents)} agents")
    return 0


def _agent_json(agent: Agent) -> dict[str, Any]:
    return {"id": agent.id, "name": agent.name, "status": agent.status, "raw": agent.raw}
