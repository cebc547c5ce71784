"""The functions that a program begins with: connect to the platform, list tasks, follow a task."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from tui.client.client import Client
from tui.client.endpoints import surfaces_of
from tui.client.event_stream import MAX_WITHHELD_SECONDS, EventStream, Link, LinkState, StreamItem, StreamOpened
from tui.client.events import END_EVENTS, Event
from tui.client.secret import Secret
from tui.client.session import PlatformSession
from tui.client.task_rows import TaskQuery, TaskRow

LAST_EVENTS_SECONDS = MAX_WITHHELD_SECONDS + 2.0
"""How long nothing has to come of a task that has ended before its events are taken to be complete."""
TRUE = frozenset({"true", "1", "yes", "on"})
"""Values of an environment variable that switch something on."""


def connect(
    key: str,
    *,
    base_url: str | None = None,
    api_url: str | None = None,
    organization: str | None = None,
    staging: bool = False,
    read_only: bool = False,
) -> Client:
    """Return a client that connects to the platform; used with `async with`, it closes its connections at the end.

    Without an address it is the vendor's cloud. A ValueError says which argument cannot be used, and why.
    """
    if not (key and key.isascii() and key.isprintable()):
        raise ValueError("the API key is empty, or has characters that no key has")
    surfaces = surfaces_of(base_url, api_url, organization, staging=staging)
    transport = PlatformSession(Secret(key), frozenset)
    transport.check_network(surfaces.origins)
    return Client(surfaces, transport, read_only=read_only)


def connect_from_environment(*, read_only: bool = False) -> Client:
    """Return a client that connects to the platform which the environment variables of the vendor's SDK name."""
    environ = {name: value.strip() for name, value in os.environ.items()}
    if not environ.get("XPANDER_API_KEY"):
        raise ValueError("no API key is set: set XPANDER_API_KEY")
    return connect(
        environ["XPANDER_API_KEY"],
        base_url=environ.get("XPANDER_BASE_URL"),
        api_url=environ.get("XPANDER_API_URL"),
        organization=environ.get("XPANDER_ORGANIZATION_ID") or None,
        staging=environ.get("IS_STG", "").lower() in TRUE,
        read_only=read_only,
    )


async def list_tasks(client: Client, *, status: str | None = None, agent_id: str | None = None) -> list[TaskRow]:
    """Return the tasks that match, each once; of very many tasks, `client.tasks` gives one page after the other."""
    query = TaskQuery(agent_id=agent_id, status=(status,) if status else ())
    tasks: dict[str, TaskRow] = {}
    async with aclosing(client.tasks(query)) as pages:
        async for page in pages:
            for task in page.items:
                tasks.setdefault(task.id, task)
    return list(tasks.values())


async def follow(client: Client, task_id: str) -> AsyncGenerator[Event, None]:
    """Follow a task: yield its events as they happen, each once, across reconnections, until the task has ended.

    Events wait in memory until they are taken. An ApiError says why the platform gives no more of them. Whoever breaks
    off early closes the iterator with `contextlib.aclosing`, and the connection with it.
    """
    items: asyncio.Queue[StreamItem | asyncio.Task[object]] = asyncio.Queue()
    stream = EventStream(client, task_id, clock=client.transport.clock)
    listening = asyncio.create_task(stream.run(items.put_nowait), name=f"follow {task_id}")
    listening.add_done_callback(items.put_nowait)  # the end of the stream is its last item
    has_ended = False
    try:
        while (item := await _next_item(items, LAST_EVENTS_SECONDS if has_ended else None)) is not None:
            match item:
                case Event():
                    yield item
                    if item.type in END_EVENTS:
                        has_ended = (await client.task(task_id)).is_final
                case StreamOpened():
                    has_ended = (await client.task(task_id)).is_final
                case Link(state=LinkState.RECONNECTING) if has_ended:
                    return
                case asyncio.Task():
                    if error := item.result():
                        raise error
                    return
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _next_item(items: asyncio.Queue[StreamItem | asyncio.Task[object]], seconds: float | None) -> object:
    """Return the next item, or None when none has come for so long."""
    try:
        async with asyncio.timeout(seconds):
            return await items.get()
    except TimeoutError:
        return None
