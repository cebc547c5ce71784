"""Kills the local platform with SIGKILL repeatedly while it works, and looks for lost data.

python -m tests.local.crash [ROUNDS]
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx


@contextmanager
def platform(data: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Start a platform in a process that is killed at the end."""
    words = ["--data", str(data), "--port", "0", "--seed", "crash", "--pace", "20", "--no-history"]
    command = [sys.executable, "-m", "tui", "local", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
        environ = dict(line.split("=", 1) for line in lines)
        headers = {"x-api-key": environ["XPANDER_API_KEY"]}
        with httpx.Client(base_url=environ["XPANDER_BASE_URL"], headers=headers, timeout=10) as http:
            try:
                yield process, http
            finally:
                process.kill()


def work(http: httpx.Client, number: int, told: dict[str, list[int]], acknowledged: threading.Semaphore) -> None:
    """Create tasks and push events until the platform is gone, and record what it acknowledged."""
    try:
        while True:
            body = {"input": {"text": f"round {number}"}, "events_streaming": True}
            task_id = http.post("/agent-execution/your-agent", json=body).json()["id"]
            told[task_id] = []
            for event in range(20):
                pushed = [{"type": "process_update", "data": {"number": event}}]
                http.post(f"/agent-execution/{task_id}/events/push", json=pushed).raise_for_status()
                told[task_id].append(event)
                acknowledged.release()
    except httpx.HTTPError:
        return


def missing(data: Path, told: dict[str, list[int]]) -> list[str]:
    """Return what was acknowledged and is missing."""
    import json
    import sqlite3

    lost = []
    with sqlite3.connect(data / "platform.db") as db:
        found: dict[str, list[Any]] = {}
        for task_id, number, body in db.execute("SELECT task_id, number, body FROM events ORDER BY task_id, number"):
            events = found.setdefault(task_id, [])
            events.append(json.loads(body))
            if number != len(events):
                lost.append(f"{task_id}: number {number} is out of order")
        for task_id, numbers in told.items():
            there = [event["data"]["number"] for event in found.get(task_id, ()) if event["type"] == "process_update"]
            if there[: len(numbers)] != numbers:
                lost.append(f"{task_id}: {len(numbers)} acknowledged, {len(there)} there")
        for task_id, status in db.execute("SELECT id, status FROM tasks"):
            ends = [event["type"] for event in found.get(task_id, ())].count("task_finished")
            if ends != (status in {"completed", "failed", "error", "stopped"}):
                lost.append(f"{task_id} is {status} and has {ends} ends")
    db.close()
    return lost


def rounds(count: int, data: Path) -> tuple[int, list[str]]:
    """Kill the platform this often; return how many events were acknowledged, and what was lost."""
    dice = random.Random(count)
    told: dict[str, list[int]] = {}
    for number in range(count):
        with platform(data) as (process, http):
            acknowledged = threading.Semaphore(0)
            worker = threading.Thread(target=work, args=(http, number, told, acknowledged))
            worker.start()
            for _ in range(dice.randint(1, 40)):
                if not acknowledged.acquire(timeout=20):
                    raise TimeoutError("nothing is acknowledged any more")
            worker.join(dice.uniform(0, 0.02))  # anywhere in what comes next
            process.kill()
            worker.join()
    return sum(map(len, told.values())), missing(data, told)


def main(count: int) -> int:
    """Print the result."""
    with tempfile.TemporaryDirectory() as data:
        acknowledged, lost = rounds(count, Path(data))
    sys.stdout.write(f"{count} kills, {acknowledged} events acknowledged, {len(lost)} faults\n")
    sys.stdout.write("".join(f"{fault}\n" for fault in lost))
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
