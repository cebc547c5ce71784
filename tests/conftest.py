"""Fixtures that the tests share: a platform over real HTTP, its clients, and a fast clock."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.wire.platform import KEY, Platform
from tests.wire.server import Server
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.retry import Backoff
from tui.client.secret import Secret
from tui.client.session import PlatformSession
from tui.local.data_dir import ORGANIZATION as ORG

# Under nohup or behind `&` these signals are ignored, also in the processes that a test starts and sends them to.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> Any:
    """Load test data by name."""
    return json.loads((CASES / f"{name}.json").read_text())


@dataclass
class FastClock:
    """A clock that runs faster than the real one by a factor, and records its sleeps."""

    factor: float = 200.0
    slept: list[float] = field(default_factory=list)
    jump: float = 0.0
    """Seconds that the wall clock has jumped ahead."""
    start: float = field(default_factory=time.time)
    begun: float = field(default_factory=time.monotonic)

    def time(self) -> float:
        return self.start + (time.monotonic() - self.begun) * self.factor + self.jump

    def monotonic(self) -> float:
        return time.monotonic() * self.factor

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds / self.factor)


def make_client(
    url: str, *, rest: bool = True, controller: bool = True, key: str = KEY, read_only: bool = False, **more: Any
) -> Client:
    """Return a client of a test server."""
    surfaces = Surfaces(url if controller else None, url if rest else None, more.pop("organization", ORG))
    more.setdefault("clock", FastClock())
    more.setdefault("backoff", Backoff(rng=random.Random(1)))
    return Client(surfaces, PlatformSession(Secret(key), frozenset, **more), read_only=read_only)


class RecordTried(Protocol):
    """Records how many attempts a test made, for the table at the end."""

    def __call__(self, promise: str, tried: float, words: str = "") -> None: ...


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was promised, how often it was tried, and the result."""
    rows: dict[str, tuple[float, str]] = {}
    for report in terminalreporter.getreports("passed"):
        for promise, (tried, words) in getattr(report, "user_properties", ()):
            rows[promise] = rows.get(promise, (0, ""))[0] + tried, words
    failed = [report.nodeid for report in terminalreporter.getreports("failed") if "trust" in report.nodeid]
    if rows:
        terminalreporter.section("promised, tried, survived")
    for promise, (tried, words) in sorted(rows.items()):
        terminalreporter.line(f"{promise:<88} {tried:>10,.0f}  all  {words}".rstrip())
    for name in failed:
        terminalreporter.line(f"{name:<88}          ?  NOT")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests, unless they are asked for."""
    if os.environ.get("XP_LONG"):
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
    items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture
def record_tried(record_property: Callable[[str, object], None]) -> RecordTried:
    """Record how many attempts a promise has passed."""
    return lambda promise, tried, words="": record_property(promise, (tried, words))


@pytest.fixture(scope="session", autouse=True)
def measure_processes() -> Iterator[None]:
    """Measure the coverage of processes that tests start with a bare environment, under `make cover`."""
    start: Any = subprocess.Popen.__init__
    told = {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_PROCESS_")}

    def start_measured(self: subprocess.Popen[Any], *words: Any, env: Any = None, **more: Any) -> None:
        start(self, *words, env=env and {**env, **told}, **more)

    with pytest.MonkeyPatch.context() as patch:
        if told:
            patch.setattr(subprocess.Popen, "__init__", start_measured)
        yield


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform with two agents."""
    with closing(Platform()) as made:
        made.agent("a1", "Invoice bot")
        made.agent("a2", "Release bot")
        yield made


@pytest.fixture
async def server(platform: Platform) -> AsyncIterator[Server]:
    """The platform on a socket."""
    async with Server(platform.handle) as served:
        yield served


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """A client of the platform."""
    async with make_client(server.url) as made:
        yield made


@pytest.fixture(autouse=True)
def unfreeze_collector() -> Iterator[None]:
    """Let the garbage collector see objects that a dashboard froze, so that unclosed resources are found."""
    yield
    gc.unfreeze()
