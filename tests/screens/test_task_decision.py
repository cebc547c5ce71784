"""TaskDecisionScreen: only a decision about its task decides it."""

from __future__ import annotations

from pathlib import Path

from tests.local.conftest import Serve
from tests.screens.test_answer import WHERE, asked
from tui.domain.action import Action, Outcome, Verb
from tui.screens.task_decision import TaskDecisionScreen


async def test_a_message_to_the_thread_does_not_close_the_form_of_a_question(serve: Serve, tmp_path: Path) -> None:
    async with asked(serve, tmp_path, WHERE) as operator:
        screen = operator.app.screen
        assert isinstance(screen, TaskDecisionScreen)
        before = screen.blocked_now
        message = Action(Verb.CONTINUE, screen.task_id)
        assert not screen.update_action(message.done(Outcome.CONFIRMED, "the message is in the thread"))
        assert screen.blocked_now == before
