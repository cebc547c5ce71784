"""The command as a separate process, connected to the platform of a test."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from tests.wire.platform import KEY, Platform
from tests.wire.server import Server


def add_approval_task(platform: Platform, content: Any = "pay 1,204 EUR") -> None:
    """Add a task that waits for an approval."""
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n1", "content": content})


async def start_command(server: Server, home: Path, *words: str, **more: Any) -> asyncio.subprocess.Process:
    """Start the command as a process, connected to the platform of a test."""
    environ = {
        "HOME": str(home), "PATH": os.environ["PATH"], "XPANDER_API_KEY": KEY,
        "XPANDER_BASE_URL": server.url, "XPANDER_API_URL": server.url,
    }  # fmt: skip
    environ |= more.pop("environ", {})
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, **more}
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tui", *words, env=environ, **pipes)


async def run_command(server: Server, home: Path, *words: str, **more: Any) -> tuple[int | None, str, str]:
    """Run the command as a process; return its exit code and its output on the streams that are pipes."""
    job = await start_command(server, home, *words, **more)
    async with asyncio.timeout(30):
        out, told = await job.communicate()
    return job.returncode, (out or b"").decode(), (told or b"").decode()
