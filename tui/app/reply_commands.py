"""Runs the commands that say something to a task: answers to its questions, and messages to its thread."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tui.app.access import AppAccess
from tui.app.action_progress import ActionProgress
from tui.client.client import Client
from tui.client.endpoints import BadAddress, Operation
from tui.client.errors import ApiError
from tui.client.task_facts import Wait, WaitKind
from tui.client.task_rows import AnyTask
from tui.domain.action import Action, Verb
from tui.domain.answers import NO_SURFACE, NO_SURFACE_HINT, questions_of, unanswerable_reason
from tui.domain.review import ReviewSnapshot
from tui.domain.state import State, TasksSeen
from tui.domain.task_options import DEFAULT_SOURCE
from tui.screens.key_rhythm import QUIET_SECONDS
from tui.screens.messages import AnswerDecided
from tui.services.actions import ActionRunner
from tui.services.option_files import read_options
from tui.services.review_loader import load_review
from tui.services.state_store import StateStore
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.screens.message_editor import MessageDraft, OptionSource

ONE_TASK_ONLY = "an answer or a message is for one task only: nothing was opened. Unmark all but one"


class ReplyCommands:
    """The commands of the operator that say something to a task."""

    def __init__(
        self,
        app: AppAccess,
        client: Client,
        store: StateStore,
        ui: UIContext,
        *,
        runner: ActionRunner,
        progress: ActionProgress,
        drafts: MutableMapping[str, str],
        start: Callable[..., None],
        hold_seconds: float,
    ) -> None:
        self._app = app
        self._client = client
        self._store = store
        self._ui = ui
        self._runner = runner
        self._progress = progress
        self._drafts = drafts
        self._start = start
        """Starts an action, with the keys of the drafts that it sends."""
        self._hold_seconds = hold_seconds

    async def reply(self, task: AnyTask) -> None:
        """Reply to a task: answer its questions where it asks any, else write to its thread."""
        wait = self._store.state.wait(task.id)
        if wait is None or wait.kind not in {WaitKind.QUESTION, WaitKind.UNKNOWN}:
            await self._write_to_thread(task, wait=wait)
            return
        try:
            review = await load_review(self._client, task.id)
        except (ApiError, BadAddress) as error:
            self._warn(f"nothing was opened: what the task waits for could not be read: {error}")
            return
        self._store.add(TasksSeen((review.task,), self._ui.now()))
        if questions_of(review) is not None:
            self._open_answer(review)
        elif review.wait is not None and review.wait.kind is WaitKind.QUESTION:
            hint = f"a message, and no answer: {unanswerable_reason(review)}"
            await self._write_to_thread(review.task, hint=hint)
        else:
            await self._write_to_thread(review.task, wait=review.wait)

    def send_answer(self, event: AnswerDecided) -> None:
        """Hold an answer, and send it after that."""
        action = replace(event.action, hold=max(self._hold_seconds, QUIET_SECONDS))
        self._start(action, *event.draft_keys)

    def _open_answer(self, review: ReviewSnapshot) -> None:
        from tui.screens.answer import AnswerScreen  # late: imports Textual's TextArea

        task_id = review.task.id
        no_surface = ""
        if not self._client.surfaces.supports(Operation.ANSWER):
            no_surface = f"{NO_SURFACE}. {NO_SURFACE_HINT}"
        running = self._progress.running_decision(task_id)
        screen = AnswerScreen(review, self._ui, self._drafts, running, no_surface=no_surface)
        screen.can_take_back = self._runner.can_take_back
        self._app.push_screen(screen)

    async def _write_to_thread(self, task: AnyTask, *, hint: str = "", wait: Wait | None = None) -> None:
        """Ask for a message, and send it to the thread of a task; the editor asks again if the task waits."""
        from tui.screens.message_editor import MessageEditor  # late: imports Textual's TextArea

        agent = self._store.state.agents.get(task.agent_id)
        name = self._ui.safe(agent[1].name if agent else task.agent_id)
        destination = f"to {name}, thread {task.thread_id}"
        title = f"Say more in: {self._ui.safe(task.name)}"
        waits_for = wait.kind if wait is not None and wait.is_decided_by_person else None
        editor = MessageEditor(
            title, destination, task.thread_id, self._drafts, self._ui,
            options=option_source(self._store.state, self._ui), hint=self._ui.safe(hint), waits_for=waits_for,
        )  # fmt: skip
        draft: MessageDraft | None = await self._app.push_screen_wait(editor)
        if draft:
            body = {**message_body(task.agent_id, draft), "id": task.thread_id}
            self._start(Action(Verb.CONTINUE, task.id, body=body), *draft.draft_keys)

    def _warn(self, text: str) -> None:
        self._app.notify(self._ui.safe(text), severity="warning", markup=False)


def option_source(state: State, ui: UIContext) -> OptionSource:
    """Return the source of the options of a message, with the values that are known from the agents."""
    from tui.screens.message_editor import OptionSource  # late: imports Textual's TextArea

    agents = [agent for _, agent in state.agents.values()]
    known: dict[str, set[str | None]] = {
        "triggering_agent": {agent.id for agent in agents},
        "model_provider": {agent.model_provider for agent in agents},
        "model": {agent.model_name for agent in agents},
    }
    suggestions = {
        name: {value for value in values if value and value == ui.safe(value)} for name, values in known.items()
    }
    return OptionSource(read_options, suggestions)


def message_body(agent_id: str, draft: MessageDraft) -> dict[str, Any]:
    """Return the body of the request that sends a message."""
    content = {**draft.options.get("input", {}), "text": draft.text}
    return {"source": DEFAULT_SOURCE, **draft.options, "agent": agent_id, "input": content}
