"""Runs operator commands: asks for confirmation or for words, starts actions, keeps drafts until they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.message import Message

from tui.app.access import AppAccess
from tui.app.action_progress import ActionProgress
from tui.app.copy_commands import CopyCommands
from tui.app.read_workers import ReadWorkers
from tui.app.review_manager import ReviewManager
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.task_facts import WaitKind
from tui.client.task_rows import AnyTask
from tui.domain.review import ReviewSnapshot
from tui.domain.state import TasksSeen
from tui.screens.approval_base import QUIET_SECONDS, ApprovalScreen
from tui.screens.messages import CopyWanted, OpenUrl, ReplyWanted, TaskCommand
from tui.screens.task_list import TaskListScreen
from tui.security.sanitize import address_problem, host_of, with_ascii_host
from tui.services.actions import Action, ActionRunner, JournalWriter, Outcome, Verb
from tui.services.review_loader import load_review
from tui.services.state_store import StateStore
from tui.services.task_reader import TaskReader
from tui.storage.json_store import SENDING_PREFIX
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.screens.message_editor import MessageDraft


class OperatorCommands:
    """Carries out what the operator asks for on the screens: each command asks first where that is due."""

    def __init__(
        self,
        app: AppAccess,
        client: Client,
        store: StateStore,
        ui: UIContext,
        *,
        runner: ActionRunner,
        progress: ActionProgress,
        reviews: ReviewManager,
        readings: ReadWorkers,
        reader: TaskReader,
        copying: CopyCommands,
        drafts: MutableMapping[str, str],
        journal: JournalWriter,
        hold_seconds: float,
    ) -> None:
        self._app = app
        self._client = client
        self._store = store
        self._runner = runner
        self._journal = journal
        self._ui = ui
        self._progress = progress
        self._reviews = reviews
        self._readings = readings
        self._reader = reader
        self._copying = copying
        self._hold_seconds = hold_seconds
        self.drafts = drafts
        self._jobs: set[asyncio.Task[Any]] = set()
        """The tasks that run actions now."""
        _restore_drafts(drafts)

    def handle(self, event: Message) -> None:
        """Carry out the command of a message."""
        match event:
            case ApprovalScreen.Decided(verb=verb, digests=digests, comment=comment):
                for task_id, digest in digests.items():
                    self.start(Action(verb, task_id, digest, comment, hold=max(self._hold_seconds, QUIET_SECONDS)))
            case ApprovalScreen.TakeBack(action_ids=action_ids):
                for action_id in action_ids:
                    self._runner.take_back(action_id)
            case ReplyWanted(task=task):
                self._open_dialog(self._reply, task)
            case OpenUrl(url=url):
                self._open_url(url)
            case TaskListScreen.AgentsWanted():
                self._open_dialog(self._choose_agent, False, None)
            case TaskCommand(verb="copy", task_ids=task_ids):
                self._copying.copy_tasks(task_ids)
            case CopyWanted(texts=texts):
                self._copying.copy_selected(texts)
            case TaskCommand():
                self._handle_tasks(event)

    def _handle_tasks(self, event: TaskCommand) -> None:
        """Carry out a command about the tasks that a screen names."""
        tasks = [task for one in event.task_ids if (task := self._store.state.task(one))]
        is_in_list = len(self._app.screens) == 1
        if self._ui.read_only:
            self.warn(self._ui.read_only)
        elif event.verb == "create" and (is_in_list or not tasks):
            self._open_dialog(self._choose_agent, True, tasks[0].agent_id if tasks else None)
        elif event.verb == "stop" and tasks:
            self._open_dialog(self._stop, tasks)
        elif event.verb == "continue" and tasks:
            self._open_dialog(self._reply, tasks[0])
        elif tasks:
            self._open_dialog(self._create, tasks[0].agent_id, self._agent_name(tasks[0].agent_id))

    def _open_dialog(self, dialog: Any, *arguments: Any) -> None:
        """Run a command that asks something; it takes the place of the one before."""
        self._app.run_worker(partial(dialog, *arguments), group="wishes", exclusive=True)

    def warn(self, words: str) -> None:
        """Show a warning; the words need not be safe to draw."""
        self._app.notify(self._ui.safe(words), severity="warning", markup=False)

    # Actions

    def start(self, action: Action, *drafts: str) -> None:
        """Start an action; these drafts are what it sends, and are kept until it was sent."""
        self._app.run_worker(partial(self._run_action, action, *drafts), group="deeds")

    async def _run_action(self, action: Action, *drafts: str) -> None:
        """Run an action to its end, whatever else is started meanwhile."""
        job = asyncio.current_task()
        assert job
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        texts = {key: self.drafts[key] for key in drafts if key in self.drafts}
        try:
            for key, text in texts.items():
                self.drafts[SENDING_PREFIX + key] = text
                del self.drafts[key]
        except OSError as error:
            self.warn(f"{action.verb}: not sent, the draft cannot be written: {error}")
            return
        try:
            done = await self._runner.run_action(action)
        finally:
            self._progress.finish(action)
        self._put_back_drafts(texts, done)
        self._show_result(action, done)

    def _put_back_drafts(self, texts: Mapping[str, str], done: Action) -> None:
        """Offer what was written again, unless the action is confirmed."""
        try:
            for key, text in texts.items():
                if done.outcome is not Outcome.CONFIRMED:
                    self.drafts.setdefault(key, text)
                self.drafts.pop(SENDING_PREFIX + key, None)
        except OSError as error:
            self.warn(f"the draft cannot be written, it may be offered again: {error}")

    def _show_result(self, action: Action, done: Action) -> None:
        task_list = self._app.task_list
        if action.verb is Verb.CREATE and done.task is not None and task_list:
            task_list.select(done.task.id)
        if done.task is not None:
            self._store.add(TasksSeen((done.task,), self._ui.now()))
        if done.outcome is Outcome.CHANGED:
            self._reviews.read(action.target)
        self._readings.read_lists()

    async def interrupted(self) -> list[Action]:
        """Wait until all actions have ended; return those that were sent and are not known to be done."""
        await asyncio.gather(*self._jobs, return_exceptions=True)
        return self._progress.interrupted

    def report_leftovers(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Tell what an earlier session has held or sent and not seen to its end, by the lines of its journal."""
        if lines:
            self._app.run_worker(partial(self._report_leftovers, lines), group="left")

    async def find_and_open(self, prefix: str) -> None:
        """Open the task whose id begins so."""
        if task := await self._reader.find(prefix):
            self._app.open_task(task.id)
        else:
            self.warn(f"no task is called {prefix}")

    async def _report_leftovers(self, lines: Sequence[Mapping[str, Any]]) -> None:
        for line in lines:
            await self._report_leftover(line)

    async def _report_leftover(self, line: Mapping[str, Any]) -> None:
        """Tell of one action of an earlier session; nothing is sent by itself."""
        from tui.screens.confirm import ConfirmScreen

        verb, target = str(line.get("verb")), str(line.get("target"))
        was_held = line.get("kind") == "held"
        if was_held:
            state, outcome, yes, rest = "held", Outcome.NOT_SENT, "Review it", "and was not sent."
        else:
            state, outcome, yes = "being sent", Outcome.UNKNOWN, "Open the task"
            rest = "whether it was done, only the task tells."
        await self._reader.find(target)
        text = f"{verb} {self._progress.name_of(target)}\nwas {state} when xp-tui ended, {rest}"
        dialog = ConfirmScreen("From the last session", text, yes=yes, no="Leave it")
        wants = await self._app.push_screen_wait(dialog)
        about = {name: line.get(name) for name in ("deed", "verb", "target", "digest", "request", "platform")}
        words = f"xp-tui ended while it was {state}"
        self._journal.write("done", **about, outcome=str(outcome), words=words)
        if wants and was_held:
            self._reviews.open(target)
        elif wants:
            self._app.open_task(target)

    # Replies

    async def _reply(self, task: AnyTask) -> None:
        """Answer what the task asks, where it asks; else say more in its thread."""
        wait = self._store.state.wait(task.id)
        if wait is not None and wait.kind is WaitKind.QUESTION:
            try:
                review = await load_review(self._client, task.id)
            except (ApiError, BadAddress) as error:
                self.warn(f"the question could not be read: {error}")
                return
            if review.held and _questions(review.held).asked:
                await self._answer(review)
                return
        await self._say_in_thread(task)

    async def _answer(self, review: ReviewSnapshot) -> None:
        """Ask for the answer to each question, and send them all."""
        from tui.screens.answer import AnswerScreen

        card = _questions(review.held)
        answers: list[dict[str, object]] = []
        keys = [f"answer {review.task.id} {card.id} {place}" for place in range(len(card.asked))]
        for number, (key, question) in enumerate(zip(keys, card.asked, strict=True), 1):
            which = f"Question {number} of {len(keys)}" if len(keys) > 1 else "Question"
            title = f"{which} of {self._ui.safe(review.task.name, 60)}"
            dialog = AnswerScreen(title, question, self._ui.redactor, key, self.drafts)
            written = await self._app.push_screen_wait(dialog)
            if written is None:
                return
            answers.append({"question_id": question.id, "answer": written.text})
        body = {"decision_id": card.decision_id or card.id, "answers": answers}
        self.start(Action(Verb.ANSWER, review.task.id, review.digest, body=body), *keys)

    async def _say_in_thread(self, task: AnyTask) -> None:
        """Ask for a message, and send it to the task's thread."""
        name = self._agent_name(task.agent_id)
        title = f"Say more in: {self._ui.safe(task.name)}"
        where = f"to {name}, thread {task.thread_id}"
        if written := await self._write(title, where, task.thread_id):
            body = {**_body(task.agent_id, written), "id": task.thread_id}
            self.start(Action(Verb.CONTINUE, task.id, body=body), task.thread_id)

    def _open_url(self, url: str) -> None:
        """Open a web address that every browser reads alike."""
        if host := host_of(url):
            self._app.notify(f"opening {host}", markup=False)
            self._app.open_url(with_ascii_host(url))
        else:
            self._app.notify(address_problem(url), severity="error", markup=False)

    # Stopping

    async def _stop(self, tasks: Sequence[AnyTask]) -> None:
        """Ask, and stop the tasks when the answer is yes."""
        from tui.screens.bulk_review import BulkReviewScreen
        from tui.screens.confirm import ConfirmScreen

        tasks = [await self._reread_final(task) for task in tasks]
        running = [task for task in tasks if not task.is_final]
        if not running:
            self.warn(f"it has ended: {tasks[0].status}" if len(tasks) == 1 else "all of them have ended")
            return
        title, text = self._stop_question(running)
        yes = "Stop them" if len(running) > 1 else "Stop it"
        if await self._app.push_screen_wait(ConfirmScreen(title, text, yes=yes, no="Keep running")):
            if len(running) > 1:
                self._app.push_screen(BulkReviewScreen(running, self._ui, stops=True))
            for task in running:
                self.start(Action(Verb.STOP, task.id, anyway=True))  # the dialog has told what was sent before

    def _stop_question(self, running: Sequence[AnyTask]) -> tuple[str, str]:
        """Return the title and the text of the question whether to stop these tasks."""
        lines, count_below = [], 0
        for task in running:
            lines.append(f"{self._ui.safe(task.name)}  {task.id}")
            if (earlier := self._runner.earlier(Action(Verb.STOP, task.id))) is not None:
                lines.append(f"  {self._ui.safe(earlier.known)}; it is sent again")
            below = [child for child in self._descendants(task) if not child.is_final]
            count_below += len(below)
            lines += [f"  and with it: {self._ui.safe(child.name)}" for child in below]
        many = len(running) > 1
        title = f"Stop these {len(running)} tasks" if many else "Stop this task"
        title += f" and {count_below} below {'them' if many else 'it'}?" if count_below else "?"
        return title, "\n".join(lines)

    async def _reread_final(self, task: AnyTask) -> AnyTask:
        """Read the record of a task that seems to have ended: its stream may have told so wrongly."""
        if not task.is_final:
            return task
        try:
            record = await self._client.task(task.id)
        except (ApiError, BadAddress):
            return task
        self._store.add(TasksSeen((record,), self._ui.now()))
        return record

    def _descendants(self, task: AnyTask) -> list[AnyTask]:
        """Return all sub-tasks, however deep, each once."""
        found: dict[str, AnyTask] = {}
        left = [task.id]
        while left:
            for child in self._store.state.children_of(left.pop()):
                if child.id not in found and child.id != task.id:
                    found[child.id] = child
                    left.append(child.id)
        return list(found.values())

    # New tasks

    async def _choose_agent(self, is_new: bool, begin_at: str | None) -> None:
        """Choose an agent, to see its tasks or to start a new one."""
        from tui.screens.agent_picker import AgentPicker

        state = self._store.state
        agents = sorted((agent for _, agent in state.agents.values()), key=lambda one: one.name.casefold())
        counts: dict[str, int] = {}
        for known in state.tasks.values():
            counts[known.task.agent_id] = counts.get(known.task.agent_id, 0) + 1
        dialog = AgentPicker(self._ui, agents, counts, is_new=is_new, begin_at=begin_at)
        choice = await self._app.push_screen_wait(dialog)
        if choice and choice.is_new:
            await self._create(choice.agent.id, choice.agent.name)
        elif choice and self._app.task_list:
            name = choice.agent.name
            is_plain = name == self._ui.safe(name) and '"' not in name
            self._app.task_list.filter(f'agent:"{name if is_plain else choice.agent.id}"')

    async def _create(self, agent_id: str, name: str) -> None:
        """Ask for the words of a new task, and send them."""
        key = f"new {agent_id}"
        where = f"to {self._ui.safe(name)}"
        if written := await self._write("A new task", where, key, has_options=True):
            self.start(Action(Verb.CREATE, agent_id, body=_body(agent_id, written)), key)

    async def _write(self, title: str, where: str, key: str, *, has_options: bool = False) -> MessageDraft | None:
        """Ask for words, beginning with the draft of this key; None when there are to be none."""
        from tui.screens.message_editor import MessageEditor  # what edits text is not needed before anybody writes

        written: MessageDraft | None = await self._app.push_screen_wait(
            MessageEditor(title, where, key, self.drafts, has_options=has_options)
        )
        return written

    def _agent_name(self, agent_id: str) -> str:
        agent = self._store.state.agents.get(agent_id)
        return self._ui.safe(agent[1].name if agent else agent_id)


def _restore_drafts(drafts: MutableMapping[str, str]) -> None:
    """Offer again what a session was sending when it ended."""
    with suppress(OSError):  # where nothing can be written, the next session puts them back
        for key in [one for one in drafts if one.startswith(SENDING_PREFIX)]:
            drafts.setdefault(key.removeprefix(SENDING_PREFIX), drafts[key])
            del drafts[key]


def _body(agent_id: str, written: MessageDraft) -> dict[str, Any]:
    """Return the request for what was written."""
    options = dict(written.options)
    content: dict[str, Any] = {"text": written.text}
    if files := options.pop("files", None):
        content["files"] = files
    return {"agent": agent_id, "input": content, "source": "xp-tui", **options}


def _questions(held: object) -> Questions:
    """Read the questions that wait for an answer."""
    from tui.client.log_entries import Questions  # brings pydantic, which the first frame does not need

    return Questions.from_value(held)
