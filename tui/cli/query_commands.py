"""The verbs that list: tasks, agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from tui.cli.context import Session, group_rank, status_cell, task_json, waited_or_run_seconds
from tui.cli.output import FAINT, STRONG, Cell, Column
from tui.client.client import MAX_PARALLEL_REQUESTS
from tui.client.errors import ApiError
from tui.client.models import Agent
from tui.client.task_facts import Status
from tui.client.task_rows import AnyTask, Page, TaskQuery, TaskRow
from tui.domain import humanize
from tui.domain.filters import Filter, FilterContext, parse_filter
from tui.domain.state import State, TasksSeen

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
    """Counts the loaded tasks of a list, and selects those that match the filter."""

    matches: Callable[[AnyTask], bool]
    ids: set[str] = field(default_factory=set)
    """The ids of all loaded tasks."""
    match_count: int = 0
    total: int | None = 0
    """How many tasks the platform has; None when it does not say."""

    def add(self, page: Page) -> list[TaskRow]:
        """Add a page; return its tasks that are new and match."""
        matching = []
        for task in page.items:
            if task.id not in self.ids:
                self.ids.add(task.id)
                if self.matches(task):
                    matching.append(task)
        self.match_count += len(matching)
        if page.number == 1:  # a query for several statuses has a first page for each
            if page.total is None or self.total is None:
                self.total = None
            else:
                self.total += page.total
        return matching


LoadedPages = AsyncIterator[tuple[Page, list[TaskRow]]]
"""Each page, and its tasks that match."""


async def tasks(session: Session) -> int:
    """List tasks; the platform applies the part of the filter that it supports."""
    arguments, out = session.arguments, session.out
    task_filter = parse_filter(" ".join([*arguments.filter, arguments.more or ""]).strip())
    await _learn_agents(session)
    context = FilterContext(datetime.now(UTC), session.agents)
    loaded = _LoadedTasks(task_filter.predicate(context))
    async with aclosing(_load_pages(session, _task_query(session, task_filter, context), loaded)) as pages:
        if out.format == "ndjson":
            await _print_ndjson(session, pages)
        else:
            matching = await _read_matching(session, pages)
            if out.format == "json":
                _print_document(session, task_filter, loaded, matching)
            else:
                _print_table(session, matching)
    if any(term.field == "tokens" for term in task_filter.terms):
        out.note("lists do not tell tokens: only tasks that do are found by tokens:")
    _print_counts(session, loaded, is_filtered=bool(task_filter))
    return 0


def _print_counts(session: Session, loaded: _LoadedTasks, *, is_filtered: bool) -> None:
    count, total = len(loaded.ids), loaded.total
    matches = in_all = ""
    if is_filtered:
        matches = f"{loaded.match_count} of "
    if total and total > count:
        in_all = f", {total:,} in all: --all for the rest"
    session.out.note(f"{matches}{count} loaded{in_all}")


async def _learn_agents(session: Session) -> None:
    """Read the names of the agents; print a note when that fails, unless the key is not accepted."""
    try:
        await session.learn_agents()
    except ApiError as error:
        if error.status in {401, 403}:
            raise
        session.out.note(f"the agents' names are not known: {error.message}")


async def _load_pages(
    session: Session, query: TaskQuery, loaded: _LoadedTasks
) -> AsyncGenerator[tuple[Page, list[TaskRow]], None]:
    """Load the pages of the list, without --all only the newest; yield each page and its tasks that match."""
    async with aclosing(session.client.tasks(query)) as pages:
        async for page in pages:
            yield page, loaded.add(page)
            if len(loaded.ids) >= DEFAULT_TASK_LIMIT and not session.arguments.all:
                return


async def _print_ndjson(session: Session, pages: LoadedPages) -> None:
    """Print each matching task as a line of JSON as soon as its page is loaded."""
    async for _, matching in pages:
        for task in matching:
            session.out.json(_task_json(session, task))


async def _read_matching(session: Session, pages: LoadedPages) -> list[TaskRow]:
    """Load all pages, then read the matching tasks that are paused; return each task in its newest version."""
    state = State()
    ids: list[str] = []
    async for page, matching in pages:
        ids += [task.id for task in matching]
        state = state.after([TasksSeen(page.items, session.client.now)])
    state = await _read_waiting(session, state, ids)
    return [task for task in map(state.task, ids) if task]


def _print_document(session: Session, task_filter: Filter, loaded: _LoadedTasks, matching: Sequence[TaskRow]) -> None:
    """Print the matching tasks as one JSON document."""
    items = [_task_json(session, task) for task in matching]
    count, total = len(loaded.ids), loaded.total
    session.out.json({"kind": "tasks", "filter": str(task_filter), "loaded": count, "total": total, "items": items})


def _task_json(session: Session, task: TaskRow) -> dict[str, Any]:
    return task_json(task, task.wait, session.agents.get(task.agent_id))


def _task_query(session: Session, task_filter: Filter, context: FilterContext) -> TaskQuery:
    """Return the query that the platform is asked; flags win over the filter."""
    arguments = session.arguments
    pushed_down = task_filter.pushed_down(context)
    return replace(
        pushed_down,
        agent_id=session.settings["agent"] or pushed_down.agent_id,
        status=tuple(arguments.status or ()) or pushed_down.status,
        user_id=arguments.user,
        parent_task_id=arguments.parent or pushed_down.parent_task_id,
        triggering_agent_id=arguments.triggering_agent,
        internal_status=arguments.internal_status,
    )


async def _read_waiting(session: Session, state: State, ids: list[str]) -> State:
    """Read the records of paused tasks, because the rows of a list do not tell why a task is waiting."""
    semaphore = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)

    async def read(task_id: str) -> TasksSeen:
        async with semaphore:
            asked_at = session.client.now
            try:
                return TasksSeen((await session.client.task(task_id),), asked_at)
            except ApiError:
                return TasksSeen((), asked_at)

    tasks = [task for task in map(state.task, ids) if task]
    paused_ids = [task.id for task in tasks if task.status == Status.PAUSED]
    return state.after(await asyncio.gather(*map(read, paused_ids[:MAX_WAIT_READS])))


def _print_table(session: Session, matching: list[TaskRow]) -> None:
    now = datetime.now(UTC)
    rows = [_task_cells(session, task, now) for task in sorted(matching, key=_sort_key)]
    visible = [
        index
        for index in range(len(TASK_COLUMNS))
        if index < REQUIRED_TASK_COLUMNS or any(_cell_text(row[index]) for row in rows)
    ]
    if rows:
        session.out.table(
            [TASK_COLUMNS[index] for index in visible], [[row[index] for index in visible] for row in rows]
        )


def _task_cells(session: Session, task: TaskRow, now: datetime) -> list[Cell | str]:
    """Return the cells of a task's row, in the order of `TASK_COLUMNS`."""
    out, wait = session.out, task.wait
    status = status_cell(task, wait)
    seconds = waited_or_run_seconds(task, wait, now)
    duration = ""
    if seconds is not None:
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
        Cell(out.safe(task.title or task.name), STRONG if wait else ""),
        out.safe(session.agents.get(task.agent_id) or task.agent_id),
        duration,
        plan,
        tokens,
        Cell(out.when(task.updated_at or task.changed_at), FAINT),
    ]


def _sort_key(task: TaskRow) -> tuple[int, float]:
    """Return a sort key: by group, and tasks that have waited longest first."""
    wait = task.wait
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
