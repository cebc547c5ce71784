"""Runs the official SDK against the local platform and prints the result of each operation.

python -m tests.interop.run PYTHON_WITH_THE_SDK
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent


@contextlib.contextmanager
def platform(*words: str) -> Iterator[dict[str, str]]:
    """Start a local platform in a process, and yield the environment that leads to it."""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "tui", "local", "--data", data, "--port", "0", "--pace", "20", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
            try:
                yield dict(line.split("=", 1) for line in lines)
            finally:
                process.terminate()


def worker_story(sdk: str, environ: dict[str, str]) -> list[list[str]]:
    """Let a worker register, get a task, report, and finish it."""
    url, headers = environ["XPANDER_BASE_URL"], {"x-api-key": environ["XPANDER_API_KEY"]}
    mine = {**os.environ, **environ, "XPANDER_AGENT_ID": "your-agent"}
    with httpx.Client(base_url=url, headers=headers, timeout=10) as client:
        body = {"input": {"text": "count these four words"}, "events_streaming": True}
        made = client.post("/agent-execution/your-agent", json=body).json()
        with subprocess.Popen([sdk, str(HERE / "worker.py")], env=mine, stderr=subprocess.PIPE, text=True) as worker:
            task: dict[str, Any] = made
            give_up = time.monotonic() + 90
            while task["status"] not in {"completed", "failed", "error"} and time.monotonic() < give_up:
                time.sleep(0.2)
                task = client.get(f"/agent-execution/{made['id']}/status").json()
            time.sleep(1)
            task = client.get(f"/agent-execution/{made['id']}/status").json()
            worker.terminate()
            said = worker.stderr.read() if worker.stderr else ""
        log = client.get(f"/activity/your-agent/{made['id']}").json()["messages"]
    kinds = [entry.get("type") or entry.get("role") or entry.get("tool_name") for entry in log]
    wanted = (task["status"], task["result"], kinds) == (
        "completed", "4 words", ["user", "think", "count_words", "agent"],
    )  # fmt: skip
    tokens = (task["tokens"] or {}).get("total_tokens") or (task["tokens"] or {}).get("prompt_tokens")
    result = f"{task['status']}: {task['result']}; log: {', '.join(map(str, kinds))}; tokens: {tokens}"
    return [["@on_task worker", "Task", result if wanted else f"FAILED: {result}\n{said[-3000:]}"]]


def main(sdk: str) -> int:
    """Print the table, and return 1 if any row failed."""
    with platform("--seed", "interop") as environ:
        client = subprocess.run(
            [sdk, str(HERE / "client.py")], env={**os.environ, **environ}, capture_output=True, text=True
        )
        lines = client.stdout.strip().splitlines()
        rows = json.loads(lines[-1]) if lines else [["start", "", f"FAILED: {client.stderr[-3000:]}"]]
        rows += worker_story(sdk, environ)
    widths = [max(len(row[place]) for row in rows) for place in range(2)]
    for operation, kind, result in rows:
        sys.stdout.write(f"{operation:<{widths[0]}}  {kind:<{widths[1]}}  {result}\n")
    return int(any(result.startswith("FAILED") for _, _, result in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
