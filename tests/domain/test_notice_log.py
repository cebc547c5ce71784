"""NoticeLog: which are new, and which were missed while a review was open."""

from __future__ import annotations

from datetime import UTC, datetime

from tui.domain.notice_log import MAX_NOTICES, NoticeLog

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_notice_that_is_still_shown_is_not_added_again() -> None:
    moment = 0.0
    notices = NoticeLog(lambda: NOW, lambda: moment)
    assert notices.add("one", 5.0, is_reviewing=False)
    moment = 4.9
    assert not notices.add("one", 5.0, is_reviewing=False)
    moment = 5.0
    assert notices.add("one", 5.0, is_reviewing=False)
    assert [(notice.at, notice.text) for notice in notices.latest] == [(NOW, "one")] * 2


def test_only_what_came_and_went_while_a_review_was_open_was_missed() -> None:
    moment = 0.0
    notices = NoticeLog(lambda: NOW, lambda: moment)
    notices.add("before", 1.0, is_reviewing=False)
    notices.add("went", 1.0, is_reviewing=True)
    notices.add("stays", 60.0, is_reviewing=True)
    moment = 2.0
    assert notices.take_missed() == 1
    moment = 100.0
    assert notices.take_missed() == 0


def test_a_notice_that_the_review_has_shown_was_not_missed() -> None:
    moment = 0.0
    notices = NoticeLog(lambda: NOW, lambda: moment)
    for text in ("in sight", "covered"):
        notices.add(text, 1.0, is_reviewing=True)
    moment = 2.0
    notices.note_seen(lambda text: text == "in sight")
    assert notices.take_missed() == 1


def test_the_latest_notices_are_kept() -> None:
    notices = NoticeLog(lambda: NOW)
    for number in range(MAX_NOTICES + 3):
        notices.add(f"notice {number}", 1.0, is_reviewing=False)
    assert len(notices.latest) == MAX_NOTICES
    assert notices.latest[0].text == "notice 3"
