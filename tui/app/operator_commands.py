"""Runs operator commands: asks for confirmation or for a text, starts actions, keeps drafts until they are sent."""

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
from tui.app.reply_commands import ONE_TASK_ONLY, ReplyCommands, message_body, option_source
from tui.app.review_manager import ReviewManager
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.task_rows import AnyTask
from tui.domain.state import TasksSeen
from tui.screens.approval_base import ApprovalScreen
from tui.screens.key_rhythm import QUIET_SECONDS
from tui.screens.messages import AnswerDecided, CopyWanted, OpenUrl, ReplyWanted, TaskCommand
from tui.screens.task_list import TaskListScreen
from tui.security.sanitize import address_problem, host_of, with_ascii_host
from tui.services.actions import Action, ActionRunner, JournalWriter, Outcome, Verb
from tui.services.state_store import StateStore
from tui.services.task_reader import TaskReader
from tui.storage.json_store import SENDING_PREFIX
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.models import Agent
    from tui.screens.message_editor import MessageDraft


class OperatorCommands:
    """The commands of the operator on the screens: each asks first where it has to, then starts its actions."""

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
        read_workers: ReadWorkers,
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
        self._read_workers = read_workers
        self._reader = reader
        self._copying = copying
        self._hold_seconds = hold_seconds
        self.drafts = drafts
        self._replies = ReplyCommands(
            app, client, store, ui,
            runner=runner, progress=progress, drafts=drafts, start=self.start, hold_seconds=hold_seconds,
        )  # fmt: skip
        self._jobs: set[asyncio.Task[Any]] = set()
        """The asyncio tasks that are running actions."""
        _restore_drafts(drafts)

    def handle(self, event: Message) -> None:
        """Handle a message of a screen by running its command."""
        match event:
            case ApprovalScreen.Decided(verb=verb, digests=digests, comment=comment, draft_key=key):
                for task_id, digest in digests.items():
                    action = Action(verb, task_id, digest, comment, hold=max(self._hold_seconds, QUIET_SECONDS))
                    self.start(action, *filter(None, (key,)))
            case ApprovalScreen.TakeBack(action_ids=action_ids):
                for action_id in action_ids:
                    self._runner.take_back(action_id)
            case ReplyWanted(task=task):
                self._open_dialog(self._replies.reply, task)
            case AnswerDecided():
                self._replies.send_answer(event)
            case OpenUrl(url=url):
                self._open_url(url)
            case TaskListScreen.AgentsWanted():
                self._open_dialog(self._choose_agent, False, None)
            case TaskCommand(verb="copy", task_ids=task_ids):
                self._copying.copy_tasks(task_ids)
            case CopyWanted(texts=texts, is_about_task=False):
                self._copying.copy_one_of(texts)
            case CopyWanted(texts=texts, task_id=task_id):
                self._copying.copy_selected(texts, task_id)
            case TaskCommand():
                self._handle_task_command(event)

    def _handle_task_command(self, event: TaskCommand) -> None:
        """Run a command about the tasks that a screen names."""
        if self._ui.read_only:
            self.warn(self._ui.read_only)
            return
        candidates = map(self._store.state.task, event.task_ids)
        tasks = [task for task in candidates if task]
        is_in_list = len(self._app.screens) == 1
        if event.verb == "create" and (is_in_list or not tasks):
            self._open_dialog(self._choose_agent, True, tasks[0].agent_id if tasks else None)
        elif event.verb == "stop" and tasks:
            self._open_dialog(self._stop, tasks)
        elif event.verb == "continue" and len(tasks) > 1:
            self.warn(ONE_TASK_ONLY)
        elif event.verb == "continue" and tasks:
            self._open_dialog(self._replies.reply, tasks[0])
        elif tasks:
            self._open_dialog(self._create, tasks[0].agent_id, self._agent_name(tasks[0].agent_id))

    def _open_dialog(self, dialog: Any, *arguments: Any) -> None:
        """Run a command that opens dialogs; it cancels the one before."""
        self._app.run_worker(partial(dialog, *arguments), group="dialogs", exclusive=True)

    def warn(self, text: str) -> None:
        """Warn the operator in a notice; the text is sanitized here."""
        self._app.notify(self._ui.safe(text), severity="warning", markup=False)

    # Actions

    def start(self, action: Action, *draft_keys: str) -> None:
        """Start an action; the drafts under these keys are what it sends, and are kept until it is confirmed."""
        self._app.run_worker(partial(self._run_action, action, *draft_keys), group="actions")

    async def _run_action(self, action: Action, *draft_keys: str) -> None:
        """Run an action to its end; any number of actions can run at the same time."""
        job = asyncio.current_task()
        assert job
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        texts = {key: self.drafts[key] for key in draft_keys if key in self.drafts}
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
        """Put the texts back into the drafts, unless the action is confirmed."""
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
            task_list.list_pane.select(done.task.id)
        if done.task is not None:
            self._store.add(TasksSeen((done.task,), self._ui.now()))
        if done.outcome is Outcome.CHANGED:
            self._reviews.read(action.target)
        self._read_workers.read_lists()

    async def interrupted(self) -> list[Action]:
        """Wait until all actions have ended; return the interrupted ones: sent, and not known to be done."""
        await asyncio.gather(*self._jobs, return_exceptions=True)
        return self._progress.interrupted

    def report_leftovers(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Report the journal lines of actions that an earlier session held or sent and did not finish."""
        if lines:
            self._app.run_worker(partial(self._report_leftovers, lines), group="leftovers")

    async def find_and_open(self, prefix: str) -> None:
        """Find a task by the prefix of its id, and open it."""
        if task := await self._reader.find(prefix):
            self._app.open_task(task.id)
        else:
            self.warn(f"no task is called {prefix}")

    async def _report_leftovers(self, lines: Sequence[Mapping[str, Any]]) -> None:
        for line in lines:
            await self._report_leftover(line)

    async def _report_leftover(self, line: Mapping[str, Any]) -> None:
        """Report one leftover action of an earlier session, and ask what to do; nothing is sent here."""
        from tui.screens.confirm import ConfirmScreen

        summary, target = str(line.get("summary") or line.get("verb")), str(line.get("target"))
        was_held = line.get("kind") == "held"
        if was_held:
            phase = "held"
            outcome = Outcome.NOT_SENT
            yes = "Review it"
            consequence = "and was not sent."
        else:
            phase = "being sent"
            outcome = Outcome.UNKNOWN
            yes = "Open the task"
            consequence = "whether it was done, only the task tells."
        await self._reader.find(target)
        subject = f"{self._ui.safe(summary, 100)} {self._progress.name_of(target)}"
        text = f"{subject}\nwas {phase} when xp-tui ended, {consequence}"
        dialog = ConfirmScreen("From the last session", text, yes=yes, no="Leave it")
        is_accepted = await self._app.push_screen_wait(dialog)
        about = {name: line.get(name) for name in ("deed", "verb", "target", "digest", "request", "platform")}
        self._journal.write("done", **about, outcome=str(outcome), words=f"xp-tui ended while it was {phase}")
        if is_accepted and was_held:
            self._reviews.open(target)
        elif is_accepted:
            self._app.open_task(target)

    # Dialogs

    def _open_url(self, url: str) -> None:
        """Open a URL in a browser, if all browsers find the same host in it."""
        if host := host_of(url):
            self._app.notify(f"opening {self._ui.safe(host)}", markup=False)
            self._app.open_url(with_ascii_host(url))
        else:
            self._app.notify(address_problem(url), severity="error", markup=False)

    # Stopping

    async def _stop(self, tasks: Sequence[AnyTask]) -> None:
        """Ask for confirmation, and stop the tasks that have not ended."""
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
                self._app.push_screen(BulkReviewScreen(running, self._ui, is_stopping=True))
            for task in running:
                # The dialog has told of stops that were sent before, so they are sent again.
                self.start(Action(Verb.STOP, task.id, anyway=True))

    def _stop_question(self, running: Sequence[AnyTask]) -> tuple[str, str]:
        """Return the title and the text of the question whether to stop these tasks."""
        lines: list[str] = []
        count_below = 0
        for task in running:
            lines.append(f"{self._ui.safe(task.name)}  {task.id}")
            if (earlier := self._runner.earlier(Action(Verb.STOP, task.id))) is not None:
                lines.append(f"  {self._ui.safe(earlier.known)}; it is sent again")
            below = [child for child in self._descendants(task) if not child.is_final]
            count_below += len(below)
            lines += [f"  and with it: {self._ui.safe(child.name)}" for child in below]
        if len(running) > 1:
            title, pronoun = f"Stop these {len(running)} tasks", "them"
        else:
            title, pronoun = "Stop this task", "it"
        title += f" and {count_below} below {pronoun}?" if count_below else "?"
        return title, "\n".join(lines)

    async def _reread_final(self, task: AnyTask) -> AnyTask:
        """Read the record of a task again that seems final: an event may have reported its end wrongly."""
        if not task.is_final:
            return task
        try:
            record = await self._client.task(task.id)
        except (ApiError, BadAddress):
            return task
        self._store.add(TasksSeen((record,), self._ui.now()))
        return record

    def _descendants(self, task: AnyTask) -> list[AnyTask]:
        """Return all descendants of a task, each once."""
        descendants: dict[str, AnyTask] = {}
        pending = [task.id]
        while pending:
            for child in self._store.state.children_of(pending.pop()):
                if child.id not in descendants and child.id != task.id:
                    descendants[child.id] = child
                    pending.append(child.id)
        return list(descendants.values())

    # New tasks

    async def _choose_agent(self, is_new: bool, selected_id: str | None) -> None:
        """Choose an agent, to list its tasks or to create a new one."""
        from tui.screens.agent_picker import AgentPicker

        state = self._store.state
        agents = sorted((agent for _, agent in state.agents.values()), key=lambda agent: agent.name.casefold())
        counts: dict[str, int] = {}
        for known in state.tasks.values():
            counts[known.task.agent_id] = counts.get(known.task.agent_id, 0) + 1
        dialog = AgentPicker(self._ui, agents, counts, is_new=is_new, selected_id=selected_id)
        choice = await self._app.push_screen_wait(dialog)
        if choice and choice.is_new:
            await self._create(choice.agent.id, choice.agent.name)
        elif choice and self._app.task_list:
            self._app.task_list.filter(f'agent:"{self._filter_value(choice.agent)}"')

    def _filter_value(self, agent: Agent) -> str:
        """Return the name of an agent for a filter; its id where the name cannot be written in one."""
        is_plain_name = agent.name == self._ui.safe(agent.name) and '"' not in agent.name
        return agent.name if is_plain_name else agent.id

    async def _create(self, agent_id: str, name: str) -> None:
        """Ask for the message of a new task, and create the task."""
        from tui.screens.message_editor import MessageEditor  # late: imports Textual's TextArea

        key = f"new {agent_id}"
        destination = f"to {self._ui.safe(name)}"
        options = option_source(self._store.state, self._ui)
        editor = MessageEditor("A new task", destination, key, self.drafts, self._ui, options=options)
        draft: MessageDraft | None = await self._app.push_screen_wait(editor)
        if draft:
            action = Action(Verb.CREATE, agent_id, body=message_body(agent_id, draft))
            self.start(action, *draft.draft_keys)

    def _agent_name(self, agent_id: str) -> str:
        agent = self._store.state.agents.get(agent_id)
        return self._ui.safe(agent[1].name if agent else agent_id)


def _restore_drafts(drafts: MutableMapping[str, str]) -> None:
    """Restore the drafts that an earlier session was sending when it ended."""
    with suppress(OSError):  # the next session tries again
        for key in [key for key in drafts if key.startswith(SENDING_PREFIX)]:
            drafts.setdefault(key.removeprefix(SENDING_PREFIX), drafts[key])
            del drafts[key]
