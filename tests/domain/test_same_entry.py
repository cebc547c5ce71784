"""same_entry: what the stream and the log report under different ids is one node, and nothing is ever lost."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.activity_builders import activity, at, chunk, entry, event, message_entry, node_ids
from tui.client.log_entries import parse_entry
from tui.domain.activity_log import Activity
from tui.domain.same_entry import MESSAGE_DELAY


def steer(seconds: float, text: str, name: str = "steer") -> Any:
    data = {"conversation_id": "t", "message_id": name, "message": {"id": name, "text": text, "is_steer": True}}
    return event("gateway_steer_applied", seconds, data)


def user(name: str, seconds: float, text: str) -> Any:
    return entry(name, seconds, role="user", content={"text": text})


def card(action: str, seconds: float, name: str) -> Any:
    return parse_entry({"id": "a", "created_at": at(seconds).isoformat(), "action": action, "name": name})


def sources(made: Activity) -> list[str]:
    return [f"{'live' if node.live else ''}+{'log' if node.logged else ''}" for node in made.nodes]


def test_a_reply_of_the_operator_that_the_stream_repeats_is_one_message() -> None:
    told: list[Any] = [steer(40, "Leave out returns", "s1"), [user("m1", 2, "Leave out returns")]]
    for order in permutations(told):
        made = activity(*order)
        assert sources(made) == ["live+log"]
        assert [node.entry.label for node in made.nodes] == ["Leave out returns"]
        assert made.get("s1") is made.get("m1")


def test_a_message_that_was_sent_twice_is_two_messages() -> None:
    log = [user("m1", 0, "go on"), user("m2", 10, "go on")]
    assert sources(activity(log, steer(1, "go on", "s1"), steer(11, "go on", "s2"))) == ["live+log", "live+log"]
    assert sorted(sources(activity(steer(11, "go on", "s2"), log))) == ["+log", "live+log"]
    assert len(activity(log, steer(12 + MESSAGE_DELAY.total_seconds(), "go on"))) == 3


def test_a_card_is_joined_with_its_log_entry_though_only_one_has_the_reason() -> None:
    told = event("ask_for_secret", 3, {"name": "DEMO_TOKEN", "reason": "to look"})
    logged = card("ask_for_secret", 3, "DEMO_TOKEN")
    pair: list[Any] = [told, [logged]]
    for order in permutations(pair):
        made = activity(*order)
        assert sources(made) == ["live+log"]
        assert made.nodes[0].entry.raw["reason"] == "to look"


@pytest.mark.parametrize(
    "logged",
    [
        card("ask_for_secret", 3, "OTHER"),
        card("invite_member", 3, "DEMO_TOKEN"),
        card("ask_for_secret", 90, "DEMO_TOKEN"),
    ],
)
def test_cards_that_differ_in_name_content_or_time_stay_two(logged: Any) -> None:
    made = activity(event("ask_for_secret", 3, {"name": "DEMO_TOKEN"}), [logged])
    assert len(made) == 2


def test_a_question_is_joined_by_the_id_of_its_decision_whenever_it_is_logged() -> None:
    asked = event("ask_user_questions", 3, {"id": "e9", "decision_id": "d1", "questions": [{"question": "Which?"}]})
    logged = entry("d1", 500, questions=[{"question": "Which one?"}])
    assert sources(activity(asked, [logged])) == ["live+log"]


def test_a_card_that_is_updated_in_place_is_one_entry() -> None:
    first = event("inline_card", 1, {"card_id": "c", "title": "Uploading", "percent": 1})
    second = event("inline_card", 90, {"card_id": "c", "title": "Uploading", "percent": 99})
    made = activity(first, second, [entry("x", 2, action="inline_card", card_id="c", percent=99)])
    assert sources(made) == ["live+log"]


def test_a_card_is_never_joined_with_the_call_that_it_is_about() -> None:
    call = event("tool_call_request", 1, {"request_id": "r", "tool_name": "pay", "payload": {}})
    card = entry("k", 1, action="approval_requested", request_id="r")
    assert len(activity(call, [card])) == 2


TEXTS = st.sampled_from(["yes", "no"])
TIMES = st.integers(0, 100)


@given(st.lists(st.tuples(TIMES, TEXTS), max_size=5), st.lists(st.tuples(TIMES, TEXTS), max_size=5))
def test_no_message_of_either_source_is_lost(logged: list[tuple[int, str]], told: list[tuple[int, str]]) -> None:
    log = [user(f"m{number}", at, text) for number, (at, text) in enumerate(logged)]
    events = [steer(at, text, f"s{number}") for number, (at, text) in enumerate(told)]
    for order in ([*events, log], [log, *events]):
        made = activity(*order)
        assert sum(node.logged is not None for node in made.nodes) == len(logged)
        assert sum(node.live is not None for node in made.nodes) == len(told)
        for text in ("yes", "no"):
            most = max(sum(one == text for _, one in logged), sum(one == text for _, one in told))
            assert sum(node.entry.label == text for node in made.nodes) >= most


def test_a_reply_is_not_shown_as_streaming_text_beside_itself() -> None:
    made = activity(chunk(10, "It is "), chunk(12, "done."), [message_entry("It is done.", 9)])
    assert made.streaming == ""
    made = activity(chunk(10, "It is "), chunk(12, "done."), [message_entry("It is done.", 11)])
    assert made.streaming == ""
    made = activity([message_entry("It is done.", 9)], chunk(12, "And now"))
    assert (made.streaming, node_ids(made)) == ("And now", ["It is done."])
