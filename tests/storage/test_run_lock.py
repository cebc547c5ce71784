"""RunLock: which runs are alive, and how lock files of killed runs are removed."""

from __future__ import annotations

import fcntl
from pathlib import Path

from tui.storage.run_lock import RunLock, live_runs


def test_reading_a_lock_file_does_not_make_its_run_alive(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    lock.acquire()
    path = tmp_path / lock.name
    with path.open("rb") as looking:
        assert list(live_runs(tmp_path)) == [lock.name]
        lock.release()
        path.touch()  # as a killed run leaves it
        with path.open("rb") as looking_too:
            for file in (looking, looking_too):
                fcntl.flock(file, fcntl.LOCK_SH)
            assert live_runs(tmp_path) == {}
    assert not path.exists()


def test_a_lock_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "runs")
    lock.write(b"open here")
    (tmp_path / "runs" / lock.name).unlink()
    assert live_runs(tmp_path / "runs") == {}
    lock.acquire()
    assert list(live_runs(tmp_path / "runs")) == [lock.name]
    lock.release()
    lock.release()
    assert live_runs(tmp_path / "runs") == {}
