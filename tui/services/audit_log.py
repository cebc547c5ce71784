"""The journal of the operator's actions: JSON lines that are only appended, each with the hash of the line before."""

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
"""The previous hash of the first line."""
MAX_LINE_NUMBER = (1 << 53) - 1
"""The greatest integer that JSON readers keep exact; a greater line number is read as 0."""


class BrokenLine(Struct, frozen=True):
    """A broken or missing line of the journal."""

    line: int
    what: str
    """The fault, in words for the operator."""


class Verification(Struct, frozen=True):
    """The result of a verification."""

    lines: int
    faults: tuple[BrokenLine, ...]


class Journal:
    """The journal file, and a head file with the last line's number and hash, which shows when lines are cut off."""

    def __init__(
        self, path: Path, redactor: Redactor | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.path = path
        self._head_path = path.with_suffix(".head")
        self._runs_directory = path.parent / "runs"
        self._redactor = redactor or Redactor()
        self._now = now

    def write(self, kind: str, **fields: Any) -> None:
        """Write a line with its secrets redacted, and sync it to the disk; if that fails, raise and append nothing.

        A failure to write the head file is ignored: the line is complete without it, and the next line writes the head
        again. Until then `verify` reports that the head is behind.
        """
        run = this_run(self._runs_directory)
        run.acquire()
        fields = {**self._redactor.json(fields), "pid": os.getpid(), "run": run.name}
        with os.fdopen(open_private(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            number, previous_hash, is_cut = _last_line(file)
            line = {"v": 1, "n": number + 1, "at": self._now().isoformat(), "kind": kind, **fields}
            line["before"] = previous_hash
            line["hash"] = _hash(line)
            line_break = b"\n" if is_cut else b""
            _append(file.fileno(), line_break + dumps(line).encode() + b"\n", self.path.parent)
            with suppress(OSError):
                write_private(self._head_path, dumps({"n": line["n"], "hash": line["hash"]}).encode())

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the readable lines."""
        for text in self._content().split(b"\n"):
            if (line := _parse_line(text)) is not None:
                yield line

    def lines_with(self, text: str) -> Iterator[dict[str, Any]]:
        """Yield the readable lines that contain a text, the newest first; the file is read only as far as needed."""
        try:
            descriptor = open_to_read(self.path)
        except FileNotFoundError:
            return
        with os.fdopen(descriptor, "rb") as file:
            for content in _lines_from_end(file):
                if text.encode() in content and (line := _parse_line(content)) is not None:
                    yield line

    def unfinished(self, platform: Collection[str] = ()) -> list[dict[str, Any]]:
        """Return the last line of each unfinished action: one without an end, whose run of xp-tui has ended.

        With the ids of a platform, only actions on that platform are returned, and those that name none.

        A run is alive while its lock is held. Lines that name no run are from versions before runs had names: no lock
        is held for them, so they are returned. Lock files of dead runs are removed.
        """
        runs = {_run_name(line) for line in self._lines_without_end()}
        dead_runs = runs - live_runs(self._runs_directory).keys()
        if not dead_runs:
            return []
        # Read the file again: a run may have written its last lines before it was seen to be dead.
        return [
            line
            for line in self._lines_without_end()
            if _run_name(line) in dead_runs and _is_about_platform(line, platform)
        ]

    def _lines_without_end(self) -> list[dict[str, Any]]:
        """Return the last line of each action that has no line about its end."""
        last_lines: dict[str, dict[str, Any]] = {}
        for line in self.lines():
            action_id = str(line.get("deed"))
            if line.get("kind") in ("held", "sent"):
                last_lines[action_id] = line
            else:
                last_lines.pop(action_id, None)
        return list(last_lines.values())

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Lock the journal exclusively: no other process of this machine can claim a request until the block ends.

        Entering raises BlockingIOError while another process has the lock.
        """
        with os.fdopen(open_private(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def verify(self) -> Verification:
        """Verify the chain of hashes: find lines that were changed, removed or inserted, and lines cut off the end."""
        head_number = self._head_number()  # read before the lines: a line written meanwhile is not missing
        try:
            content = self._content()
        except NotPrivate as error:
            return Verification(0, (BrokenLine(1, str(error)),))
        return _verify_content(content, head_number)

    def _head_number(self) -> int:
        """Return the number of the last line according to the head file; 0 if it cannot be read."""
        try:
            head = _parse_line(read_private(self._head_path))
        except OSError:
            return 0
        return _line_number(head) if head else 0

    def _content(self) -> bytes:
        try:
            return read_private(self.path)
        except FileNotFoundError:
            return b""


BLOCK_BYTES = 1 << 16
"""How many bytes are read at a time from the end of the file."""


def _verify_content(content: bytes, head_number: int) -> Verification:
    """Verify the content of a journal against its chain of hashes, and against the line number in its head file."""
    faults: list[BrokenLine] = []
    previous_hash = FIRST_HASH
    number = line_count = 0
    runs_after_head: list[str] = []
    texts = content.split(b"\n")
    is_cut = bool(texts.pop())
    for position, text in enumerate(texts, 1):
        line = _parse_line(text)
        if line is None:
            faults.append(BrokenLine(position, "it cannot be read: a crash cut it short, or it was changed"))
            continue
        line_count += 1
        if line.get("hash") != _hash(line):
            faults.append(BrokenLine(position, "it was changed"))
        elif line.get("before") != previous_hash or line.get("n") != number + 1:
            faults.append(
                BrokenLine(position, f"it does not follow line {number} of the chain: lines are missing before it")
            )
        previous_hash, number = str(line.get("hash")), _line_number(line)
        if number > head_number:
            runs_after_head.append(_run_name(line))
    if is_cut:
        faults.append(BrokenLine(len(texts) + 1, "the last line is cut short: a crash, while it was being written"))
    if head_number > number:
        faults.append(BrokenLine(len(texts) + 1, f"{head_number - number} lines are missing at the end"))
    # A run that is killed between a line and the head leaves one line after the head. Two lines of one run are a fault.
    lines_behind = len(runs_after_head)
    if len(set(runs_after_head)) < lines_behind:
        words = f"the head is {lines_behind} lines behind: it could not be written, a missing end would not be noticed"
        faults.append(BrokenLine(len(texts), words))
    return Verification(line_count, tuple(faults))


def _append(descriptor: int, content: bytes, directory: Path) -> None:
    """Append content and sync it to the disk; after any exception, cut the file back to its former size."""
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


def _last_line(file: BinaryIO) -> tuple[int, str, bool]:
    """Return the number and the hash of the last readable line, and whether the file ends within a line."""
    texts = _lines_from_end(file)
    is_cut = bool(next(texts))
    for text in texts:
        if (line := _parse_line(text)) is not None:
            return _line_number(line), str(line.get("hash")), is_cut
    return 0, FIRST_HASH, is_cut


def _lines_from_end(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file from its end; the first is the text after the last line break."""
    position = file.seek(0, os.SEEK_END)
    beginning = b""
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        beginning, *texts = (file.read(size) + beginning).split(b"\n")
        yield from reversed(texts)
    yield beginning


def _parse_line(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _line_number(line: dict[str, Any]) -> int:
    number = line.get("n")
    if isinstance(number, int) and 0 <= number <= MAX_LINE_NUMBER:
        return number
    return 0


def _run_name(line: dict[str, Any]) -> str:
    run = line.get("run")
    return run if isinstance(run, str) else ""


def _is_about_platform(line: dict[str, Any], platform: Collection[str]) -> bool:
    """Return whether a line is about a platform, or names none; always true without a platform."""
    line_platform = line.get("platform")
    if not platform or not isinstance(line_platform, list):
        return True
    return not set(platform).isdisjoint(map(str, line_platform))


def _hash(line: dict[str, Any]) -> str:
    import hashlib

    fields = {name: value for name, value in line.items() if name != "hash"}
    return hashlib.sha256(canonical(fields).encode()).hexdigest()
