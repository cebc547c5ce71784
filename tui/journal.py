"""What the operator did: lines of JSON, only ever appended, each holding the hash of the one before."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from tui.api.wirejson import canonical, dumps
from tui.private import open_private, write_private

START = "0" * 64
"""The hash before the first line."""


class Fault(Struct, frozen=True):
    """A line that is not as it was written, or is not there."""

    line: int
    what: str


class Verdict(Struct, frozen=True):
    """What a verification found."""

    lines: int
    faults: tuple[Fault, ...]


class Journal:
    """The journal file, and beside it the head: how far it went, so that a missing end is noticed too."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self._head = path.with_suffix(".head")
        self._now = now

    def write(self, kind: str, **told: Any) -> None:
        """Append a line and see it on the disk before going on."""
        descriptor = open_private(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        with os.fdopen(descriptor, "r+b", buffering=0) as file, _locked(descriptor):
            number, before, is_cut = _end(file.read())
            told = {**told, "pid": os.getpid(), "before": before}
            line = {"v": 1, "n": number + 1, "at": self._now().isoformat(), "kind": kind, **told}
            line["hash"] = _hash(line)
            file.write((b"\n" if is_cut else b"") + dumps(line).encode() + b"\n")
            os.fsync(descriptor)
            write_private(self._head, dumps({"n": line["n"], "hash": line["hash"]}).encode())

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line that can be read."""
        for text in self._content().split(b"\n"):
            if (line := _read(text)) is not None:
                yield line

    def unfinished(self) -> list[dict[str, Any]]:
        """The last line about each deed that has no end, where whoever wrote it is not there any more."""
        found: dict[str, dict[str, Any]] = {}
        for line in self.lines():
            deed = str(line.get("deed"))
            if line.get("kind") in {"held", "sent"}:
                found[deed] = line
            else:
                found.pop(deed, None)
        return [line for line in found.values() if not _is_alive(line.get("pid"))]

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep every other process of this machine from writing that it sends something, until this block is left."""
        descriptor = open_private(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
        try:
            with _locked(descriptor):
                yield
        finally:
            os.close(descriptor)

    def verify(self) -> Verdict:
        """Go through the chain; a line that was changed, taken out or put in is found, and so is a missing end."""
        faults: list[Fault] = []
        before, number, count = START, 0, 0
        texts = self._content().split(b"\n")
        is_cut = bool(texts.pop())
        for place, text in enumerate(texts, 1):
            line = _read(text)
            if line is None:
                faults.append(Fault(place, "it cannot be read: a crash cut it short, or it was changed"))
                continue
            count += 1
            if line.get("hash") != _hash(line):
                faults.append(Fault(place, "it was changed"))
            elif line.get("before") != before or line.get("n") != number + 1:
                faults.append(
                    Fault(place, f"it does not follow line {number} of the chain: lines are missing before it")
                )
            before, number = str(line.get("hash")), _number(line)
        if is_cut:
            faults.append(Fault(len(texts) + 1, "the last line is cut short: a crash, while it was being written"))
        head = _read(self._head.read_bytes()) if self._head.exists() else None
        if head and _number(head) > number:
            faults.append(Fault(len(texts) + 1, f"{_number(head) - number} lines are missing at the end"))
        return Verdict(count, tuple(faults))

    def _content(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""


def _is_alive(pid: object) -> bool:
    """Whether a process is there, other than this one."""
    if not isinstance(pid, int) or pid <= 0 or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _end(content: bytes) -> tuple[int, str, bool]:
    """The number and hash of the last whole line, and whether something unfinished follows it."""
    texts = content.split(b"\n")
    is_cut = bool(texts.pop())
    for text in reversed(texts):
        if (line := _read(text)) is not None:
            return _number(line), str(line.get("hash")), is_cut
    return 0, START, is_cut


def _read(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _number(line: dict[str, Any]) -> int:
    number = line.get("n")
    return number if isinstance(number, int) else 0


def _hash(line: dict[str, Any]) -> str:
    import hashlib

    told = {name: value for name, value in line.items() if name != "hash"}
    return hashlib.sha256(canonical(told).encode()).hexdigest()
