"""The functions to start with: connect to the platform, list tasks, follow a task."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeAlias

from tui.client.client import Client
from tui.client.endpoints import BadAddress, surfaces_of
from tui.client.errors import ApiError
from tui.client.event_stream import MAX_WITHHELD_SECONDS, EventStream, Link, LinkState, StreamItem, StreamOpened
from tui.client.events import END_EVENTS, Event
from tui.client.secret import Secret
from tui.client.session import PlatformSession
from tui.client.task_rows import TaskQuery, TaskRow

LAST_EVENTS_SECONDS = MAX_WITHHELD_SECONDS + 2.0
"""After a task has ended, its events are complete once none has come for this long."""
TRUE_TEXTS = frozenset({"true", "1", "yes", "on"})
"""Values of an environment variable that switch an option on."""
FinishedStream: TypeAlias = "asyncio.Task[ApiError | BadAddress | None]"
"""The asyncio task that has run a stream to its end; its result is the error that has ended the stream."""


def connect(
    key: str,
    *,
    base_url: str | None = None,
    api_url: str | None = None,
    organization: str | None = None,
    staging: bool = False,
    read_only: bool = False,
) -> Client:
    """Return a client that connects to the platform; use it with `async with`, which closes its connections.

    Without an address, connect to the vendor's cloud. Raise ValueError for an argument that cannot be used.
    """
    if not (key and key.isascii() and key.isprintable()):
        raise ValueError("the API key is empty, or has characters that no key has")
    surfaces = surfaces_of(base_url, api_url, organization, staging=staging)
    session = PlatformSession(Secret(key), origins=frozenset)  # no origin gets the key until the client names some
    session.check_network(surfaces.origins)
    return Client(surfaces, session, read_only=read_only)


def connect_from_environment(*, read_only: bool = False) -> Client:
    """Return a client that connects to the platform named by the environment variables of the vendor's SDK."""
    environ = {name: value.strip() for name, value in os.environ.items()}
    if not environ.get("XPANDER_API_KEY"):
        raise ValueError("no API key is set: set XPANDER_API_KEY")
    return connect(
        environ["XPANDER_API_KEY"],
        base_url=environ.get("XPANDER_BASE_URL"),
        api_url=environ.get("XPANDER_API_URL"),
        organization=environ.get("XPANDER_ORGANIZATION_ID") or None,
        staging=environ.get("IS_STG", "").lower() in TRUE_TEXTS,
        read_only=read_only,
    )


async def list_tasks(client: Client, *, status: str | None = None, agent_id: str | None = None) -> list[TaskRow]:
    """Return the matching tasks, without duplicates; for very many tasks, read page by page with `client.tasks`."""
    query = TaskQuery(agent_id=agent_id, status=(status,) if status else ())
    tasks: dict[str, TaskRow] = {}
    async with aclosing(client.tasks(query)) as pages:
        async for page in pages:
            for task in page.items:
                tasks.setdefault(task.id, task)
    return list(tasks.values())


async def follow(client: Client, task_id: str) -> AsyncGenerator[Event, None]:
    """Follow a task: yield each of its events once, across reconnections, until the task has ended.

    Events that the caller has not read yet are buffered without a limit. Raise ApiError when the platform ends the
    stream with an error. A caller that stops early must close the generator, best with `contextlib.aclosing`:
    this closes the connection as well.
    """
    items: asyncio.Queue[StreamItem | FinishedStream] = asyncio.Queue()
    stream = EventStream(client, task_id, clock=client.transport.clock)
    stream_task = asyncio.create_task(stream.run(items.put_nowait), name=f"follow {task_id}")
    stream_task.add_done_callback(items.put_nowait)  # the last item is the finished stream itself
    has_ended = False
    try:
        while True:
            match await _next_item(items, LAST_EVENTS_SECONDS if has_ended else None):
                case Event() as event:
                    yield event
                    if event.type in END_EVENTS:
                        has_ended = (await client.task(task_id)).is_final
                case StreamOpened():
                    has_ended = (await client.task(task_id)).is_final
                case Link(state=LinkState.RECONNECTING) if has_ended:
                    return
                case asyncio.Task() as finished_stream:
                    _raise_error_of(finished_stream)
                    return
                case None:  # the task has ended, and its last events have come
                    return
    finally:
        stream_task.cancel()
        await asyncio.gather(stream_task, return_exceptions=True)


async def _next_item(
    items: asyncio.Queue[StreamItem | FinishedStream], timeout: float | None
) -> StreamItem | FinishedStream | None:
    """Return the next item, or None after `timeout` seconds without one."""
    try:
        async with asyncio.timeout(timeout):
            return await items.get()
    except TimeoutError:
        return None


def _raise_error_of(finished_stream: FinishedStream) -> None:
    """Raise the error that has ended a stream, if there is one."""
    error = finished_stream.result()
    if error is not None:
        raise error
