"""The dashboard's hands: what screens wish is decided, held, sent and told, each deed once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual import on, work
from textual.css.query import NoMatches
from textual.screen import ModalScreen

from tui.app.watching import Watching
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.task_facts import WaitKind
from tui.client.task_rows import AnyTask
from tui.domain.review import Shown
from tui.domain.state import TasksSeen
from tui.screens.approval_base import QUIET, Deciding
from tui.screens.base import OnTop
from tui.screens.messages import ReviewWanted, Wish
from tui.screens.task_list import TasksScreen
from tui.security.sanitize import address_problem, host_of, with_ascii_host
from tui.services.actions import INTERRUPTED, Deed, Deeds, JournalWriter, Outcome, Phase, Verb
from tui.services.list_poller import Rhythm
from tui.services.review_loader import shown
from tui.services.review_presence import Beside
from tui.storage.json_store import SENDING
from tui.widgets.context import Desk
from tui.widgets.keys import key_name
from tui.widgets.styled_text import fit

if TYPE_CHECKING:
    from tui.screens.bulk_review import BulkScreen
    from tui.screens.message_editor import Written
    from tui.screens.review import ReviewScreen


class Acting(Watching):
    """An app that does what is wished: it asks first where that is due, and tells how it ended."""

    def __init__(
        self,
        client: Client,
        desk: Desk,
        rhythm: Rhythm | None,
        journal: JournalWriter,
        drafts: MutableMapping[str, str],
        *,
        state: Path,
        hold: float,
        left: Sequence[Mapping[str, Any]],
        **more: Any,
    ) -> None:
        super().__init__(client, desk, rhythm, **more)
        self._journal = journal
        self._drafts = drafts
        self._state = state
        self._beside = Beside(state / "open")
        self._hold = hold
        self._left = left
        """What was under way when an earlier session ended."""
        self._deeds = Deeds(client, journal, self._deed_changed)
        self._deeds.is_paused = self._is_hold_paused
        self._unfinished: dict[str, Deed] = {}
        """What was begun and has not come to an end, by its id."""
        with suppress(OSError):  # where nothing can be written, the next session puts them back
            for key in [one for one in drafts if one.startswith(SENDING)]:  # a session has ended while it was sending
                drafts.setdefault(key.removeprefix(SENDING), drafts[key])
                del drafts[key]
        self._jobs: set[asyncio.Task[Any]] = set()
        """What carries out deeds now."""
        self._interrupted: list[Deed] = []
        """What was sent and had not come to an end when the dashboard was left."""
        self._few = asyncio.Semaphore(4)
        """No more than so many tasks are read at once."""

    def on_mount(self) -> None:
        """What is held is told as long as there is any."""
        self._telling = self.set_interval(0.2, self._show_held, pause=True)

    @property
    def _held(self) -> list[str]:
        """Which of these can still be taken back, by their ids."""
        return [deed_id for deed_id in self._unfinished if self._deeds.can_take_back(deed_id)]

    def open_task(self, task_id: str) -> None:
        """Open a task."""
        raise NotImplementedError

    def _warn(self, words: str) -> None:
        self.notify(self._desk.safe(words), severity="warning", markup=False)

    @work(group="left")
    async def _ask_about_what_was_left(self) -> None:
        """Tell what an earlier session has held or sent and not seen to its end; nothing is sent by itself."""
        from tui.screens.confirm import Confirm

        for line in self._left:
            verb, target = str(line.get("verb")), str(line.get("target"))
            was_held = line.get("kind") == "held"
            if was_held:
                state, outcome, yes, rest = "held", Outcome.NOT_SENT, "Review it", "and was not sent."
            else:
                state, outcome, yes = "being sent", Outcome.UNKNOWN, "Open the task"
                rest = "whether it was done, only the task tells."
            await self._found(target)
            text = f"{verb} {self._called(target)}\nwas {state} when xp-tui ended, {rest}"
            wants = await self.push_screen_wait(Confirm("From the last session", text, yes=yes, no="Leave it"))
            about = {name: line.get(name) for name in ("deed", "verb", "target", "digest", "request", "platform")}
            words = f"xp-tui ended while it was {state}"
            self._journal.write("done", **about, outcome=str(outcome), words=words)
            if wants and was_held:
                self.post_message(ReviewWanted(target))
            elif wants:
                self.open_task(target)

    # Deciding

    @on(ReviewWanted)
    def _review(self, event: ReviewWanted) -> None:
        from tui.screens.bulk_review import BulkScreen
        from tui.screens.review import ReviewScreen

        if len(event.task_ids) == 1:
            task_id = event.task_ids[0]
            review = ReviewScreen(task_id, self._desk, self._begun(task_id))
            review.can_take_back = self._deeds.can_take_back
            self.push_screen(review)
            self._read_to_decide(task_id)
            self._tell_others()
            return
        screen = BulkScreen([task for one in event.task_ids if (task := self.board.task(one))], self._desk)
        screen.can_take_back = self._deeds.can_take_back
        self.push_screen(screen)
        self._read_to_decide(*screen.tasks)

    def on_review_screen_wanted(self, event: ReviewScreen.Wanted) -> None:
        """Read what is to be decided, of this task again or of another that waits."""
        from tui.screens.review import ReviewScreen

        waiting = sorted(self._waiting, key=self._since)
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen):
                if event.by and waiting:
                    place = waiting.index(event.task_id) if event.task_id in waiting else -1
                    chosen = waiting[(place + event.by) % len(waiting)]
                    screen.forget(chosen, self._begun(chosen))
                self._read_to_decide(screen.task_id)

    def _tell_others(self) -> None:
        """Tell every other xp-tui of this machine what is open here for a decision, and show what is open there."""
        screens = [screen for screen in self.screen_stack if isinstance(screen, Deciding)]
        try:
            self._beside.open({task_id for screen in screens for task_id in screen.open_tasks})
            others = self._beside.others() if screens else {}
        except OSError as error:
            for screen in screens:
                screen.elsewhere = f"whether it is open elsewhere is not known: {error}  "
            return
        for screen in screens:
            there = sorted({process for task_id in screen.open_tasks for process in others.get(task_id, ())})
            screen.elsewhere = f"also open in xp-tui {', '.join(there)}  " if there else ""

    def on_unmount(self) -> None:
        """Nothing is open here any more."""
        self._beside.close()

    def _begun(self, task_id: str) -> Deed | None:
        """What is under way for a task."""
        return next((one for one in self._unfinished.values() if one.target == task_id), None)

    def _is_hold_paused(self) -> bool:
        """Whether a dialog is open: what is held stands still then."""
        return isinstance(self.screen, ModalScreen)

    def _since(self, task_id: str) -> tuple[bool, datetime, str]:
        wait = self.board.wait(task_id)
        since = wait.since if wait else None
        return since is None, since or self._desk.now(), task_id

    def _read_to_decide(self, *task_ids: str) -> None:
        """Read what there is to decide, of each task by itself."""
        for task_id in task_ids:
            self.run_worker(self._read_one(task_id), group=f"decide {task_id}", exclusive=True)

    async def _read_one(self, task_id: str) -> None:
        """Read what one task waits for, and show it where it is still wanted."""
        try:
            async with self._few:
                seen = await shown(self._client, task_id)
        except (ApiError, BadAddress) as error:
            with suppress(NoMatches):  # the screen is being taken down
                for screen in self._deciding(task_id):
                    screen.fails(task_id, str(error))
            return
        self._tell(TasksSeen((seen.task,), self._desk.now()))
        with suppress(NoMatches):
            for screen in self._deciding(task_id):
                screen.shows(seen, self.board)

    def _deciding(self, task_id: str) -> list[ReviewScreen | BulkScreen]:
        """The screens on which a task is decided about."""
        from tui.screens.bulk_review import BulkScreen
        from tui.screens.review import ReviewScreen

        return [
            screen
            for screen in self.screen_stack
            if (isinstance(screen, ReviewScreen) and screen.task_id == task_id)
            or (isinstance(screen, BulkScreen) and task_id in screen.tasks)
        ]

    @on(Deciding.Decided)
    def _decided(self, event: Deciding.Decided) -> None:
        for task_id, digest in event.digests.items():
            self._carry_out(Deed(event.verb, task_id, digest, event.comment, hold=max(self._hold, QUIET)))

    @on(Deciding.TakeBack)
    def _take_back(self, event: Deciding.TakeBack) -> None:
        for deed_id in event.deed_ids:
            self._deeds.take_back(deed_id)

    def action_take_back(self) -> None:
        """Take back what is held, wherever one is."""
        for deed_id in self._held:
            self._deeds.take_back(deed_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be taken back where nothing is held."""
        return bool(self._held) if action == "take_back" else super().check_action(action, parameters)

    @work(group="deeds")
    async def _carry_out(self, deed: Deed, *drafts: str) -> None:
        """Carry out a deed to its end, whatever else is begun meanwhile; what was written is kept until it was sent."""
        job = asyncio.current_task()
        assert job
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        texts = {key: self._drafts[key] for key in drafts if key in self._drafts}
        try:
            for key, text in texts.items():
                self._drafts[SENDING + key] = text
                del self._drafts[key]
        except OSError as error:
            self._warn(f"{deed.verb}: not sent, the draft cannot be written: {error}")
            return
        try:
            done = await self._deeds.carry_out(deed)
        finally:
            self._unfinished.pop(deed.id, None)
        try:
            for key, text in texts.items():
                if done.outcome is not Outcome.CONFIRMED:
                    self._drafts.setdefault(key, text)
                self._drafts.pop(SENDING + key, None)
        except OSError as error:
            self._warn(f"the draft cannot be written, it may be offered again: {error}")
        if deed.verb is Verb.CREATE and done.task is not None and self._home:
            self._home.select(done.task.id)
        if done.task is not None:
            self._tell(TasksSeen((done.task,), self._desk.now()))
        if done.outcome is Outcome.CHANGED:
            self._read_to_decide(deed.target)
        self._read_lists()

    async def interrupted(self) -> list[Deed]:
        """Wait until all that was under way has ended; the answer is what was sent and is not known to be done."""
        await asyncio.gather(*self._jobs, return_exceptions=True)
        return self._interrupted

    def _deed_changed(self, deed: Deed) -> None:
        if deed.words.startswith(INTERRUPTED):  # the screens are being taken down
            self._interrupted.append(deed)
            return
        if deed.verb is Verb.STOP and deed.phase is Phase.SENDING:
            self.notify("stop requested", markup=False)
        if deed.phase is Phase.DONE:
            self._unfinished.pop(deed.id, None)
        else:
            self._unfinished[deed.id] = deed
            self._telling.resume()
        is_other = any(one.target == deed.target and one.id != deed.id for one in self._unfinished.values())
        shown_on = [] if is_other else self._deciding(deed.target)  # what is under way stays what is shown
        with suppress(NoMatches):
            for screen in shown_on:
                screen.deed_changed(deed)
        if deed.phase is Phase.DONE and not shown_on:
            good = deed.outcome in {Outcome.CONFIRMED, Outcome.TAKEN_BACK}
            words = self._desk.safe(f"{deed.verb} {self._called(deed.target)}: {deed.words}")
            self.notify(words, severity="information" if good else "error", markup=False, timeout=10)

    def _show_held(self) -> None:
        """What is held is told on every screen, with the time that is left."""
        held = [self._unfinished[deed_id] for deed_id in self._held]
        for screen in self.screen_stack:
            if isinstance(screen, Deciding):
                screen.hold_changed(self._deeds.seconds_left, is_paused=self._is_hold_paused())
        self.screens_held(self._held_words(held) if held else "")
        if not self._unfinished:
            self._telling.pause()

    def _held_words(self, held: Sequence[Deed]) -> str:
        """Return what is held, for how long, and the keys that take it back from where the operator is."""
        deed = held[0]
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        left = f"{self._deeds.seconds_left.get(deed.id, 0.0):.0f} s"
        when = f"stands still, {left} left" if self._is_hold_paused() else f"in {left}"
        if deed.phase is Phase.CHECKING:
            when = "is read again"
        end = f"{more} {when}   {self._keys_that_take_back()} takes it back"
        name = self._called(deed.target)
        room = max(self.size.width - cell_len(f" ‖ {deed.verb} {end} "), 1)
        return f"‖ {deed.verb} {fit(name, min(room, cell_len(name)))}{end}"

    def _keys_that_take_back(self) -> str:
        """Return the keys to press: an input has to be left first.

        Textual takes a binding whose default key is a letter from a chain with an input, whatever it is bound to.
        """
        name, screen = key_name(self, "app.take_back"), self.screen
        if not isinstance(screen, OnTop):  # Textual's own palette has no key for it
            return f"esc, then {name}"
        focused = screen.focused
        is_input = focused is not None and focused.check_consume_key("u", "u")
        return f"{key_name(screen, screen.LEFT_BY)}, then {name}" if is_input else name

    def _called(self, target: str) -> str:
        task = self.board.task(target)
        return self._desk.safe(task.name, 50) if task else target[:8]

    def on_review_screen_say(self, event: ReviewScreen.Say) -> None:
        """Say more to the task that is reviewed."""
        self._continue(event.seen.task)

    @work(group="wishes", exclusive=True)
    async def _continue(self, task: AnyTask) -> None:
        """Answer what the task asks, where it asks; else say more in its thread."""
        wait = self.board.wait(task.id)
        if wait is not None and wait.kind is WaitKind.QUESTION:
            try:
                seen = await shown(self._client, task.id)
            except (ApiError, BadAddress) as error:
                self._warn(f"the question could not be read: {error}")
                return
            from tui.client.log_entries import Questions  # pydantic: the first frame has no entries

            if seen.held and Questions.of(seen.held).asked:
                await self._answer(seen)
                return
        await self._say_in_thread(task)

    async def _answer(self, seen: Shown) -> None:
        """Ask for the answer to each question, and send them all."""
        from tui.client.log_entries import Questions
        from tui.screens.answer import Answer

        card = Questions.of(seen.held)
        answers: list[dict[str, object]] = []
        keys = [f"answer {seen.task.id} {card.id} {place}" for place in range(len(card.asked))]
        for number, (key, question) in enumerate(zip(keys, card.asked, strict=True), 1):
            which = f"Question {number} of {len(keys)}" if len(keys) > 1 else "Question"
            title = f"{which} of {self._desk.safe(seen.task.name, 60)}"
            written = await self.push_screen_wait(Answer(title, question, self._desk.masks, key, self._drafts))
            if written is None:
                return
            answers.append({"question_id": question.id, "answer": written.text})
        body = {"decision_id": card.decision_id or card.id, "answers": answers}
        self._carry_out(Deed(Verb.ANSWER, seen.task.id, seen.digest, body=body), *keys)

    def on_review_screen_browse(self, event: ReviewScreen.Browse) -> None:
        """Open a web address that every browser reads alike."""
        if host := host_of(event.url):
            self.notify(f"opening {host}", markup=False)
            self.open_url(with_ascii_host(event.url))
        else:
            self.notify(address_problem(event.url), severity="error", markup=False)

    # Stopping, saying more

    @on(Wish)
    def _wish(self, event: Wish) -> None:
        tasks = [task for one in event.task_ids if (task := self.board.task(one))]
        if event.verb == "copy":
            return  # nothing is done to them
        if self._desk.read_only:
            self._warn(self._desk.read_only)
        elif event.verb == "create" and (isinstance(self.screen, TasksScreen) or not tasks):
            self._choose_agent(is_new=True, begin_at=tasks[0].agent_id if tasks else None)
        elif event.verb == "stop" and tasks:
            self._stop(tasks)
        elif tasks and event.verb == "continue":
            self._continue(tasks[0])
        elif tasks:
            self._begin_anew(tasks[0])

    @work(group="wishes", exclusive=True)
    async def _choose_agent(self, *, is_new: bool, begin_at: str | None = None) -> None:
        """Choose an agent, to see its tasks or to start a new one."""
        from tui.screens.agent_picker import Agents

        agents = sorted((agent for _, agent in self.board.agents.values()), key=lambda one: one.name.casefold())
        counts: dict[str, int] = {}
        for known in self.board.tasks.values():
            counts[known.task.agent_id] = counts.get(known.task.agent_id, 0) + 1
        choice = await self.push_screen_wait(Agents(self._desk, agents, counts, is_new=is_new, begin_at=begin_at))
        if choice and choice.is_new:
            await self._create(choice.agent.id, choice.agent.name)
        elif choice and self._home:
            name = choice.agent.name
            is_plain = name == self._desk.safe(name) and '"' not in name
            self._home.filter(f'agent:"{name if is_plain else choice.agent.id}"')

    @work(group="wishes", exclusive=True)
    async def _stop(self, tasks: list[AnyTask]) -> None:
        """Ask, and stop them when the answer is yes."""
        from tui.screens.bulk_review import BulkScreen
        from tui.screens.confirm import Confirm

        tasks = [await self._as_its_record_says(task) for task in tasks]
        running = [task for task in tasks if not task.is_final]
        if not running:
            self._warn(f"it has ended: {tasks[0].status}" if len(tasks) == 1 else "all of them have ended")
            return
        lines, count_below = [], 0
        for task in running:
            lines.append(f"{self._desk.safe(task.name)}  {task.id}")
            if (earlier := self._deeds.earlier(Deed(Verb.STOP, task.id))) is not None:
                lines.append(f"  {self._desk.safe(earlier.known)}; it is sent again")
            below = [child for child in self._below(task) if not child.is_final]
            count_below += len(below)
            lines += [f"  and with it: {self._desk.safe(child.name)}" for child in below]
        many = len(running) > 1
        title = f"Stop these {len(running)} tasks" if many else "Stop this task"
        title += f" and {count_below} below {'them' if many else 'it'}?" if count_below else "?"
        yes = "Stop them" if many else "Stop it"
        if await self.push_screen_wait(Confirm(title, "\n".join(lines), yes=yes, no="Keep running")):
            if many:
                self.push_screen(BulkScreen(running, self._desk, stops=True))
            for task in running:
                self._carry_out(Deed(Verb.STOP, task.id, anyway=True))  # the dialog has told what was sent before

    async def _as_its_record_says(self, task: AnyTask) -> AnyTask:
        """A task that seems to have ended, as its own record tells it now: it may be a lie of a stream."""
        if not task.is_final:
            return task
        try:
            record = await self._client.task(task.id)
        except (ApiError, BadAddress):
            return task
        self._tell(TasksSeen((record,), self._desk.now()))
        return record

    def _below(self, task: AnyTask) -> list[AnyTask]:
        """All sub-tasks, however deep, each once."""
        found: dict[str, AnyTask] = {}
        left = [task.id]
        while left:
            for child in self.board.children_of(left.pop()):
                if child.id not in found and child.id != task.id:
                    found[child.id] = child
                    left.append(child.id)
        return list(found.values())

    @work(group="wishes", exclusive=True)
    async def _begin_anew(self, task: AnyTask) -> None:
        """A new task for the same agent."""
        await self._create(task.agent_id, self._agent_name(task.agent_id))

    def _agent_name(self, agent_id: str) -> str:
        agent = self.board.agents.get(agent_id)
        return self._desk.safe(agent[1].name if agent else agent_id)

    async def _say_in_thread(self, task: AnyTask) -> None:
        """Ask for the words, and send them."""
        name = self._agent_name(task.agent_id)
        title = f"Say more in: {self._desk.safe(task.name)}"
        where = f"to {name}, thread {task.thread_id}"
        if written := await self._write_down(title, where, task.thread_id):
            body = {**_body(task.agent_id, written), "id": task.thread_id}
            self._carry_out(Deed(Verb.CONTINUE, task.id, body=body), task.thread_id)

    async def _write_down(self, title: str, where: str, key: str, *, has_options: bool = False) -> Written | None:
        """Ask for words; None when there are to be none."""
        from tui.screens.message_editor import Compose  # what edits text is not needed before anybody writes

        return await self.push_screen_wait(Compose(title, where, key, self._drafts, has_options=has_options))

    async def _create(self, agent_id: str, name: str) -> None:
        """Ask for the words of a new task, and send them."""
        key = f"new {agent_id}"
        where = f"to {self._desk.safe(name)}"
        if written := await self._write_down("A new task", where, key, has_options=True):
            self._carry_out(Deed(Verb.CREATE, agent_id, body=_body(agent_id, written)), key)


def _body(agent_id: str, written: Written) -> dict[str, Any]:
    """The request for what was written."""
    options = dict(written.options)
    told: dict[str, Any] = {"text": written.text}
    if files := options.pop("files", None):
        told["files"] = files
    return {"agent": agent_id, "input": told, "source": "xp-tui", **options}
