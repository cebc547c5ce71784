"""The client: a method for each thing the platform can do, on whichever of its surfaces offers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec.structs import replace

from tui.client.endpoints import ACTIONS, ROUTES, BadAddress, Operation, Route, Surface, Surfaces
from tui.client.errors import NotFound, NotOffered, NotUnderstood, ReadOnly
from tui.client.lazy_log import LargeLog
from tui.client.log_entries import Entry, Log, Message, entry_of
from tui.client.models import Agent, Page, Task, TaskQuery, page_of
from tui.client.responses import record_in, said_by, task_record_in
from tui.client.session import Transport
from tui.client.wire_model import Record, text_of

if TYPE_CHECKING:
    import httpx

AT_ONCE = 4
"""How many requests of one fan-out are under way at the same time."""
REMEMBERED = 16
"""How many pages of tasks are remembered as they were read last: as many as are read again and again."""
T = TypeVar("T")


class Client:
    """The platform, as a library: reads are tried again, actions never."""

    def __init__(self, surfaces: Surfaces, transport: Transport, *, read_only: bool = False) -> None:
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
        route, root = self._route(Operation.AGENTS)
        async with aclosing(self._pages(route, root + route.path, {}, Agent.of)) as pages:
            async for page in pages:
                yield page

    async def agent(self, agent_id: str) -> Agent:
        """One agent."""
        return Agent.of(record_in(await self._read(Operation.AGENT, agent=agent_id), "agent", agent_id))

    async def tasks(
        self, query: TaskQuery | None = None, *, apart: Callable[[bytearray], Any] | None = None
    ) -> AsyncGenerator[Page, None]:
        """The tasks that match, page by page, each page asked for when it is wanted; a task may come twice.

        A page may be taken apart in another way, where one is given: its rows are for somebody who does not keep them.
        """
        query = query or TaskQuery()
        operation = Operation.USER_TASKS if query.user_id and not query.agent_id else Operation.TASKS
        route, root = self._route(operation)
        read = Task.row if apart is None else Task.of
        for status in query.status or (None,):
            params = query.params(status)
            if route.surface is Surface.REST:
                listing = self._pages(route, root + route.path, params, read, apart)
            elif operation is Operation.USER_TASKS:
                user = params.pop("user_id")
                listing = self._pages(route, root + route.fill(user=user), params, read, apart)
            else:
                listing = self._histories(route, root, params)
            async with aclosing(listing) as pages:
                async for page in pages:
                    yield page

    async def task(self, task_id: str) -> Task:
        """One task's own record."""
        record = task_record_in(await self._read(Operation.TASK, task=task_id), task_id)
        return self._learn(Task.of(record))

    def task_url(self, task_id: str) -> str:
        """Where a task's record is."""
        route, root = self._route(Operation.TASK)
        return root + route.fill(task=task_id)

    async def log(self, task: Task) -> Log:
        """The task's activity log; one that does not exist yet is empty."""
        route, root = self._route(Operation.LOG)
        try:
            url = root + route.fill(agent=task.agent_id, task=task.id)
            read_large = None if route.surface is Surface.REST else LargeLog.of
            body = await self.transport.read(url, apart=read_large, is_log=True)
        except NotFound:
            return Log(is_partial=route.surface is Surface.REST)
        if route.surface is Surface.REST:
            return _log_of_threads(body)
        if isinstance(body, LargeLog):
            record_in({"id": body.thread_id}, "activity log", task.id, task.thread_id)
            return Log(await body.entries())
        messages = record_in(body, "activity log", task.id, task.thread_id).get("messages")
        if not isinstance(messages, list):
            raise NotUnderstood("the platform's answer is no activity log: it has no list of messages", body=body)
        return Log(tuple(entry_of(item) for item in messages))

    async def tool_approval(self, agent_id: str, request_id: str) -> Record:
        """How the approval of a held tool call stands."""
        return Record.of(await self._read(Operation.TOOL_APPROVAL, agent=agent_id, request=request_id))

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
            raise NotOffered("the organization is not known: set XPANDER_ORGANIZATION_ID")
        return self.surfaces.organization

    async def events_url(self, task_id: str) -> str:
        """Where a task's live events are."""
        if self.surfaces.controller is None:
            raise NotOffered("live events need the controller, and no address of it is set")
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
        task = Task.of(task_record_in(answer))
        if task.agent_id != agent_id:
            raise NotUnderstood(f"the platform answered with a task of agent {task.agent_id[:80]!r}", body=answer)
        if (thread := body.get("id")) and thread not in {task.id, task.thread_id}:
            raise NotUnderstood(f"the platform answered with another thread: {task.thread_id[:80]!r}", body=answer)
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
        if self.read_only and operation in ACTIONS:
            raise ReadOnly(f"read-only: {operation} was not sent")
        for route in ROUTES[operation]:
            if root := self.surfaces.root(route.surface):
                return route, root
        wanted = " or ".join(f"the {route.surface} surface" for route in ROUTES[operation])
        raise NotOffered(f"{operation} needs {wanted}, and no address of it is set")

    async def _pages(
        self,
        route: Route,
        url: str,
        params: dict[str, str],
        read: Callable[[object], Any],
        apart: Callable[[bytearray], Any] | None = None,
    ) -> AsyncGenerator[Page, None]:
        if route.surface is not Surface.REST:
            yield await self._page(url, params, read, 1, apart)
            return
        number = 1
        while True:
            asked = {**params, "page": str(number), "per_page": str(Page.LIMIT)}
            page = await self._page(url, asked, read, number, apart)
            yield page
            if not page.items or (page.pages is not None and number >= page.pages):
                return
            number += 1

    async def _page(
        self,
        url: str,
        params: dict[str, str],
        read: Callable[[object], Any],
        number: int,
        apart: Callable[[bytearray], Any] | None,
    ) -> Page:
        """One page; of bytes that are those of the last time it is the same page, and nothing has to be read of it."""
        if apart is not None:
            return self._learn_page(page_of(await self.transport.read(url, params, apart=apart), read, number))
        asked = url, *params.items()
        before, page = self._pages_read.get(asked, (None, None))
        content = b""

        def unless_other(told: bytearray) -> Page | None:
            nonlocal content
            content = bytes(told)
            return page if content == before else None

        body = await self.transport.read(url, params, apart=unless_other)
        if body is not page or page is None:
            page = self._learn_page(page_of(body, read, number))
        self._pages_read.pop(asked, None)
        self._pages_read[asked] = content, page
        if len(self._pages_read) > REMEMBERED:
            del self._pages_read[next(iter(self._pages_read))]
        return page

    async def _histories(self, route: Route, root: str, params: dict[str, str]) -> AsyncGenerator[Page, None]:
        """The tasks of one agent, or of each agent in turn of arrival, a few at a time."""
        agent_id = params.pop("agent_id", None)
        agents = [agent_id] if agent_id else [agent.id async for page in self.agents() for agent in page.items]
        gate = asyncio.Semaphore(AT_ONCE)

        async def history(agent: str) -> Page:
            async with gate:
                body = await self.transport.read(root + route.fill(agent=agent), params)
            return replace(self._learn_page(page_of(body, Task.row, 1)), total=None, pages=None)

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
        return self._learn(Task.of(task_record_in(body, task_id)))


def _check_decision_answer(answer: Any, *ids: str) -> None:
    """Raise NotUnderstood for an answer that cannot be one to a decision; which it is otherwise is not documented."""
    if answer is None:
        return
    if not isinstance(answer, dict):
        raise NotUnderstood("the platform's answer says nothing about the decision", body=answer)
    if "id" in answer:
        record_in(answer, "task", *ids)
    elif said := said_by(answer):
        raise NotUnderstood(f"the platform answered {said!r}", body=answer)
    elif any(answer.get(name) is False for name in ("success", "ok", "approved", "accepted")):
        raise NotUnderstood("the platform answered that it was not done", body=answer)


def _log_of_threads(body: Any) -> Log:
    """The public surface's messages, as a log that is known to lack everything else."""
    if not isinstance(body, dict) or not isinstance(body.get("root"), list):
        raise NotUnderstood("the platform's answer holds no thread of messages", body=body)
    threads = body
    told = {
        name: tuple(_message(item) for item in messages)
        for name, messages in threads.items()
        if isinstance(messages, list)
    }
    return Log(told.pop("root", ()), told, is_partial=True)


def _message(item: object) -> Entry:
    """A message of the public surface; its `assistant` is the log's `agent`."""
    if not isinstance(item, dict):
        return entry_of(item)
    role = {"assistant": "agent"}.get(text_of(item.get("role")) or "", item.get("role"))
    return Message.of({**item, "role": role})
