"""One beat of a scenario: what each kind of step does, and how long it takes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tui.local.decisions import Decisions
from tui.local.scenario import Scenario, fill_template, step_kind
from tui.local.sqlite_store import Json
from tui.local.task_service import YOU, Platform

PACE_FACTOR = 2.2
"""How much longer everything takes than the scenarios say, but for text that streams."""

SHOWN_WHOLE, SHOWN_OF_LONG = 8000, 2000
"""Characters of a tool's result up to which it is shown, and how many of a longer one are."""


class StepPlayer:
    """One beat of one task: a step, or a phase of one."""

    def __init__(
        self, platform: Platform, decisions: Decisions, scenario: Scenario, task: Json, run: Json, piece: int
    ) -> None:
        self.platform = platform
        self.decisions = decisions
        self.task = task
        self.run = run
        self.part = scenario.part(run["part"])
        self.piece = piece
        """Characters of a streamed piece of text."""
        self.dice = self.platform.dice("beat", task["id"], run["beats"])

    def beat(self) -> float | None:
        """Play it; the answer is how many seconds until the next, or None while the task waits or when it has ended."""
        if self.run["at"] >= len(self.part):
            self._finish({"finish": "Done."})
            return None
        step = self.part[self.run["at"]]
        verb = step_kind(step)
        words = {**self.run["words_drawn"], "words": self.run.get("words", "")}
        before = self.run["at"]
        delay: float | None = getattr(self, f"_{verb}")(fill_template(step, words))
        if delay is None:
            return None
        self._spend(step)
        if self.run["at"] != before:
            delay = float(step.get("after", delay))
        return delay * self.dice.uniform(0.7, 1.4) * (1.0 if verb == "say" else PACE_FACTOR)

    def _next(self, label: str | None = None) -> None:
        """Go to the next step, or to the one with this label."""
        labels = {step["label"]: place for place, step in enumerate(self.part) if "label" in step}
        self.run["at"] = self.run["at"] + 1 if label is None else labels[label]
        self.run["phase"] = 0

    def _spend(self, step: Json) -> None:
        """Tokens, and how full the context is, told when the percentage has moved."""
        tokens = self.task["tokens"] or {"prompt_tokens": 0, "completion_tokens": 0, "cache_read_tokens": 0,
                                         "cache_write_tokens": 0}  # fmt: skip
        before = tokens["prompt_tokens"] // 1280
        tokens["prompt_tokens"] += self.dice.randint(180, 900) if step_kind(step) != "say" else 20
        tokens["completion_tokens"] += self.dice.randint(10, 120)
        tokens["cache_read_tokens"] += self.dice.randint(0, 400)
        tokens["total_tokens"] = tokens["prompt_tokens"] + tokens["completion_tokens"]
        self.task["tokens"] = tokens
        self.platform.store.put_task(self.task)
        if tokens["prompt_tokens"] // 1280 != before:
            self._tell_context(tokens["prompt_tokens"] // 1280)

    def _tell_context(self, percent: int) -> None:
        told = {"percent": min(percent, 99), "estimated_tokens": percent * 1280, "context_window": 128_000,
                "auto_compact_threshold": 102_400, "emergency_threshold": 121_600, "compacting": False}  # fmt: skip
        self.platform.emit(self.task, "context_status", told)

    def _wait_for(self, what: str, **more: Any) -> None:
        self.run |= {"waits_for": what, "outcome": None, "phase": 1, **more}
        self.platform.change(self.task, status="paused")

    # The verbs, in the order of VERBS

    def _think(self, step: Json, kind: str = "think") -> float:
        inner = {
            "title": step.get("title", "Thinking"),
            "confidence": step.get("confidence", 0.8),
            "thought": step[kind],
            "action": None,
            "result": None,
            "analysis": None,
        }
        request_id = self.platform.new_id()
        data = {"request_id": request_id, "operation_id": kind, "tool_name": kind, "payload": {"input": inner},
                "plan_task_id": step.get("plan_step")}  # fmt: skip
        self.platform.happened(self.task, kind, data)
        self._next()
        return 1.5

    def _analyze(self, step: Json) -> float:
        return self._think(step, "analyze")

    def _tool(self, step: Json) -> float | None:
        platform, phase = self.platform, self.run["phase"]
        call: Json = {"operation_id": step["tool"], "tool_name": step["tool"], "plan_task_id": step.get("plan_step")}
        payload = {"payload": {"body_params": step.get("payload", {}), "headers": {}}}
        if phase == 0:
            self.run["request_id"] = platform.new_id()
            call["tool_call_id"] = f"call_{self.run['request_id'][:12]}"
            reasoning = {"title": step.get("why", f"Use {step['tool']}"), "description": step.get("because", "")}
            platform.happened(
                self.task, "tool_call_request",
                {**call, "request_id": self.run["request_id"], "payload": payload, "reasoning": reasoning},
            )  # fmt: skip
            self.task["used_tools"] = [*self.task["used_tools"], step["tool"]]
            platform.store.put_task(self.task)
            self.run["phase"] = 1
            return float(step.get("takes", 1.2))
        call |= {"request_id": self.run["request_id"], "payload": payload, "is_error": step.get("error", False)}
        if step.get("gated") and phase == 1:
            approval = self.decisions.hold(self.task, step["tool"], step.get("payload", {}))
            waiting = f"{step['tool']} has not run: it waits for approval"
            told = {"result": waiting, "approval_request_id": approval["request_id"]}
            platform.happened(self.task, "tool_call_result", {**call, **told})
            self._wait_for(approval["request_id"])
            self.run["phase"] = 2
            return None
        if step.get("gated") and self.run.get("outcome") != "approved":
            declined = f"{YOU['display_name']} declined this step, so '{step['tool']}' has not run"
            platform.happened(self.task, "tool_call_result", {**call, "result": declined})
            self._next(step.get("otherwise"))
            return 1.0
        result = step.get("result", {"ok": True})
        if rows := step.get("rows"):
            result = {"rows": [fill_template(result, {"row": str(row)}) for row in range(1, rows + 1)]}
        platform.happened(self.task, "tool_call_result", {**call, "result": _shown(result)})
        self._next(step.get("otherwise") if step.get("error") else None)
        return 0.8

    def _say(self, step: Json) -> float:
        text, told, size = step["say"], self.run["phase"], self.piece
        end = len(text) if told + size >= len(text) else (text.find(" ", told + size) + 1 or len(text))
        self.platform.emit(self.task, "chunk", text[told:end])
        if end < len(text):
            self.run["phase"] = end
            return 0.12
        self.platform.message(self.task, "agent", text)
        self._next()
        return 1.0

    def _plan(self, step: Json) -> float:
        tasks = [{"id": str(n), "title": title, "completed": False} for n, title in enumerate(step["plan"], 1)]
        self._tell_plan({"enabled": True, "enforce": False, "started": True, "question_raised": False, "tasks": tasks})
        self._next()
        return 1.0

    def _done(self, step: Json) -> float:
        plan = self.task["deep_planning"]
        tasks = [{**one, "completed": one["completed"] or one["id"] == str(step["done"])} for one in plan["tasks"]]
        self._tell_plan({**plan, "tasks": tasks})
        self._next()
        return 0.5

    def _tell_plan(self, plan: Json) -> None:
        self.task["deep_planning"] = plan
        self.platform.happened(self.task, "plan_updated", plan)

    def _approval(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            asked = step["approval"]
            node = f"wait-{self.run['at']}"
            self.run |= {"waits_for": "approval", "outcome": None, "phase": 1}
            self.decisions.wait_for_approval(
                self.task, node, asked["title"], asked.get("description"), asked["content"]
            )
            return None
        self._next(None if self.run["outcome"] == "approved" else step["otherwise"])
        return 0.8

    def _question(self, step: Json) -> float | None:
        asked = step["question"]
        if self.run["phase"] == 0:
            options = [{"id": f"o{n}", "label": label} for n, label in enumerate(asked["options"], 1)]
            question = {"id": "q1", "question": asked["text"], "options": options, "allow_free_text": True}
            card = {"id": self.platform.new_id(), "title": asked.get("title", "A question"), "questions": [question]}
            self.platform.happened(self.task, "ask_user_questions", {**card, "decision_id": card["id"]})
            self.task["deep_planning"] = {**self.task["deep_planning"], "question_raised": True}
            self._wait_for("answer", card=card["id"])
            return None
        said = self.run.get("words", "").lower()
        branch = next((label for words, label in step.get("branches", {}).items() if words.lower() in said), None)
        self._next(branch)
        return 0.8

    def _card(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            key = self.platform.new_id()
            card = {"id": key, "request_id": key, "card_id": key, "type": "confirmation", **step["card"]}
            self.platform.happened(self.task, "inline_card", card)
            self._wait_for("confirmation", card=key)
            return None
        self._next(None if self.run["outcome"] == "confirmed" else step["otherwise"])
        return 0.8

    def _sign_in(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            token = self.platform.new_id()
            server = step["sign_in"]
            url = f"{self.platform.store.fact('url') or 'http://127.0.0.1'}/sign-in/{token}"
            data = {"url": url, "server_url": server["url"], "server_name": server["name"]}
            self.platform.happened(self.task, "auth_event", {"type": "login_required", "data": data})
            self.task["pending_eca_request"] = {"connector_name": server["name"], "auth_url": url}
            self._wait_for("sign-in", sign_in=token)
            return None
        self._next()
        return 0.8

    def _delegate(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            wish = step["delegate"]
            reasoning = {"title": wish.get("why", "Delegate"), "description": ""}
            trigger = {"agent_id": wish["agent"], "query": wish["query"], "files": [], "reasoning": reasoning}
            child = self.platform.create(
                wish["agent"],
                {
                    "input": {"text": wish["query"], "user": self.task["input"]["user"]},
                    "title": wish["query"], "source": "agent", "events_streaming": True,
                    "parent_execution_id": self.task["id"], "triggering_agent_id": self.task["agent_id"],
                },
            )  # fmt: skip
            told = {**trigger, "sub_task_id": child["id"], "plan_task_id": step.get("plan_step")}
            self.platform.happened(self.task, "sub_agent_trigger", told)
            self.task["sub_executions"] = self.platform.task(self.task["id"])["sub_executions"]
            self.run |= {"waits_for": child["id"], "child": child["id"], "phase": 1}
            return None
        child = self.platform.store.task(self.run["child"]) or {"status": "stopped", "result": None}
        if child["result"]:
            self.platform.message(self.task, "agent", child["result"], sub_execution_result=True)
        self._next(None if child["status"] == "completed" else step.get("otherwise"))
        return 0.8

    def _compact(self, step: Json) -> float:
        attempt: Json = {"trigger": "auto", "attempt": 1}
        stages = (
            ("compaction_started", {**attempt, "estimated_tokens": 104_900, "message_count": 148,
                                    "threshold": 102_400}),
            ("compaction_progress", {**attempt, "percent": 55, "label": "Summarizing", "detail": step["compact"]}),
            ("summarization", {"new_task_prompt": self.task["input"]["text"], "task_context": step["compact"],
                               "mode": "map_reduce", "chunk_count": 4, "map_phase_seconds": 6.2,
                               "reduce_phase_seconds": 2.1}),
        )  # fmt: skip
        kind, data = stages[self.run["phase"]]
        self.platform.happened(self.task, "task_compactization", {"type": kind, "data": data})
        if self.run["phase"] + 1 < len(stages):
            self.run["phase"] += 1
            return 3.0
        self._next()
        return 1.0

    def _context(self, step: Json) -> float:
        self._tell_context(step["context"])
        self._next()
        return 0.3

    def _event(self, step: Json) -> float:
        self.platform.happened(self.task, step["event"], step.get("data", {}))
        if entry := step.get("entry"):
            self.platform.store.put_entry(
                self.task["id"], {"id": self.platform.new_id(), "created_at": self.platform.now, **entry}
            )
        self._next()
        return 1.0

    def _decide(self, step: Json) -> float:
        others = self.platform.store.tasks({"agent_id": str(step.get("about", self.task["agent_id"]))}, limit=1)
        about = others[0]["id"] if others else self.task["id"]
        decision: dict[str, Any] = {
            "action": step["decide"],
            "title": step["title"],
            "description": step.get("description", ""),
            "reasoning": step.get("because", ""),
            "agent_id": step.get("about"),
        }
        if step["decide"] == "get_executions_result":
            found = others[0] if others else self.task
            decision["executions"] = [
                {"created_execution_id": about, "status": found["status"], "result": found["result"]}
            ]
        else:
            decision |= {
                "created_execution_id": about,
                "query": step.get("query", ""),
                "new_input": step.get("query", ""),
            }
        self.platform.happened(self.task, "agent_gateway_decision", decision)
        self._next()
        return 1.2

    def _finish(self, step: Json) -> None:
        result = step["finish"]
        begun = datetime.fromisoformat(self.task["started_at"] or self.task["created_at"])
        self.task["duration"] = (self.platform.timeline.now - begun).total_seconds()
        self.platform.message(self.task, "agent", result)
        self.platform.change(self.task, status="completed", result=result, internal_status=step.get("internal_status"))

    def _fail(self, step: Json) -> None:
        status = step.get("status", "failed")
        self.platform.change(self.task, status=status, result=step["fail"])

    def _goto(self, step: Json) -> float:
        self._next(step["goto"])
        return 0.1

    def _repeat(self, step: Json) -> float:
        """Go back to a label so many times, and then on."""
        done = self.run.setdefault("repeats", {})
        key = str(self.run["at"])
        done[key] = done.get(key, 0) + 1
        self._next(step["repeat"] if done[key] < step["times"] else None)
        return 0.2


def _shown(result: Any) -> Any:
    """A tool's result as it is shown: a long one is cut, and says so in the vendor's words."""
    text = result if isinstance(result, str) else json.dumps(result)
    if len(text) <= SHOWN_WHOLE:
        return result
    return (
        f"{text[:SHOWN_OF_LONG]}\n\n[TRUNCATED OUTPUT - {len(text)} chars (~{len(text) // 4} tokens) total, "
        f"showing first {SHOWN_OF_LONG:,} chars - display truncation only, the model received the full content]"
    )
