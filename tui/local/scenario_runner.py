"""Plays the scenarios: one beat of one task at a time, each written to the database before the next is due."""

from __future__ import annotations

import asyncio
import heapq
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tui.local.decisions import Decisions
from tui.local.request_guard import error_place
from tui.local.scenario import Scenario, fill_template
from tui.local.scenario_steps import StepPlayer
from tui.local.sqlite_store import Json
from tui.local.task_service import FINAL_STATUSES, Platform

BUSY, WAITING = 9, 5
"""Tasks under way, and tasks that wait for a person, beyond which no new work comes by itself."""
ARRIVAL_SECONDS = 25.0
"""Seconds between two pieces of work that come by themselves, on average."""
FIRST_TASKS_LEAD = timedelta(minutes=14)
"""How long before the start the tasks were asked for that wait or run when the platform is first seen."""
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
"""Colleagues, who ask for things, and who decided in the past."""
SOURCES = ("api", "slack", "email", "webhook", "sdk")
PIECE, LONG_PIECE = 28, 400
"""Characters of a streamed piece of text, live and in history."""
RETRY_SECONDS = 5.0
"""How long after a beat that could not be played it is tried again."""


class ScenarioRunner:
    """The agents at work."""

    def __init__(
        self,
        platform: Platform,
        decisions: Decisions,
        scenarios: tuple[Scenario, ...],
        begins: datetime,
        pace: float,
        *,
        arrivals: bool = True,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.platform = platform
        self._tell = tell
        self.decisions = decisions
        self.scenarios = {scenario.agent["id"]: scenario for scenario in scenarios}
        self.pace = pace
        self.arrivals = arrivals
        self.piece = PIECE
        self._colleagues_until: datetime | None = None
        """Tasks of before this moment are decided by others, as happened in the past."""
        self._steps: dict[str, float] = {}
        """When each task's next step is due: an older date of the same task counts no more."""
        self._due: list[tuple[float, int, str, str]] = []
        """What is due: when, in which order, what, and for whom."""
        self._woken = asyncio.Event()
        self._epoch = begins
        platform.woken = self.wake

    def play(self, task: Json) -> Json | None:
        """How a new task or turn will be played."""
        scenario = self.scenarios.get(task["agent_id"])
        if scenario is None or not scenario.steps:
            return None
        before = self.platform.store.run(task["id"]) or {}
        turn = before.get("turn", 0) + 1
        words = before.get("words_drawn") or scenario.draw(self.platform.dice("draw", task["id"]))
        asked = " ".join(task["input"]["text"].split())
        return {
            "part": "steps" if turn == 1 else "reply",
            "at": 0,
            "phase": 0,
            "beats": before.get("beats", 0),
            "turn": turn,
            "words_drawn": {**words, "asked": asked, "first": before.get("words_drawn", {}).get("first", asked)},
            "waits_for": None,
        }

    def wake(self, task_id: str) -> None:
        """A task can go on: now."""
        self._push("step", task_id, self.platform.timeline.now)

    def recover(self) -> list[str]:
        """After a start: go on with everything; the answer is what nobody can go on with."""
        orphans = []
        for _, task_id, run in self.platform.store.unfinished():
            task = self.platform.task(task_id)
            if run is None and task["status"] == "executing":
                orphans.append(task_id)
            elif run is not None and run.get("part"):
                self.wake(task_id)
        return orphans

    async def run(self) -> None:
        """Play on for ever."""
        if self.arrivals:
            self._push("arrive", "", self.platform.timeline.start)
        timeline = self.platform.timeline
        while True:
            self._woken.clear()
            now = self._stamp(timeline.running)
            if self._due and self._due[0][0] <= now:
                self._beat_or_retry()
                await asyncio.sleep(0)
                continue
            delay = self._due[0][0] - now if self._due else None
            try:
                async with asyncio.timeout(delay):
                    await self._woken.wait()
            except TimeoutError:
                pass

    def remember(self, until: datetime) -> None:
        """Play a history without waiting, in which colleagues decide; what waits at its end is left to the operator."""
        dice = self.platform.dice("history")
        self.piece, self._colleagues_until = LONG_PIECE, until - FIRST_TASKS_LEAD
        asked = [one for one in self.scenarios.values() if one.weight]
        moment = self._epoch
        while (moment := moment + timedelta(minutes=dice.uniform(15, 120))) < until - FIRST_TASKS_LEAD:
            scenario = dice.choices(asked, [one.weight for one in asked])[0]
            self._push("ask", scenario.agent["id"], moment)
        for place, scenario in enumerate(asked):
            before = FIRST_TASKS_LEAD * (1 - place / len(asked)) if scenario.waits else timedelta(seconds=3 + 5 * place)
            self._push("ask", scenario.agent["id"], until - before)
        self.play_until(until)
        self.piece, self._colleagues_until = PIECE, None
        self._due = [one for one in self._due if one[2] != "colleague"]
        heapq.heapify(self._due)

    def play_until(self, moment: datetime) -> None:
        """Play everything that is due until a moment, without waiting for it."""
        while self._due and self._due[0][0] <= self._stamp(moment):
            self.beat()

    def _beat_or_retry(self) -> None:
        """Play the next beat; where the database fails it comes again, and a task that cannot be played ends so."""
        due = self._due[0]
        try:
            self.beat()
        except sqlite3.Error as error:
            self._tell(self.platform.store.explain(error))
            self._push_again(due)
        except Exception as error:  # noqa: BLE001 - one task that cannot be played takes no other along
            self._tell(f"an agent could not go on: {error_place(error)}")
            self._end_as_failed(due, f"The agent could not go on: {type(error).__name__}.")

    def _push_again(self, due: tuple[float, int, str, str]) -> None:
        """Let what was due be due again a little later."""
        _, number, what, whose = due
        later = self._stamp(self.platform.timeline.running) + RETRY_SECONDS
        if what == "step":
            self._steps[whose] = later
        heapq.heappush(self._due, (later, number, what, whose))

    def _end_as_failed(self, due: tuple[float, int, str, str], result: str) -> None:
        """End the task that could not be played; what else was due comes again."""
        task = self.platform.store.task(due[3]) if due[2] == "step" else None
        if task is None or task["status"] in FINAL_STATUSES:
            return self._push_again(due)
        try:
            with self.platform.store.together():
                self.platform.change(task, status="error", internal_status="interrupted", result=result)
        except sqlite3.Error:
            self._push_again(due)

    def beat(self) -> None:
        """The next beat that is due, at the moment it was due."""
        due, _, what, whose = heapq.heappop(self._due)
        if what == "step":
            if self._steps.get(whose) != due:
                return
            del self._steps[whose]
        timeline = self.platform.timeline
        timeline.stand_at(self._epoch + timedelta(seconds=due))
        try:
            with self.platform.store.together():
                delay = getattr(self, f"_{what}")(whose)
            if delay is not None:
                self._push(what, whose, timeline.now + timedelta(seconds=delay / self.pace))
        finally:
            timeline.stand_at(None)

    def _stamp(self, moment: datetime) -> float:
        return (moment - self._epoch).total_seconds()

    def _push(self, what: str, whose: str, at: datetime) -> None:
        number = self.platform.store.number_of(whose) if what == "step" else 0
        due = self._stamp(at)
        if what == "step":
            self._steps[whose] = due
        heapq.heappush(self._due, (due, number, what, whose))
        self._woken.set()

    def _step(self, task_id: str) -> float | None:
        """Play one beat of a task; the answer is how many seconds until the next, or None when there is none."""
        store = self.platform.store
        task, run = store.task(task_id), store.run(task_id)
        if task is None or run is None or task["status"] in FINAL_STATUSES or run.get("waits_for") or "worker" in run:
            return None
        run["beats"] += 1
        play = StepPlayer(self.platform, self.decisions, self.scenarios[task["agent_id"]], task, run, self.piece)
        if task["status"] == "pending":
            self.platform.change(task, status="executing")
            delay: float | None = 0.6
        else:
            delay = play.beat()
        store.put_run(task_id, run)
        now, until = self.platform.timeline.now, self._colleagues_until
        if until and now < until and task["status"] == "paused":
            self._push("colleague", task_id, now + timedelta(minutes=play.dice.uniform(2, 35)))
        return delay

    def _colleague(self, task_id: str) -> None:
        """In history, somebody else decides what a task waits for."""
        platform, decisions = self.platform, self.decisions
        task = platform.store.task(task_id)
        run = platform.store.run(task_id)
        if task is None or run is None or task["status"] != "paused":
            return
        dice = platform.dice("colleague", task_id)
        who, yes = dice.choice(PEOPLE)["display_name"], dice.random() < 0.75
        if task["hitl_request"]:
            decisions.decide(task_id, yes, None if yes else "Not now", who)
        elif task["pending_eca_request"]:
            decisions.signed_in(run["sign_in"])
        elif (approval := platform.store.approval(run["waits_for"])) is not None:
            decisions.settle(task["agent_id"], approval["request_id"], yes, None, who)
        elif run["waits_for"] == "answer":
            card = platform.store.entry(task_id, run["card"]) or {}
            chosen = [dice.choice(question["options"])["id"] for question in card["questions"]]
            answers = [
                {"question_id": q["id"], "selected_option_ids": [c]}
                for q, c in zip(card["questions"], chosen, strict=True)
            ]
            decisions.answer(task_id, run["card"], answers)
        else:
            decisions.confirm(task_id, run["card"], yes)

    def _ask(self, agent_id: str) -> None:
        self.ask(self.scenarios[agent_id])

    def _arrive(self, _: str) -> float:
        """New work comes by itself, unless there is enough."""
        platform = self.platform
        dice = platform.dice("arrival", platform.store.next_number())
        active = platform.store.count({"status": "executing"}) + platform.store.count({"status": "pending"})
        if active < BUSY:
            crowded = platform.store.count({"status": "paused"}) >= WAITING
            choice = [one for one in self.scenarios.values() if one.weight and not (crowded and one.waits)]
            scenario = dice.choices(choice, [one.weight for one in choice])[0]
            self.ask(scenario)
        return dice.uniform(0.4, 1.6) * ARRIVAL_SECONDS

    def ask(self, scenario: Scenario, **more: Any) -> Json:
        """Somebody asks an agent for something."""
        platform = self.platform
        dice = platform.dice("ask", platform.store.next_number())
        words = scenario.draw(dice)
        person = dice.choice(PEOPLE)
        request = {
            "input": {"text": fill_template(dice.choice(scenario.prompts), words), "user": person},
            "title": fill_template(dice.choice(scenario.titles), words) if scenario.titles else None,
            "source": dice.choice(SOURCES),
            "events_streaming": True,
            **more,
        }
        task = platform.create(scenario.agent["id"], request)
        run = platform.store.run(task["id"])
        if run:
            platform.store.put_run(task["id"], {**run, "words_drawn": {**run["words_drawn"], **words}})
        return task
