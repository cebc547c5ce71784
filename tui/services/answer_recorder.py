"""Records the shapes of what the platform answers to each read route; it can send nothing but GET.

The ids that a route needs come from the answers before it. Routes whose answers are known to hold secrets are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct, field

from tui.client.client import Client
from tui.client.endpoints import BadAddress, Route, Surface
from tui.client.errors import ApiError
from tui.client.json_codec import NotJson, loads
from tui.client.json_values import items_of, object_of, text_of
from tui.client.sse import SSEDecoder
from tui.client.task_facts import Status
from tui.domain.answer_shape import shape_of, shape_of_text

MAX_TASKS = 10
"""Tasks that are read, each of another status or kind, and several that are paused."""
MAX_PAUSED_TASKS = 4
"""Paused tasks that are read: a list does not tell why they wait, and the records of all waits differ."""
MAX_EVENTS = 40
"""Events that are recorded of a stream."""
EVENTS_SECONDS = 10.0
"""Seconds for which the events of a stream are recorded."""
PAGE_SIZE = "50"
REFUSED_ENDS = ("/db", "/streaming_spec", "/llm_preflight")
"""The ends of paths whose answers hold secrets: they are never read."""
TOLD_HEADERS = ("content-length", "date", "retry-after", "age")
"""Headers whose values are numbers or times."""
TOLD_HEADER_WORDS = {
    "content-type": ("application/json", "text/event-stream", "text/html", "text/plain", "charset=utf-8", "utf-8"),
    "content-encoding": ("gzip", "br", "zstd", "deflate"),
    "transfer-encoding": ("chunked",),
    "cache-control": ("no-cache", "no-store", "private", "public", "must-revalidate", "max-age=0"),
    "connection": ("keep-alive", "close"),
    "server": ("uvicorn", "nginx", "cloudflare", "envoy", "istio-envoy", "awselb/2.0"),
}
"""Headers with the words in their values that are told; others are masked."""
RATE_LIMIT_PREFIXES = ("x-ratelimit-", "ratelimit-")


class ReadRoute(NamedTuple):
    """A route that is read: its surface, its path with the names of the ids that it needs, and its query."""

    surface: Surface
    path: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        """The route in words, without an id."""
        path = self.path
        if self.query:
            path += "?" + "&".join(name for name, _ in self.query)
        return f"GET {path} ({self.surface})"


_PAGE = (("page", "1"), ("per_page", PAGE_SIZE))
READ_ROUTES = (
    ReadRoute(Surface.REST, "/v1/agents", _PAGE),
    ReadRoute(Surface.CONTROLLER, "/agents/list"),
    ReadRoute(Surface.REST, "/v1/tasks", _PAGE),
    ReadRoute(Surface.REST, "/v1/workflows"),
    ReadRoute(Surface.REST, "/v1/agents/{agent}"),
    ReadRoute(Surface.CONTROLLER, "/agents/{agent}"),
    ReadRoute(Surface.REST, "/v1/agents/{agent}/tasks", _PAGE),
    ReadRoute(Surface.REST, "/v1/agents/{agent}/scheduled-tasks"),
    ReadRoute(Surface.CONTROLLER, "/agent-execution/executions/history/{agent}"),
    ReadRoute(Surface.CONTROLLER, "/agent-execution/executions/history/user/{user}"),
    ReadRoute(Surface.REST, "/v1/workflows/{workflow}"),
    ReadRoute(Surface.REST, "/v1/workflows/{workflow}/nodes"),
    ReadRoute(Surface.REST, "/v1/tasks/{task}"),
    ReadRoute(Surface.CONTROLLER, "/agent-execution/{task}/status"),
    ReadRoute(Surface.CONTROLLER, "/activity/{task_agent}/{task}"),
    ReadRoute(Surface.REST, "/v1/tasks/{task}/thread"),
    ReadRoute(Surface.REST, "/v1/tasks/{task}/thread/full"),
    ReadRoute(Surface.REST, "/v1/agents/{task_agent}/gateway/conversations/{conversation}"),
    ReadRoute(Surface.CONTROLLER, "/agents/{task_agent}/tool-approvals/{request}"),
    ReadRoute(Surface.EVENTS, "/agent-execution/{task}/events"),
)
"""Every route that is read, in an order in which the ids of one come from those before it."""


class RecordedAnswer(Struct, frozen=True):
    """The record of one answer, in which no value is left that could tell of somebody."""

    route: ReadRoute
    status: int | None = None
    """None if no answer came."""
    headers: dict[str, str] = field(default_factory=dict)
    masked_headers: int = 0
    """How many other headers the answer had."""
    size: int = 0
    body: Any = None
    problem: str = ""
    """The kind of error if no answer came, or why the route was not read."""

    @property
    def is_read(self) -> bool:
        """Whether an answer came."""
        return self.status is not None


class AnswerRecorder:
    """Reads the routes one after the other, and takes the ids that the next ones need from the answers."""

    def __init__(self, client: Client, agent_id: str | None = None) -> None:
        self._client = client
        self._agents = list(filter(None, [agent_id]))
        self._users: list[str] = []
        self._workflows: list[str] = []
        self._tasks: dict[str, dict[str, Any]] = {}
        """Rows of tasks that are all of another status or kind, by that."""
        self._requests: dict[str, str] = {}
        """The request of a held call of each task."""

    async def record(self) -> AsyncGenerator[RecordedAnswer, None]:
        """Record each route, some for several tasks; yield each record as it is made."""
        for route in READ_ROUTES:
            is_read = False
            for parts in list(self._choices(route)):
                is_read = True
                yield await self._record_route(route, parts)
            if not is_read:
                yield RecordedAnswer(route, problem="no id is known that it needs")

    def _choices(self, route: ReadRoute) -> Iterator[dict[str, str]]:
        """Yield the ids with which a route is read: of one agent, user and workflow, and of several tasks."""
        if "{task}" in route.path or "{conversation}" in route.path or "{request}" in route.path:
            yield from self._task_choices(route)
            return
        first = {"agent": self._agents[:1], "user": self._users[:1], "workflow": self._workflows[:1]}
        needed = {name: ids for name, ids in first.items() if f"{{{name}}}" in route.path}
        if all(needed.values()):
            yield {name: ids[0] for name, ids in needed.items()}

    def _task_choices(self, route: ReadRoute) -> Iterator[dict[str, str]]:
        rows: Iterable[dict[str, Any]] = self._tasks.values()
        if route.surface is Surface.EVENTS:
            streamed = [row for row in rows if row.get("events_streaming") and row.get("status") == "executing"]
            rows = streamed[:1]
        for row in rows:
            parts = {
                "task": text_of(row.get("id")) or "",
                "task_agent": text_of(row.get("agent_id")) or "",
                "conversation": text_of(row.get("conversation_id")) or "",
                "request": self._requests.get(text_of(row.get("id")) or "", ""),
            }
            needed = {name: part for name, part in parts.items() if f"{{{name}}}" in route.path}
            if all(needed.values()):
                yield needed

    async def _record_route(self, route: ReadRoute, parts: dict[str, str]) -> RecordedAnswer:
        root = self._client.surfaces.root(route.surface)
        if root is None:
            return RecordedAnswer(route, problem="no address of this surface is known")
        try:
            url = root + checked_route(route).fill(**parts)
            if route.surface is Surface.EVENTS:
                return await self._record_events(route, url)
            answer = await self._client.transport.read_raw(url, dict(route.query))
        except BadAddress:
            return RecordedAnswer(route, problem="an id in it cannot be asked for")
        except (ApiError, TimeoutError) as error:
            return RecordedAnswer(route, problem=f"no answer: {type(error).__name__}")
        told, masked = shape_of_headers(answer.headers)
        try:
            body = loads(answer.content)
        except NotJson:
            text = answer.content.decode("utf-8", "replace")
            return RecordedAnswer(
                route, answer.status, told, masked, len(answer.content), shape_of_text(text), "no JSON"
            )
        self._learn(route, parts, body)
        return RecordedAnswer(route, answer.status, told, masked, len(answer.content), shape_of(body))

    async def _record_events(self, route: ReadRoute, url: str) -> RecordedAnswer:
        """Record the first events of a stream: of each frame its name, whether it has an id, and its data."""
        decoder = SSEDecoder()
        frames: list[dict[str, Any]] = []
        size = 0
        async with self._client.open_events(url, "") as response:
            told, masked = shape_of_headers(dict(response.headers))
            with suppress(TimeoutError):
                async with asyncio.timeout(EVENTS_SECONDS):
                    async for chunk in response.aiter_raw():
                        size += len(chunk)
                        frames += [
                            _shape_of_frame(frame.event, frame.id, frame.content) for frame in decoder.feed(chunk)
                        ]
                        if len(frames) >= MAX_EVENTS:
                            break
            return RecordedAnswer(route, response.status_code, told, masked, size, frames[:MAX_EVENTS])

    def _learn(self, route: ReadRoute, parts: dict[str, str], body: Any) -> None:
        """Take the ids from an answer, whatever it holds: of agents, tasks, users, workflows and the organization."""
        rows = [object_of(item) for item in items_of(object_of(body).get("items", body))]
        for row in rows[:1]:
            if self._client.surfaces.organization is None and (organization := text_of(row.get("organization_id"))):
                self._client.surfaces = self._client.surfaces.with_organization(organization)
        ids = [row_id for row in rows if (row_id := text_of(row.get("id")))]
        if route.path in {"/v1/agents", "/agents/list"}:
            self._agents += ids
        elif route.path == "/v1/workflows":
            self._workflows += ids
        elif route.path.endswith(("/tasks", "history/{agent}", "history/user/{user}")):
            self._add_tasks(rows)
        elif route.path.endswith(("/tasks/{task}", "/{task}/status")):
            self._add_record(parts["task"], object_of(body))
        elif route.path.startswith("/activity/"):
            self._add_requests(parts["task"], object_of(body))

    def _add_tasks(self, rows: list[dict[str, Any]]) -> None:
        """Add tasks that are of another status or kind than those before, and the user of the first that has one."""
        for number, row in enumerate(rows):
            status = text_of(row.get("status"))
            kind = f"{status} {row.get('execution_kind')} {bool(row.get('parent_task_id'))}"
            if status == Status.PAUSED:
                kind = f"paused {number % MAX_PAUSED_TASKS}"
            if text_of(row.get("id")) and len(self._tasks) < MAX_TASKS:
                self._tasks.setdefault(kind, row)
        self._users += islice(filter(None, (text_of(row.get("user_id")) for row in rows)), 1)

    def _add_record(self, task_id: str, record: dict[str, Any]) -> None:
        """Add what only a task's own record tells, such as its conversation, to its row."""
        for kind, row in self._tasks.items():
            if row.get("id") == task_id and record.get("id") == task_id:
                self._tasks[kind] = {**row, **record}

    def _add_requests(self, task_id: str, log: dict[str, Any]) -> None:
        """Add the last held call that a task's log names."""
        for entry in map(object_of, items_of(log.get("messages"))):
            if request := text_of(entry.get("approval_request_id")):
                self._requests[task_id] = request


def checked_route(route: ReadRoute) -> Route:
    """Return the route to send; raise BadAddress for one whose answer holds secrets."""
    if route.path.endswith(REFUSED_ENDS):
        raise BadAddress(f"{route.path} is never read: its answer holds secrets")
    return Route(route.surface, "GET", route.path)


def shape_of_headers(headers: dict[str, str]) -> tuple[dict[str, str], int]:
    """Return the headers that are told, with what is known in their values, and the count of all others."""
    told: dict[str, str] = {}
    masked = 0
    for name, value in headers.items():
        lower = name.lower()
        if lower in TOLD_HEADER_WORDS:
            words = {word.strip() for word in value.lower().replace(";", ",").split(",")}
            known = [word for word in TOLD_HEADER_WORDS[lower] if word in words]
            told[lower] = ", ".join([*known, *["<other>"] * len(words.difference(known))])
        elif lower in TOLD_HEADERS or lower.startswith(RATE_LIMIT_PREFIXES):
            told[_rate_limit_name(lower)] = _shape_of_number(value)
        else:
            masked += 1
    return told, masked


def _rate_limit_name(name: str) -> str:
    """Return the name of a header of numbers; what stands behind the prefix of a rate limit is told if it is usual."""
    for prefix in RATE_LIMIT_PREFIXES:
        rest = name.removeprefix(prefix)
        if rest != name and rest not in {"limit", "remaining", "reset", "policy", "used"}:
            return f"{prefix}<other>"
    return name


def _shape_of_number(value: str) -> str:
    """Return a header's value if it is a number or the date of HTTP, else its length."""
    from tui.client.retry import parse_http_date

    if value.isascii() and value.replace(".", "", 1).isdigit():
        return value
    if parse_http_date(value) is not None and len(value) == len("Sun, 29 Nov 2026 06:57:28 GMT"):
        return value
    return f"<text {len(value)}>"


def _shape_of_frame(event: str, frame_id: str, content: bytes) -> dict[str, Any]:
    """Return the shape of a frame of an event stream."""
    try:
        data = shape_of(loads(content))
    except NotJson:
        data = shape_of_text(content.decode("utf-8", "replace"))
    return {"event": shape_of_text(event), "id": shape_of_text(frame_id), "data": data}
