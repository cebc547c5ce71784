"""Readers that wait for a change of a task are woken when its transaction is committed, and never by one undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tui.local.database import Database


@pytest.fixture
def database() -> Iterator[Database]:
    """A database in memory."""
    made = Database(":memory:")
    yield made
    made.close()


def test_readers_hear_of_a_change_when_the_outermost_transaction_is_done(database: Database) -> None:
    bell = database.change_event("t1")
    with database.transaction():
        with database.transaction():
            database.note_change("t1")
        assert not bell.is_set()
    assert bell.is_set()
    assert not database.change_event("t1").is_set()


def test_readers_do_not_hear_of_a_change_that_is_undone(database: Database) -> None:
    def change_and_fail() -> None:
        with database.transaction():
            database.note_change("t1")
            raise ValueError("broken")

    bell = database.change_event("t1")
    with pytest.raises(ValueError, match="broken"):
        change_and_fail()
    with database.transaction():
        database.note_change("t2")
    assert not bell.is_set()


def test_ring_all_wakes_all_readers(database: Database) -> None:
    bells = [database.change_event(name) for name in ("t1", "t2")]
    database.wake_readers()
    assert all(bell.is_set() for bell in bells)
