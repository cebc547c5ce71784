"""The pure parts: models, filter, board, activity, the door, masks, the journal, settings."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import cases
from tui.client.endpoints import BadAddress, surfaces_of
from tui.client.events import Event
from tui.client.json_codec import NotJson, dumps, loads, parse_nested
from tui.client.json_values import parse_time
from tui.client.log_entries import Entry, Log, Message, Other, Reasoning, ToolCall, parse_entry
from tui.client.models import Agent, Task, WaitKind
from tui.domain.activity_log import MIN_STREAMED_PIECES, Activity, walk_tree
from tui.domain.filters import FilterContext, FilterError, parse_filter
from tui.domain.state import Change, EventSeen, LogSeen, State, TasksSeen
from tui.security.redact import Redactor
from tui.security.sanitize import host_of, one_line, sanitize_text
from tui.services.audit_log import Journal
from tui.storage.settings import BadSettings, read

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        *Task.model_fields,
        "type",
        "role",
        "content",
        "tool_name",
        "payload",
        "action",
        "deep_planning",
    ]
)


@given(JSON | st.dictionaries(NAMES, JSON, max_size=12))
def test_any_json_is_a_task_an_agent_an_entry_and_an_event(value: Any) -> None:
    task = Task.from_value(value)
    assert task.id
    task.name.encode()
    assert task.wait is None or task.wait.kind
    assert Agent.from_value(value).id is not None
    assert parse_entry(value).id
    event = Event.from_value(value)
    assert event.type
    _ = event.task, event.entry, event.plan, event.context, event.chunk
    whole = value if isinstance(value, dict) else {"value": value}
    assert task.raw is value or dumps(task.raw) == dumps(whole)


@given(st.text(max_size=60))
def test_any_text_is_an_event(text: str) -> None:
    assert Event.from_sse(text).type


@pytest.mark.parametrize(
    ("told", "kind", "label"),
    [
        ({"role": "system", "content": "x"}, "message", "x"),
        ({"type": "think", "action": "free text", "thought": "hm"}, "reasoning", "hm"),
        ({"type": "login_required", "data": {"server_name": "Gmail"}}, "sign-in", "Gmail login required"),
        ({"tool_name": "t"}, "tool", "t"),
        ({"agent_id": "a", "reasoning": {}, "query": "q"}, "sub-agent", "q"),
        ({"action": "create_execution", "query": "q"}, "sub-agent", "q"),
        ({"action": "stop_execution", "created_execution_id": "c"}, "decision", "stop execution"),
        ({"action": "brand_new"}, "other", "brand_new"),
        (5, "other", "entry"),
    ],
)
def test_entries_are_told_apart(told: Any, kind: str, label: str) -> None:
    assert (parse_entry(told).kind, parse_entry(told).label) == (kind, label)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ("9" * 5000, "9" * 5000),
        ('"\\ud800"', "\ud800"),
        ("[" * 200 + "]" * 200, json.loads("[" * 200 + "]" * 200)),
    ],
)
def test_json_that_is_not_quite_json_is_read(text: str, value: Any) -> None:
    assert loads(text) == value
    dumps(loads(text)).encode("ascii")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('{"to": "ACME", "amount": 7}', {"to": "ACME", "amount": 7}),
        ({"content": '[1,"é"]'}, {"content": [1, "é"]}),
        ('{"to": "ACME", "to": "me"}', '{"to": "ACME", "to": "me"}'),
        ('{"amount": 1.50}', '{"amount": 1.50}'),
        ('{"x": "\\u0041"}', '{"x": "\\u0041"}'),
        ("{not json", "{not json"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_json_in_a_text_is_taken_apart_only_where_nothing_is_lost(value: Any, shown: Any) -> None:
    assert parse_nested(value) == shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://mail.example.com/x?y#z", "https://mail.example.com"),
        ("https://user:pass@mail.example.com@evil.example/", None),
        ("https://p\u0430ypal.com/", "https://xn--pypal-4ve.com"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("https://[::1", None),
        ("https://" + "a" * 300, None),
    ],
)
def test_an_address_shows_its_real_host(url: str, host: str | None) -> None:
    assert host_of(url) == host


def test_json_nested_without_end_keeps_its_neighbours() -> None:
    deep = "[" * 10_000 + "1" + "]" * 10_000
    value = loads(f'[{{"id":"a","x":{deep}}},{{"id":"b"}}]')
    assert [row["id"] for row in value] == ["a", "b"]
    dumps(value).encode("ascii")
    with pytest.raises(NotJson, match="too early"):
        loads('{"items": [{"id": "a"')


@pytest.mark.parametrize("value", ["2025-11-06T06:46:02.104705Z", 1762411562, "1762411562", 1762411562104])
def test_times_in_every_form_are_utc(value: Any) -> None:
    when = parse_time(value)
    assert when is not None
    assert when.tzinfo is UTC
    assert when.strftime("%Y-%m-%d %H:%M") == "2025-11-06 06:46"


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ({"status": "paused", "hitl_request": {"wait_node_id": "n"}}, WaitKind.APPROVAL),
        ({"status": "paused", "hitl_request": {"content": "x", "approved_by": "Dana"}}, WaitKind.UNKNOWN),
        ({"status": "executing", "hitl_request": {"wait_node_id": "n"}}, None),
        ({"status": "executing", "pending_eca_request": {"connector_name": "Gmail"}}, WaitKind.SIGN_IN),
        ({"status": "paused", "deep_planning": {"question_raised": True}}, WaitKind.QUESTION),
        ({"status": "paused"}, WaitKind.UNKNOWN),
        ({"status": "completed", "hitl_request": {"wait_node_id": "n"}}, None),
    ],
)
def test_why_a_task_waits(task: dict[str, Any], kind: WaitKind | None) -> None:
    wait = Task.from_value({"id": "t", **task}).wait
    assert (wait.kind if wait else None) == kind


ROOTS = [
    (None, "https://inbound.xpander.ai", "https://agent-controller.xpander.ai/ORG"),
    ("https://inbound.stg.xpander.ai", "https://inbound.stg.xpander.ai", "https://agent-controller.stg.xpander.ai/ORG"),
    ("https://agent-controller.xpander.ai", "https://agent-controller.xpander.ai/ORG", "https://agent-controller.xpander.ai/ORG"),
    ("https://agent-controller.acme.com/", "https://agent-controller.acme.com/ORG", "https://agent-controller.acme.com/ORG"),
    ("https://x.example.com/agent-controller", "https://x.example.com/agent-controller/ORG", "https://x.example.com/agent-controller/ORG"),
    ("http://localhost:9016", "http://localhost:9016/ORG", "http://localhost:9016/ORG"),
    ("http://localhost:8085", "http://localhost:8085", "http://localhost:9016/ORG"),
    ("https://api.xpander.ai", "https://inbound.xpander.ai", "https://agent-controller.xpander.ai/ORG"),
    ("inbound.xpander.ai", "https://inbound.xpander.ai", "https://agent-controller.xpander.ai/ORG"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "controller", "events"), ROOTS)
def test_addresses_follow_the_sdk_rules(base: str | None, controller: str, events: str) -> None:
    from tui.client.endpoints import Surface

    surfaces = surfaces_of(base, None, "ORG")
    assert surfaces.root(Surface.CONTROLLER) == controller
    assert surfaces.root(Surface.EVENTS) == events


@pytest.mark.parametrize(
    "base", ["http://10.0.0.5:8085", "ftp://x", "https://u:p@h", "https://agent-controller.x.com", "http://[::"]
)
def test_addresses_that_cannot_be_used_say_so(base: str) -> None:
    with pytest.raises(BadAddress):
        surfaces_of(base, None, None)


WORDS = st.sampled_from(["status:paused,executing", "agent:invoice*", '-title:"a b"', "age:>2h", "re:/x\\/y+/", "tokens:<=10k",
                         "err:true", "overdue", '"x:y"', "wait:>1h30m", "id:t1"])  # fmt: skip


@given(st.lists(WORDS, max_size=5))
def test_a_filter_printed_and_read_again_is_the_same(words: list[str]) -> None:
    one = parse_filter(" ".join(words))
    assert parse_filter(str(one)) == one


@given(st.text(max_size=30))
def test_a_filter_is_read_or_says_where_it_is_wrong(text: str) -> None:
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
def test_what_a_filter_finds(text: str, matches: bool) -> None:
    task = Task.from_value({"id": "t1", "status": "paused", "title": "Pay overdue 4417", "agent_id": "a1", "input": {},
                    "created_at": (NOW - timedelta(hours=3)).isoformat(), "tokens": {"total_tokens": 18_200}})  # fmt: skip
    assert parse_filter(text).predicate(FilterContext(NOW, {"a1": "Invoice bot"}))(task) is matches


def test_a_mistake_in_a_filter_is_underlined() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("status:paused stat:x")
    assert caught.value.underlined().splitlines()[1].startswith(" " * 14 + "^^^^ no field stat:, did you mean status:")


def test_what_the_platform_can_choose_is_pushed_down() -> None:
    query = parse_filter("status:paused,failed agent:inv* age:<2h").pushed_down(
        FilterContext(NOW, {"a1": "Invoice", "a2": "Other"})
    )
    assert (query.status, query.agent_id, query.from_date) == (("paused", "failed"), "a1", NOW - timedelta(hours=2))


def call(request: str, *, result: bool, at: int) -> Event:
    kind = "tool_call_result" if result else "tool_call_request"
    data = {"request_id": request, "operation_id": "op", "tool_name": "search", "payload": {"q": request}}
    if result:
        data |= {"result": "found", "is_error": False}  # type: ignore[dict-item]
    return Event.from_value(
        {"type": kind, "task_id": "t", "time": (NOW + timedelta(seconds=at)).isoformat(), "data": data}
    )


def logged(request: str, at: int) -> Entry:
    return parse_entry({"id": request, "created_at": (NOW + timedelta(seconds=at)).isoformat(), "tool_name": "search",
                     "payload": {"q": request}, "result": "found", "is_error": False})  # fmt: skip


def picture(state: State) -> Any:
    """Everything a board shows, whatever way it came to it."""
    nodes = {name: [(n.at, n.entry.id, dumps(n.entry.raw), n.provenance) for n in log.activity.nodes]
             for name, log in sorted(state.logs.items())}  # fmt: skip
    streaming = {name: log.activity.streaming for name, log in sorted(state.logs.items())}
    return nodes, streaming, {name: known.task.raw for name, known in sorted(state.tasks.items())}


def test_every_order_of_changes_ends_in_the_same_board() -> None:
    row = {"id": "t", "agent_id": "a", "status": "executing", "updated_at": (NOW + timedelta(seconds=1)).isoformat()}
    full = {
        "id": "t",
        "status": "completed",
        "input": {"text": "x"},
        "finished_at": (NOW + timedelta(seconds=9)).isoformat(),
    }
    echo = {
        "type": "task_updated",
        "time": (NOW + timedelta(seconds=10)).isoformat(),
        "data": {**full, "status": "executing"},
    }
    chunk = {"type": "chunk", "time": (NOW + timedelta(seconds=3)).isoformat(), "data": "he"}
    changes: list[Change] = [
        TasksSeen((Task.from_value(row),), NOW),
        TasksSeen((Task.from_value(full),), NOW + timedelta(seconds=9)),
        EventSeen("t", Event.from_value(echo), NOW),
        EventSeen("t", call("r1", result=False, at=2), NOW),
        EventSeen("t", call("r1", result=True, at=4), NOW),
        EventSeen("t", Event.from_value(chunk), NOW),
        LogSeen("t", Log((logged("r1", 2), logged("r2", 5))), NOW + timedelta(seconds=6)),
    ]
    boards = [State().after(order) for order in permutations(changes)]
    assert all(picture(state) == picture(boards[0]) for state in boards)
    assert boards[0].task("t").status == "completed"  # type: ignore[union-attr]
    assert [node.entry.id for node in boards[0].activity("t").nodes] == ["r1", "r2"]  # type: ignore[union-attr]
    again = boards[0].after(changes)
    assert picture(again) == picture(boards[0])


def test_a_board_stays_as_it_was_when_a_next_one_is_made() -> None:
    one = State().after([TasksSeen((Task.from_value({"id": "a", "status": "pending"}),), NOW)])
    two = one.after([TasksSeen((Task.from_value({"id": "a", "status": "executing"}),), NOW + timedelta(seconds=1))])
    assert (one.task("a").status, two.task("a").status) == ("pending", "executing")  # type: ignore[union-attr]
    assert two.touched.tasks == {"a"}


def test_a_waiting_descendant_is_found_through_cycles() -> None:
    rows = [{"id": "a", "parent_task_id": "c", "status": "executing"}, {"id": "b", "parent_task_id": "a", "status": "executing"},
            {"id": "c", "parent_task_id": "b", "status": "paused"}]  # fmt: skip
    state = State().after([TasksSeen(tuple(map(Task.from_value, rows)), NOW)])
    assert list(state.waiting_below("a")) == ["c"]


def test_a_call_is_one_node_whether_its_request_or_its_result_is_missing() -> None:
    activity = Activity("t")
    activity.add_event(call("r1", result=True, at=5), NOW)
    activity.add_event(call("r2", result=False, at=6), NOW)
    activity.add_event(call("r1", result=False, at=3), NOW)
    first, second = activity.nodes
    assert (first.entry.id, first.seconds, second.seconds) == ("r1", 2.0, None)
    assert isinstance(second.entry, ToolCall)
    assert not second.entry.is_finished


def test_a_call_with_other_ids_in_the_log_is_still_one_node() -> None:
    activity = Activity("t")
    activity.add_event(call("r1", result=True, at=5), NOW)
    entry = parse_entry({**logged("r1", 5).raw, "id": "quite-another"})
    activity.add_log(Log((entry,)), NOW)
    assert len(activity) == 1
    assert activity.get("r1") is activity.get("quite-another")


def test_sub_agents_hang_under_their_trigger_and_a_cycle_ends() -> None:
    trigger = {"id": "d1", "created_at": NOW.isoformat(), "agent_id": "b", "reasoning": {}, "query": "q"}
    child = Task.from_value({"id": "child", "agent_id": "b", "created_at": (NOW + timedelta(seconds=1)).isoformat()})
    root, below = Activity("root"), Activity("child")
    root.add_log(Log((parse_entry(trigger),)), NOW)
    below.add_log(Log((parse_entry({**trigger, "id": "d2", "created_execution_id": "root"}), logged("r1", 3))), NOW)
    rows = list(walk_tree({"root": root, "child": below}, {"root": (child,)}, "root"))
    assert [(row.depth, row.child_id, row.is_known) for row in rows] == [
        (0, "child", False),
        (1, "root", True),
        (1, None, False),
    ]


def test_streamed_text_ends_with_the_message_it_becomes() -> None:
    activity = Activity("t")
    for second, piece in enumerate(["Hel", "lo"]):
        activity.add_event(
            Event.from_value({"type": "chunk", "time": (NOW + timedelta(seconds=second)).isoformat(), "data": piece}),
            NOW,
        )
    assert activity.streaming == "Hello"
    told = {
        "id": "m",
        "created_at": (NOW + timedelta(seconds=5)).isoformat(),
        "role": "agent",
        "content": {"text": "Hello"},
    }
    activity.add_log(Log((parse_entry(told),)), NOW)
    assert activity.streaming == ""


def test_of_very_much_streamed_text_the_end_is_kept() -> None:
    activity = Activity("t")
    for number in range(2 * MIN_STREAMED_PIECES + 1):
        told = {"type": "chunk", "time": (NOW + timedelta(seconds=number)).isoformat(), "data": f"{number} "}
        activity.add_event(Event.from_value(told), NOW)
    assert activity.streaming.split() == [
        str(number) for number in range(MIN_STREAMED_PIECES, 2 * MIN_STREAMED_PIECES + 1)
    ]


def test_entries_of_the_right_class_even_where_the_sdk_has_none() -> None:
    assert isinstance(parse_entry({"type": "think", "title": "x", "confidence": 0.5, "action": "do it"}), Reasoning)
    assert isinstance(parse_entry({"role": "user", "content": "plain"}), Message)
    assert isinstance(parse_entry({"action": "approval_card"}), Other)


HOSTILE = cases("hostile")
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\u200b", "\u200d"} - {"\n"}


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["name"])
def test_hostile_text_comes_out_harmless(case: dict[str, str]) -> None:
    shown = sanitize_text(case["text"])
    assert not FORBIDDEN & set(shown)
    assert sanitize_text(shown) == shown


@given(st.text(st.characters(codec=None)))
def test_the_door_is_idempotent_and_lets_nothing_through(text: str) -> None:
    shown = sanitize_text(text, longest=40)
    assert not FORBIDDEN & set(shown)
    assert sanitize_text(shown, longest=40) == shown
    assert all(len(line) <= 40 for line in shown.split("\n"))
    shown.encode()
    assert "\n" not in one_line(text)


def test_secrets_are_masked_by_name_by_look_and_by_value() -> None:
    redactor = Redactor(["the-configured-key-123"])
    value = {"api_key": "abcdefghijklmnop", "tokens": {"total_tokens": 5}, "headers": {"X": "hidden", "Accept": "json"},
             "note": "Bearer abcdefghijk123 the-configured-key-123", "author": "me"}  # fmt: skip
    shown = dumps(redactor.json(value))
    for secret in ("abcdefghijklm", "hidden", "abcdefghijk123", "the-configured-key-123"):
        assert secret not in shown
    assert '"author":"me"' in shown
    assert '"total_tokens":5' in shown


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


def environment(tmp_path: Path, text: str | None = None, **more: str) -> dict[str, str]:
    if text is not None:
        (tmp_path / "xp-tui").mkdir()
        (tmp_path / "xp-tui" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), **more}


def test_settings_come_from_the_nearest_place(tmp_path: Path) -> None:
    text = 'organization = "file"\nhold = 9\n[profiles.prod]\norganization = "profile"\n'
    environ = environment(tmp_path, text, XPANDER_API_KEY="key-0123456789")
    settings = read({}, environ, profile="prod")
    assert settings.values["organization"] == ("profile", "profile prod")
    assert (settings["hold"], settings["time"]) == (9.0, "relative")
    assert read({}, {**environ, "XPANDER_ORGANIZATION_ID": "env"}, profile="prod")["organization"] == "env"
    assert read({"organization": "words"}, environ)["organization"] == "words"
    assert "0123456789" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hold = \n", "config.toml:1:8"),
        ('hold = "soon"\n', "config.toml:1: hold is a number"),
        ('[profiles.a]\nhold = 1\n[profiles.b]\nread_only = "maybe"\n', None),
        ('api_key = "secret-0123456789"\n', "chmod 600"),
    ],
)
def test_broken_settings_say_file_and_line(tmp_path: Path, text: str, words: str | None) -> None:
    environ = environment(tmp_path, text)
    (tmp_path / "xp-tui" / "config.toml").chmod(0o644)
    if words is None:
        with pytest.raises(BadSettings, match=r"config\.toml:4: read_only"):
            read({}, environ, profile="b")
        return
    with pytest.raises(BadSettings) as caught:
        read({}, environ)
    assert words in str(caught.value)
    assert "secret-0123456789" not in str(caught.value)


def test_a_name_nothing_reads_is_a_warning_with_the_nearest(tmp_path: Path) -> None:
    settings = read({}, environment(tmp_path, '\nbase_ulr = "x"\n'))
    assert settings.warnings[0].endswith("config.toml:2: nothing is called 'base_ulr', did you mean base_url?")


def test_adding_to_a_long_activity_costs_what_adding_to_a_short_one_does() -> None:
    from time import perf_counter

    def cost(size: int) -> float:
        activity = Activity("t")
        activity.add_log(Log(tuple(logged(f"r{n}", n) for n in range(size))), NOW)
        events = [call(f"x{n}", result=False, at=size + n) for n in range(200)]
        begun = perf_counter()
        for event in events:
            activity.add_event(event, NOW)
        return perf_counter() - begun

    random.seed(1)
    small, large = min(cost(100) for _ in range(3)), min(cost(20_000) for _ in range(3))
    assert large < 3 * small
