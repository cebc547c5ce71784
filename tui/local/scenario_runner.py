"""Runs the scenarios: one step of one task at a time, each stored in the database before the next is due."""

from __future__ import annotations

import asyncio
import heapq
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tui.local.decisions import Decisions
from tui.local.request_guard import error_place
from tui.local.scenario import Scenario, fill_template
from tui.local.scenario_steps import StepPlayer
from tui.local.sqlite_store import Json
from tui.local.task_service import FINAL_STATUSES, Platform

MAX_ACTIVE_TASKS, MAX_WAITING_TASKS = 9, 5
"""Tasks that run, and tasks that wait for a person: with more of them no new work arrives by itself."""
ARRIVAL_SECONDS = 25.0
"""Seconds between two tasks that arrive by themselves, on average."""
FIRST_TASKS_LEAD = timedelta(minutes=14)
"""Time before the start at which the tasks were created that wait or run when the platform is first opened."""
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
CHUNK_CHARACTERS, HISTORY_CHUNK_CHARACTERS = 28, 400
"""Characters of a chunk of streamed text, live and in the history."""
RETRY_SECONDS = 5.0
"""Seconds after which a failed step is tried again."""


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
        previous = self.platform.store.run_state(task["id"]) or {}
        turn = previous.get("turn", 0) + 1
        words = previous.get("words_drawn") or scenario.draw_words(self.platform.rng("draw", task["id"]))
        asked = " ".join(task["input"]["text"].split())
        first = previous.get("words_drawn", {}).get("first", asked)
        return {
            "part": "steps" if turn == 1 else "reply",
            "at": 0,
            "phase": 0,
            "beats": previous.get("beats", 0),
            "turn": turn,
            "words_drawn": {**words, "asked": asked, "first": first},
            "waits_for": None,
        }

    def wake(self, task_id: str) -> None:
        """Wake a task that waited: its next step is due now."""
        self._schedule("step", task_id, self.platform.clock.now)

    def recover(self) -> list[str]:
        """Recover the runs of scenarios after a start; return the ids of tasks whose workers are gone."""
        orphans = []
        for _, task_id, run in self.platform.store.unfinished_tasks():
            task = self.platform.task(task_id)
            if run is None and task["status"] == "executing":
                orphans.append(task_id)
            elif run is not None and run.get("part"):
                self.wake(task_id)
                self._schedule_expiry(run)
        return orphans

    async def run(self) -> None:
        """Run the scenarios until cancelled."""
        if self.arrivals:
            self._schedule("arrive", "", self.platform.clock.start)
        while True:
            self._wakeup.clear()
            now = self._seconds_at(self.platform.clock.real_now)
            if self._queue and self._queue[0].due <= now:
                self._play_next_or_retry()
                await asyncio.sleep(0)
                continue
            delay = self._queue[0].due - now if self._queue else None
            try:
                async with asyncio.timeout(delay):
                    await self._wakeup.wait()
            except TimeoutError:
                pass

    def play_history(self, until: datetime) -> None:
        """Play the history up to a time, with colleagues who decide; its last tasks wait for the operator."""
        rng = self.platform.rng("history")
        self.chunk_size = HISTORY_CHUNK_CHARACTERS
        self._colleagues_until = until - FIRST_TASKS_LEAD
        scenarios = [scenario for scenario in self.scenarios.values() if scenario.weight]
        weights = [scenario.weight for scenario in scenarios]
        moment = self._epoch
        while (moment := moment + timedelta(minutes=rng.uniform(15, 120))) < until - FIRST_TASKS_LEAD:
            scenario = rng.choices(scenarios, weights)[0]
            self._schedule("ask", scenario.agent["id"], moment)
        for index, scenario in enumerate(scenarios):
            lead = timedelta(seconds=3 + 5 * index)
            if scenario.needs_person:
                lead = FIRST_TASKS_LEAD * (1 - index / len(scenarios))
            self._schedule("ask", scenario.agent["id"], until - lead)
        self.play_until(until)
        self.chunk_size = CHUNK_CHARACTERS
        self._colleagues_until = None
        self._queue = [item for item in self._queue if item.kind != "colleague"]
        heapq.heapify(self._queue)

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
                return
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
        due, number = self._seconds_at(moment), 0
        if kind == "step":
            number = self.platform.store.task_number(subject)
            self._step_due[subject] = due
        heapq.heappush(self._queue, DueItem(due, number, kind, subject))
        self._wakeup.set()

    def _play_step(self, task_id: str) -> float | None:
        """Play a step of a task; return the seconds until its next, or None if there is none or the task waits."""
        store = self.platform.store
        task, run = store.task(task_id), store.run_state(task_id)
        if task is None or run is None or task["status"] in FINAL_STATUSES or run.get("waits_for") or "worker" in run:
            return None
        run["beats"] += 1
        scenario = self.scenarios[task["agent_id"]]
        player = StepPlayer(self.platform, self.decisions, scenario, task, run, self.chunk_size)
        delay: float | None = START_SECONDS
        if task["status"] == "pending":
            self.platform.change(task, status="executing")
        else:
            delay = player.play()
        store.put_run_state(task_id, run)
        self._schedule_expiry(run)
        now, until = self.platform.clock.now, self._colleagues_until
        if until and now < until and task["status"] == "paused":
            self._schedule("colleague", task_id, now + timedelta(minutes=player.rng.uniform(2, 35)))
        return delay

    def _decide_as_colleague(self, task_id: str) -> None:
        """Decide, as a colleague of the operator, what a paused task of the history waits for."""
        platform, decisions = self.platform, self.decisions
        task = platform.store.task(task_id)
        run = platform.store.run_state(task_id)
        if task is None or run is None or task["status"] != "paused":
            return
        rng = platform.rng("colleague", task_id)
        name = rng.choice(PEOPLE)["display_name"]
        approve = rng.random() < 0.75
        if task["hitl_request"]:
            decisions.decide(task_id, approve, None if approve else "Not now", name)
        elif task["pending_eca_request"]:
            decisions.complete_sign_in(run["sign_in"])
        elif (approval := platform.store.approval(run["waits_for"])) is not None:
            decisions.decide_call(task["agent_id"], approval["request_id"], approve, None, name)
        elif run["waits_for"] == "answer":
            card = platform.store.entry(task_id, run["card"]) or {}
            answers = [
                {"question_id": question["id"], "selected_option_ids": [rng.choice(question["options"])["id"]]}
                for question in card["questions"]
            ]
            decisions.answer(task_id, run["card"], answers)
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
        approval = self.platform.store.approval(request_id)
        if approval is not None:
            self.decisions.approval(approval["agent_id"], request_id)

    def _create_for_agent(self, agent_id: str) -> None:
        self.create_task(self.scenarios[agent_id])

    def _arrive(self, _: str) -> float:
        """Let new work arrive unless there is enough; return the seconds until the next arrival."""
        platform = self.platform
        rng = platform.rng("arrival", platform.store.next_number())
        active = platform.store.count_tasks({"status": "executing"}) + platform.store.count_tasks({"status": "pending"})
        if active < MAX_ACTIVE_TASKS:
            is_crowded = platform.store.count_tasks({"status": "paused"}) >= MAX_WAITING_TASKS
            scenarios = [
                scenario
                for scenario in self.scenarios.values()
                if scenario.weight and not (is_crowded and scenario.needs_person)
            ]
            scenario = rng.choices(scenarios, [scenario.weight for scenario in scenarios])[0]
            self.create_task(scenario)
        return rng.uniform(0.4, 1.6) * ARRIVAL_SECONDS

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
