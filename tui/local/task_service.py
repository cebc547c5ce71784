"""What the platform does with tasks, whoever asks: an operator, an agent of ours, or a worker of somebody's own."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tui.local.clock import PlatformClock, format_time
from tui.local.data_dir import ORGANIZATION
from tui.local.event_entries import KINDS_WITH_REQUEST_ID, finished_call, object_of, reasoning, tool_call
from tui.local.sqlite_store import Json, SqliteStore, loads_stored

YOU: Json = {
    "id": "you",
    "first_name": "Local",
    "last_name": "Operator",
    "display_name": "Local Operator",
    "email": "you@localhost",
    "timezone": "UTC",
}
"""Whom the key of this platform belongs to."""
FINAL_STATUSES = frozenset({"completed", "failed", "error", "stopped"})
_REQUESTED = (
    "payload_extension", "source", "worker_id", "output_format", "output_schema", "events_streaming",
    "additional_context", "instructions_override", "test_run_node_id", "expected_output", "mcp_servers",
    "triggering_agent_id", "title", "think_mode", "disable_attachment_injection", "tool_call_limit", "return_metrics",
    "llm_model_provider", "llm_model_name", "llm_reasoning_effort", "harness_cli", "permission_mode", "is_background",
)  # fmt: skip
"""Fields that a task takes over from the request that makes it."""
_TOLD_TWICE = frozenset(
    {"sub_agent_trigger", "auth_event", "agent_gateway_decision", "ask_user_questions", "inline_card"}
)
"""Events that are entries of the log as they are, under one id."""
_SAVED = frozenset(
    {"status", "result", "internal_status", "title", "source", "last_executed_node_id", "deep_planning", "tokens",
     "used_tools", "duration", "payload_extension", "additional_context", "execution_attempts", "hitl_request",
     "pending_eca_request", "llm_model_provider", "llm_model_name"}
)  # fmt: skip
"""Fields that a worker, or an operator, may change afterwards."""


class Refused(Exception):
    """The platform says no: with an HTTP status, and why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Platform:
    """Tasks and what becomes of them. Every method is one step that either happens whole or not at all."""

    def __init__(self, store: SqliteStore, timeline: PlatformClock, seed: str) -> None:
        self.store = store
        self.timeline = timeline
        self.seed = seed
        self.begun: Callable[[Json], Json | None] = lambda task: None
        """Told of a new task or turn; the answer is how it will be played, or None when nobody here plays it."""
        self.woken: Callable[[str], None] = lambda task_id: None
        """Told of a task that can go on."""

    @property
    def now(self) -> str:
        """This moment, as it is written."""
        return format_time(self.timeline.now)

    def dice(self, *names: object) -> random.Random:
        """Chance that falls the same way for the same names in a repeated run."""
        return random.Random("/".join(map(str, (self.seed, *names))))

    def new_id(self) -> str:
        """An id that was never given out before."""
        return str(uuid.UUID(int=self.dice("id", self.store.next_number()).getrandbits(128), version=4))

    # Looking things up

    def agent(self, agent_id: str) -> Json:
        """An agent, or 404."""
        if (agent := self.store.agent(agent_id)) is None:
            raise Refused(404, "Agent not found")
        return agent

    def task(self, task_id: str) -> Json:
        """A task, or 404."""
        if (task := self.store.task(task_id)) is None:
            raise Refused(404, "Task not found")
        return task

    # Tasks begin and end

    def create(self, agent_id: str, request: Json, *, version: str | None = None) -> Json:
        """A new task, or another turn in the thread that the request names."""
        with self.store.together():
            if request.get("id"):
                return self._go_on(agent_id, request)
            agent = self.agent(agent_id)
            task = self.blank(agent, request, version)
            self.store.add_task(task, None)
            if parent := request.get("parent_execution_id"):
                self._adopt(parent, task["id"])
            self.emit(task, "task_created", task)
            self._user_says(task)
            self._begin(task)
            return task

    def _go_on(self, agent_id: str, request: Json) -> Json:
        task = self.task(request["id"])
        if task["agent_id"] != agent_id:
            raise Refused(400, f"Task {task['id']} belongs to agent {task['agent_id']}")
        task["input"] = _input(request)
        if task["status"] not in FINAL_STATUSES:
            self._user_says(task)
            self.store.put_task(task)
            steer = {"id": self.new_id(), "text": task["input"]["text"], "is_steer": True, "applied_at": self.now}
            place = {
                "conversation_id": task["id"],
                "message_id": steer["id"],
                "at": "child",
                "execution_id": task["id"],
            }
            self.emit(task, "gateway_steer_applied", {**place, "message": steer})
            return task
        for name in ("title", "events_streaming", "output_format"):
            task[name] = request.get(name) or task[name]
        task |= {
            "status": "pending", "result": None, "finished_at": None, "paused_at": None, "started_at": None,
            "is_manually_stopped": False, "hitl_request": None, "internal_status": None, "updated_at": self.now,
        }  # fmt: skip
        self.store.put_task(task)
        self.emit(task, "task_created", task)
        self._user_says(task)
        self._begin(task)
        return task

    def _begin(self, task: Json) -> None:
        self.store.put_run(task["id"], self.begun(task))
        self.woken(task["id"])

    def _adopt(self, parent_id: str, child_id: str) -> None:
        if (parent := self.store.task(parent_id)) is not None:
            parent["sub_executions"] = [*parent["sub_executions"], child_id]
            self.store.put_task(parent)

    def change(self, task: Json, **fields: Any) -> None:
        """Change a task's record, and tell those who follow it."""
        before = task["status"]
        task |= fields
        task["updated_at"] = self.now
        if task["status"] != before:
            self._stamp(task)
        self.store.put_task(task)
        ended = task["status"] in FINAL_STATUSES and before not in FINAL_STATUSES
        self.emit(task, "task_finished" if ended else "task_updated", task)
        if ended:
            self._tell_parent(task)

    def _stamp(self, task: Json) -> None:
        status = task["status"]
        if status == "executing":
            task["started_at"] = task["started_at"] or self.now
            task["paused_at"] = None
        elif status == "paused":
            task["paused_at"] = self.now
        elif status in FINAL_STATUSES:
            task["finished_at"] = self.now
            task["pending_eca_request"] = None
            if (request := task["hitl_request"]) and not (request.get("approved_by") or request.get("rejected_by")):
                task["hitl_request"] = None

    def _tell_parent(self, child: Json) -> None:
        parent_id = child["parent_execution"]
        if parent_id and (parent := self.store.task(parent_id)):
            parent["finished_sub_executions"] = [*parent["finished_sub_executions"], child["id"]]
            self.store.put_task(parent)
            run = self.store.run(parent_id)
            if run and run.get("waits_for") == child["id"]:
                self.store.put_run(parent_id, {**run, "waits_for": None})
                self.woken(parent_id)

    def stop(self, task_id: str) -> Json:
        """Stop a task and the sub-tasks under it; one that has ended stays as it is."""
        with self.store.together():
            self.task(task_id)
            for one in reversed(self._live_below(task_id)):
                self.change(self.task(one), status="stopped", is_manually_stopped=True)
            return self.task(task_id)

    def _live_below(self, task_id: str) -> list[str]:
        """Find a task and the sub-tasks under it that have not ended, each before those under it."""
        found: dict[str, None] = {}
        below = [task_id]
        while below:
            task = self.store.task(below.pop())
            if task is not None and task["status"] not in FINAL_STATUSES and task["id"] not in found:
                found[task["id"]] = None
                below += task["sub_executions"]
        return list(found)

    def destroy(self, task_id: str) -> None:
        """Destroy a task with all its history, as the vendor's own DELETE does."""
        with self.store.together():
            self.stop(task_id)
            self.store.erase_task(task_id)

    def report(self, agent_id: str, report: Json) -> Json:
        """A task that somebody's own agent has already done elsewhere."""
        with self.store.together():
            request = {"input": {"text": report["input"]}, "source": "sdk"}
            task = self.blank(self.agent(agent_id), request, None)
            self.store.add_task(task, None)
            self._user_says(task)
            self.message(task, "agent", report["result"] or "")
            self.change(
                task,
                status="completed" if report["is_success"] else "failed",
                **{name: report[name] for name in ("result", "tokens", "used_tools")},
            )
            return task

    def save(self, task_id: str, fields: Json) -> Json:
        """Take over what a worker says of its task; what it leaves empty stays as it is."""
        with self.store.together():
            task = self.task(task_id)
            news = {name: value for name, value in fields.items() if name in _SAVED and value is not None}
            if "tool_call_payload_extension" in fields:
                news["payload_extension"] = fields["tool_call_payload_extension"]
            if task["status"] == "stopped":
                news.pop("status", None)  # a worker that has not heard of the stop does not undo it
            before = task["result"]
            ends = news.get("status") in FINAL_STATUSES and task["status"] not in FINAL_STATUSES
            said = news.get("result", before)
            if ends and said and self.store.run(task_id):
                self.message(task, "agent", said)
            if any(task.get(name) != value for name, value in news.items()):
                self.change(task, **news)
            return task

    # What happens in a task

    def emit(self, task: Json, kind: str, data: Any) -> None:
        """Tell an event to whoever follows the task, and what becomes of a sub-task to its parent's followers."""
        event = {"type": kind, "task_id": task["id"], "organization_id": ORGANIZATION, "time": self.now, "data": data}
        self.store.add_event(task["id"], event)
        parent = task["parent_execution"]
        if kind.startswith("task_") and kind != "task_compactization" and parent and self.store.task(parent):
            self.store.add_event(parent, {**event, "type": f"sub_{kind}", "task_id": parent})

    def _user_says(self, task: Json) -> None:
        asked = task["input"]
        self.message(task, "user", asked["text"], files=asked["files"], user=asked["user"])

    def message(self, task: Json, role: str, text: str, **more: Any) -> None:
        """Something said, in the activity log."""
        content = {"text": text, "files": more.pop("files", [])}
        entry_id = f"{task['id']}_{role}_{self.new_id()[:8]}"
        self.store.put_entry(
            task["id"], {"id": entry_id, "created_at": self.now, "role": role, "content": content, **more}
        )

    def push(self, task_id: str, events: list[Json]) -> None:
        """Events that a worker tells of its task, each an entry of the log as well where it is one."""
        with self.store.together():
            task = self.task(task_id)
            for event in events:
                self.happened(task, str(event.get("type") or "untyped"), event.get("data"))

    def happened(self, task: Json, kind: str, data: Any) -> None:
        """One thing that an agent did: an event, and an entry of the log where it is one."""
        facts = object_of(data)
        if kind in _TOLD_TWICE and facts:
            facts = data = {**facts, "id": self._id_in(facts, "id")}
        self.emit(task, kind, data)
        if kind == "plan_updated" and facts:
            task["deep_planning"] = facts
            self.store.put_task(task)
        elif entry := self._entry_of(task, kind, data):
            self.store.put_entry(task["id"], entry)

    def _entry_of(self, task: Json, kind: str, data: Any) -> Json | None:
        """The entry of the log that an event is, or None where it is none."""
        facts = object_of(data)
        if kind in _TOLD_TWICE and facts:
            return {**facts, "created_at": self.now}
        if kind not in KINDS_WITH_REQUEST_ID:
            return None
        entry_id = self._id_in(facts, "request_id")
        match kind:
            case "tool_call_request":
                return tool_call(facts, entry_id, self.now)
            case "tool_call_result":
                return finished_call(self.store.entry(task["id"], entry_id), facts, entry_id, self.now)
            case _:
                return reasoning(kind, data, entry_id, self.now)

    def _id_in(self, facts: Json, name: str) -> str:
        """The id that a worker has told, or a new one."""
        told_id = facts.get(name)
        return told_id if isinstance(told_id, str) and told_id else self.new_id()

    # What has happened, as it is read

    def log(self, agent_id: str, task_id: str) -> bytes:
        """A task's activity log in JSON."""
        task = self.task(task_id)
        if task["agent_id"] != agent_id:
            raise Refused(404, "Activity not found")
        head = json.dumps({"id": task_id, "created_at": task["created_at"], "user": task["input"]["user"]})
        return f'{head[:-1]},"messages":[{",".join(self.store.entries(task_id))}]}}'.encode()

    def thread(self, task_id: str) -> list[Json]:
        """What was said in a task, in the form of the public surface."""
        self.task(task_id)
        return [_said_as(entry) for entry in map(loads_stored, self.store.entries(task_id)) if _is_message(entry)]

    def threads_below(self, task_id: str) -> dict[str, list[Json]]:
        """What was said in every sub-task, however deep."""
        found: dict[str, list[Json]] = {}
        below = list(self.task(task_id)["sub_executions"])
        while below:
            child = self.store.task(below.pop())
            if child is not None and child["id"] not in found:
                found[child["id"]] = self.thread(child["id"])
                below += child["sub_executions"]
        return found

    def resume(self, task: Json, outcome: str, words: str | None) -> None:
        """Somebody has decided: the task goes on, with what came of it."""
        run = self.store.run(task["id"])
        if run:
            self.store.put_run(task["id"], {**run, "waits_for": None, "outcome": outcome, "words": words or ""})
            self.woken(task["id"])

    def blank(self, agent: Json, request: Json, version: str | None) -> Json:
        task: Json = {
            "id": self.new_id(), "agent_id": agent["id"], "organization_id": ORGANIZATION, "input": _input(request),
            "status": "pending", "internal_status": None, "last_executed_node_id": None, "agent_version": version,
            "created_at": self.now, "updated_at": self.now, "started_at": None, "paused_at": None, "finished_at": None,
            "result": None, "parent_execution": request.get("parent_execution_id"), "sub_executions": [],
            "finished_sub_executions": [], "is_manually_stopped": False, "hitl_request": None,
            "pending_eca_request": None, "conversation_id": None, "conversation_kind": None, "execution_kind": None,
            "is_orchestration": False, "is_gateway": False, "is_continuous": False, "used_mutating_tools": False,
            "deep_planning": {"enabled": False, "enforce": False, "started": False, "question_raised": False,
                              "tasks": []},
            "execution_attempts": 1, "tokens": None, "used_tools": [], "duration": 0.0,
        }  # fmt: skip
        task |= {name: request.get(name) for name in _REQUESTED}
        task["source"] = task["source"] or "api"
        task["output_format"] = task["output_format"] or "markdown"
        task["think_mode"] = task["think_mode"] or "default"
        task["mcp_servers"] = task["mcp_servers"] or []
        for name in ("events_streaming", "disable_attachment_injection", "return_metrics", "is_background"):
            task[name] = bool(task[name])
        task["llm_model_provider"] = task["llm_model_provider"] or agent["model_provider"]
        task["llm_model_name"] = task["llm_model_name"] or agent["model_name"]
        return task


def _input(request: Json) -> Json:
    asked = request.get("input") or {}
    return {
        "text": asked.get("text") or "",
        "files": list(asked.get("files") or []),
        "user": asked.get("user"),
        "attachments": list(asked.get("attachments") or []),
        "principal": asked.get("principal"),
    }


def _is_message(entry: Json) -> bool:
    """Whether an entry is something said; an entry of a worker may have any fields."""
    return isinstance(entry.get("role"), str) and "text" in object_of(entry.get("content"))


def _said_as(entry: Json) -> Json:
    role = "assistant" if entry["role"] == "agent" else entry["role"]
    moment = int(datetime.fromisoformat(entry["created_at"]).timestamp())
    return {"id": entry["id"], "role": role, "content": entry["content"]["text"], "created_at": moment}
