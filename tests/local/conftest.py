"""The local platform, served within the test process on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import make_client
from tui.client.client import Client
from tui.local.process import LocalPlatform, Server, ServerOptions, listen

KEY = "xpl-the-key-of-these-tests"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class QuietServer(Server):
    """A server that installs no signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


@dataclass
class Served:
    """A platform that is served on a socket."""

    local: LocalPlatform
    url: str

    def client(self, **more: Any) -> Client:
        """Return a client of the platform."""
        return make_client(self.url, key=KEY, organization="local", **more)

    def http(self, **more: Any) -> httpx.AsyncClient:
        """Return a plain HTTP client of the platform."""
        return httpx.AsyncClient(base_url=self.url, headers={"x-api-key": KEY}, timeout=20, **more)

    async def until(self, task_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until a task has one of these statuses, and return it."""
        async with asyncio.timeout(20):
            while (task := self.local.platform.task(task_id))["status"] not in statuses:
                await self.local.store.change_event(task_id).wait()
        return task

    def log(self, task_id: str) -> list[dict[str, Any]]:
        """Return the activity log of a task."""
        import json

        return [json.loads(entry) for entry in self.local.store.entries(task_id)]

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """Return the events of a task."""
        import json

        return [json.loads(body) for _, body in self.local.store.events_after(task_id, 0, 100_000)]


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def served(path: Path, **wishes: Any) -> AsyncIterator[Served]:
    """Serve a platform."""
    wished = ServerOptions(
        **{"data": path, "pace": 400.0, "seed": "test", "arrivals": False, "history": False, **wishes}
    )
    local = LocalPlatform(wished, path / "platform.db")
    with listen(0) as listener:
        server = QuietServer(local, KEY, wished)
        serving = asyncio.create_task(server.serve([listener]))
        playing = asyncio.create_task(local.runner.run())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        local.set_url(url)
        try:
            yield Served(local, url)
            assert not playing.done() or playing.exception() is None
        finally:
            server.end()
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            await serving
            local.store.close()


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return a function that serves platforms in the folder of this test."""
    return lambda **wishes: served(tmp_path, **wishes)


@pytest.fixture
async def here(serve: Serve) -> AsyncIterator[Served]:
    """An empty and fast platform."""
    async with serve() as platform:
        yield platform
