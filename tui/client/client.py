"""The platform client: a method for each operation, sent to the surface that offers it.

The modules of records and logs import pydantic. They are imported by the first answer that needs them, so that the
dashboard's first frame does not wait for pydantic.
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

MAX_PARALLEL_REQUESTS = 4
"""Parallel requests when the task lists of all agents are read."""
MAX_CACHED_PAGES = 16
"""Pages of tasks in the cache: enough for those that are polled again and again."""
T = TypeVar("T")
ParseItem = Callable[[object], Any]
"""Parses the JSON value of one item of a list."""
ParsePage = Callable[[bytes, int], Page | None]
"""Parses the bytes of the page with this number, or returns None if the page must be decoded as a whole."""


class Client:
    """A client of the platform: reads are retried, actions never."""

    def __init__(self, surfaces: Surfaces, transport: PlatformSession, *, read_only: bool = False) -> None:
        self.surfaces = surfaces
        self.transport = transport
        self.read_only = read_only
        self._origins = surfaces.origins
        self._page_cache: dict[tuple[object, ...], tuple[bytes, Page]] = {}
        """The body and the page of recent requests, by URL and parameters, the latest last."""
        transport.origins = lambda: self._origins

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.close()

    @property
    def now(self) -> datetime:
        """The time now by the platform's clock, as its answers give it."""
        return datetime.fromtimestamp(self.transport.clock.time() + self.transport.skew, UTC)

    # Reads

    async def agents(self) -> AsyncGenerator[Page, None]:
        """Yield all agents, page by page."""
        from tui.client.models import Agent

        route, root = self._route(Operation.AGENTS)
        async with aclosing(self._pages(route, root + route.path, {}, Agent.from_value)) as pages:
            async for page in pages:
                yield page

    async def agent(self, agent_id: str) -> Agent:
        """Read an agent's record."""
        from tui.client.models import Agent

        return Agent.from_value(find_record(await self.read(Operation.AGENT, agent=agent_id), "agent", agent_id))

    async def tasks(self, query: TaskQuery | None = None) -> AsyncGenerator[Page, None]:
        """Yield the matching tasks page by page, requesting a page when it is needed; a task may appear twice."""
        query = query or TaskQuery()
        operation = Operation.TASKS
        if query.user_id and not query.agent_id:
            operation = Operation.USER_TASKS
        route, root = self._route(operation)
        for status in query.status or (None,):
            params = query.params(status)
            if route.surface is Surface.REST:
                listing = self._pages(route, root + route.path, params, TaskRow.from_value, task_page)
            elif operation is Operation.USER_TASKS:
                user = params.pop("user_id")
                listing = self._pages(route, root + route.fill(user=user), params, TaskRow.from_value, task_page)
            else:
                listing = self._agent_histories(route, root, params)
            async with aclosing(listing) as pages:
                async for page in pages:
                    yield page

    async def task(self, task_id: str) -> Task:
        """Read a task's own record."""
        return self._learn_organization(_parse_task(await self.read(Operation.TASK, task=task_id), task_id))

    def url_of(self, operation: Operation, **parts: str) -> str:
        """Return the URL of an operation, on the preferred surface that is configured."""
        route, root = self._route(operation)
        return root + route.fill(**parts)

    async def read(self, operation: Operation, **parts: str) -> Any:
        """Read the JSON of an operation's answer, which is not checked yet."""
        return await self.transport.read(self.url_of(operation, **parts))

    async def log(self, task: AnyTask) -> Log:
        """Read the task's activity log; a log that does not exist yet is empty."""
        from tui.client.lazy_log import LargeLog
        from tui.client.log_entries import Log
        from tui.client.log_responses import read_log, read_thread_messages

        route, root = self._route(Operation.LOG)
        is_partial = route.surface is Surface.REST
        decode = None if is_partial else LargeLog.from_bytes
        try:
            url = root + route.fill(agent=task.agent_id, task=task.id)
            body = await self.transport.read(url, decode=decode, is_log=True)
        except NotFound:
            return Log(is_partial=is_partial)
        if is_partial:
            return read_thread_messages(body)
        return await read_log(body, task.id, task.thread_id)

    async def organization(self) -> str:
        """Return the organization's id, learned from the first agent or task if no setting names it."""
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
        """Return the URL of a task's live events."""
        if self.surfaces.controller is None:
            raise NotSupported("live events need the controller, and no address of it is set")
        await self.organization()
        route, root = self._route(Operation.EVENTS)
        return root + route.fill(task=task_id)

    def open_events(self, url: str, last_id: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Open a stream of events, resumed after `last_id` if it is not empty."""
        return self.transport.stream(url, last_id)

    # Actions

    async def create(self, agent_id: str, body: dict[str, Any], *, agent_version: str | None = None) -> Task:
        """Create a task, or continue a thread whose `id` is in the body; return the task as the platform reports it."""
        route, root = self._route(Operation.CREATE)
        url = root + route.fill(agent=agent_id)
        headers = {}
        is_text = isinstance(agent_version, str) or agent_version is None
        if not is_text or (agent_version and not (agent_version.isascii() and agent_version.isprintable())):
            raise BadAddress(f"{agent_version!r} is no version of an agent")
        if agent_version and route.surface is Surface.REST:
            from httpx import URL

            url = str(URL(url).copy_add_param("version", agent_version))
        elif agent_version:
            headers["x-agent-version"] = agent_version
        answer = await self.transport.act("POST", url, {"events_streaming": True, **body}, headers)
        task = _check_agent(_parse_task(answer), agent_id, answer)
        thread_id = body.get("id")
        if thread_id and thread_id not in {task.id, task.thread_id}:
            raise UnexpectedAnswer(f"the platform answered with another thread: {task.thread_id[:80]!r}", body=answer)
        return self._learn_organization(task)

    async def stop(self, task_id: str) -> Task:
        """Ask the platform to stop a task; return the task as the platform reports it."""
        return self._learn_organization(_parse_task(await self._act(Operation.STOP, None, task=task_id), task_id))

    async def approve(self, task_id: str, comment: str | None = None) -> None:
        """Approve the request of a paused workflow."""
        answer = await self._act(Operation.APPROVE, _comment_body(comment), task=task_id)
        _check_decision_answer(answer, task_id)

    async def reject(self, task_id: str, comment: str | None = None) -> None:
        """Reject the request of a paused workflow."""
        answer = await self._act(Operation.REJECT, _comment_body(comment), task=task_id)
        _check_decision_answer(answer, task_id)

    async def answer(self, agent_id: str, conversation: str, decision_id: str, answers: list[dict[str, Any]]) -> None:
        """Answer an agent's questions; the run continues on the platform, nothing is streamed back."""
        body = {"decision_id": decision_id, "answers": answers}
        answer = await self._act(Operation.ANSWER, body, agent=agent_id, conversation=conversation)
        _check_decision_answer(answer, conversation)

    async def confirm(self, agent_id: str, conversation: str, request_id: str, approve: bool) -> None:
        """Confirm or dismiss a confirmation card."""
        body = {"request_id": request_id, "approve": approve}
        answer = await self._act(Operation.CONFIRM, body, agent=agent_id, conversation=conversation)
        _check_decision_answer(answer, conversation)

    async def update(self, task_id: str, changes: dict[str, Any]) -> Task:
        """Update fields of a task's record."""
        return self._learn_organization(_parse_task(await self._act(Operation.UPDATE, changes, task=task_id), task_id))

    async def report(self, agent_id: str, report: dict[str, Any]) -> Task:
        """Report a task that ran elsewhere; return the task as the platform reports it."""
        answer = await self._act(Operation.REPORT, report, agent=agent_id)
        return self._learn_organization(_check_agent(_parse_task(answer), agent_id, answer))

    async def report_metrics(self, agent_id: str, metrics: dict[str, Any]) -> None:
        """Report the metrics of a task that ran elsewhere."""
        answer = await self._act(Operation.METRICS, metrics, agent=agent_id)
        _check_decision_answer(answer, str(metrics["execution_id"]))

    # Helpers

    async def _act(self, operation: Operation, body: Any, **parts: str) -> Any:
        route, root = self._route(operation)
        return await self.transport.act(route.method, root + route.fill(**parts), body)

    def _route(self, operation: Operation) -> tuple[Route, str]:
        """Return the preferred route among the surfaces that are configured, and the root URL of its surface."""
        if self.read_only and operation in ACTION_OPERATIONS:
            raise ReadOnly(f"read-only: {operation} was not sent")
        for route in ROUTES[operation]:
            if root := self.surfaces.root(route.surface):
                return route, root
        wanted = " or ".join(f"the {route.surface} surface" for route in ROUTES[operation])
        raise NotSupported(f"{operation} needs {wanted}, and no address of it is set")

    async def _pages(
        self,
        route: Route,
        url: str,
        params: dict[str, str],
        parse_item: ParseItem,
        parse_page: ParsePage | None = None,
    ) -> AsyncGenerator[Page, None]:
        if route.surface is not Surface.REST:
            yield await self._read_page(url, params, 1, parse_item, parse_page)
            return
        number = 1
        while True:
            page_params = {**params, "page": str(number), "per_page": str(Page.LIMIT)}
            page = await self._read_page(url, page_params, number, parse_item, parse_page)
            yield page
            if not page.items or (page.pages is not None and number >= page.pages):
                return
            number += 1

    async def _read_page(
        self, url: str, params: dict[str, str], number: int, parse_item: ParseItem, parse_page: ParsePage | None
    ) -> Page:
        """Read a page; if its bytes have not changed since the last time, return the page from the cache."""
        request = url, *params.items()
        cached_content, cached_page = self._page_cache.get(request, (None, None))
        content = b""

        def decode(body: bytearray) -> Page | None:
            nonlocal content
            content = bytes(body)
            if content == cached_content:
                return cached_page
            if parse_page is None:
                return None
            return parse_page(content, number)

        body = await self.transport.read(url, params, decode=decode)
        page = self._learn_from_page(_page_from(body, parse_item, number))
        self._page_cache.pop(request, None)
        self._page_cache[request] = content, page
        if len(self._page_cache) > MAX_CACHED_PAGES:
            del self._page_cache[next(iter(self._page_cache))]
        return page

    async def _agent_histories(self, route: Route, root: str, params: dict[str, str]) -> AsyncGenerator[Page, None]:
        """Yield the task history of one agent, or of every agent: a few requests at a time, as their answers arrive."""
        agent_id = params.pop("agent_id", None)
        agent_ids = [agent_id] if agent_id else [agent.id async for page in self.agents() for agent in page.items]
        gate = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)

        async def read_history(agent_id: str) -> Page:
            async with gate:
                url = root + route.fill(agent=agent_id)
                body = await self.transport.read(url, params, decode=lambda content: task_page(bytes(content), 1))
            page = self._learn_from_page(_page_from(body, TaskRow.from_value, 1))
            return replace(page, total=None, pages=None)

        reads = [asyncio.create_task(read_history(agent_id)) for agent_id in agent_ids]
        try:
            for next_page in asyncio.as_completed(reads):
                yield await next_page
        finally:
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    def _learn_organization(self, record: T) -> T:
        """Take the organization's id from a record if it is not known yet; return the record."""
        if self.surfaces.organization is None and (organization := getattr(record, "organization_id", None)):
            self.surfaces = self.surfaces.with_organization(organization)
        return record

    def _learn_from_page(self, page: Page) -> Page:
        for item in page.items[:1]:
            self._learn_organization(item)
        return page


def _page_from(body: object, parse_item: ParseItem, number: int) -> Page:
    """Return the page in a body that may have been decoded to a page already."""
    if isinstance(body, Page):
        return body
    return page_of(body, parse_item, number)


def _comment_body(comment: str | None) -> dict[str, str]:
    if not comment:
        return {}
    return {"comment": comment}


def _check_decision_answer(answer: Any, *ids: str) -> None:
    """Raise UnexpectedAnswer if the answer contradicts the action; its exact form is not documented."""
    if answer is None:
        return
    if not isinstance(answer, dict):
        raise UnexpectedAnswer("the platform's answer says nothing about what was sent", body=answer)
    if "id" in answer:
        find_record(answer, "task", *ids)
    elif message := error_message(answer):
        raise UnexpectedAnswer(f"the platform answered {message!r}", body=answer)
    elif any(answer.get(name) is False for name in ("success", "ok", "approved", "accepted")):
        raise UnexpectedAnswer("the platform answered that it was not done", body=answer)


def _parse_task(body: Any, *ids: str) -> Task:
    from tui.client.models import Task

    return Task.from_value(find_task_record(body, *ids))


def _check_agent(task: Task, agent_id: str, answer: Any) -> Task:
    """Return a task if it belongs to this agent; else raise UnexpectedAnswer."""
    if task.agent_id != agent_id:
        raise UnexpectedAnswer(f"the platform answered with a task of agent {task.agent_id[:80]!r}", body=answer)
    return task
