"""Runs a local platform in this process: its database, its agents at work, and its HTTP server on loopback."""

from __future__ import annotations

import asyncio
import random
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from tui.local import load_fixtures
from tui.local.agent_records import agent_record
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
"""The port that is tried first if none is given; if it is taken, any free one is used."""
HISTORY_PERIOD = timedelta(days=3)
"""How far back the invented history of a new platform goes."""
FIRST_YEAR = 1971
LAST_YEAR = 9000
"""Years in which a platform's clock may start: history before it and work after it must be possible dates."""
NOTICE_INTERVAL_SECONDS = 3600.0
"""Seconds before the same notice is written again."""
MAX_PENDING_CONNECTIONS = 1024
"""Connections that the operating system keeps until the server accepts them."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of a platform's server, as the arguments of `xp-tui local` give them."""

    data: Path
    port: int | None = None
    pace: float = 1.0
    """How many times as fast as usual the agents work."""
    seed: str | None = None
    now: datetime | None = None
    arrivals: bool = True
    """Whether new tasks arrive by themselves."""
    history: bool = True
    tasks: int = 0
    """How many tasks a new database is filled with, for load tests."""
    entries: int = 0
    """How many entries the log of one of its tasks has."""
    chaos: Chaos = field(default_factory=Chaos)
    requests_per_minute: int | None = None
    pruning_limits: Limits = field(default_factory=Limits)


class Notices:
    """Notices for the operator; each is written at most once an hour, because an error may occur very often."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._written_at: dict[str, float] = {}

    def notify(self, notice: str) -> None:
        """Notify the operator, unless the same notice was written within the last hour."""
        now = time.monotonic()
        self._written_at = {text: at for text, at in self._written_at.items() if now - at < NOTICE_INTERVAL_SECONDS}
        if notice not in self._written_at:
            self._written_at[notice] = now
            self._write(notice)


class LocalPlatform:
    """A local platform with all its parts: store, agents, workers, streams and pruning."""

    def __init__(
        self,
        options: ServerOptions,
        database: Path | str,
        scenarios: tuple[Scenario, ...] | None = None,
        write: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Create the parts; fill a new database, and recover what ran when an existing one was left."""
        if scenarios is None:
            scenarios = load_scenarios()
        self.notices = Notices(write)
        self.clock = PlatformClock(options.now)
        self.store = SqliteStore(database)
        with ExitStack() as undo:
            undo.callback(self.store.close)
            self._create_parts(options, scenarios)
            undo.pop_all()

    def _create_parts(self, options: ServerOptions, scenarios: tuple[Scenario, ...]) -> None:
        """Create the parts that work on the store; fill a new database, and recover what ran."""
        is_new = self.store.fact("seed") is None
        seed = options.seed or self.store.fact("seed") or _random_seed()
        self.platform = Platform(self.store, self.clock, seed)
        self.decisions = Decisions(self.platform)
        self.workers = Workers(self.platform)
        self.streams = Streams(self.platform)
        history_start = self.clock.start
        if is_new and options.history:
            history_start -= HISTORY_PERIOD
        self.runner = ScenarioRunner(
            self.platform,
            self.decisions,
            scenarios,
            history_start,
            pace=options.pace,
            arrivals=options.arrivals,
            notify=self.notices.notify,
        )
        self.pruner = Pruner(self.platform, options.pruning_limits, self.notices.notify)
        self.platform.on_created = self._start_task
        with self.store.transaction():
            self.store.set_fact("seed", seed)
            self._put_agents(scenarios, format_time(history_start))
            if is_new:
                self._add_first_tasks(options)
        self._try_to_carry_over(self._recover)

    def _try_to_carry_over(self, step: Callable[[], None]) -> None:
        """Carry something over from the last run; where the database is damaged, go on with what can be read."""
        notify = self.notices.notify
        try:
            with self.store.transaction():
                step()
        except sqlite3.DatabaseError as error:
            notify(f"not all that ran before goes on: {self.store.explain(error)}")

    def _put_agents(self, scenarios: tuple[Scenario, ...], created_at: str) -> None:
        """Insert the agent of each scenario, or replace it by its newest version."""
        for scenario in scenarios:
            self.store.put_agent(agent_record(scenario, created_at))

    def set_url(self, url: str) -> None:
        """Set the address at which the platform is reached now; sign-ins that wait move to it."""
        self.store.set_fact("url", url)
        self._try_to_carry_over(partial(self.decisions.move_sign_ins, url))

    def _start_task(self, task: Json) -> Json | None:
        """Start a new task: hand it to a connected worker of its agent, else let the scenario play it."""
        return self.workers.assign(task) or self.runner.plan_run(task)

    def _add_first_tasks(self, options: ServerOptions) -> None:
        """Add the tasks of a new platform: fixtures for load tests, and the history."""
        if options.tasks:
            load_fixtures.add_tasks(self.platform, options.tasks)
        if options.entries:
            load_fixtures.add_entries(self.platform, options.entries)
        if options.history:
            self.runner.play_history(self.clock.start)

    def _recover(self) -> None:
        """Recover what ran when the platform ended: continue scenarios, and mark tasks of workers as interrupted."""
        interrupted_ids = self.runner.recover()
        for task_id in interrupted_ids:
            self.platform.change(
                self.platform.task(task_id),
                status="error",
                internal_status="interrupted",
                result="Interrupted: the platform ended while a worker was at it.",
            )

    def app(self, key: str, options: ServerOptions) -> ASGIApp:
        """Return the ASGI app in its middleware: from outside in faults, rate limit, authentication, request checks."""
        notify = self.notices.notify
        routes = build_app(self.platform, self.decisions, self.workers, self.streams, key, notify)
        app: ASGIApp = AuthMiddleware(RequestGuard(routes, notify), key, ORGANIZATION, self.clock)
        if options.requests_per_minute:
            app = RateLimitedApp(app, options.requests_per_minute)
        if options.chaos:
            app = FaultyApp(app, options.chaos, self.platform.rng("chaos"))
        return app

    def close(self) -> None:
        """Close every stream and every worker's channel."""
        self.streams.close()
        self.workers.close()


class Server(uvicorn.Server):
    """A uvicorn server that closes its streams before it waits for open connections."""

    def __init__(self, local: LocalPlatform, key: str, options: ServerOptions) -> None:
        """Create the server of a platform; it writes no log, as only notices are for the operator."""
        super().__init__(
            uvicorn.Config(
                local.app(key, options),
                http=Connection,
                lifespan="off",
                ws="none",
                access_log=False,
                log_level="critical",  # errors are reported as notices, each at most once an hour
                date_header=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._local = local

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal to exit (called by uvicorn)."""
        super().handle_exit(sig, frame)  # first: once `should_exit` is set, it takes Ctrl+C for the second one
        self.end()

    def end(self) -> None:
        """Make the server end soon."""
        self._local.close()
        self.should_exit = True


async def serve(
    options: ServerOptions,
    on_ready: Callable[[Address, Server], None],
    write: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Serve a platform until a signal arrives or the `on_ready` callback's caller calls `server.end()`."""
    data_dir = DataDir(options.data)
    with data_dir.server_lock(), listen(options.port) as listener, ExitStack() as opened:
        address = Address(f"http://127.0.0.1:{listener.getsockname()[1]}", data_dir.key())
        try:
            local = LocalPlatform(options, data_dir.database, write=write)
            opened.callback(local.store.close)
            local.set_url(address.url)
        except sqlite3.Error as error:
            raise BadDatabase(explain_error(error, data_dir.database)) from error
        server = Server(local, address.key, options)
        data_dir.announce(address)
        on_ready(address, server)
        await _run(local, server, listener)


async def _run(local: LocalPlatform, server: Server, listener: socket.socket) -> None:
    """Run the server, the agents and the pruning until the server ends."""
    agents = asyncio.create_task(local.runner.run(), name="agents at work")
    agents.add_done_callback(lambda _: server.end())
    pruning = asyncio.create_task(local.pruner.run(), name="removing old tasks")
    try:
        await server.serve([listener])
    finally:
        agents.cancel()
        pruning.cancel()
        await asyncio.gather(agents, pruning, return_exceptions=True)
    error = None if agents.cancelled() else agents.exception()
    if error is not None:
        raise error


def listen(port: int | None) -> socket.socket:
    """Return a socket that listens on loopback: on the given port, else on the default one, else on any free one."""
    if port is not None:
        return _listen_on(port)
    try:
        return _listen_on(DEFAULT_PORT)
    except OSError:
        return _listen_on(0)


def _listen_on(port: int) -> socket.socket:
    """Return a socket that listens on this port of loopback, or on any free one if the port is 0."""
    # asyncio sets TCP_NODELAY only on a socket with an explicit protocol; without it small events are delayed.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(MAX_PENDING_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise OSError(f"port {port} cannot be used: {error.strerror}") from error
    return listener


def _random_seed() -> str:
    return f"{random.SystemRandom().getrandbits(64):x}"


def parse_start_time(text: str) -> datetime:
    """Parse the time at which a platform's clock starts; without a time zone it is in UTC."""
    moment = datetime.fromisoformat(text)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"--now is a moment between the years {FIRST_YEAR} and {LAST_YEAR}")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
