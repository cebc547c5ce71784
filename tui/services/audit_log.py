"""What the operator did: lines of JSON, only ever appended, each holding the hash of the one before."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from tui.client.json_codec import canonical, dumps
from tui.security.redact import Redactor
from tui.storage.private_files import (
    NotPrivate,
    open_private,
    open_to_read,
    read_private,
    sync_directory,
    write_all,
    write_private,
)
from tui.storage.run_lock import live_runs, this_run

FIRST_HASH = "0" * 64
"""The hash before the first line."""


class BrokenLine(Struct, frozen=True):
    """A line that is not as it was written, or is not there."""

    line: int
    what: str


class Verification(Struct, frozen=True):
    """What a verification found."""

    lines: int
    faults: tuple[BrokenLine, ...]


class Journal:
    """The journal file, and beside it the head: how far it went, so that a missing end is noticed too."""

    def __init__(
        self, path: Path, redactor: Redactor | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.path = path
        self._head = path.with_suffix(".head")
        self._runs = path.parent / "runs"
        self._redactor = redactor or Redactor()
        self._now = now

    def write(self, kind: str, **told: Any) -> None:
        """Append a line with its secrets masked; it is whole on the disk, or this raises and it is not there.

        A head that cannot be written is no failure: the line stands and is true, the next line writes the head again,
        and until then `verify` tells that the head is behind.
        """
        run = this_run(self._runs)
        run.acquire()
        told = {**self._redactor.json(told), "pid": os.getpid(), "run": run.name}
        with os.fdopen(open_private(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            number, before, is_cut = _end(file)
            line = {"v": 1, "n": number + 1, "at": self._now().isoformat(), "kind": kind, **told, "before": before}
            line["hash"] = _hash(line)
            _append(file.fileno(), (b"\n" if is_cut else b"") + dumps(line).encode() + b"\n", self.path.parent)
            with suppress(OSError):
                write_private(self._head, dumps({"n": line["n"], "hash": line["hash"]}).encode())

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line that can be read."""
        for text in self._content().split(b"\n"):
            if (line := _read(text)) is not None:
                yield line

    def lines_with(self, text: str) -> Iterator[dict[str, Any]]:
        """Every line that can be read and has this text, the newest first; no more is read than is looked at."""
        try:
            descriptor = open_to_read(self.path)
        except FileNotFoundError:
            return
        with os.fdopen(descriptor, "rb") as file:
            for content in _texts_from_the_end(file):
                if text.encode() in content and (line := _read(content)) is not None:
                    yield line

    def unfinished(self, platform: Collection[str] = ()) -> list[dict[str, Any]]:
        """The last line about each deed that has no end and was written by a run that lives no more.

        Where the addresses of a platform are given, only what is about that platform, or says nothing of one.

        A run lives while its lock is held. A line without a run is from before runs were named: nobody holds a lock for
        it, so it is told once. Lock files of dead runs are removed.
        """
        runs = {_run(line) for line in self._without_end()}
        ended = runs - live_runs(self._runs).keys()
        if not ended:
            return []
        # Read again: all that a run wrote before it ended is in the file only once it was seen to have ended.
        return [line for line in self._without_end() if _run(line) in ended and _is_about(line, platform)]

    def _without_end(self) -> list[dict[str, Any]]:
        """The last line about each deed whose end was not written."""
        found: dict[str, dict[str, Any]] = {}
        for line in self.lines():
            action = str(line.get("deed"))
            if line.get("kind") in ("held", "sent"):
                found[action] = line
            else:
                found.pop(action, None)
        return list(found.values())

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep every other process of this machine from writing that it sends something, until this block is left.

        While another process does so, BlockingIOError is raised.
        """
        with os.fdopen(open_private(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def verify(self) -> Verification:
        """Go through the chain; a line that was changed, taken out or put in is found, and so is a missing end."""
        in_head = self._number_in_head()  # before the lines: what is written meanwhile is in them, and not in the head
        try:
            content = self._content()
        except NotPrivate as error:
            return Verification(0, (BrokenLine(1, str(error)),))
        return _verified(content, in_head)

    def _number_in_head(self) -> int:
        """The number of the last line as the head tells it; 0 where it cannot be read."""
        try:
            head = _read(read_private(self._head))
        except OSError:
            return 0
        return _number(head) if head else 0

    def _content(self) -> bytes:
        try:
            return read_private(self.path)
        except FileNotFoundError:
            return b""


BLOCK_BYTES = 1 << 16
"""How much is read at once from the end of the file."""


def _verified(content: bytes, in_head: int) -> Verification:
    """Compare the lines of a journal with their chain, and with the number in its head."""
    faults: list[BrokenLine] = []
    before, number, count = FIRST_HASH, 0, 0
    runs_after_head: list[str] = []
    texts = content.split(b"\n")
    is_cut = bool(texts.pop())
    for place, text in enumerate(texts, 1):
        line = _read(text)
        if line is None:
            faults.append(BrokenLine(place, "it cannot be read: a crash cut it short, or it was changed"))
            continue
        count += 1
        if line.get("hash") != _hash(line):
            faults.append(BrokenLine(place, "it was changed"))
        elif line.get("before") != before or line.get("n") != number + 1:
            faults.append(
                BrokenLine(place, f"it does not follow line {number} of the chain: lines are missing before it")
            )
        before, number = str(line.get("hash")), _number(line)
        if number > in_head:
            runs_after_head.append(_run(line))
    if is_cut:
        faults.append(BrokenLine(len(texts) + 1, "the last line is cut short: a crash, while it was being written"))
    if in_head > number:
        faults.append(BrokenLine(len(texts) + 1, f"{in_head - number} lines are missing at the end"))
    behind = len(runs_after_head)
    if len(set(runs_after_head)) < behind:  # a run may be killed between a line and the head, and writes no more then
        words = f"the head is {behind} lines behind: it could not be written, a missing end would not be noticed"
        faults.append(BrokenLine(len(texts), words))
    return Verification(count, tuple(faults))


def _append(descriptor: int, content: bytes, directory: Path) -> None:
    """Append the content and see it on the disk; whatever interrupts this, the file is cut back to what it was."""
    size = os.fstat(descriptor).st_size
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
        if size == 0:
            sync_directory(directory)
    except BaseException:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _end(file: BinaryIO) -> tuple[int, str, bool]:
    """The number and hash of the last whole line, and whether something unfinished follows it."""
    texts = _texts_from_the_end(file)
    is_cut = bool(next(texts))
    for text in texts:
        if (line := _read(text)) is not None:
            return _number(line), str(line.get("hash")), is_cut
    return 0, FIRST_HASH, is_cut


def _texts_from_the_end(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file from its end; the first is what follows the last line break."""
    place = file.seek(0, os.SEEK_END)
    rest = b""
    while place > 0:
        size = min(BLOCK_BYTES, place)
        place -= size
        file.seek(place)
        rest, *texts = (file.read(size) + rest).split(b"\n")
        yield from reversed(texts)
    yield rest


def _read(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _number(line: dict[str, Any]) -> int:
    number = line.get("n")
    return number if isinstance(number, int) and 0 <= number < 1 << 53 else 0


def _run(line: dict[str, Any]) -> str:
    run = line.get("run")
    return run if isinstance(run, str) else ""


def _is_about(line: dict[str, Any], platform: Collection[str]) -> bool:
    told = line.get("platform")
    return not platform or not isinstance(told, list) or not set(platform).isdisjoint(map(str, told))


def _hash(line: dict[str, Any]) -> str:
    import hashlib

    told = {name: value for name, value in line.items() if name != "hash"}
    return hashlib.sha256(canonical(told).encode()).hexdigest()
