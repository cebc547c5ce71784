"""ReviewManager: which task is shown next, which screens are updated, and what other processes see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textual.css.query import NoMatches

from tests.app.conftest import Parts
from tests.app.stub import StubScreen
from tui.screens.messages import ReadReview, ReviewWanted, ShowNextReview


class Reviewing(StubScreen):
    """A screen that reviews one task at a time."""

    def __init__(self, task_id: str) -> None:
        super().__init__(open_tasks=(task_id,))
        self.task_id = task_id

    def show_task(self, task_id: str, begun: Any = None) -> None:
        self.task_id = task_id


async def test_every_screen_receives_the_review_that_was_read(parts: Parts) -> None:
    parts.platform.task("t1", status="paused")
    parts.services.reviews.handle(ReadReview("t1"))
    await parts.app.finished("review t1")
    assert parts.app.screens[0].told == [("review", "t1")]
    assert parts.services.store.has_pending


async def test_every_screen_receives_the_reason_why_a_task_could_not_be_read(parts: Parts) -> None:
    parts.services.reviews.handle(ReadReview("t9"))
    await parts.app.finished("review t9")
    ((kind, reason),) = parts.app.screens[0].told
    assert kind == "failed"
    assert reason


async def test_a_screen_that_is_being_removed_keeps_no_review_from_the_others(parts: Parts) -> None:
    class Leaving(StubScreen):
        SHOWS_WAIT_DETAILS = False

        def update_review(self, task_id: str, review: Any, state: Any) -> None:
            raise NoMatches

        def review_failed(self, task_id: str, reason: str) -> None:
            raise NoMatches

        def update_wait_details(self, task_id: str, details: Any) -> None:
            raise NoMatches

    class Detailed(StubScreen):
        SHOWS_WAIT_DETAILS = True

        def update_wait_details(self, task_id: str, details: Any) -> None:
            self.told.append(("details", task_id))

    screen = Detailed()
    parts.app.screens[:] = [Leaving(), screen]
    parts.platform.task("t1", status="paused", hitl_request={"wait_node_id": "n1", "title": "Pay"})
    parts.services.reviews.handle(ReadReview("t1"))
    await parts.app.finished("review t1", "details t1")
    parts.services.reviews.handle(ReadReview("t9"))
    await parts.app.finished("review t9")
    assert [kind for kind, _ in screen.told] == ["review", "details", "failed"]


async def test_one_task_opens_a_review_and_several_open_a_bulk_review(parts: Parts) -> None:
    for task_id in ("t1", "t2"):
        parts.platform.task(task_id, status="paused")
    await parts.load("t1", "t2")
    parts.services.reviews.handle(ReviewWanted("t1"))
    parts.services.reviews.handle(ReviewWanted("t1", "t2"))
    await parts.app.finished("review t1", "review t2")
    assert [type(screen).__name__ for screen in parts.app.pushed] == ["ReviewScreen", "BulkReviewScreen"]


async def test_the_next_review_is_of_the_task_that_waits_next_longest(parts: Parts) -> None:
    for task_id in ("t1", "t2", "t3"):
        parts.platform.task(task_id, status="paused")
    parts.services.notifier.waiting = frozenset({"t1", "t2", "t3"})
    screen, other = Reviewing("t1"), Reviewing("t3")
    parts.app.screens += [other, screen]
    for by, expected in ((1, "t2"), (1, "t3"), (1, "t1"), (-1, "t3")):
        parts.services.reviews.handle(ShowNextReview(screen, by))
        assert screen.task_id == expected
    assert other.task_id == "t3"
    await parts.app.finished(*(f"review {task_id}" for task_id in ("t1", "t2", "t3")))


async def test_open_reviews_are_visible_to_other_processes_and_theirs_on_the_screen(
    parts: Parts, tmp_path: Path
) -> None:
    screen = Reviewing("t1")
    parts.app.screens.append(screen)
    parts.services.reviews.update_presence()
    folder = tmp_path / "open"
    (lock,) = [file for file in folder.iterdir() if file.read_bytes()]
    assert json.loads(lock.read_bytes()) == ["t1"]
    assert screen.told == [("presence", "")]
    assert parts.app.screens[0].told == []
    parts.services.reviews.close()
    assert not [file for file in folder.iterdir() if file.read_bytes()]
