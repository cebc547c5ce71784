"""docs/coverage.md lists all of the SDK's names, and what it says of each is what the program shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell, shell
from tests.conftest import cases
from tests.repository import ROOT
from tests.screens.fixed_platforms import FixedPlatform
from tests.screens.test_snapshots import visiting
from tests.wire.platform import Platform
from tests.wire.server import Server
from tui.cli.detail_lines import PRINTED_ABOVE
from tui.cli.parser import VERBS, Parser
from tui.client.events import EVENTS_WITHOUT_ENTRY, Event
from tui.client.log_entries import parse_entry
from tui.domain.entry_format import entry_code
from tui.domain.task_details import SECRET_ATTRIBUTES, details_of
from tui.screens.facts import FactsScreen, FactsView

__all__ = ["shell"]
"""The fixtures of the command line that are used here."""
NAMES = cases("sdk-names")
PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
NOT_SENT = {"configuration"}
"""Attributes of the SDK's class that the platform does not have."""
LISTS = {"sub_executions", "used_tools", "input.files"}
EVENT_DATA: dict[str, dict[str, Any]] = {
    "auth_event": {"type": "login_required"},
    "agent_gateway_decision": {"action": "ask_execution"},
    "gateway_steer_applied": {"message": {"id": "m", "content": "go on"}},
}
ENTRIES: dict[str, dict[str, Any]] = {
    "Message": {"role": "user", "content": {"text": "hello"}},
    "ToolCall": {"tool_name": "search", "payload": {}},
    "Reasoning": {"type": "think", "title": "so", "confidence": 1.0},
    "SubAgentTrigger": {"agent_id": "a", "reasoning": {}},
    "Auth": {"type": "login_required", "data": {}},
    "GatewayCreateExecution": {"action": "create_execution", "created_execution_id": "c", "reasoning": "so"},
    "GatewayAskExecution": {
        "action": "ask_execution",
        "created_execution_id": "c",
        "new_input": "x",
        "reasoning": "so",
    },
    "GatewayStopExecution": {"action": "stop_execution", "created_execution_id": "c", "reasoning": "so"},
    "GatewayContinueExecution": {"action": "continue_execution", "created_execution_id": "c", "reasoning": "so"},
    "GatewayGetExecutionsResult": {"action": "get_executions_result", "reasoning": "so"},
    "OtherEntry": {"action": "inline_card"},
}


def rows(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below a heading, by the name in their first column."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.split(" | ")] for line in part.split("\n") if line.startswith("| `")]
    return {row[0].removeprefix("| ").strip("`"): [cell.removesuffix("|").strip() for cell in row[1:]] for row in cells}


def sent_attributes() -> Iterator[tuple[str, list[str]]]:
    """Yield the attributes that the platform sends, with the cells of their rows."""
    for name, cells in rows("Attributes of a task").items():
        if name not in NOT_SENT:
            yield name, cells


def unique_value(number: int, name: str) -> Any:
    """Return a value that no other attribute has."""
    if name.endswith("_at") and "." not in name:
        return f"2026-11-20T10:00:{number % 60:02}Z"
    if name.startswith("tokens.") or name == "duration":
        return 7_000 + number
    if name == "user_tokens":
        return {"server": "hidden-1", "other": "hidden-2"}
    if name == "user_oidc_token":
        return "hidden-3"
    if name == "deep_planning.tasks":
        return [{"id": "step-id", "title": "value-of-steps", "completed": False}]
    if name == "background_auth_eligible":  # a text under this name would be taken for a secret
        return True
    text = f"value-{number}-of-{name.rpartition('.')[2].replace('_', '-')}"
    if name in LISTS:
        return [text]
    if name in {"payload_extension", "hitl_request", "output_schema"}:
        return {"wait_node_id": text}
    if name == "pending_eca_request":
        return {"connector_name": text}
    if name == "mcp_servers":
        return [{"name": text, "auth_type": "oauth2-way", "api_key": "hidden-4"}]
    return text


VALUES = {name: unique_value(number, name) for number, name in enumerate(NAMES["task"]) if name not in NOT_SENT}


def record_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a task with these attributes, by their paths."""
    record: dict[str, Any] = {}
    for path, value in values.items():
        *holders, last = path.split(".")
        place = record
        for holder in holders:
            place = place.setdefault(holder, {})
        place[last] = value
    record["input"]["attachments"] = [record["input"]["attachments"]]
    return record


def texts_of(value: Any) -> list[str]:
    """Return the texts in a value as a reader must find them."""
    match value:
        case dict():
            return [text for member in value.values() for text in texts_of(member)]
        case list():
            return [text for item in value for text in texts_of(item)]
        case str() if re.fullmatch(r"2026-11-20T10:00:\d\dZ", value):
            return [value[11:19][-5:]]  # minutes and seconds, the same in every time zone
        case bool():
            return []
        case _:
            return [str(value)]


def told(attributes: dict[str, Any]) -> list[str]:
    """Return the texts of all attributes that are to be found; a duration is written in its own form."""
    shown = {name: value for name, value in attributes.items() if name not in {*SECRET_ATTRIBUTES, "duration"}}
    return [text for text in texts_of(shown) if text not in {"hidden-4"}]


@pytest.mark.parametrize(
    ("heading", "group"),
    [
        ("Attributes of a task", "task"),
        ("Parameters of `create_task`", "create_task"),
        ("Kinds of events", "events"),
        ("Kinds of log entries", "entries"),
    ],
)
def test_every_name_of_the_sdk_is_listed_once(heading: str, group: str) -> None:
    assert list(rows(heading)) == NAMES[group]


def test_each_attribute_is_in_the_group_that_the_page_names() -> None:
    details = details_of(record_of(VALUES))
    places = {detail.name: f"{group.name}: {detail.label}" for group in details.groups for detail in group.details}
    assert not [group for group in details.groups if group.name == "more"]
    for name, (facts, verb, json_path) in sent_attributes():
        if name in SECRET_ATTRIBUTES:
            assert details.secrets[name]
            continue
        path = name if name in places else name.rpartition(".")[0]
        assert places[path] == facts
        assert json_path == f'`facts.{facts.partition(":")[0]}["{path}"]`'
        is_above = verb in {"among the first lines", "Result"}
        assert is_above == (path in PRINTED_ABOVE), name


async def test_a_person_finds_every_attribute_of_a_task_on_screen(tmp_path: Path) -> None:
    task = {**record_of(VALUES), "id": "t1"}
    platform = FixedPlatform(tasks=[task])
    async with visiting(platform, (120, 40), tmp_path) as visitor:
        visitor.app.open_task("t1")
        await visitor.pilot.pause()
        await visitor.press("i")
        await visitor.until(lambda: isinstance(visitor.app.screen, FactsScreen) and visitor.app.screen.query(FactsView))
        facts = visitor.app.screen.query_one(FactsView)
        await visitor.until(lambda: "value-of-steps" in all_text(facts))
        facts.fold_all(False)
        shown = all_text(facts)
        assert [text for text in told({**VALUES, "id": "t1"}) if text not in shown] == []
        assert "user_tokens: 2, masked" in shown
        assert "mcp_servers.api_key: 1, masked" in shown
        await visitor.press("M")
        assert "hidden" not in all_text(facts)
        await visitor.press("i")
        assert not isinstance(visitor.app.screen, FactsScreen)


def all_text(facts: FactsView) -> str:
    return "\n".join(facts.text_of(index) for index in range(facts.count()))


async def test_show_prints_every_attribute_of_a_task(shell: Shell, platform: Platform, server: Server) -> None:
    platform.task("t1", **{name: value for name, value in record_of(VALUES).items() if name != "id"})
    values = {**VALUES, "id": "t1"}
    said = await shell.on(server, "show", "t1")
    missing = [text for text in told(values) if text not in said.out]
    assert missing == ["step-id"]  # which the page says
    assert "    user_tokens: 2, masked" in said.out.split("\n")
    as_json = (await shell.on(server, "show", "t1", "-o", "json")).json["facts"]
    for name, (_, _, path) in sent_attributes():
        group, key = re.findall(r'`facts\.(\w+)\["(.+)"\]`', path)[0]
        found = texts_of(as_json[group][key])
        assert name in SECRET_ATTRIBUTES or set(told({name: values[name]})) <= {*found}, name
    assert as_json["secrets"] == {"user_tokens": 2, "user_oidc_token": 1, "mcp_servers.api_key": 1}
    assert "hidden" not in said.out + str(as_json)


def test_every_parameter_has_the_flag_that_the_page_names() -> None:
    parser = Parser()
    VERBS["run"][1](parser)
    flags = {flag for action in parser._actions for flag in action.option_strings}
    for name, (named, seen) in rows("Parameters of `create_task`").items():
        for flag in re.findall(r"--[\w-]+", named):
            assert flag in flags, name
        attribute = seen.strip("`")
        assert attribute in {*NAMES["task"], "worker_id", "input.attachments"} or seen.startswith("nothing"), name


def test_every_kind_of_event_has_the_place_that_the_page_names() -> None:
    for kind, (place,) in rows("Kinds of events").items():
        event = Event.from_value({"type": kind, "task_id": "t", "data": EVENT_DATA.get(kind, {})})
        assert event.type == kind
        if kind in EVENTS_WITHOUT_ENTRY:
            assert event.entry is None
            assert not place.startswith("`")
        else:
            assert event.entry is not None
            assert place == f"`{entry_code(event.entry)}`"


def test_every_kind_of_entry_has_the_code_that_the_page_names() -> None:
    for name, (codes, kind) in rows("Kinds of log entries").items():
        entry = parse_entry(ENTRIES[name.removeprefix("AgentActivityThread")])
        assert f"`{entry_code(entry)}`" in codes
        assert f"`{entry.kind}`" == kind
