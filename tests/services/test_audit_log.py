"""Journal: whole lines or none, unfinished actions of killed runs, masked text, and the faults that verifying finds."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.storage.misplaced import every_kind, put_in_place, without_waiting
from tui.security.redact import Redactor
from tui.services.audit_log import BrokenLine, Journal, Verification
from tui.storage.json_store import Drafts, JsonStore
from tui.storage.private_files import (
    NotPrivate,
    problem_with_directory,
    read_private,
    write_private,
)
from tui.storage.run_lock import live_runs, new_run_name


def written(journal: Journal, *actions: tuple[str, str]) -> None:
    """Write a line for each of these steps."""
    for kind, action in actions:
        journal.write(kind, deed=action)


def as_of_run(path: Path, run: object, pid: object = None) -> None:
    """Rewrite the lines as if another run had written them."""
    lines = [json.loads(text) for text in path.read_bytes().splitlines()]
    told = [{**line, "run": run, "pid": pid or line["pid"]} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in told))


def test_unfinished_actions_are_listed_once_their_run_has_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("held", "a"), ("sent", "a"), ("done", "a"), ("held", "b"), ("held", "c"), ("sent", "c"))
    assert journal.unfinished() == []  # this run is at it still
    as_of_run(journal.path, new_run_name())
    assert [(line["deed"], line["kind"]) for line in journal.unfinished()] == [("b", "held"), ("c", "sent")]


def test_a_reused_process_id_hides_no_unfinished_action(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    as_of_run(journal.path, new_run_name(), os.getppid())
    assert [line["deed"] for line in journal.unfinished()] == ["a"]


@pytest.mark.parametrize("run", [None, "", 5, [], {}, "../journal.jsonl", "/etc/passwd", "x" * 5000, "1-0123"])
def test_a_line_without_a_run_is_unfinished(tmp_path: Path, run: object) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    as_of_run(journal.path, run, os.getppid())
    assert [line["deed"] for line in journal.unfinished()] == ["a"]


WRITES = """
import pathlib, sys
from tui.services.audit_log import Journal
Journal(pathlib.Path(sys.argv[1])).write("sent", deed="of another")
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def another_run(path: Path, program: str = WRITES) -> Iterator[subprocess.Popen[bytes]]:
    """Run another process that has written a line."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def test_a_line_of_a_killed_run_is_unfinished(tmp_path: Path) -> None:
    journal, runs = Journal(tmp_path / "journal.jsonl"), tmp_path / "runs"
    with another_run(journal.path) as other:
        (name,) = [path.name for path in runs.iterdir()]
        assert list(live_runs(runs)) == [name]
        assert journal.unfinished() == []
        other.kill()
        other.wait()
        assert [(line["deed"], line["run"]) for line in journal.unfinished()] == [("of another", name)]
    assert list(runs.iterdir()) == [], "its lock file is cleared away"


def test_a_run_that_ends_removes_its_lock_file(tmp_path: Path) -> None:
    with another_run(tmp_path / "journal.jsonl") as other:
        other.communicate()
        assert list((tmp_path / "runs").iterdir()) == []


def test_an_action_that_ends_while_the_journal_is_read_is_not_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    as_of_run(journal.path, new_run_name())

    def ends_meanwhile(directory: Path) -> dict[str, bytes]:
        written(journal, ("done", "a"))
        return live_runs(directory)

    monkeypatch.setattr("tui.services.audit_log.live_runs", ends_meanwhile)
    assert journal.unfinished() == []


# Lines are written whole or not at all


LIMITED = """
import pathlib, resource, sys
from tui.services.audit_log import Journal
from tui.storage.private_files import NotPrivate, make_directory, open_private, problem_with_directory, read_private, write_private
path = pathlib.Path(sys.argv[1])
journal = Journal(path)
journal.write("sent", deed="a")
write_private(path.with_name("file"), b"old")
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, unlimited[1]))
for write in (lambda: journal.write("sent", deed="b"), lambda: write_private(path.with_name("file"), bytes(9999))):
    try:
        write()
    except OSError as error:
        print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
journal.write("sent", deed="c")
"""


def test_a_line_beyond_a_size_limit_leaves_the_journal_unchanged(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(journal.path)], capture_output=True, check=True)
    assert done.stdout.split() == [str(errno.EFBIG).encode()] * 2
    assert [(line["n"], line["deed"]) for line in journal.lines()] == [(1, "a"), (2, "c")]
    assert journal.verify().faults == ()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "journal.head", "journal.jsonl", "runs"]


class FullDisk:
    """A disk with a limited number of free bytes, which are written in limited pieces."""

    def __init__(self, room: int, most: int = 1 << 20) -> None:
        self.room, self.most, self.write = room, most, os.write

    def __call__(self, descriptor: int, content: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.write(descriptor, content[: min(self.room, self.most)])
        self.room -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 50, 150])
def test_a_line_on_a_full_disk_leaves_the_journal_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    whole = journal.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", FullDisk(room))
        with pytest.raises(OSError, match="No space left"):
            journal.write("sent", deed="b")
    assert journal.path.read_bytes() == whole
    written(journal, ("sent", "c"))
    assert (journal.verify(), [line["deed"] for line in journal.lines()]) == (Verification(2, ()), ["a", "c"])


def test_a_line_that_is_written_in_pieces_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    disk = FullDisk(1 << 20, 1)
    monkeypatch.setattr(os, "write", disk)
    written(journal, ("sent", "a"))
    write_private(tmp_path / "file", b"content")
    assert journal.verify() == Verification(1, ())
    assert (tmp_path / "file").read_bytes() == b"content"
    assert disk.room < (1 << 20) - journal.path.stat().st_size


def test_a_write_of_zero_bytes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    monkeypatch.setattr(os, "write", lambda descriptor, content: 0)
    with pytest.raises(OSError, match="bytes could not be written"):
        journal.write("sent", deed="a")
    assert journal.path.read_bytes() == b""


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_line_whose_sync_fails_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))

    def fails(descriptor: int) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(type(error)):
            journal.write("sent", deed="b")
    assert (journal.verify(), [line["deed"] for line in journal.lines()]) == (Verification(1, ()), ["a"])


def test_the_directory_is_synced_with_the_first_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    assert synced == ["file", "directory", "file", "directory"]  # the journal, then its head
    synced.clear()
    written(journal, ("sent", "b"))
    assert synced == ["file", "file"]


def test_an_unwritable_head_loses_no_line_and_is_reported(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    head = tmp_path / "journal.head"
    written(journal, ("sent", "a"))
    head.unlink()
    head.mkdir()
    written(journal, ("done", "a"), ("sent", "b"))
    words = "the head is 3 lines behind: it could not be written, a missing end would not be noticed"
    assert journal.verify() == Verification(3, (BrokenLine(3, words),))
    head.rmdir()
    written(journal, ("done", "b"))
    assert journal.verify() == Verification(4, ())


def test_a_head_that_a_killed_run_did_not_update_is_no_fault(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    head = (tmp_path / "journal.head").read_bytes()
    for _ in range(2):
        with another_run(journal.path) as other:
            other.kill()
        (tmp_path / "journal.head").write_bytes(head)
    assert journal.verify() == Verification(3, ())
    written(journal, ("sent", "b"))
    assert journal.verify() == Verification(4, ())


def test_a_line_that_is_written_during_verification_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))

    def then_written(path: Path) -> bytes:
        content = read_private(path)
        written(journal, ("sent", "b"))
        return content

    with monkeypatch.context() as patch:
        patch.setattr("tui.services.audit_log.read_private", then_written)
        assert journal.verify().faults == ()


ODD = (
    b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"\xff\xfe", b"\0" * 100, b'"text"', b"5", b"null", b"{}", b"9" * 5000,
    b'{"kind":["sent"],"deed":["a"]}', b'{"kind":{},"n":NaN}', b'{"kind":"\\ud800","deed":"\\ud800","words":"\\ud800"}',
    b'{"kind":"sent","run":"\\u0000/"}', b'{"at":[5],"verb":{},"target":3,"words":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"n":1' + b"0" * 4000 + b',"hash":5,"before":[]}',
)  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_journal_with_any_content_can_be_read_verified_and_continued(tmp_path: Path, text: bytes) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"), ("sent", "b"))
    first, second = journal.path.read_bytes().splitlines()
    journal.path.write_bytes(b"\n".join([first, second, text, b""]))
    actions = [line.get("deed") for line in journal.lines()]
    assert actions[:2] == ["a", "b"]
    assert list(journal.lines_with(""))[-2:] == [*journal.lines()][1::-1]
    assert all(isinstance(line, dict) for line in journal.unfinished())
    assert [fault.line for fault in journal.verify().faults][:1] == [3]
    written(journal, ("sent", "c"))
    assert next(journal.lines_with(""))["deed"] == "c"


def test_the_newest_line_is_read_first_and_the_rest_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert list(journal.lines_with("")) == []
    written(journal, *[("sent", "é" * number) for number in range(20)])
    forward = list(journal.lines())
    for size in (1, 7, 100, 1 << 16):
        monkeypatch.setattr("tui.services.audit_log.BLOCK_BYTES", size)
        assert list(journal.lines_with("")) == forward[::-1]
    line = journal.path.read_bytes().splitlines(keepends=True)[-1]
    with journal.path.open("r+b") as file:  # more than there is memory for, most of it a hole
        file.seek(1 << 38)
        file.write(b"\n" + line)
    assert next(journal.lines_with("")) == forward[-1]
    written(journal, ("sent", "after it"))


@every_kind
def test_a_journal_that_is_no_file_is_neither_read_nor_written(tmp_path: Path, kind: str) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    sentence = put_in_place(kind, journal.path)
    uses = (
        lambda: list(journal.lines()),
        lambda: list(journal.lines_with("")),
        journal.unfinished,
        lambda: journal.write("sent", deed="a"),
    )
    for use in uses:
        with without_waiting(), pytest.raises(NotPrivate) as refused:
            use()
        assert str(refused.value) == sentence
    with without_waiting():
        assert journal.verify() == Verification(0, (BrokenLine(1, sentence),))
    if kind == "a link":
        assert b"deed" in (tmp_path / "elsewhere").read_bytes()


@every_kind
def test_a_head_that_is_no_file_is_ignored(tmp_path: Path, kind: str) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    (tmp_path / "journal.head").unlink()
    put_in_place(kind, tmp_path / "journal.head")
    with without_waiting():
        assert journal.verify().lines == 1


def test_a_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state" / "journal.jsonl")
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "real")
    written(Journal(tmp_path / "real" / "journal.jsonl"), ("sent", "a"))
    with pytest.raises(NotPrivate, match="state is a link: remove it, a directory is made in its place"):
        list(journal.lines())


def test_a_file_in_place_of_the_folder_is_reported_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    journal = Journal(tmp_path / "state" / "journal.jsonl")
    assert (list(journal.lines()), list(journal.lines_with("")), journal.unfinished()) == ([], [], [])
    sentence = f"{tmp_path}/state is a file: move it away, a directory is made in its place"
    with pytest.raises(NotPrivate) as refused:
        journal.write("sent", deed="a")
    assert str(refused.value) == sentence
    assert problem_with_directory(tmp_path / "state") == sentence


UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""So that modes of files count for root too."""
IN_A_CLOSED_FOLDER = """
import pathlib, sys
from tui.services.audit_log import Journal
from tui.storage.json_store import Drafts, JsonStore
from tui.storage.private_files import problem_with_directory
from tui.storage.run_lock import live_runs
state = pathlib.Path(sys.argv[1])
journal = Journal(state / "journal.jsonl")
print([line["deed"] for line in journal.lines()], [line["deed"] for line in journal.unfinished()])
print(journal.verify().faults, Drafts(state / "drafts.json").get("t1"), dict(JsonStore(state / "screens.json")))
print(live_runs(state / "runs"))
print(problem_with_directory(state))
try:
    journal.write("sent", deed="b")
except OSError as error:
    print(error)
"""


def test_a_read_only_state_folder_can_be_read(tmp_path: Path) -> None:
    state = tmp_path / "state"
    journal = Journal(state / "journal.jsonl")
    written(journal, ("sent", "a"))
    as_of_run(journal.path, new_run_name())
    JsonStore(state / "screens.json")["theme"] = "dark"
    Drafts(state / "drafts.json")["t1"] = "begun"
    dead = state / "runs" / new_run_name()  # as a killed run leaves it
    dead.touch(mode=0o600)
    for folder in (state / "runs", state):
        folder.chmod(0o500)
    install_clipboard = [*UNPRIVILEGED, sys.executable, "-c", IN_A_CLOSED_FOLDER, str(state)]
    done = subprocess.run(install_clipboard, capture_output=True, text=True, check=False)
    for folder in (state, state / "runs"):
        folder.chmod(0o700)
    assert done.stderr == ""
    lines, faults, live, problem, refused = done.stdout.splitlines()
    assert lines == "['a'] ['a']"
    assert faults == "(BrokenLine(line=1, what='it was changed'),) begun {'theme': 'dark'}"
    assert dead.name not in live
    assert problem == f"{state} cannot be written: make it writable or set another place"
    assert refused.startswith(str(state / "runs"))
    assert refused.endswith("cannot be opened: Permission denied")
    assert [line["deed"] for line in journal.lines()] == ["a"]


def test_every_text_of_a_line_is_masked(tmp_path: Path) -> None:
    key = "the-configured-key-0123456789"
    journal = Journal(tmp_path / "journal.jsonl", Redactor([key]))
    journal.write(
        "sent", deed="d1", target=f"id {key}", comment=f"with {key}", reason="password=hunter2-hunter2",
        prompt={"input": {"text": f"say {key}", "files": [key]}, key: 1}, digest="0123456789abcdef", seconds=5.0,
    )  # fmt: skip
    told = journal.path.read_text()
    assert key not in told
    assert "hunter2-hunter2" not in told
    (line,) = journal.lines()
    assert (line["deed"], line["digest"], line["seconds"]) == ("d1", "0123456789abcdef", 5.0)
    assert (line["comment"], line["prompt"]["input"]) == ("with ••••", {"text": "say ••••", "files": ["••••"]})
    assert journal.verify().faults == ()


def test_each_fault_of_a_journal_is_reported_with_its_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, *[("sent", str(number)) for number in range(4)])
    lines = journal.path.read_bytes().splitlines(keepends=True)

    def faults(*content: bytes) -> tuple[BrokenLine, ...]:
        journal.path.write_bytes(b"".join(content))
        return journal.verify().faults

    assert faults(*lines) == ()
    assert faults(lines[0], lines[2], lines[3]) == (
        BrokenLine(2, "it does not follow line 1 of the chain: lines are missing before it"),
    )
    assert faults(*lines[:2]) == (BrokenLine(3, "2 lines are missing at the end"),)
    assert faults(*lines[:3], lines[3][:-9]) == (
        BrokenLine(4, "the last line is cut short: a crash, while it was being written"),
        BrokenLine(4, "1 lines are missing at the end"),
    )
    assert faults(lines[0], b"[]\n", *lines[1:]) == (
        BrokenLine(2, "it cannot be read: a crash cut it short, or it was changed"),
    )


def test_a_line_after_a_truncated_line_is_separate(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"), ("sent", "b"))
    journal.path.write_bytes(journal.path.read_bytes()[:-9])
    written(journal, ("sent", "c"))
    assert [line["deed"] for line in journal.lines()] == ["a", "c"]
    journal.path.write_bytes(b"no line at all")
    written(journal, ("sent", "d"))
    assert [(line["deed"], line["n"]) for line in journal.lines()] == [("d", 1)]


def test_the_journal_finds_a_changed_and_a_missing_line(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.jsonl"
    for number in range(5):
        Journal(path).write("sent", number=number)
    assert Journal(path).verify().faults == ()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for place in range(5):
        path.write_bytes(b"".join(lines[:place] + lines[place + 1 :]))
        assert Journal(path).verify().faults, f"line {place} taken out"
        path.write_bytes(b"".join([*lines[:place], lines[place].replace(b'"sent"', b'"done"'), *lines[place + 1 :]]))
        assert Journal(path).verify().faults, f"line {place} changed"
    path.write_bytes(whole[:-20])
    Journal(path).write("after a crash")
    assert [line["kind"] for line in Journal(path).lines()][-1] == "after a crash"
