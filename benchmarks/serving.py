"""A platform in a process of its own that answers from memory, as fast or as evenly as it is asked to.

python -m benchmarks.serving '{"count": 1000, "rate": 200}'
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.events import LOREM, SHAPES, entry

KEY = "key-of-the-benchmarks-0123456789"
ORGANIZATION = "bench"
PER_PAGE = 50
ROOT = Path(__file__).parents[1]
PIECE = 16_384
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be served."""

    count: int = 0
    """Events of each stream."""
    shape: str = "mixed"
    rate: float = 0.0
    """Events a second of each stream, each sent by itself; 0 is as fast as it goes."""
    piece: int = 0
    """Bytes of an HTTP chunk; 0 is one event a chunk."""
    delay: float = 0.0
    """Seconds from the opening of a stream to its first event."""
    is_tls: bool = False
    tasks: int = 1
    status: str = "executing"
    entries: int = 0
    """Of each log, about a kilobyte each; 0 is a handful whose every line can be told apart."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where it is served, and what has signed its certificate."""

    url: str
    ca: str

    @property
    def environ(self) -> dict[str, str]:
        """What points the command at it."""
        return {
            "XPANDER_BASE_URL": self.url,
            "XPANDER_API_URL": self.url,
            "XPANDER_ORGANIZATION_ID": ORGANIZATION,
            "XPANDER_API_KEY": KEY,
            **({"SSL_CERT_FILE": self.ca} if self.ca else {}),
        }


@contextmanager
def served(**wanted: Any) -> Iterator[Address]:
    """Serve while this lasts."""
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "benchmarks.serving", json.dumps(asdict(Wanted(**wanted))), place]
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as process:
            assert process.stdout
            try:
                yield Address(**json.loads(process.stdout.readline()))
            finally:
                process.kill()


def task(number: int, status: str, *, is_whole: bool = False) -> dict[str, Any]:
    """A task, as a row of a list or as its own record."""
    moment = f"2026-11-{1 + number // 1440 % 20:02}T{number // 60 % 24:02}:{number % 60:02}:07.{number % 1000:03}Z"
    end = None if status in {"executing", "pending", "paused"} else moment
    row = {
        "id": f"t{number}",
        "agent_id": f"a{number % 7}",
        "organization_id": ORGANIZATION,
        "status": status,
        "title": f"Check invoice {number} against its order",
        "created_at": moment,
        "updated_at": moment,
        "started_at": moment,
        "finished_at": end,
        "result": None if end is None else LOREM[: 20 + number % 80],
        "parent_execution": None,
        "user_id": f"u{number % 40}",
        "source": "api",
        "internal_status": None,
        "events_streaming": True,
        "execution_kind": "turn",
        "llm_model_provider": "openai",
        "llm_model_name": "gpt-4.1",
    }
    return {**row, "input": {"text": f"Check invoice {number}", "files": []}} if is_whole else row


class Platform:
    """Everything that is served, rendered before anybody asks."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        frames = SHAPES[wanted.shape](wanted.count)
        if wanted.piece:
            whole = b"".join(frames)
            frames = [whole[begin : begin + wanted.piece] for begin in range(0, len(whole), wanted.piece)]
        self.chunks = [b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames]
        agents = [{"id": f"a{n}", "name": f"Agent {n}", "organization_id": ORGANIZATION} for n in range(7)]
        self.agents = _answer(_page(agents, 1, len(agents)))
        rows = [task(number, wanted.status) for number in range(wanted.tasks)]
        starts = range(0, max(wanted.tasks, 1), PER_PAGE)
        self.pages = [
            _answer(_page(rows[start : start + PER_PAGE], place, wanted.tasks)) for place, start in enumerate(starts, 1)
        ]
        self.none = _answer(_page([], 1, 0))
        entries = [
            {
                "id": f"m{n}",
                "created_at": f"2026-11-21T09:00:{n:02}Z",
                "role": "agent",
                "content": {"text": f"{LOREM}{LOREM}\n\nentry-{n:02}-is-shown"},
            }
            for n in range(20)
        ]
        if wanted.entries:
            entries = [entry(number) for number in range(wanted.entries)]
        self.entries = entries
        self.logs: dict[str, bytes] = {}

    def serve(self, connection: socket.socket) -> None:
        """Answer on one connection until it is closed."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest = b""
        with suppress(OSError), connection:
            while True:
                while b"\r\n\r\n" not in rest:
                    if not (got := connection.recv(65_536)):
                        return
                    rest += got
                head, _, rest = rest.partition(b"\r\n\r\n")
                path, _, query = head.split(b" ", 2)[1].decode().partition("?")
                if path.endswith("/events"):
                    self._stream(connection)
                    return
                connection.sendall(self._found(path, query))

    def _found(self, path: str, query: str) -> bytes:
        asked = dict(pair.partition("=")[::2] for pair in query.split("&"))
        last = path.rsplit("/", 1)[-1]
        if path.endswith("/tasks"):
            if asked.get("status", self.wanted.status) != self.wanted.status:
                return self.none
            return self.pages[min(int(asked.get("page", 1)), len(self.pages)) - 1]
        if last in {"agents", "list"}:
            return self.agents
        if "/activity/" in path:
            if last not in self.logs:
                told = {"id": last, "created_at": "2026-11-21T09:00:00Z", "messages": self.entries}
                self.logs[last] = _answer(told)
            return self.logs[last]
        name = path.rsplit("/", 2)[-2] if last == "status" else last
        number = int(name[1:]) if name[1:].isdigit() else 0
        return _answer(task(number, self.wanted.status, is_whole=True) | {"id": name})

    def _stream(self, connection: socket.socket) -> None:
        extra = b"Transfer-Encoding: chunked\r\n"
        connection.sendall(HEAD % (b"text/event-stream", extra))
        time.sleep(self.wanted.delay)
        if self.wanted.rate:
            begun = time.perf_counter()
            for number, chunk in enumerate(self.chunks):
                if (pause := begun + number / self.wanted.rate - time.perf_counter()) > 0:
                    time.sleep(pause)
                connection.sendall(chunk)
        else:
            whole = memoryview(b"".join(self.chunks))
            for begin in range(0, len(whole), 4 * PIECE):
                connection.sendall(whole[begin : begin + 4 * PIECE])
        while connection.recv(65_536):  # it stays open until the reader goes
            pass


def _page(items: list[dict[str, Any]], number: int, total: int) -> dict[str, Any]:
    pages = max(-(-total // PER_PAGE), 1)
    return {"items": items, "total": total, "total_pages": pages, "page": number, "per_page": PER_PAGE}


def _answer(body: Any) -> bytes:
    content = json.dumps(body).encode()
    return HEAD % (b"application/json", b"Content-Length: %d\r\n" % len(content)) + content


def certified(authority: Path) -> ssl.SSLContext:
    """A certificate of this machine, signed by an authority made for this run."""
    import trustme

    made = trustme.CA()
    made.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def main() -> None:
    """Serve until standard input is closed."""
    wanted = Wanted(**json.loads(sys.argv[1]))
    platform, authority = Platform(wanted), Path(sys.argv[2]) / "ca.pem"
    context = certified(authority) if wanted.is_tls else None
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    scheme, ca = ("https", str(authority)) if context else ("http", "")
    told = {"url": f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", "ca": ca}
    print(json.dumps(told), flush=True)

    def answer(connection: socket.socket) -> None:
        with suppress(OSError):
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            platform.serve(connection)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
