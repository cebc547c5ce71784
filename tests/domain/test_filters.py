"""The filter language: what each term matches, and how each mistake is reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.json_codec import dumps
from tui.client.models import Task
from tui.client.task_facts import Wait, WaitKind
from tui.client.task_rows import TaskQuery, TaskRow
from tui.domain.filter_texts import task_texts
from tui.domain.filters import WAIT_FIELDS, Filter, FilterContext, FilterError, parse_filter

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("a - b", "a minus with nothing behind it", "-"),
        ("-", "a minus with nothing behind it", "-"),
        ("re:x", "a pattern is written re:/…/", "re:"),
        ("re:/x", "a pattern is written re:/…/", "re:"),
        ("title:re:/x", "the pattern is not closed with /", "re:/x"),
        ("re:/(/", "no regular expression: missing ), unterminated subpattern", "re:/(/"),
        ("stauts:x", "no field stauts:, did you mean status:", "stauts"),
        ("zzz:x", "no field zzz:; there are status: agent:", "zzz"),
        ("status:", "status: needs a value", ":"),
        ("status:a,,b", "status: needs a value", ","),
        (",a", "nothing before the comma", ","),
        ('title:"x', "the quotes are not closed", '"x'),
        ('title:"x"y', "a blank or a comma belongs here", "y"),
        ("err:maybe", "err: is true or false", "maybe"),
        ("needs:you", "needs: is me, elsewhere or machine", "you"),
        ("needs:me,nobody x", "needs: is me, elsewhere or machine", "nobody"),
        ("needs:re:/m/", "needs: is me, elsewhere or machine", "re:/m/"),
        ("needs:", "needs: needs a value", ":"),
        ("x status:pausd", "no status pausd, did you mean paused?", "pausd"),
        ("-status:failed,Compleeted", "no status Compleeted, did you mean completed?", "Compleeted"),
        ("status:running", "no status running, did you mean executing?", "running"),
        ("age>2h", "written age:>2h", "age>2h"),
        ("!paused", "written -paused", "!paused"),
        ("age:2h", "age: is compared, as in age:>2h", "2h"),
        ("tokens:10k", "tokens: is compared, as in tokens:>10k", "10k"),
        ("tokens:>many", "no number, write it as in tokens:>10k", ">many"),
        ("age:>soon", "no duration, write it as in age:>2h (s m h d w)", ">soon"),
    ],
)
def test_each_mistake_is_explained_and_underlined(text: str, message: str, marked: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    error = caught.value
    assert error.message.startswith(message)
    assert text[error.start : error.end] == marked
    assert error.underlined().split("\n")[1].startswith(" " * error.start + "^" * len(marked) + " ")


@pytest.mark.parametrize("text", ['status:"pausd"', "status:paus*", "status:archived", "status:PAUSED", "pausd"])
def test_a_status_in_quotes_with_a_star_or_like_none_that_is_known_is_taken_as_it_stands(text: str) -> None:
    assert str(parse_filter(text)) == text


TASK = Task.from_value(
    {
        "id": "0123456789abcdef", "agent_id": "a1", "status": "failed", "title": "Pay \\ the invoice", "source": "slack",
        "result": "An order 42\nwas refused", "parent_execution": "p1", "created_at": NOW - timedelta(hours=3),
        "input": {"text": "x", "user": {"id": "u1", "email": "dana@example.com"}}, "user_id": "u0",
        "tokens": {"prompt_tokens": 1500, "completion_tokens": 500, "total_tokens": 2000},
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("id:01234567", True), ("id:0123", False), ("id:0123*", True), ("parent:p1", True), ("source:slack", True),
        ("user:u0", True), ("user:u1", True), ("user:DANA@example.com", True), ("user:dana", False),
        ("agent:invoice*", True), ("agent:a1", True), ("agent:release", False), ("invoice", True), ("refused", True),
        ("re:/order \\d+$/", False), ("result:re:/ORDER \\d+/", True), ('title:"Pay \\\\ the"', True), ('"pay*"', False),
        ("err:true", True), ("err:false", False), ("-err:false", True), ("err:true,false", True), ("age:>2h", True),
        ("age:>=3h", True), ("age:<3h", False), ("age:<=3h", True), ("age:>2h59m,<1m", True), ("wait:>1s", False),
        ("tokens:>1.5k", True), ("tokens:<=2k", True), ("tokens:<2k", False), ("status:failed,paused -title:order", True),
    ],
)  # fmt: skip
def test_each_term_matches_what_it_says(text: str, finds: bool) -> None:
    context = FilterContext(NOW, {"a1": "Invoice bot", "a2": "Release bot"})
    assert parse_filter(text).predicate(context)(TASK) is finds
    assert parse_filter(str(parse_filter(text))).predicate(context)(TASK) is finds  # and does when it is written anew


def test_an_unknown_value_is_neither_greater_nor_less() -> None:
    bare = Task.from_value({"id": "t"})
    for text in ("tokens:>0", "tokens:<1m", "age:>0s", "age:<9w", "wait:<9w"):
        assert parse_filter(text).predicate()(bare) is False


def test_a_filter_without_terms_matches_everything() -> None:
    assert not parse_filter("  ")
    assert parse_filter("").predicate()(TASK)
    assert (
        parse_filter("").pushed_down() == parse_filter("-status:failed").pushed_down()
    )  # what is turned round is chosen here


WORDS = st.sampled_from(["status:paused,executing", "agent:invoice*", '-title:"a b"', "age:>2h", "re:/x\\/y+/", "tokens:<=10k",
                         "err:true", "tool:mail*", "-kind:resident", "internal:\"a b\"", "triggering:a1", "needs:me,machine", "-needs:elsewhere", "overdue", '"x:y"', "wait:>1h30m", "id:t1"])  # fmt: skip


@given(st.lists(WORDS, max_size=5))
def test_a_filter_printed_and_read_again_is_the_same(words: list[str]) -> None:
    one = parse_filter(" ".join(words))
    assert parse_filter(str(one)) == one


WAITS = {
    "me": (WaitKind.APPROVAL, WaitKind.QUESTION, WaitKind.SIGN_IN),
    "elsewhere": (WaitKind.HELD_CALL, WaitKind.SECRET, WaitKind.INVITATION, WaitKind.UNKNOWN),
    "machine": (WaitKind.WEBHOOK, WaitKind.SCHEDULE),
}


@given(st.sets(st.sampled_from(sorted(WAITS)), min_size=1), st.sampled_from([None, *WaitKind]), st.booleans())
def test_needs_matches_exactly_the_tasks_whose_wait_has_one_of_these_needs(
    needs: set[str], kind: WaitKind | None, negated: bool
) -> None:
    context = FilterContext(NOW, {}, lambda task: Wait(kind, NOW) if kind else None)
    matches = any(kind in WAITS[need] for need in needs)
    text = f"{'-' if negated else ''}needs:{','.join(sorted(needs))}"
    assert parse_filter(text).predicate(context)(TASK) is (matches is not negated)
    assert parse_filter(text.upper()).predicate(context)(TASK) is (matches is not negated)


def test_needs_is_not_sent_to_the_platform() -> None:
    assert parse_filter("needs:me").pushed_down() == Filter().pushed_down()
    assert str(parse_filter('needs:"me" x').without(WAIT_FIELDS)) == "x"
    paused = Task.from_value({"id": "t", "status": "paused", "hitl_request": {"title": "Pay?"}})
    assert parse_filter("needs:me").predicate()(paused)


RECORD = Task.from_value(
    {
        "id": "t1", "agent_id": "a1", "status": "paused", "internal_status": "With legal", "agent_version": 3,
        "last_executed_node_id": "n1", "hitl_request": {"wait_node_id": "n2"}, "triggering_agent_id": "a2",
        "used_tools": ["gmail.send_message", {"name": "pay"}, 7, None], "execution_kind": "resident",
        "conversation_kind": "gateway", "is_orchestration": True, "is_background": "yes",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ('internal:"with legal"', True), ("internal:with*", True), ("internal:legal", False), ("-internal:done", True),
        ("node:n1", True), ("node:n2", True), ("node:n", False), ("version:3", True), ("version:3,4", True),
        ("version:31", False), ("tool:send", True), ("tool:pay", True), ('tool:"gmail*"', False), ("tool:gmail*", True),
        ("tool:7", True), ("tool:read", False), ("kind:resident", True), ("kind:gateway", True), ("kind:direct", False),
        ("kind:workflow", True), ("kind:background", False), ("kind:approval", True), ("-kind:question,sign-in", True),
        ("triggering:a2", True), ("triggering:release", True), ("triggering:invoice", False), ("triggering:re:/^a/", True),
    ],
)  # fmt: skip
def test_each_attribute_of_the_record_is_a_term(text: str, finds: bool) -> None:
    context = FilterContext(NOW, {"a1": "Invoice bot", "a2": "Release bot"})
    for task in (RECORD, TaskRow.from_task(RECORD), TaskRow.from_json(dumps(RECORD.raw).encode())):
        assert parse_filter(text).predicate(context)(task) is finds


RECORD_FIELDS = ("internal", "node", "version", "tool", "kind", "triggering")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "n1", "gateway", "Ä"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "wait_node_id"]), inner),
    max_leaves=5,
)
JSON_FIELDS = ("internal_status", "last_executed_node_id", "hitl_request", "agent_version", "used_tools", "execution_kind",
               "conversation_kind", "is_orchestration", "triggering_agent_id")  # fmt: skip
RECORDS = st.fixed_dictionaries(
    {"id": st.just("t"), "agent_id": st.sampled_from(["a1", "a2"])}, optional=dict.fromkeys(JSON_FIELDS, JSON)
)


@given(RECORDS, st.sampled_from(RECORD_FIELDS), st.sampled_from(["a", "n1", "gate*", "re:/w/", '"1"', "a,b", "*"]))
def test_any_json_is_matched_or_not_and_a_minus_turns_it_round(record: dict[str, Any], field: str, value: str) -> None:
    task = TaskRow.from_value(record)
    context = FilterContext(NOW, {"a1": "Invoice bot"})
    matches = parse_filter(f"{field}:{value}").predicate(context)(task)
    assert parse_filter(f"-{field}:{value}").predicate(context)(task) is not matches
    texts = task_texts(task, field, context)
    assert all(isinstance(text, str) for text in texts)
    assert matches is texts_match(texts, field, value)


def texts_match(texts: list[str], field: str, value: str) -> bool:
    """Return whether a text matches, told in another way than the filter does."""
    inside = field in {"tool", "triggering"}
    wanted = value.strip('"').split(",")
    if value == "re:/w/":
        return any("w" in text.casefold() for text in texts)
    if "*" in value:
        return any(
            value.strip("*") in text.casefold() if inside else fnmatchcase(text.casefold(), value) for text in texts
        )
    return any(one in text.casefold() if inside else one == text.casefold() for text in texts for one in wanted)


AGENTS = {"a1": "Invoice bot", "a2": "Release bot"}


@given(st.sampled_from(["a1", "a2", "inv", "rel*", "bot", "zzz"]), st.sampled_from(["legal", "done", "le*", "le,do"]))
def test_a_query_finds_at_least_what_the_filter_does(agent: str, internal: str) -> None:
    one = parse_filter(f"triggering:{agent} internal:{internal}")
    context = FilterContext(NOW, AGENTS)
    query = one.pushed_down(context)
    for agent_id in AGENTS:
        for status in ("legal", "done"):
            row = {"id": "t", "triggering_agent_id": agent_id, "internal_status": status}
            if one.predicate(context)(TaskRow.from_value(row)):
                assert query.triggering_agent_id in {None, agent_id}
                assert query.internal_status in {None, status}


def test_the_platform_is_asked_for_an_internal_status_and_for_a_triggering_agent() -> None:
    context = FilterContext(NOW, AGENTS)
    query = parse_filter('internal:"with legal" triggering:invoice node:n1 kind:direct tool:x version:3').pushed_down(
        context
    )
    assert query == TaskQuery(internal_status="with legal", triggering_agent_id="a1")
    for text in ("internal:with*", "-internal:done", "internal:a,b", "triggering:bot", "-triggering:a1"):
        assert parse_filter(text).pushed_down(context) == TaskQuery()


def test_a_row_that_does_not_tell_its_internal_status_has_the_one_that_was_asked_for() -> None:
    asked = FilterContext(NOW, asked_internal_status="done")
    matches = parse_filter("internal:done").predicate(asked)
    assert matches(TaskRow.from_value({"id": "t"}))
    assert not matches(TaskRow.from_value({"id": "t", "internal_status": "open"}))
    assert not matches(TaskRow.from_value({"id": "t", "internal_status": None}))


@given(st.text(max_size=30))
def test_any_text_is_a_filter_or_an_error_with_a_position(text: str) -> None:
    try:
        assert parse_filter(str(parse_filter(text))) == parse_filter(text)
    except FilterError as error:
        assert 0 <= error.start < error.end
        assert error.message


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True), ("status:paused", True), ("status:completed,paused", True), ("-status:paused", False),
        ("agent:inv*", True), ("agent:release", False), ("overdue", True), ('"pay overdue"', True), ("age:>2h", True),
        ("age:<2h", False), ("tokens:>10k", True), ("err:true", False), ("wait:>10m", True), ("re:/44\\d7/", True),
        ("-nothing", True),
    ],
)  # fmt: skip
def test_a_filter_matches_a_task(text: str, matches: bool) -> None:
    task = Task.from_value({"id": "t1", "status": "paused", "title": "Pay overdue 4417", "agent_id": "a1", "input": {},
                    "created_at": (NOW - timedelta(hours=3)).isoformat(), "tokens": {"total_tokens": 18_200}})  # fmt: skip
    assert parse_filter(text).predicate(FilterContext(NOW, {"a1": "Invoice bot"}))(task) is matches


def test_a_mistake_in_a_filter_is_underlined() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("status:paused stat:x")
    assert caught.value.underlined().splitlines()[1].startswith(" " * 14 + "^^^^ no field stat:, did you mean status:")


def test_terms_that_the_platform_supports_are_pushed_down() -> None:
    query = parse_filter("status:paused,failed agent:inv* age:<2h").pushed_down(
        FilterContext(NOW, {"a1": "Invoice", "a2": "Other"})
    )
    assert (query.status, query.agent_id, query.from_date) == (("paused", "failed"), "a1", NOW - timedelta(hours=2))
