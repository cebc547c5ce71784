"""A local platform that is started from a command line, for tests."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

import pytest

from tests.cli.conftest import Shell, refuse_screens
from tui.cli.main import run

PLAIN_LOCAL = ("local", "--port", "0", "--no-history", "--no-arrivals")


@dataclass
class StartedPlatform:
    """A platform that was started from a command line; its output is read from `out`."""

    out: TextIO
    stdin: TextIO
    code: asyncio.Future[int]

    async def lines(self, count: int) -> list[str]:
        """Read the next lines of its output."""
        async with asyncio.timeout(20):
            return [(await asyncio.to_thread(self.out.readline)).rstrip("\n") for _ in range(count)]


@asynccontextmanager
async def start_platform(shell: Shell, *words: str) -> AsyncIterator[StartedPlatform]:
    """Start a platform that ends when its standard input is closed."""
    (hold, stdin), (out, told) = os.pipe(), os.pipe()
    with (
        os.fdopen(hold) as held,
        os.fdopen(stdin, "w") as end,
        os.fdopen(out) as read,
        os.fdopen(told, "w") as write,
        ThreadPoolExecutor(1) as pool,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", held)
        patch.setattr(sys, "stdout", write)
        code = asyncio.get_running_loop().run_in_executor(pool, run, [*words, "--end-with-stdin"], refuse_screens)
        one = StartedPlatform(read, end, code)
        try:
            yield one
        finally:
            end.close()
            async with asyncio.timeout(20):
                await one.code
