"""The steps of a scenario: the effects of each kind of step, and the seconds that it takes.

A run state (`run`) is stored with its task as JSON, so that a restarted platform continues the run. Its keys: `part`
and `at` are the place in the scenario, `phase` is the place within a step, `beats` counts the steps and phases that
were played, `words_drawn` are the words for placeholders, `waits_for` says for what the run waits, and `outcome` and
`words` are what the decision brought.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tui.local.decisions import Decisions, sign_in_page
from tui.local.scenario import Scenario, fill_template, step_kind
from tui.local.sqlite_store import Json
from tui.local.task_service import YOU, Platform

PACE_FACTOR = 2.2
"""Factor of all delays, except those of streamed text."""
CONTEXT_WINDOW_TOKENS = 128_000
TOKENS_PER_PERCENT = CONTEXT_WINDOW_TOKENS // 100

MAX_WHOLE_RESULT_CHARACTERS, SHOWN_RESULT_CHARACTERS = 8000, 2000
"""Characters up to which a tool's result is kept whole, and those that are kept of a longer one."""


class StepPlayer:
    """Plays one step of a task, or one phase of a step that waits or takes several calls."""

    def __init__(
        self, platform: Platform, decisions: Decisions, scenario: Scenario, task: Json, run: Json, chunk_size: int
    ) -> None:
        self.platform = platform
        self.decisions = decisions
        self.task = task
        self.run = run
        self.steps = scenario.steps_of(run["part"])
        self.chunk_size = chunk_size
        """Characters of a chunk of streamed text."""
        self.rng = self.platform.rng("beat", task["id"], run["beats"])

    def play(self) -> float | None:
        """Play the step; return the seconds until the next, or None if the task waits or has ended."""
        position = self.run["at"]
        if position >= len(self.steps):
            self._play_finish({"finish": "Done."})
            return None
        step = self.steps[position]
        kind = step_kind(step)
        words = {**self.run["words_drawn"], "words": self.run.get("words", "")}
        delay: float | None = getattr(self, f"_play_{kind}")(fill_template(step, words))
        if delay is None:
            return None
        if self.run["at"] != position:
            self.task["last_executed_node_id"] = step.get("node") or self.task["last_executed_node_id"]
        self._add_tokens(step)
        if self.run["at"] != position:
            delay = float(step.get("after", delay))
        pace_factor = 1.0 if kind == "say" else PACE_FACTOR
        return delay * self.rng.uniform(0.7, 1.4) * pace_factor

    def _advance(self) -> None:
        """Advance to the next step."""
        self.run["at"] += 1
        self.run["phase"] = 0

    def _jump_to(self, label: str | None) -> None:
        """Jump to the step with a label; without one, advance."""
        if label is None:
            self._advance()
            return
        positions = {step["label"]: position for position, step in enumerate(self.steps) if "label" in step}
        self.run["at"] = positions[label]
        self.run["phase"] = 0

    def _branch(self, is_expected: bool, otherwise: str | None) -> None:
        """Branch on an outcome: advance if it is expected, else jump to the label `otherwise`, if there is one."""
        if is_expected:
            self._advance()
        else:
            self._jump_to(otherwise)

    def _add_tokens(self, step: Json) -> None:
        """Add the tokens of a step, and emit how full the context is when its percentage has changed."""
        tokens = self.task["tokens"] or {"prompt_tokens": 0, "completion_tokens": 0, "cache_read_tokens": 0,
                                         "cache_write_tokens": 0}  # fmt: skip
        percent_before = tokens["prompt_tokens"] // TOKENS_PER_PERCENT
        tokens["prompt_tokens"] += 20 if step_kind(step) == "say" else self.rng.randint(180, 900)
        tokens["completion_tokens"] += self.rng.randint(10, 120)
        tokens["cache_read_tokens"] += self.rng.randint(0, 400)
        tokens["total_tokens"] = tokens["prompt_tokens"] + tokens["completion_tokens"]
        self.task["tokens"] = tokens
        self.platform.store.put_task(self.task)
        percent = tokens["prompt_tokens"] // TOKENS_PER_PERCENT
        if percent != percent_before:
            self._emit_context(percent)

    def _emit_context(self, percent: int) -> None:
        status = {"percent": min(percent, 99), "estimated_tokens": percent * TOKENS_PER_PERCENT,
                  "context_window": CONTEXT_WINDOW_TOKENS, "auto_compact_threshold": 102_400,
                  "emergency_threshold": 121_600, "compacting": False}  # fmt: skip
        self.platform.emit(self.task, "context_status", status)

    def _pause_for(self, waits_for: str, **more: Any) -> None:
        """Pause the task until a decision; its key in the run state is `waits_for`."""
        self.run |= {"waits_for": waits_for, "outcome": None, "phase": 1, **more}
        self.platform.change(self.task, status="paused")

    # One method for each of STEP_KINDS: it plays a step of that kind and returns the seconds until the next

    def _play_think(self, step: Json, kind: str = "think") -> float:
        reasoning = {"title": step.get("title", "Thinking"), "confidence": step.get("confidence", 0.8),
                     "thought": step[kind], "action": None, "result": None, "analysis": None}  # fmt: skip
        request_id = self.platform.new_id()
        data = {"request_id": request_id, "operation_id": kind, "tool_name": kind, "payload": {"input": reasoning},
                "plan_task_id": step.get("plan_step")}  # fmt: skip
        self.platform.record(self.task, kind, data)
        self._advance()
        return 1.5

    def _play_analyze(self, step: Json) -> float:
        return self._play_think(step, "analyze")

    def _play_tool(self, step: Json) -> float | None:
        """Play a tool call: phase 0 requests it, phase 1 may hold it for approval, the last phase has its result."""
        if self.run["phase"] == 0:
            return self._request_tool(step)
        call = {
            **_tool_call(step),
            "request_id": self.run["request_id"],
            "payload": _tool_payload(step),
            "is_error": step.get("error", False),
        }
        if step.get("gated") and self.run["phase"] == 1:
            self._hold_tool(step, call)
            return None
        if step.get("gated") and self.run.get("outcome") != "approved":
            declined = f"{YOU['display_name']} declined this step, so '{step['tool']}' has not run"
            self.platform.record(self.task, "tool_call_result", {**call, "result": declined})
            self._jump_to(step.get("otherwise"))
            return 1.0
        self.platform.record(self.task, "tool_call_result", {**call, "result": _shortened(_tool_result(step))})
        self._branch(not step.get("error"), step.get("otherwise"))
        return 0.8

    def _request_tool(self, step: Json) -> float:
        request_id = self.platform.new_id()
        self.run["request_id"] = request_id
        data = {
            **_tool_call(step),
            "tool_call_id": f"call_{request_id[:12]}",
            "request_id": request_id,
            "payload": _tool_payload(step),
            "reasoning": {"title": step.get("why", f"Use {step['tool']}"), "description": step.get("because", "")},
        }
        self.platform.record(self.task, "tool_call_request", data)
        self.task["used_tools"] = [*self.task["used_tools"], step["tool"]]
        self.platform.store.put_task(self.task)
        self.run["phase"] = 1
        return float(step.get("takes", 1.2))

    def _hold_tool(self, step: Json, call: Json) -> None:
        approval = self.decisions.hold_call(self.task, step["tool"], step.get("payload", {}))
        result = f"{step['tool']} has not run: it waits for approval"
        data = {**call, "result": result, "approval_request_id": approval["request_id"]}
        self.platform.record(self.task, "tool_call_result", data)
        self._pause_for(approval["request_id"])
        self.run["phase"] = 2

    def _play_say(self, step: Json) -> float:
        """Play a text: each call emits one chunk, the last also adds the message; `phase` counts emitted characters."""
        text = step["say"]
        start = self.run["phase"]
        end = _chunk_end(text, start, self.chunk_size)
        self.platform.emit(self.task, "chunk", text[start:end])
        if end < len(text):
            self.run["phase"] = end
            return 0.12
        self.platform.add_message(self.task, "agent", text)
        self._advance()
        return 1.0

    def _play_plan(self, step: Json) -> float:
        tasks = [{"id": str(n), "title": title, "completed": False} for n, title in enumerate(step["plan"], 1)]
        self._record_plan(
            {"enabled": True, "enforce": False, "started": True, "question_raised": False, "tasks": tasks}
        )
        self._advance()
        return 1.0

    def _play_done(self, step: Json) -> float:
        plan = self.task["deep_planning"]
        done_id = str(step["done"])
        tasks = [{**task, "completed": task["completed"] or task["id"] == done_id} for task in plan["tasks"]]
        self._record_plan({**plan, "tasks": tasks})
        self._advance()
        return 0.5

    def _record_plan(self, plan: Json) -> None:
        self.task["deep_planning"] = plan
        self.platform.record(self.task, "plan_updated", plan)

    def _play_approval(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            request = step["approval"]
            node = step.get("node") or f"wait-{self.run['at']}"
            self.run |= {"waits_for": "approval", "outcome": None, "phase": 1}
            self.decisions.wait_for_approval(
                self.task, node, request["title"], request.get("description"), request["content"]
            )
            return None
        if self.run["outcome"] == "approved":
            self._advance()
        else:
            self._jump_to(step["otherwise"])
        return 0.8

    def _play_question(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            asked = step["question"]
            options = [{"id": f"o{n}", "label": label} for n, label in enumerate(asked["options"], 1)]
            question = {"id": "q1", "question": asked["text"], "options": options, "allow_free_text": True}
            card = {"id": self.platform.new_id(), "title": asked.get("title", "A question"), "questions": [question]}
            self.platform.record(self.task, "ask_user_questions", {**card, "decision_id": card["id"]})
            self.task["deep_planning"] = {**self.task["deep_planning"], "question_raised": True}
            self._pause_for("answer", card=card["id"])
            return None
        words = self.run.get("words", "").lower()
        for answer, label in step.get("branches", {}).items():
            if answer.lower() in words:
                self._jump_to(label)
                return 0.8
        self._advance()
        return 0.8

    def _play_card(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            card_id = self.platform.new_id()
            card = {"id": card_id, "request_id": card_id, "card_id": card_id, "type": "confirmation", **step["card"]}
            self.platform.record(self.task, "inline_card", card)
            self._pause_for("confirmation", card=card_id)
            return None
        if self.run["outcome"] == "confirmed":
            self._advance()
        else:
            self._jump_to(step["otherwise"])
        return 0.8

    def _play_sign_in(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            token = self.platform.new_id()
            server = step["sign_in"]
            url = sign_in_page(self.platform.store.fact("url") or "http://127.0.0.1", token)
            data = {"url": url, "server_url": server["url"], "server_name": server["name"]}
            self.platform.record(self.task, "auth_event", {"type": "login_required", "data": data})
            self.task["pending_eca_request"] = {"connector_name": server["name"], "auth_url": url}
            self._pause_for("sign-in", sign_in=token)
            return None
        self._advance()
        return 0.8

    def _play_delegate(self, step: Json) -> float | None:
        if self.run["phase"] == 0:
            delegation = step["delegate"]
            reasoning = {"title": delegation.get("why", "Delegate"), "description": ""}
            child = self.platform.create(
                delegation["agent"],
                {
                    "input": {"text": delegation["query"], "user": self.task["input"]["user"]},
                    "title": delegation["query"], "source": "agent", "events_streaming": True,
                    "parent_execution_id": self.task["id"], "triggering_agent_id": self.task["agent_id"],
                },
            )  # fmt: skip
            trigger = {
                "agent_id": delegation["agent"], "query": delegation["query"], "files": [], "reasoning": reasoning,
                "sub_task_id": child["id"], "plan_task_id": step.get("plan_step"),
            }  # fmt: skip
            self.platform.record(self.task, "sub_agent_trigger", trigger)
            self.task["sub_executions"] = self.platform.task(self.task["id"])["sub_executions"]
            self.run |= {"waits_for": child["id"], "child": child["id"], "phase": 1}
            return None
        child = self.platform.store.task(self.run["child"]) or {"status": "stopped", "result": None}
        if child["result"]:
            self.platform.add_message(self.task, "agent", child["result"], sub_execution_result=True)
        self._branch(child["status"] == "completed", step.get("otherwise"))
        return 0.8

    def _play_compact(self, step: Json) -> float:
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
        self.platform.record(self.task, "task_compactization", {"type": kind, "data": data})
        if self.run["phase"] + 1 < len(stages):
            self.run["phase"] += 1
            return 3.0
        self._advance()
        return 1.0

    def _play_context(self, step: Json) -> float:
        self._emit_context(step["context"])
        self._advance()
        return 0.3

    def _play_event(self, step: Json) -> float:
        self.platform.record(self.task, step["event"], step.get("data", {}))
        if entry := step.get("entry"):
            stamp = {"id": self.platform.new_id(), "created_at": self.platform.now}
            self.platform.store.put_entry(self.task["id"], {**stamp, **entry})
        self._advance()
        return 1.0

    def _play_decide(self, step: Json) -> float:
        """Play a decision of a gateway, about the newest task of the agent `about`."""
        newest = self.platform.store.tasks({"agent_id": str(step.get("about", self.task["agent_id"]))}, limit=1)
        subject = newest[0] if newest else self.task
        decision: dict[str, Any] = {
            "action": step["decide"],
            "title": step["title"],
            "description": step.get("description", ""),
            "reasoning": step.get("because", ""),
            "agent_id": step.get("about"),
        }
        execution = {"created_execution_id": subject["id"]}
        if step["decide"] == "get_executions_result":
            execution |= {"status": subject["status"], "result": subject["result"]}
            decision["executions"] = [execution]
        else:
            query = step.get("query", "")
            decision |= {**execution, "query": query, "new_input": query}
        self.platform.record(self.task, "agent_gateway_decision", decision)
        self._advance()
        return 1.2

    def _play_finish(self, step: Json) -> None:
        result = step["finish"]
        started = datetime.fromisoformat(self.task["started_at"] or self.task["created_at"])
        self.task["last_executed_node_id"] = step.get("node") or self.task["last_executed_node_id"]
        self.task["duration"] = (self.platform.clock.now - started).total_seconds()
        self.platform.add_message(self.task, "agent", result)
        self.platform.change(self.task, status="completed", result=result, internal_status=step.get("internal_status"))

    def _play_fail(self, step: Json) -> None:
        status = step.get("status", "failed")
        self.platform.change(self.task, status=status, result=step["fail"])

    def _play_goto(self, step: Json) -> float:
        self._jump_to(step["goto"])
        return 0.1

    def _play_repeat(self, step: Json) -> float:
        """Play a loop: repeat from a label until the step was reached `times` times, then advance."""
        counts = self.run.setdefault("repeats", {})
        key = str(self.run["at"])
        counts[key] = counts.get(key, 0) + 1
        self._branch(counts[key] >= step["times"], step["repeat"])
        return 0.2


def _tool_call(step: Json) -> Json:
    names = {"operation_id": step["tool"], "tool_name": step["tool"], "graph_node_id": step.get("node")}
    return {**names, "plan_task_id": step.get("plan_step")}


def _tool_payload(step: Json) -> Json:
    return {"payload": {"body_params": step.get("payload", {}), "headers": {}}}


def _tool_result(step: Json) -> Any:
    """Return the result of a tool step; `rows` makes a list of that many rows from the result."""
    result = step.get("result", {"ok": True})
    if rows := step.get("rows"):
        return {"rows": [fill_template(result, {"row": str(row)}) for row in range(1, rows + 1)]}
    return result


def _chunk_end(text: str, start: int, size: int) -> int:
    """Return the end of the chunk at `start`: after the first space beyond its size."""
    space = text.find(" ", start + size)
    return len(text) if space < 0 else space + 1


def _shortened(result: Any) -> Any:
    """Return a tool's result, shortened with the vendor's notice if it is long."""
    text = result if isinstance(result, str) else json.dumps(result)
    if len(text) <= MAX_WHOLE_RESULT_CHARACTERS:
        return result
    return (
        f"{text[:SHOWN_RESULT_CHARACTERS]}\n\n[TRUNCATED OUTPUT - {len(text)} chars (~{len(text) // 4} tokens) total, "
        f"showing first {SHOWN_RESULT_CHARACTERS:,} chars - display truncation only, "
        "the model received the full content]"
    )
