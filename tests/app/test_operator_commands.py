"""OperatorCommands: which actions ask for confirmation, and what becomes of drafts and leftover actions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.app.conftest import Parts
from tests.app.stub import StubScreen
from tui.app.operator_commands import _restore_drafts
from tui.client.task_facts import WaitKind
from tui.domain.action import Action, Verb
from tui.screens.answer import AnswerScreen
from tui.screens.approval_base import ApprovalScreen
from tui.screens.key_rhythm import QUIET_SECONDS
from tui.screens.messages import CopyWanted, OpenUrl, ReplyWanted, TaskCommand
from tui.screens.task_list import TaskListScreen
from tui.storage.json_store import SENDING_PREFIX

WRITTEN = SimpleNamespace(
    text="go on", options={"title": "T", "input": {"files": ["f"]}}, draft_keys=("t1", "t1 options")
)


async def test_a_stop_asks_for_confirmation_and_is_sent_once(parts: Parts) -> None:
    parts.platform.task("t1")
    await parts.load("t1")
    parts.app.answers = [True]
    await parts.run(TaskCommand("stop", "t1"))
    assert len(parts.app.dialogs) == 1
    assert parts.sent == ["stop t1"]
    assert parts.platform.tasks["t1"]["status"] == "stopped"


async def test_a_declined_stop_is_not_sent(parts: Parts) -> None:
    parts.platform.task("t1")
    await parts.load("t1")
    parts.app.answers = [False]
    await parts.run(TaskCommand("stop", "t1"))
    assert parts.sent == []
    assert parts.platform.tasks["t1"]["status"] == "executing"


async def test_stopping_an_ended_task_asks_for_no_confirmation(parts: Parts) -> None:
    parts.platform.task("t1", status="completed")
    await parts.load("t1")
    await parts.run(TaskCommand("stop", "t1"))
    assert parts.app.dialogs == []
    assert parts.app.notices == ["it has ended: completed"]


async def test_stopping_several_tasks_opens_the_screen_with_their_outcomes(parts: Parts) -> None:
    parts.platform.task("t1")
    parts.platform.task("t2")
    await parts.load("t1", "t2")
    parts.app.answers = [True]
    await parts.run(TaskCommand("stop", "t1", "t2"))
    assert len(parts.app.pushed) == 1
    assert sorted(parts.sent) == ["stop t1", "stop t2"]


async def test_nothing_is_sent_in_read_only_mode(parts: Parts) -> None:
    # Private: the context of the fixture can act, and a service is given it once.
    parts.platform.task("t1")
    await parts.load("t1")
    parts.services.commands._ui = SimpleNamespace(read_only="read-only", safe=str)  # type: ignore[assignment]
    for verb in ("stop", "continue", "create"):
        await parts.run(TaskCommand(verb, "t1"))
    assert parts.app.dialogs == []
    assert parts.app.notices == ["read-only"] * 3
    assert parts.sent == []


async def test_a_decision_is_held_at_least_as_long_as_a_burst_of_keys_takes(parts: Parts) -> None:
    started = parts.started()
    await parts.run(ApprovalScreen.Decided(Verb.REJECT, {"t1": "d1", "t2": "d2"}, "no"))
    assert [(action.target, action.digest, action.comment, action.hold) for action in started] == [
        ("t1", "d1", "no", QUIET_SECONDS),
        ("t2", "d2", "no", QUIET_SECONDS),
    ]


async def test_a_message_goes_to_the_thread_and_its_draft_is_kept_until_confirmed(parts: Parts) -> None:
    parts.platform.task("t1", status="completed")
    await parts.load("t1")
    task = parts.services.store.state.task("t1")
    assert task is not None
    parts.app.answers = [WRITTEN]
    started = parts.started()
    await parts.run(ReplyWanted(task))
    (action,) = started
    assert (action.verb, action.target) == (Verb.CONTINUE, "t1")
    assert action.body == {
        "agent": task.agent_id, "input": {"text": "go on", "files": ["f"]}, "source": "xp-tui", "title": "T",
        "id": task.thread_id,
    }  # fmt: skip


async def test_a_draft_is_offered_again_if_its_action_was_not_confirmed(parts: Parts) -> None:
    parts.drafts["key"] = "words"
    parts.journal.fail_on = {"sent"}
    parts.platform.task("t1")
    await parts.load("t1")
    parts.app.answers = [True]
    parts.services.commands.start(Action(Verb.STOP, "t1"), "key")
    await parts.app.finished("actions")
    assert parts.outcomes == ["not sent"]
    assert parts.drafts == {"key": "words"}


def test_a_text_that_was_being_sent_when_the_session_ended_is_offered_again() -> None:
    # Private: drafts are restored once, when the services are made.
    drafts = {SENDING_PREFIX + "a": "one", SENDING_PREFIX + "b": "two", "b": "newer"}
    _restore_drafts(drafts)
    assert drafts == {"a": "one", "b": "newer"}


async def test_an_agent_is_chosen_for_the_filter_of_the_list(parts: Parts) -> None:
    await parts.services.lists.read_round()
    (agent, *_) = [told[1] for told in parts.services.store.state.agents.values()]
    parts.app.answers = [SimpleNamespace(agent=agent, is_new=False)]
    await parts.run(TaskListScreen.AgentsWanted())
    assert parts.app.screens[0].told == [("filter", f'agent:"{agent.name}"')]


async def test_a_new_task_in_the_list_asks_for_its_agent_first(parts: Parts) -> None:
    await parts.services.lists.read_round()
    (agent, *_) = [told[1] for told in parts.services.store.state.agents.values()]
    parts.app.answers = [SimpleNamespace(agent=agent, is_new=True), WRITTEN]
    started = parts.started()
    await parts.run(TaskCommand("create"))
    assert [(action.verb, action.target) for action in started] == [(Verb.CREATE, agent.id)]


async def test_a_new_task_on_the_screen_of_a_task_is_for_the_same_agent(parts: Parts) -> None:
    parts.platform.task("t1")
    await parts.load("t1")
    parts.app.screens.append(StubScreen(followed_task="t1"))
    parts.app.answers = [WRITTEN]
    started = parts.started()
    await parts.run(TaskCommand("create", "t1"))
    assert len(parts.app.dialogs) == 1
    assert [action.target for action in started] == ["a1"]


async def test_only_an_unambiguous_url_is_opened(parts: Parts) -> None:
    await parts.run(OpenUrl("https://login.example/x"))
    await parts.run(OpenUrl("javascript:alert(1)"))
    assert parts.app.opened == ["https://login.example/x"]
    assert parts.app.notices[0] == "opening https://login.example"
    assert len(parts.app.notices) == 2


@pytest.mark.parametrize(
    ("kind", "wants", "outcome"),
    [("held", True, "not sent"), ("held", False, "not sent"), ("sent", True, "unknown"), ("sent", False, "unknown")],
)
async def test_a_leftover_action_is_reported_and_journaled_but_never_sent(
    parts: Parts, kind: str, wants: bool, outcome: str
) -> None:
    parts.platform.task("t1")
    parts.app.answers = [wants]
    parts.services.commands.report_leftovers([{"kind": kind, "verb": "approve", "target": "t1", "deed": "d"}])
    await parts.app.finished("leftovers")
    assert parts.outcomes == [outcome]
    assert parts.sent == []
    assert len(parts.app.pushed) == (wants and kind == "held")
    assert parts.app.opened == (["t1"] if wants and kind == "sent" else [])


async def test_a_task_is_opened_by_a_prefix_of_its_id(parts: Parts) -> None:
    parts.platform.task("t1")
    await parts.services.commands.find_and_open("t1")
    await parts.services.commands.find_and_open("x9")
    assert parts.app.opened == ["t1"]
    assert parts.app.notices == ["no task is called x9"]


async def test_copying_asks_first_what_to_copy(parts: Parts) -> None:
    parts.platform.task("t1")
    await parts.load("t1")
    parts.app.answers = ["id", "text"]
    await parts.run(TaskCommand("copy", "t1"))
    await parts.run(CopyWanted({"text": "selected"}))
    assert [notice.split(":")[0] for notice in parts.app.notices] == ["id", "text"]


async def test_one_reply_to_several_marked_tasks_is_refused(parts: Parts) -> None:
    parts.platform.task("t1", status="completed")
    parts.platform.task("t2", status="completed")
    await parts.load("t1", "t2")
    await parts.run(TaskCommand("continue", "t1", "t2"))
    assert parts.app.dialogs == []
    assert parts.app.notices == ["an answer or a message is for one task only: nothing was opened. Unmark all but one"]


async def test_the_editor_for_a_message_says_what_a_message_does_not_decide(parts: Parts) -> None:
    parts.platform.task("t1", status="paused", hitl_request={"wait_node_id": "n", "content": "pay"})
    await parts.load("t1")
    task = parts.services.store.state.task("t1")
    assert task is not None
    parts.app.answers = [None]
    await parts.run(ReplyWanted(task))
    (editor,) = parts.app.dialogs
    assert editor._waits_for is WaitKind.APPROVAL  # private: what it was given


async def test_a_question_opens_the_form_and_not_the_editor(parts: Parts) -> None:
    parts.platform.task("t1", status="paused", deep_planning={"question_raised": True, "tasks": []})
    parts.platform.entry("t1", id="d1", questions=[{"id": "q", "question": "Which?", "options": ["a", "b"]}])
    await parts.load("t1")
    task = parts.services.store.state.task("t1")
    assert task is not None
    await parts.run(ReplyWanted(task))
    (form,) = parts.app.pushed
    assert isinstance(form, AnswerScreen)
    assert parts.app.dialogs == []
