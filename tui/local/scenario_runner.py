"""Runs the scenarios: one step of one task at a time, each stored in the database before the next is due."""

from __future__ import annotations

import asyncio
import heapq
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from tui.local.decisions import Decisions
from tui.local.request_guard import error_place
from tui.local.scenario import Scenario, fill_template
from tui.local.sqlite_store import Json
from tui.local.task_service import FINAL_STATUSES, Platform
from tui.local.wait_steps import WaitStepPlayer

MAX_ACTIVE_TASKS = 9
MAX_WAITING_TASKS = 5
"""Tasks that run, and tasks that wait for a person: with more of them no new work arrives by itself."""
ARRIVAL_SECONDS = 25.0
"""Seconds between two tasks that arrive by themselves, on average."""
ARRIVAL_SPREAD = 0.6
"""How much this time varies, as a part of it."""
FIRST_TASKS_LEAD = timedelta(minutes=14)
"""Time before the start at which the tasks were created that wait or run when the platform is first opened."""
MIN_LEAD_SECONDS = 3
LEAD_STEP_SECONDS = 5
"""Seconds before the start at which the last task was created, and between that one and those before."""
START_SECONDS = 0.6
"""Seconds from the start of a pending task to its first step."""
PEOPLE: tuple[Json, ...] = tuple(
    {
        "id": f"u-{first.lower()}",
        "first_name": first,
        "last_name": last,
        "display_name": f"{first} {last}",
        "email": f"{first.lower()}@example.com",
    }
    for first, last in (("Dana", "Reyes"), ("Kofi", "Mensah"), ("Mei", "Tan"))
)
"""Colleagues of the operator, who create tasks and have made the decisions of the past."""
SOURCES = ("api", "slack", "email", "webhook", "sdk")
CHUNK_CHARACTERS = 28
HISTORY_CHUNK_CHARACTERS = 400
"""Characters of a chunk of streamed text, live and in the history."""
RETRY_SECONDS = 5.0
"""Seconds after which a failed step is tried again."""
MIN_HISTORY_GAP_MINUTES = 15
MAX_HISTORY_GAP_MINUTES = 120
"""Minutes between two tasks of the history."""
MIN_COLLEAGUE_MINUTES = 2
MAX_COLLEAGUE_MINUTES = 35
"""Minutes after which a colleague decides what a task of the history waits for."""
APPROVAL_CHANCE = 0.75
"""Probability with which a colleague approves."""


class DueItem(NamedTuple):
    """An item that is due: a step of a task, a new task, or a colleague's decision. Items sort by their order."""

    due: float
    """Seconds after the start of the history."""
    number: int
    """The number of the task: of two steps due at the same time, the older task's comes first."""
    kind: str
    """One of `step`, `ask`, `arrive`, `colleague`, `expire`."""
    subject: str
    """The id of the task, for `ask` the id of the agent, for `arrive` empty."""


class ScenarioRunner:
    """Runs the scenarios of the agents."""

    def __init__(
        self,
        platform: Platform,
        decisions: Decisions,
        scenarios: tuple[Scenario, ...],
        history_start: datetime,
        pace: float,
        *,
        arrivals: bool = True,
        notify: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Create a runner, which wakes a task when the platform says that it is ready."""
        self.platform = platform
        self._notify = notify
        self.decisions = decisions
        self.scenarios = {scenario.agent["id"]: scenario for scenario in scenarios}
        self.pace = pace
        self.arrivals = arrivals
        self.chunk_size = CHUNK_CHARACTERS
        self._colleagues_until: datetime | None = None
        """The end of the time in which colleagues decide; None outside the history."""
        self._step_due: dict[str, float] = {}
        """When the next step of each task is due; an item of the queue with another time is outdated."""
        self._queue: list[DueItem] = []
        """A heap of the items that are due."""
        self._wakeup = asyncio.Event()
        self._epoch = history_start
        self._handlers: dict[str, Callable[[str], float | None]] = {
            "step": self._play_step,
            "ask": self._create_for_agent,
            "arrive": self._arrive,
            "colleague": self._decide_as_colleague,
            "expire": self._expire,
        }
        platform.on_ready = self.wake

    def plan_run(self, task: Json) -> Json | None:
        """Plan the run of a new task or turn: return its run state, or None if its agent has no scenario."""
        scenario = self.scenarios.get(task["agent_id"])
        if scenario is None or not scenario.steps:
            return None
        previous_run = self.platform.store.run_state(task["id"]) or {}  # of the turn before in this thread
        turn = previous_run.get("turn", 0) + 1
        words = previous_run.get("words_drawn") or scenario.draw_words(self.platform.rng("draw", task["id"]))
        asked = " ".join(task["input"]["text"].split())
        first = previous_run.get("words_drawn", {}).get("first", asked)
        return {
            "part": "steps" if turn == 1 else "reply",
            "at": 0,  # the index of the step
            "phase": 0,  # how much of the step was played
            "beats": previous_run.get("beats", 0),  # the number of times that a step of the task was played
            "turn": turn,
            "words_drawn": {**words, "asked": asked, "first": first},
            "waits_for": None,
        }

    def wake(self, task_id: str) -> None:
        """Wake a task that waited: its next step is due now."""
        self._schedule("step", task_id, self.platform.clock.now)

    def recover(self) -> list[str]:
        """Recover the runs of scenarios after a start; return the ids of tasks whose workers are gone."""
        interrupted_ids = []
        for task in self.platform.store.unfinished_tasks():
            if task.run is not None and task.run.get("part"):
                self.wake(task.id)
                self._schedule_expiry(task.run)
            elif task.run is None and self.platform.task(task.id)["status"] == "executing":
                interrupted_ids.append(task.id)
        return interrupted_ids

    async def run(self) -> None:
        """Run the scenarios until cancelled."""
        if self.arrivals:
            self._schedule("arrive", "", self.platform.clock.start)
        while True:
            self._wakeup.clear()
            now = self._seconds_at(self.platform.clock.real_now)
            if self._queue and self._queue[0].due <= now:
                self._play_next_or_retry()
                await asyncio.sleep(0)  # requests come in between
            else:
                await self._wait_for_next(now)

    async def _wait_for_next(self, now: float) -> None:
        """Wait until the next item is due, or a new one is scheduled."""
        delay = self._queue[0].due - now if self._queue else None
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._wakeup.wait()

    def play_history(self, until: datetime) -> None:
        """Play the history up to a time, with colleagues who decide; its last tasks wait for the operator."""
        self.chunk_size = HISTORY_CHUNK_CHARACTERS
        self._colleagues_until = until - FIRST_TASKS_LEAD
        scenarios = [scenario for scenario in self.scenarios.values() if scenario.weight]
        self._schedule_past_tasks(scenarios, until - FIRST_TASKS_LEAD)
        self._schedule_first_tasks(scenarios, until)
        self.play_until(until)
        self.chunk_size = CHUNK_CHARACTERS
        self._colleagues_until = None
        self._queue = [item for item in self._queue if item.kind != "colleague"]
        heapq.heapify(self._queue)

    def _schedule_past_tasks(self, scenarios: list[Scenario], until: datetime) -> None:
        """Schedule the tasks of the history that have ended: of drawn scenarios, at drawn times up to `until`."""
        rng = self.platform.rng("history")
        weights = [scenario.weight for scenario in scenarios]
        moment = self._epoch
        while True:
            moment += timedelta(minutes=rng.uniform(MIN_HISTORY_GAP_MINUTES, MAX_HISTORY_GAP_MINUTES))
            if moment >= until:
                return
            scenario = rng.choices(scenarios, weights)[0]
            self._schedule("ask", scenario.agent["id"], moment)

    def _schedule_first_tasks(self, scenarios: list[Scenario], start: datetime) -> None:
        """Schedule one task of each scenario shortly before the start, so that it still runs, or waits for a person."""
        for index, scenario in enumerate(scenarios):
            lead = timedelta(seconds=MIN_LEAD_SECONDS + index * LEAD_STEP_SECONDS)
            if scenario.needs_person:  # earlier, as it has to reach the step that waits
                lead = FIRST_TASKS_LEAD * (1 - index / len(scenarios))
            self._schedule("ask", scenario.agent["id"], start - lead)

    def play_until(self, moment: datetime) -> None:
        """Play all items that are due until a time, without waiting for it."""
        while self._queue and self._queue[0].due <= self._seconds_at(moment):
            self.play_next()

    def _play_next_or_retry(self) -> None:
        """Play the next item; retry it after an error of the database, and end a task whose step fails otherwise."""
        item = self._queue[0]
        try:
            self.play_next()
        except sqlite3.Error as error:
            self._notify(self.platform.store.explain(error))
            self._retry_later(item)
        except Exception as error:  # noqa: BLE001 - a failing scenario must not stop the other agents
            self._notify(f"an agent could not go on: {error_place(error)}")
            self._end_as_failed(item, f"The agent could not go on: {type(error).__name__}.")

    def _retry_later(self, item: DueItem) -> None:
        """Put an item into the queue again, due after RETRY_SECONDS."""
        due = self._seconds_at(self.platform.clock.real_now) + RETRY_SECONDS
        if item.kind == "step":
            self._step_due[item.subject] = due
        heapq.heappush(self._queue, item._replace(due=due))

    def _end_as_failed(self, item: DueItem, result: str) -> None:
        """End the task of a failed step; an item without a running task is retried."""
        task = None
        if item.kind == "step":
            task = self.platform.store.task(item.subject)
        if task is None or task["status"] in FINAL_STATUSES:
            self._retry_later(item)
            return
        try:
            with self.platform.store.transaction():
                self.platform.change(task, status="error", internal_status="interrupted", result=result)
        except sqlite3.Error:
            self._retry_later(item)

    def play_next(self) -> None:
        """Play the next item of the queue in a transaction, with the clock frozen at the time it was due."""
        item = heapq.heappop(self._queue)
        if item.kind == "step":
            if self._step_due.get(item.subject) != item.due:
                return  # another time was set since
            del self._step_due[item.subject]
        clock = self.platform.clock
        clock.freeze_at(self._epoch + timedelta(seconds=item.due))
        try:
            with self.platform.store.transaction():
                delay = self._handlers[item.kind](item.subject)
            if delay is not None:
                self._schedule(item.kind, item.subject, clock.now + timedelta(seconds=delay / self.pace))
        finally:
            clock.freeze_at(None)

    def _seconds_at(self, moment: datetime) -> float:
        """Return the seconds from the start of the history to a moment."""
        return (moment - self._epoch).total_seconds()

    def _schedule(self, kind: str, subject: str, moment: datetime) -> None:
        """Schedule an item for a moment; for a step it replaces the time that was set before."""
        due = self._seconds_at(moment)
        number = 0
        if kind == "step":
            number = self.platform.store.task_number(subject)
            self._step_due[subject] = due
        heapq.heappush(self._queue, DueItem(due, number, kind, subject))
        self._wakeup.set()

    def _play_step(self, task_id: str) -> float | None:
        """Play a step of a task; return the seconds until its next, or None if there is none or the task waits."""
        store = self.platform.store
        task = store.task(task_id)
        run = store.run_state(task_id)
        if task is None or run is None:
            return None
        if task["status"] in FINAL_STATUSES or run.get("waits_for") or "worker" in run:
            return None
        if (resumes_at := _resume_time(run)) and self.platform.clock.now < resumes_at:  # after a restart
            self._schedule("step", task_id, resumes_at)
            return None
        run["beats"] += 1
        scenario = self.scenarios[task["agent_id"]]
        player = WaitStepPlayer(self.platform, self.decisions, scenario, task, run, self.chunk_size)
        player.pace = self.pace
        delay: float | None = START_SECONDS
        if task["status"] == "pending":
            self.platform.change(task, status="executing")
        else:
            delay = player.play()
        store.put_run_state(task_id, run)
        self._schedule_expiry(run)
        if resumes_at := _resume_time(run):
            self._schedule("step", task_id, resumes_at)
        elif task["status"] == "paused":
            self._schedule_colleague(task_id, player.rng)
        return delay

    def _schedule_colleague(self, task_id: str, rng: Random) -> None:
        """Schedule the decision of a colleague about a paused task, if colleagues decide at this time."""
        now = self.platform.clock.now
        if self._colleagues_until is not None and now < self._colleagues_until:
            minutes = rng.uniform(MIN_COLLEAGUE_MINUTES, MAX_COLLEAGUE_MINUTES)
            self._schedule("colleague", task_id, now + timedelta(minutes=minutes))

    def _decide_as_colleague(self, task_id: str) -> None:
        """Decide, as a colleague of the operator, what a paused task of the history waits for."""
        platform, decisions = self.platform, self.decisions
        task, run = platform.store.task(task_id), platform.store.run_state(task_id)
        if task is None or run is None or task["status"] != "paused":
            return
        rng = platform.rng("colleague", task_id)
        name = rng.choice(PEOPLE)["display_name"]
        approve = rng.random() < APPROVAL_CHANCE
        if task["hitl_request"]:
            decisions.decide(task_id, approve, None if approve else "Not now", name)
        elif task["pending_eca_request"]:
            decisions.complete_sign_in(run["sign_in"])
        elif platform.store.approval(run["waits_for"]) is not None:
            decisions.decide_call(task["agent_id"], run["waits_for"], approve, None, name)
        elif run["waits_for"] == "answer":
            card = platform.store.entry(task_id, run["card"]) or {}
            decisions.answer(task_id, run["card"], _drawn_answers(card["questions"], rng))
        else:
            decisions.confirm(task_id, run["card"], approve)

    def _schedule_expiry(self, run: Json) -> None:
        """Schedule the expiry of the approval that a run waits for, if it expires."""
        approval = self.platform.store.approval(str(run.get("waits_for") or ""))
        if approval and approval.get("expires_at"):
            moment = datetime.fromisoformat(approval["expires_at"]) + timedelta(seconds=1)
            self._schedule("expire", approval["request_id"], moment)

    def _expire(self, request_id: str) -> None:
        """Let an approval expire that nobody has decided in time."""
        if approval := self.platform.store.approval(request_id):
            self.decisions.approval(approval["agent_id"], request_id)

    def _create_for_agent(self, agent_id: str) -> None:
        self.create_task(self.scenarios[agent_id])

    def _arrive(self, _: str) -> float:
        """Let new work arrive unless there is enough; return the seconds until the next arrival."""
        platform = self.platform
        rng = platform.rng("arrival", platform.store.next_number())
        count_tasks = platform.store.count_tasks
        active_count = count_tasks({"status": "executing"}) + count_tasks({"status": "pending"})
        if active_count < MAX_ACTIVE_TASKS:
            is_crowded = count_tasks({"status": "paused"}) >= MAX_WAITING_TASKS
            scenarios = [
                scenario
                for scenario in self.scenarios.values()
                if scenario.weight and not (is_crowded and scenario.needs_person)
            ]
            scenario = rng.choices(scenarios, [scenario.weight for scenario in scenarios])[0]
            self.create_task(scenario)
        return rng.uniform(1 - ARRIVAL_SPREAD, 1 + ARRIVAL_SPREAD) * ARRIVAL_SECONDS

    def create_task(self, scenario: Scenario, **more: Any) -> Json:
        """Create a task for the agent of a scenario, from a colleague and with drawn words."""
        platform = self.platform
        rng = platform.rng("ask", platform.store.next_number())
        words = scenario.draw_words(rng)
        person = rng.choice(PEOPLE)
        text = fill_template(rng.choice(scenario.prompts), words)
        title = None
        if scenario.titles:
            title = fill_template(rng.choice(scenario.titles), words)
        request = {
            "input": {"text": text, "user": person},
            "title": title,
            "source": rng.choice(SOURCES),
            "events_streaming": True,
            **more,
        }
        task = platform.create(scenario.agent["id"], request)
        run = platform.store.run_state(task["id"])
        if run:
            platform.store.put_run_state(task["id"], {**run, "words_drawn": {**run["words_drawn"], **words}})
        return task


def _resume_time(run: Json) -> datetime | None:
    """Return the time at which a run resumes by itself; None if it does not wait for its time."""
    resumes_at = run.get("resumes_at")
    if not resumes_at:
        return None
    return datetime.fromisoformat(resumes_at)


def _drawn_answers(questions: list[Json], rng: Random) -> list[Json]:
    """Return an answer to each question: a drawn one of its options."""
    return [
        {"question_id": question["id"], "selected_option_ids": [rng.choice(question["options"])["id"]]}
        for question in questions
    ]
