"""The facts of a review: what was asked, why, the node of the workflow, and only what can follow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.client.workflow_models import AgentDefinition, HitlOptions, ToolApproval, WorkflowNode
from tui.domain.review import ReviewSnapshot, review_of
from tui.domain.review_facts import (
    NOT_PROVIDED,
    NOT_READ,
    READING,
    facts_of,
    is_quiet_envelope,
    tool_approval_state,
)
from tui.domain.wait_details import WaitDetails, deadline_of, find_node, find_options

REQUEST = {"wait_node_id": "n1", "operation_id": "n1", "title": "Pay?", "description": "Now", "content": {"a": 1}}
CALL = {"id": "c", "tool_name": "shell.run", "payload": {}, "approval_request_id": "r1", "result": "it waits"}


def said(role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{role} {text}", "role": role, "content": {"text": text}, **more}


def called(reason: str) -> dict[str, Any]:
    return {"id": reason, "tool_name": "t", "payload": {}, "reasoning": {"title": reason, "description": ""}}


def review(*entries: dict[str, Any], **task: Any) -> ReviewSnapshot:
    record = {"id": "t", "agent_id": "a", "status": "paused", "paused_at": "2026-11-21T12:00:00Z", **task}
    return review_of(Task.from_value(record), Log(tuple(map(parse_entry, entries))))


def approval(*entries: dict[str, Any], **request: Any) -> ReviewSnapshot:
    return review(*entries, hitl_request={**REQUEST, **request})


def facts(shown: ReviewSnapshot, details: WaitDetails | None = None, **more: Any) -> dict[str, str]:
    return {fact.label: fact.text for fact in facts_of(shown, details, **more)}


@pytest.mark.parametrize(
    ("entries", "asked", "last"),
    [
        ([said("user", "first"), said("agent", "x"), said("user", "then")], "first", "then"),
        ([said("user", "only")], "only", None),
        ([said("agent", "x")], "from the input", None),
        ([said("user", "only"), said("user", "sub", sub_execution_result=True)], "only", None),
    ],
)
def test_the_first_and_the_last_message_of_the_user_are_shown(entries: Any, asked: str, last: str | None) -> None:
    shown = facts(review(*entries, hitl_request=REQUEST, input={"text": "from the input"}))
    assert (shown["asked"], shown.get("asked last")) == (asked, last)


def test_nothing_asked_is_said() -> None:
    assert facts(approval())["asked"] == "not provided by the platform"


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([said("user", "u"), called("old"), said("agent", "I ask")], "(the agent's last message, unverified)  I ask"),
        ([said("user", "u"), said("assistant", "I ask"), called("later")], "(the agent's last message, unverified)  I ask"),
        ([said("agent", "old"), said("user", "u"), called("pay it")], "(reason of the last tool call, unverified)  pay it"),
        ([said("user", "u"), {"id": "r", "type": "think", "thought": "hm"}], "(the agent's last thought, unverified)  hm"),
        ([said("agent", "a child", sub_execution_result=True), called("pay")], "(reason of the last tool call, unverified)  pay"),
        ([said("agent", "old"), said("user", "u")], "(the agent's message before the last one of the user, unverified)  old"),
        ([said("user", "u"), said("agent", " \n ")], "not provided by the platform: the agent gave no reason"),
        ([], "not provided by the platform: the agent gave no reason"),
    ],
)  # fmt: skip
def test_the_agents_own_words_are_labelled_with_their_source(entries: Any, why: str) -> None:
    assert facts(approval(*entries))["why"] == why


OPTIONS = HitlOptions.from_value(
    {"approvers": {"user_ids": ["u-1", "u-2"], "group_ids": ["finance"]}, "timeout_seconds": 900, "on_deny": "continue"}
)
NODE = WorkflowNode.from_value({"id": "n1", "type": "wait", "name": "Release", "description": "Look twice"})
DANA = {"id": "u-1", "display_name": "Dana"}


def test_the_node_names_who_may_approve_by_when_and_what_a_rejection_does() -> None:
    shown = approval(said("user", "u", user=DANA))
    details = WaitDetails("n1", NODE, OPTIONS)
    told = facts(shown, details)
    assert told["node"] == "Release (n1): Look twice"
    assert told["approvers"] == "Dana (u-1), u-2, group finance"
    deadline = datetime(2026, 11, 21, 12, 15, tzinfo=UTC)
    assert deadline_of(shown, details) == deadline
    assert f"decide by {deadline.astimezone():%Y-%m-%d %H:%M:%S}; not decided yet" in told["waits"]
    assert told["then"].endswith("On reject: the agent is told, with the reason, and goes on without it.")


def test_a_node_that_tells_nothing_is_its_id() -> None:
    told = facts(approval(), WaitDetails("n1"))
    assert (told["node"], told["approvers"]) == ("n1", "not provided by the platform")
    assert "no deadline published" in told["waits"]
    assert told["then"].endswith("what the workflow then does is not provided by the platform.")


def test_a_node_that_could_not_be_read_says_so() -> None:
    told = facts(approval(), WaitDetails("n1", node_problem="timed out"))
    assert (told["node"], told["approvers"]) == ("n1: could not be read: timed out", "could not be read")


@pytest.mark.parametrize(
    "details", [None, WaitDetails("n1"), WaitDetails("n1", NODE, OPTIONS), WaitDetails("n1", node_problem="x")]
)
def test_late_details_change_no_label(details: WaitDetails | None) -> None:
    """Every line must be seen: with the same labels, only lines that say something else have to be seen again."""
    for shown in (approval(), review(CALL)):
        labels = [fact.label for fact in facts_of(shown, None, unread=READING)]
        assert [fact.label for fact in facts_of(shown, details)] == labels


@pytest.mark.parametrize("seconds", [None, 0, -5, 1e300, "soon"])
def test_a_senseless_timeout_is_no_deadline(seconds: Any) -> None:
    options = HitlOptions.from_value({"timeout_seconds": seconds})
    assert deadline_of(approval(), WaitDetails("n1", options=options)) is None


def test_an_unknown_effect_of_a_rejection_is_shown_as_it_is() -> None:
    options = HitlOptions.from_value({"on_deny": "explode"})
    assert "on_deny is 'explode'" in facts(approval(), WaitDetails("n1", options=options))["then"]


@pytest.mark.parametrize(
    ("shown", "then"),
    [
        (review({"id": "q", "questions": [{"question": "Where?"}]}), "your answer goes to the agent"),
        (review(pending_eca_request={"connector_name": "Gmail", "auth_url": "https://a.example"}), "signed in"),
        (review(CALL), "nothing can be decided here"),
        (review(), "nothing can be decided here"),
        (review(status="completed"), "nothing waits"),
        (review({"id": "k", "request_id": "k", "type": "confirmation", "card_id": "k"}), "the card is dismissed"),
    ],
)  # fmt: skip
def test_only_what_can_happen_follows(shown: ReviewSnapshot, then: str) -> None:
    told = facts(shown)["then"]
    assert then in told
    assert ("on confirm" in told) is (shown.blocked_now is None)


@pytest.mark.parametrize(
    ("approval_", "state"),
    [
        ({"settled": False}, "waiting: nobody has decided yet"),
        ({"settled": True, "approved": True, "decided_by_name": "Kim"}, "approved by Kim"),
        ({"settled": True, "approved": False, "decided_by_name": "Kim", "decision_note": "no"}, "declined by Kim: no"),
        ({"settled": True, "approved": None}, "declined"),
        ({"settled": True, "approved": False, "status": "expired"}, "expired: nobody had decided in time"),
    ],
)
def test_a_tool_approval_says_its_state(approval_: Any, state: str) -> None:
    assert tool_approval_state(ToolApproval.from_value(approval_)) == state


DECIDED = {**REQUEST, "approved_by": "Dana"}


def test_a_card_after_an_earlier_approval_is_told_in_its_own_words() -> None:
    card = {"request_id": "k1", "card_id": "k1", "type": "confirmation", "title": "Delete production?", "action": "x"}
    shown = review({"id": "k1", **card, "created_at": "2026-11-21T12:00:00Z"}, hitl_request=DECIDED)
    assert shown.request_id == "k1"
    assert facts(shown)["what"] == "Delete production?"
    assert "Dana" not in str(facts_of(shown, None))
    assert "node" not in facts(shown)
    assert shown.subject_id == ""


def test_a_held_call_after_an_earlier_approval_is_known_as_one() -> None:
    shown = review(CALL, hitl_request=DECIDED)
    assert shown.tool_approval_id == shown.subject_id == "r1"
    assert facts(shown)["decided"] == "on the platform, under Settings > Approvals"
    assert "Dana" not in str(facts_of(shown, None))


def test_who_has_decided_is_told_where_nothing_waits_any_more() -> None:
    assert "already approved by Dana" in facts(review(status="executing", hitl_request=DECIDED))["waits"]


@pytest.mark.parametrize("shown", [approval(), review(CALL)])
def test_details_that_were_not_read_are_not_denied(shown: ReviewSnapshot) -> None:
    told = facts(shown, unread=NOT_READ)
    assert told["approvers"] == NOT_READ
    assert told["waits"].split("; ")[1] == f"deadline: {NOT_READ}"
    assert NOT_PROVIDED not in told["then"]


def test_a_wait_without_details_has_none_that_could_be_unread() -> None:
    assert NOT_READ not in str(facts_of(review(deep_planning={"question_raised": True}), None, unread=NOT_READ))


def test_a_held_call_says_where_it_is_decided_until_when_and_by_whom() -> None:
    shown = review(CALL)
    told = ToolApproval.from_value({"settled": False, "expires_at": "2026-11-21T14:00:00Z"})
    assert (shown.tool_approval_id, shown.subject_id) == ("r1", "r1")
    details = WaitDetails("r1", options=OPTIONS, approval=told)
    texts = facts(shown, details)
    assert texts["decided"] == "on the platform, under Settings > Approvals"
    assert texts["approvers"] == "u-1, u-2, group finance"
    assert "decide by" in texts["waits"]
    assert facts(shown, WaitDetails("r1", approval_problem="gone"))["state"] == "could not be read: gone"


def test_a_held_call_without_an_entry_of_its_own_is_known_by_its_card() -> None:
    card = {"id": "k", "action": "approval_requested", "approval_request_id": "r7", "title": "Run mail?"}
    assert review(said("user", "u"), card).tool_approval_id == "r7"
    assert review(card, said("user", "u")).tool_approval_id == "r7"
    assert review(card, said("user", "u"), said("agent", "m")).tool_approval_id is None
    assert review(card, status="executing").tool_approval_id is None


@pytest.mark.parametrize(
    ("changes", "is_quiet"),
    [
        ({}, True),
        ({"approved_by": None, "rejected_by": None, "comment": ""}, True),
        ({"operation_id": "bank.transfer"}, False),
        ({"description": "two\nlines"}, False),
        ({"title": ["a"]}, False),
        ({"approved_by": "Kim"}, False),
        ({"second_payload": None}, False),
        ({"PAY MALLORY": ""}, False),
        ({"wait_node_id": {"pay": "Mallory"}}, False),
    ],
)
def test_an_envelope_folds_only_if_the_facts_show_all_of_it(changes: dict[str, Any], is_quiet: bool) -> None:
    shown = approval(**changes)
    envelope = {name: value for name, value in {**REQUEST, **changes}.items() if name != "content"}
    assert is_quiet_envelope(shown, envelope) is is_quiet


def test_the_digest_does_not_depend_on_details() -> None:
    """It covers the record and the log, which are read again before a decision is sent."""
    assert "details" not in ReviewSnapshot.__struct_fields__


@pytest.mark.parametrize("record", [{}, {"orchestration_nodes": "x", "graph": 5}, {"orchestration_nodes": [1, None], "graph": {"items": [{"settings": 3}]}}])  # fmt: skip
def test_an_odd_definition_of_an_agent_is_read(record: dict[str, Any]) -> None:
    definition = AgentDefinition.from_record(record)
    assert find_node(definition, "n1") is None
    assert find_options(definition, "n1", None) is None


def test_options_are_found_by_node_tool_or_gated_tool() -> None:
    items = [
        {"id": name, "settings": {"hitl_options": {"title": name, "tool_names": [f"{name}.tool"]}}} for name in "ab"
    ]
    for graph in (items, {"items": items}):  # as the wire has it, and as the SDK shows it
        definition = AgentDefinition.from_record({"graph": graph})
        for name in ("b", "b.tool"):
            found = find_options(definition, name)
            assert found
            assert found.title == "b"
