"""What answers say, when they are no JSON, no records, or in none of the shapes that are documented."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from tui.client.errors import ApiError, Forbidden, Invalid, RateLimited, ServerError, Unauthorized, UnexpectedAnswer
from tui.client.events import Event
from tui.client.json_codec import NotJson, dumps, loads, parse_nested, pretty
from tui.client.json_values import count_of, items_of, parse_time, text_of
from tui.client.log_entries import (
    Compaction,
    Confirmation,
    Decision,
    Entry,
    Message,
    Other,
    Question,
    Questions,
    SignIn,
    parse_entry,
)
from tui.client.models import ApprovalRequest, decider_of
from tui.client.responses import error_of_answer, json_of_answer


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (401, b"", Unauthorized, "the API key is missing or wrong (401)"),
        (418, b"", ApiError, "the request was not accepted (418)"),
        (500, b"<!DOCTYPE html><h1>x</h1>", ServerError, "the platform failed (500)"),
        (503, b"upstream is gone", ServerError, "upstream is gone (503)"),
        (403, b'{"message": "not yours"}', Forbidden, "not yours (403)"),
        (400, b'{"error": {"code": 7}}', Invalid, 'the request was not accepted (400)'),
        (400, b'{"detail": ""}', Invalid, "the request was not accepted (400)"),
        (422, b'{"detail": [{"loc": ["body", "input"], "msg": "is missing"}, "and more", null]}', Invalid,
         "body.input: is missing; and more (422)"),
        (429, b'{"detail": "slow down"}', RateLimited, "slow down (429), try again in 7 s"),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_platforms_words_where_it_has_any(
    status: int, content: bytes, kind: type[ApiError], words: str
) -> None:
    error = error_of_answer(status, content, 7.0 if status == 429 else None)
    assert isinstance(error, kind)
    assert (error.message, error.status) == (words, status)


def test_a_good_answer_is_its_json_or_a_bare_word() -> None:
    assert json_of_answer(b" ", 204) is None
    assert json_of_answer(b'{"a": 1}', 200) == {"a": 1}
    assert json_of_answer(b" pong\n", 200) == "pong"
    with pytest.raises(UnexpectedAnswer, match="the answer is an HTML page"):
        json_of_answer(b" <html>", 200)
    with pytest.raises(UnexpectedAnswer, match="the answer is not JSON: it ends too early"):
        json_of_answer(b'{"a": ', 200)
    with pytest.raises(UnexpectedAnswer):
        json_of_answer(b"pong", 201)


def test_numbers_that_no_computer_holds_keep_their_digits() -> None:
    digits = "9" * 5000
    assert loads(f'{{"many": {digits}, "few": 7, "huge": 1e999, "half": 0.5}}') == {
        "many": digits,
        "few": 7,
        "huge": "1e999",
        "half": 0.5,
    }


def test_what_is_nested_too_deep_to_write_is_written_as_far_as_it_goes() -> None:
    value: Any = "the bottom"
    for _ in range(sys.getrecursionlimit() * 3):
        value = [value]
    told = {"deep": value, "pair": (1, 2), "near": "kept"}
    for text in (dumps(told), pretty(told)):
        assert "nested too deep to write" in text
        assert loads(text)["near"] == "kept"
        assert loads(text)["pair"] == [1, 2]


def test_json_that_ends_within_its_depths_is_cut() -> None:
    with pytest.raises(NotJson, match="it ends too early"):
        loads("[" * 100_000)
    long = "9" * 5_000
    for text in (
        f"{long}\nx",
        f"[{long}",
        f"{long}{'[' * 100_000}",
        f'{{"a": {long}, "b": {"[" * 100_000}',
        f"[{long} 1]",
    ):
        with pytest.raises(NotJson):
            loads(text)
    deep = "[" * 3_000 + "]" * 3_000
    assert loads(f"[{long}, {deep}]")[0] == long


def test_a_text_that_looks_like_json_and_is_none_stays_a_text() -> None:
    assert parse_nested(["{no json", "[" * 100_000, 5]) == ["{no json", "[" * 100_000, 5]


@pytest.mark.parametrize(
    ("value", "when"),
    [
        (True, None), ([], None), ("soon", None), (1e300, None), ("0001-01-01", None),
        (1_790_000_000, datetime.fromtimestamp(1_790_000_000, UTC)),
        (1_790_000_000_000, datetime.fromtimestamp(1_790_000_000, UTC)),
        ("1790000000.0", datetime.fromtimestamp(1_790_000_000, UTC)),
        (" 2026-11-21T12:00 ", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("2026-11-21T14:00+02:00", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        (datetime(2026, 11, 21, 12), datetime(2026, 11, 21, 12, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_moment_is_read_from_whatever_it_is_written_as(value: object, when: datetime | None) -> None:
    assert parse_time(value) == when


def test_a_value_of_another_kind_is_read_as_far_as_it_goes() -> None:
    counts: list[Any] = [True, None, "x", "7", 7.9, "1e400", []]
    assert [count_of(value) for value in counts] == [0, 0, 0, 7, 7, 0, 0]
    several: list[Any] = [None, [1], (1,), "one"]
    assert [items_of(value) for value in several] == [(), (1,), (1,), ("one",)]
    texts: list[Any] = [None, True, {"a": 1}, 5, "\ud800x"]
    assert [text_of(value) for value in texts] == [
        None,
        "true",
        '{"a":1}',
        "5",
        "\ufffdx",
    ]


@pytest.mark.parametrize(
    ("told", "kind", "label", "is_open"),
    [
        ({"type": "token_ready", "data": {"server_url": "https://x"}}, SignIn, "https://x token ready", False),
        ({"type": "login_required", "data": "odd"}, SignIn, "login required", True),
        ({"action": "ask_execution", "title": "Ask it"}, Decision, "Ask it", None),
        ({"questions": [{"text": "Which?"}], "answers": ["a"]}, Questions, "Which?", False),
        ({"questions": [7], "title": "Some"}, Questions, "7", True),
        ({"questions": [], "title": "Some"}, Questions, "Some", True),
        ({"questions": []}, Questions, "question", True),
        ({"request_id": "r", "type": "confirm_action", "title": "Pay?"}, Confirmation, "Pay?", True),
        ({"request_id": "r", "action": "confirm", "approved": False}, Confirmation, "confirm", False),
        ({"request_id": "r", "action": "other"}, Other, "other", None),
        ({"type": "task_made_smaller"}, Other, "task_made_smaller", None),
        ({}, Other, "entry", None),
    ],
)
def test_an_entry_says_what_it_is_and_whether_it_waits(
    told: dict[str, Any], kind: type[Entry], label: str, is_open: bool | None
) -> None:
    entry = parse_entry(told)
    assert (type(entry), entry.label) == (kind, label)
    assert getattr(entry, "is_open", None) is is_open
    assert kind.from_value(entry) is entry


def test_a_sign_in_tells_where() -> None:
    assert SignIn.from_value({"type": "login_required", "data": {"url": "https://x/in"}}).url == "https://x/in"
    assert SignIn.from_value({"type": "login_required", "data": "https://x/in"}).url is None


def test_an_answer_is_an_options_number_its_words_or_ones_own() -> None:
    told = [
        {"question_id": "q", "question": "Which?", "options": [{"value": "a", "label": "First"}, "Second", {}, 4]},
        {"title": "Why?", "options": "none"},
        "Bare?",
    ]
    first, second, third = Questions.from_value({"questions": told}).asked
    assert first == Question("q", "Which?", (("a", "First"), ("Second", "Second"), ("3", "3"), ("4", "4")))
    assert (second.id, second.text, second.options) == ("q2", "Why?", ())
    assert (third.id, third.text, third.options) == ("q3", "Bare?", ())


@pytest.mark.parametrize(
    ("kind", "data", "entry", "label"),
    [
        ("task_compactization", {"type": "context_summarized"}, Compaction, "context summarized"),
        ("task_compactization", "odd", Compaction, "compaction"),
        ("agent_gateway_decision", {"action": "stop_execution"}, Decision, "stop execution"),
        ("gateway_steer_applied", {"message": {"id": "m", "text": "this way"}}, Message, "this way"),
        ("gateway_steer_applied", {"message": "this way"}, Other, "gateway_steer_applied"),
        ("brand_new", [1], Other, "brand_new"),
    ],
)
def test_an_event_says_what_it_adds_to_the_log(kind: str, data: Any, entry: type[Entry], label: str) -> None:
    added = Event.from_value({"type": kind, "data": data, "time": "2026-11-21T12:00:00Z"}).entry
    assert added is not None
    assert (type(added), added.label) == (entry, label)
    assert added.created_at == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_an_event_of_another_kind_tells_no_plan_and_no_context() -> None:
    event = Event.from_value({"type": "chunk", "data": {"percent": 5}})
    assert (event.plan, event.context, event.entry) == (None, None, None)
    status = Event.from_value({"type": "context_status", "data": {"percent": 5, "estimated_tokens": "12"}}).context
    assert status
    assert (status.percent, status.estimated_tokens) == (5.0, 12)


def test_of_a_name_that_is_written_twice_no_value_is_lost() -> None:
    read = loads('{"amount": 1000000, "to": "EVIL", "amount": 10, "to": "ACME", "amount": 5}')
    assert (read["amount"], read["to"]) == (5, "ACME")
    assert [*read.values()] == [5, "ACME", 10, "EVIL", 1000000]
    assert all("written again before" in name for name in list(read)[2:])


@pytest.mark.parametrize("digits", ["12345678901234567.89", "0.1000000000000000055511151231257827", "1e999"])
def test_a_number_that_no_float_tells_is_told_by_its_digits(digits: str) -> None:
    assert loads(digits) == digits


@pytest.mark.parametrize("digits", ["0.1", "1.5e3", "123456789.25", "1234567890123456.5"])
def test_a_number_that_a_float_tells_is_a_number(digits: str) -> None:
    assert loads(digits) == float(digits)


@pytest.mark.parametrize(
    "nobody", [False, 0, [], {}, "", " ", "false", "null", "None", "0", {"at": 5}, {"name": ""}, [0]]
)
def test_who_did_not_decide_is_nobody(nobody: Any) -> None:
    assert decider_of(nobody) is None
    assert ApprovalRequest.from_value({"approved_by": nobody, "rejected_by": nobody}).decided_by is None


@pytest.mark.parametrize(
    ("told", "who"),
    [("Dana", "Dana"), (7, "7"), ({"id": "u", "name": "Dana"}, "Dana"), (["Dana", {"email": "k@x"}], "Dana, k@x")],
)
def test_who_decided_is_told_by_name(told: Any, who: str) -> None:
    assert decider_of(told) == who
