"""Starts a platform: the database, the agents at work, and the server, until it is told to end."""

from __future__ import annotations

import asyncio
import random
import socket
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import uvicorn

from tui.local import load_fixtures
from tui.local.auth_middleware import ASGIApp, AuthMiddleware
from tui.local.chaos import Chaos, FaultyApp, RateLimitedApp
from tui.local.clock import PlatformClock, format_time
from tui.local.connection import Connection
from tui.local.data_dir import ORGANIZATION, Address, DataDir
from tui.local.database import BadDatabase, explain_error
from tui.local.decisions import Decisions
from tui.local.pruning import Limits, Pruner
from tui.local.request_guard import RequestGuard
from tui.local.routes import build_app
from tui.local.scenario import Scenario, load_scenarios
from tui.local.scenario_runner import ScenarioRunner
from tui.local.sqlite_store import Json, SqliteStore
from tui.local.sse_responses import Streams
from tui.local.task_service import Platform
from tui.local.workers import Workers

DEFAULT_PORT = 7337
"""The port that is taken when it is free and no other is asked for."""
HISTORY_PERIOD = timedelta(days=3)
FIRST_YEAR, LAST_YEAR = 1971, 9000
"""When a platform's time may begin: there is history before it, and work after it."""
REPEAT_SECONDS = 3600.0
"""How long after a sentence the same one is told again."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a platform is to be like."""

    data: Path
    port: int | None = None
    pace: float = 1.0
    seed: str | None = None
    now: datetime | None = None
    arrivals: bool = True
    history: bool = True
    tasks: int = 0
    entries: int = 0
    chaos: Chaos = field(default_factory=Chaos)
    limit: int | None = None
    limits: Limits = field(default_factory=Limits)


class Notices:
    """Sentences for whoever started the platform, each at most once an hour: what goes wrong may do so very often."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told: dict[str, float] = {}

    def tell(self, sentence: str) -> None:
        """Write a sentence, unless it was written lately."""
        now = time.monotonic()
        self._told = {one: at for one, at in self._told.items() if now - at < REPEAT_SECONDS}
        if sentence not in self._told:
            self._told[sentence] = now
            self._write(sentence)


class LocalPlatform:
    """A platform and everything that makes it live."""

    def __init__(
        self,
        wishes: ServerOptions,
        database: Path | str,
        scenarios: tuple[Scenario, ...] | None = None,
        write: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.store = SqliteStore(database)
        self.notices = Notices(write)
        self.timeline = PlatformClock(wishes.now)
        scenarios = load_scenarios() if scenarios is None else scenarios
        is_new = self.store.fact("seed") is None
        seed = wishes.seed or self.store.fact("seed") or f"{random.SystemRandom().getrandbits(64):x}"
        self.platform = Platform(self.store, self.timeline, seed)
        self.decisions = Decisions(self.platform)
        self.workers = Workers(self.platform)
        self.streams = Streams(self.platform)
        begins = self.timeline.start - HISTORY_PERIOD if is_new and wishes.history else self.timeline.start
        self.runner = ScenarioRunner(
            self.platform,
            self.decisions,
            scenarios,
            begins,
            pace=wishes.pace,
            arrivals=wishes.arrivals,
            tell=self.notices.tell,
        )
        self.pruner = Pruner(self.platform, wishes.limits, self.notices.tell)
        self.platform.begun = lambda task: self.workers.begin(task) or self.runner.play(task)
        with self.store.together():
            self.store.set_fact("seed", seed)
            for scenario in scenarios:
                self.store.put_agent(_agent(scenario, format_time(begins)))
            if is_new:
                self._fill(wishes)
            self._mend()

    def _fill(self, wishes: ServerOptions) -> None:
        """What there is at the first start."""
        if wishes.tasks:
            load_fixtures.add_tasks(self.platform, wishes.tasks)
        if wishes.entries:
            load_fixtures.add_entries(self.platform, wishes.entries)
        if wishes.history:
            self.runner.remember(self.timeline.start)

    def _mend(self) -> None:
        """After a crash: go on with what can go on, and say of the rest that it was interrupted."""
        for task_id in self.runner.recover():
            self.platform.change(
                self.platform.task(task_id),
                status="error",
                internal_status="interrupted",
                result="Interrupted: the platform ended while a worker was at it.",
            )

    def app(self, key: str, wishes: ServerOptions) -> ASGIApp:
        """The application with its guard, and with its faults where there are any."""
        tell = self.notices.tell
        routes = build_app(self.platform, self.decisions, self.workers, self.streams, key, tell)
        app: ASGIApp = AuthMiddleware(RequestGuard(routes, tell), key, ORGANIZATION, self.timeline)
        if wishes.limit:
            app = RateLimitedApp(app, wishes.limit)
        if wishes.chaos:
            app = FaultyApp(app, wishes.chaos, self.platform.dice("chaos"))
        return app

    def close(self) -> None:
        """End every stream and channel."""
        self.streams.close()
        self.workers.close()


class Server(uvicorn.Server):
    """A server that ends its streams before it waits for them."""

    def __init__(self, local: LocalPlatform, key: str, wishes: ServerOptions) -> None:
        super().__init__(
            uvicorn.Config(
                local.app(key, wishes),
                http=Connection,
                lifespan="off",
                ws="none",
                access_log=False,
                log_level="critical",  # what goes wrong is told as a sentence, and not as often as it happens
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._local = local

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal."""
        self.end()
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """End soon."""
        self._local.close()
        self.should_exit = True


async def serve(
    wishes: ServerOptions,
    ready: Callable[[Address, Server], None],
    write: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Serve until a signal comes, or until whoever was told that it is ready ends it."""
    home = DataDir(wishes.data)
    with home.taken(), listen(wishes.port) as listener:
        address = Address(f"http://127.0.0.1:{listener.getsockname()[1]}", home.key())
        try:
            local = LocalPlatform(wishes, home.database, write=write)
            local.store.set_fact("url", address.url)
        except sqlite3.Error as error:
            raise BadDatabase(explain_error(error, home.database)) from error
        server = Server(local, address.key, wishes)
        home.announce(address)
        ready(address, server)
        await _work(local, server, listener)


async def _work(local: LocalPlatform, server: Server, listener: socket.socket) -> None:
    """Answer, let the agents work, and remove what is old, until the server is told to end."""
    playing = asyncio.create_task(local.runner.run(), name="agents at work")
    playing.add_done_callback(lambda _: server.end())
    pruning = asyncio.create_task(local.pruner.run(), name="removing old tasks")
    try:
        await server.serve([listener])
    finally:
        playing.cancel()
        pruning.cancel()
        await asyncio.gather(playing, pruning, return_exceptions=True)
        local.store.close()
    if not playing.cancelled() and (error := playing.exception()):
        raise error


def listen(port: int | None) -> socket.socket:
    """A socket on loopback: the port that was asked for, or the usual one, or any."""
    for choice in (DEFAULT_PORT, 0) if port is None else (port,):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else no TCP_NODELAY
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", choice))
            listener.listen(1024)
        except OSError as error:
            listener.close()
            if choice != DEFAULT_PORT or port is not None:
                raise OSError(f"port {choice} cannot be used: {error.strerror}") from error
            continue
        return listener
    raise AssertionError("unreachable")


def _agent(scenario: Scenario, created_at: str) -> Json:
    """An agent's record, with the fields that both surfaces have."""
    agent = scenario.agent
    instructions = {
        "role": agent.get("role", []),
        "goal": agent.get("goal", []),
        "general": agent.get("general", ""),
    }
    return {
        "id": agent["id"], "name": agent["name"], "icon": agent["icon"], "unique_name": agent["id"],
        "description": agent.get("description", ""), "instructions": instructions, "status": "ACTIVE",
        "organization_id": ORGANIZATION, "created_at": created_at, "type": "manager", "framework": "agno",
        "access_scope": "organizational", "created_by": None, "model_provider": "openai", "model_name": "gpt-4.1",
        "llm_api_base": None, "deployment_type": "container", "using_nemo": False, "is_coordinate_mode": False,
        "has_pending_changes": False, "environment_id": ORGANIZATION, "version": 1, "webhook_url": "", "tools": [],
        "graph": [], "knowledge_bases": [], "source_nodes": [], "deep_planning": True, "enforce_deep_planning": False,
        "gated_tools": agent.get("gated_tools", []),
    }  # fmt: skip


def parse_moment(text: str) -> datetime:
    """A moment on the command line."""
    found = datetime.fromisoformat(text)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"--now is a moment between the years {FIRST_YEAR} and {LAST_YEAR}")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
