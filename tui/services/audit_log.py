"""The journal of the operator's actions: JSON lines that are only appended, each with the hash of the line before."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

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


class LastLine(NamedTuple):
    """The last readable line of a journal file: its number and its hash."""

    number: int
    hash: str
    is_file_cut: bool
    """Whether the file ends within a line, which has no line break yet."""


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
            last = _last_line(file)
            line = {"v": 1, "n": last.number + 1, "at": self._now().isoformat(), "kind": kind, **fields}
            line["before"] = last.hash
            line["hash"] = _hash(line)
            end_of_cut_line = b"\n" if last.is_file_cut else b""
            _append(file.fileno(), end_of_cut_line + dumps(line).encode() + b"\n", self.path.parent)
            with suppress(OSError):
                write_private(self._head_path, dumps({"n": line["n"], "hash": line["hash"]}).encode())

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the readable lines."""
        for text in self._content().split(b"\n"):
            line = _parse_line(text)
            if line is not None:
                yield line

    def lines_with(self, text: str) -> Iterator[dict[str, Any]]:
        """Yield the readable lines that contain a text, the newest first; the file is read only as far as needed."""
        try:
            descriptor = open_to_read(self.path)
        except FileNotFoundError:
            return
        searched_bytes = text.encode()
        with os.fdopen(descriptor, "rb") as file:
            for content in _lines_from_end(file):
                if searched_bytes not in content:
                    continue
                line = _parse_line(content)
                if line is not None:
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


class _ChainCheck:
    """Checks the chain of hashes of a journal, line by line."""

    def __init__(self) -> None:
        self.faults: list[BrokenLine] = []
        self.line_count = 0
        """How many readable lines were checked."""
        self.last_number = 0
        self._last_hash = FIRST_HASH

    def check(self, position: int, line: dict[str, Any] | None) -> None:
        """Check that a line is unchanged and follows the one before; None stands for a line that cannot be read."""
        if line is None:
            self.faults.append(BrokenLine(position, "it cannot be read: a crash cut it short, or it was changed"))
            return
        self.line_count += 1
        is_next = line.get("before") == self._last_hash and line.get("n") == self.last_number + 1
        if line.get("hash") != _hash(line):
            self.faults.append(BrokenLine(position, "it was changed"))
        elif not is_next:
            words = f"it does not follow line {self.last_number} of the chain: lines are missing before it"
            self.faults.append(BrokenLine(position, words))
        self._last_hash = str(line.get("hash"))
        self.last_number = _line_number(line)


def _verify_content(content: bytes, head_number: int) -> Verification:
    """Verify the content of a journal against its chain of hashes, and against the line number in its head file."""
    texts = content.split(b"\n")
    is_cut = bool(texts.pop())
    chain = _ChainCheck()
    runs_after_head: list[str] = []
    for position, text in enumerate(texts, 1):
        line = _parse_line(text)
        chain.check(position, line)
        if line is not None and _line_number(line) > head_number:
            runs_after_head.append(_run_name(line))
    faults = chain.faults
    if is_cut:
        faults.append(BrokenLine(len(texts) + 1, "the last line is cut short: a crash, while it was being written"))
    lines_missing = head_number - chain.last_number
    if lines_missing > 0:
        faults.append(BrokenLine(len(texts) + 1, f"{lines_missing} lines are missing at the end"))
    # A run that is killed between a line and the head leaves one line after the head. Two lines of one run are a fault.
    lines_behind = len(runs_after_head)
    if len(set(runs_after_head)) < lines_behind:
        words = f"the head is {lines_behind} lines behind: it could not be written, a missing end would not be noticed"
        faults.append(BrokenLine(len(texts), words))
    return Verification(chain.line_count, tuple(faults))


def _append(descriptor: int, content: bytes, directory: Path) -> None:
    """Append content and sync it to the disk; after any exception, cut the file back to its former size."""
    size_before = os.fstat(descriptor).st_size
    is_new_file = size_before == 0
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
        if is_new_file:
            sync_directory(directory)
    except BaseException:
        with suppress(OSError):
            os.ftruncate(descriptor, size_before)
        raise


def _last_line(file: BinaryIO) -> LastLine:
    """Return the last readable line of a journal file; for an empty file, the line before the first one."""
    texts = _lines_from_end(file)
    text_after_last_break = next(texts)
    is_file_cut = bool(text_after_last_break)
    for text in texts:
        line = _parse_line(text)
        if line is not None:
            return LastLine(_line_number(line), str(line.get("hash")), is_file_cut)
    return LastLine(0, FIRST_HASH, is_file_cut)


def _lines_from_end(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file from its end; the first is the text after the last line break.

    The file is read in blocks. The first text of a block may be the end of a line that begins in the block before, so
    it is kept until that block is read.
    """
    block_start = file.seek(0, os.SEEK_END)
    end_of_line = b""
    while block_start > 0:
        block_bytes = min(BLOCK_BYTES, block_start)
        block_start -= block_bytes
        file.seek(block_start)
        texts = (file.read(block_bytes) + end_of_line).split(b"\n")
        end_of_line = texts[0]
        yield from reversed(texts[1:])
    yield end_of_line


def _parse_line(text: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line; None for anything else."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _line_number(line: dict[str, Any]) -> int:
    """Return the number of a line; 0 if it is not one that the journal writes."""
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
