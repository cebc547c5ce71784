"""The client: a method for each thing the platform can do, on whichever of its surfaces offers it.

The modules of the records and logs import pydantic; they are imported by the first answer that needs them, so that
the first frame does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec.structs import replace

from tui.client.endpoints import ACTION_OPERATIONS, ROUTES, BadAddress, Operation, Route, Surface, Surfaces
from tui.client.errors import NotFound, NotSupported, ReadOnly, UnexpectedAnswer
from tui.client.responses import error_message, find_record, find_task_record
from tui.client.session import PlatformSession
from tui.client.task_rows import AnyTask, Page, TaskQuery, TaskRow, page_of, task_page

if TYPE_CHECKING:
    import httpx

    from tui.client.log_entries import Log
    from tui.client.models import Agent, Task
    from tui.client.wire_model import WireModel

MAX_PARALLEL_REQUESTS = 4
"""How many requests of one fan-out are under way at the same time."""
MAX_CACHED_PAGES = 16
"""How many pages of tasks are remembered as they were read last: as many as are read again and again."""
T = TypeVar("T")
ReadItem = Callable[[object], Any]
"""Makes an item of a list of a JSON value."""
SplitPage = Callable[[bytes, int], Page | None]
"""Reads a page, of which the number is given, of its bytes; None where it has to be decoded as a whole."""


class Client:
    """The platform, as a library: reads are tried again, actions never."""

    def __init__(self, surfaces: Surfaces, transport: PlatformSession, *, read_only: bool = False) -> None:
        self.surfaces = surfaces
        self.transport = transport
        self.read_only = read_only
        self._origins = surfaces.origins
        self._pages_read: dict[tuple[object, ...], tuple[bytes, Page]] = {}
        """The pages that were read last, the latest at the end, each with the bytes that it was read from."""
        transport.origins = lambda: self._origins

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.close()

    @property
    def now(self) -> datetime:
        """The moment by the platform's clock, as far as its answers have told it."""
        return datetime.fromtimestamp(self.transport.clock.time() + self.transport.skew, UTC)

    # Reading

    async def agents(self) -> AsyncGenerator[Page, None]:
        """All agents, page by page."""
        from tui.client.models import Agent

        route, root = self._route(Operation.AGENTS)
        async with aclosing(self._pages(route, root + route.path, {}, Agent.from_value)) as pages:
            async for page in pages:
                yield page

    async def agent(self, agent_id: str) -> Agent:
        """One agent."""
        from tui.client.models import Agent

        return Agent.from_value(find_record(await self._read(Operation.AGENT, agent=agent_id), "agent", agent_id))

    async def tasks(self, query: TaskQuery | None = None) -> AsyncGenerator[Page, None]:
        """The tasks that match, page by page, each page asked for when it is wanted; a task may come twice."""
        query = query or TaskQuery()
        operation = Operation.USER_TASKS if query.user_id and not query.agent_id else Operation.TASKS
        route, root = self._route(operation)
        for status in query.status or (None,):
            params = query.params(status)
            if route.surface is Surface.REST:
                listing = self._pages(route, root + route.path, params, TaskRow.from_value, task_page)
            elif operation is Operation.USER_TASKS:
                user = params.pop("user_id")
                listing = self._pages(route, root + route.fill(user=user), params, TaskRow.from_value, task_page)
            else:
                listing = self._histories(route, root, params)
            async with aclosing(listing) as pages:
                async for page in pages:
                    yield page

    async def task(self, task_id: str) -> Task:
        """One task's own record."""
        return self._task(await self._read(Operation.TASK, task=task_id), task_id)

    def task_url(self, task_id: str) -> str:
        """Where a task's record is."""
        route, root = self._route(Operation.TASK)
        return root + route.fill(task=task_id)

    async def log(self, task: AnyTask) -> Log:
        """The task's activity log; one that does not exist yet is empty."""
        from tui.client.lazy_log import LargeLog
        from tui.client.log_entries import Log
        from tui.client.log_responses import read_log, read_thread_messages

        route, root = self._route(Operation.LOG)
        is_partial = route.surface is Surface.REST
        try:
            url = root + route.fill(agent=task.agent_id, task=task.id)
            body = await self.transport.read(url, apart=None if is_partial else LargeLog.from_bytes, is_log=True)
        except NotFound:
            return Log(is_partial=is_partial)
        return read_thread_messages(body) if is_partial else await read_log(body, task.id, task.thread_id)

    async def tool_approval(self, agent_id: str, request_id: str) -> WireModel:
        """How the approval of a held tool call stands."""
        from tui.client.wire_model import WireModel

        return WireModel.from_value(await self._read(Operation.TOOL_APPROVAL, agent=agent_id, request=request_id))

    async def organization(self) -> str:
        """The organization, learned from the first agent or task when nothing names it."""
        if self.surfaces.organization is None:
            async for page in self.agents():
                if page.items:
                    break
        if self.surfaces.organization is None:
            async for page in self.tasks():
                if page.items:
                    break
        if self.surfaces.organization is None:
            raise NotSupported("the organization is not known: set XPANDER_ORGANIZATION_ID")
        return self.surfaces.organization

    async def events_url(self, task_id: str) -> str:
        """Where a task's live events are."""
        if self.surfaces.controller is None:
            raise NotSupported("live events need the controller, and no address of it is set")
        await self.organization()
        route, root = self._route(Operation.EVENTS)
        return root + route.fill(task=task_id)

    def open_events(self, url: str, last_id: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Open a stream of events."""
        return self.transport.stream(url, last_id)

    # Acting

    async def create(self, agent_id: str, body: dict[str, Any], *, agent_version: str | None = None) -> Task:
        """Start a task, or with an `id` in the body, continue its thread; the answer is what the platform claims."""
        route, root = self._route(Operation.CREATE)
        url = root + route.fill(agent=agent_id)
        headers = {}
        if agent_version and not (agent_version.isascii() and agent_version.isprintable()):
            raise BadAddress(f"{agent_version!r} is no version of an agent")
        if agent_version and route.surface is Surface.REST:
            from httpx import URL

            url = str(URL(url).copy_add_param("version", agent_version))
        elif agent_version:
            headers["x-agent-version"] = agent_version
        answer = await self.transport.act("POST", url, {"events_streaming": True, **body}, headers)
        task = _task_in(answer)
        if task.agent_id != agent_id:
            raise UnexpectedAnswer(f"the platform answered with a task of agent {task.agent_id[:80]!r}", body=answer)
        if (thread := body.get("id")) and thread not in {task.id, task.thread_id}:
            raise UnexpectedAnswer(f"the platform answered with another thread: {task.thread_id[:80]!r}", body=answer)
        return self._learn(task)

    async def stop(self, task_id: str) -> Task:
        """Ask the platform to stop a task; the answer is the task as the platform claims it then is."""
        return self._task(await self._act(Operation.STOP, None, task=task_id), task_id)

    async def approve(self, task_id: str, comment: str | None = None) -> None:
        """Approve what a workflow waits for."""
        answer = await self._act(Operation.APPROVE, {"comment": comment} if comment else {}, task=task_id)
        _check_decision_answer(answer, task_id)

    async def reject(self, task_id: str, comment: str | None = None) -> None:
        """Reject what a workflow waits for."""
        answer = await self._act(Operation.REJECT, {"comment": comment} if comment else {}, task=task_id)
        _check_decision_answer(answer, task_id)

    async def answer(self, agent_id: str, conversation: str, decision_id: str, answers: list[dict[str, Any]]) -> None:
        """Answer an agent's questions; the run goes on without a reader."""
        body = {"decision_id": decision_id, "answers": answers}
        answer = await self._act(Operation.ANSWER, body, agent=agent_id, conversation=conversation)
        _check_decision_answer(answer, conversation)

    async def confirm(self, agent_id: str, conversation: str, request_id: str, approve: bool) -> None:
        """Confirm or dismiss a card."""
        body = {"request_id": request_id, "approve": approve}
        answer = await self._act(Operation.CONFIRM, body, agent=agent_id, conversation=conversation)
        _check_decision_answer(answer, conversation)

    async def update(self, task_id: str, changes: dict[str, Any]) -> Task:
        """Change fields of a task's record."""
        return self._task(await self._act(Operation.UPDATE, changes, task=task_id), task_id)

    # Inside

    async def _read(self, operation: Operation, **parts: str) -> Any:
        route, root = self._route(operation)
        return await self.transport.read(root + route.fill(**parts))

    async def _act(self, operation: Operation, body: Any, **parts: str) -> Any:
        route, root = self._route(operation)
        return await self.transport.act(route.method, root + route.fill(**parts), body)

    def _route(self, operation: Operation) -> tuple[Route, str]:
        """The preferred route of those whose surface is there."""
        if self.read_only and operation in ACTION_OPERATIONS:
            raise ReadOnly(f"read-only: {operation} was not sent")
        for route in ROUTES[operation]:
            if root := self.surfaces.root(route.surface):
                return route, root
        wanted = " or ".join(f"the {route.surface} surface" for route in ROUTES[operation])
        raise NotSupported(f"{operation} needs {wanted}, and no address of it is set")

    async def _pages(
        self, route: Route, url: str, params: dict[str, str], read: ReadItem, split: SplitPage | None = None
    ) -> AsyncGenerator[Page, None]:
        if route.surface is not Surface.REST:
            yield await self._page(url, params, 1, read, split)
            return
        number = 1
        while True:
            asked = {**params, "page": str(number), "per_page": str(Page.LIMIT)}
            page = await self._page(url, asked, number, read, split)
            yield page
            if not page.items or (page.pages is not None and number >= page.pages):
                return
            number += 1

    async def _page(
        self, url: str, params: dict[str, str], number: int, read: ReadItem, split: SplitPage | None
    ) -> Page:
        """One page; of bytes that are those of the last time it is the same page, and nothing has to be read of it."""
        asked = url, *params.items()
        before, known_page = self._pages_read.get(asked, (None, None))
        content = b""

        def read_bytes(told: bytearray) -> Page | None:
            nonlocal content
            content = bytes(told)
            if content == before:
                return known_page
            return split(content, number) if split else None

        body = await self.transport.read(url, params, apart=read_bytes)
        page = body if isinstance(body, Page) else page_of(body, read, number)
        self._learn_page(page)
        self._pages_read.pop(asked, None)
        self._pages_read[asked] = content, page
        if len(self._pages_read) > MAX_CACHED_PAGES:
            del self._pages_read[next(iter(self._pages_read))]
        return page

    async def _histories(self, route: Route, root: str, params: dict[str, str]) -> AsyncGenerator[Page, None]:
        """The tasks of one agent, or of each agent in turn of arrival, a few at a time."""
        agent_id = params.pop("agent_id", None)
        agents = [agent_id] if agent_id else [agent.id async for page in self.agents() for agent in page.items]
        gate = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)

        async def history(agent: str) -> Page:
            async with gate:
                url = root + route.fill(agent=agent)
                body = await self.transport.read(url, params, apart=lambda content: task_page(bytes(content), 1))
            page = body if isinstance(body, Page) else page_of(body, TaskRow.from_value, 1)
            return replace(self._learn_page(page), total=None, pages=None)

        jobs = [asyncio.create_task(history(agent)) for agent in agents]
        try:
            for job in asyncio.as_completed(jobs):
                yield await job
        finally:
            for task in jobs:
                task.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    def _learn(self, record: T) -> T:
        """Take the organization from a row, when nothing has named it."""
        if self.surfaces.organization is None and (told := getattr(record, "organization_id", None)):
            self.surfaces = self.surfaces.within(told)
        return record

    def _learn_page(self, page: Page) -> Page:
        for item in page.items[:1]:
            self._learn(item)
        return page

    def _task(self, body: Any, task_id: str) -> Task:
        return self._learn(_task_in(body, task_id))


def _check_decision_answer(answer: Any, *ids: str) -> None:
    """Raise NotUnderstood for an answer that cannot be one to a decision; which it is otherwise is not documented."""
    if answer is None:
        return
    if not isinstance(answer, dict):
        raise UnexpectedAnswer("the platform's answer says nothing about the decision", body=answer)
    if "id" in answer:
        find_record(answer, "task", *ids)
    elif said := error_message(answer):
        raise UnexpectedAnswer(f"the platform answered {said!r}", body=answer)
    elif any(answer.get(name) is False for name in ("success", "ok", "approved", "accepted")):
        raise UnexpectedAnswer("the platform answered that it was not done", body=answer)


def _task_in(body: Any, *ids: str) -> Task:
    """Return the task in an answer."""
    from tui.client.models import Task

    return Task.from_value(find_task_record(body, *ids))
