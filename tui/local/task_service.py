"""The tasks of the platform: what is done with them by operators, by scenario agents and by workers."""

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
"""The owner of the platform's key."""
FINAL_STATUSES = frozenset({"completed", "failed", "error", "stopped"})
_REQUEST_FIELDS = (
    "payload_extension", "source", "worker_id", "output_format", "output_schema", "events_streaming",
    "additional_context", "instructions_override", "test_run_node_id", "expected_output", "mcp_servers",
    "triggering_agent_id", "title", "think_mode", "disable_attachment_injection", "tool_call_limit", "return_metrics",
    "llm_model_provider", "llm_model_name", "llm_reasoning_effort", "harness_cli", "permission_mode", "is_background",
)  # fmt: skip
"""Fields that a new task takes from its request."""
_KINDS_STORED_AS_ENTRIES = frozenset(
    {"sub_agent_trigger", "auth_event", "agent_gateway_decision", "ask_user_questions", "inline_card"}
)
"""Kinds of events whose data is also the entry in the log, with the same id."""
_CHANGEABLE_FIELDS = frozenset(
    {"status", "result", "internal_status", "title", "source", "last_executed_node_id", "deep_planning", "tokens",
     "used_tools", "duration", "payload_extension", "additional_context", "execution_attempts", "hitl_request",
     "pending_eca_request", "llm_model_provider", "llm_model_name"}
)  # fmt: skip
"""Fields that a worker or an operator may change later."""


class Refused(Exception):
    """A refused request: its HTTP status, and the reason."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Platform:
    """The platform's operations on tasks. Each method that an HTTP route calls runs in one transaction."""

    def __init__(self, store: SqliteStore, clock: PlatformClock, seed: str) -> None:
        self.store = store
        self.clock = clock
        self.seed = seed
        self.on_created: Callable[[Json], Json | None] = lambda task: None
        """Called with each new task or turn; returns its run state, or None if no agent or worker runs it."""
        self.on_ready: Callable[[str], None] = lambda task_id: None
        """Called with the id of a task that can run on."""

    @property
    def now(self) -> str:
        """The time now, as the API writes it."""
        return format_time(self.clock.now)

    def rng(self, *names: object) -> random.Random:
        """Return a random number generator (RNG) that depends only on the seed and the names."""
        return random.Random("/".join(map(str, (self.seed, *names))))

    def new_id(self) -> str:
        """Return a new id."""
        return str(uuid.UUID(int=self.rng("id", self.store.next_number()).getrandbits(128), version=4))

    # Lookup

    def agent(self, agent_id: str) -> Json:
        """Return an agent, or raise Refused 404."""
        if (agent := self.store.agent(agent_id)) is None:
            raise Refused(404, "Agent not found")
        return agent

    def task(self, task_id: str) -> Json:
        """Return a task, or raise Refused 404."""
        if (task := self.store.task(task_id)) is None:
            raise Refused(404, "Task not found")
        return task

    # Creation, changes and end of tasks

    def create(self, agent_id: str, request: Json, *, version: str | None = None) -> Json:
        """Create a task, or another turn in the thread whose id the request has."""
        with self.store.transaction():
            if request.get("id"):
                return self._continue_thread(agent_id, request)
            agent = self.agent(agent_id)
            task = self.new_record(agent, request, version)
            self.store.add_task(task, None)
            if parent := request.get("parent_execution_id"):
                self._add_sub_task(parent, task["id"])
            self._start(task)
            return task

    def new_record(self, agent: Json, request: Json, version: str | None) -> Json:
        """Return a new task's record, which is not stored yet."""
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
        task |= {name: request.get(name) for name in _REQUEST_FIELDS}
        task["source"] = task["source"] or "api"
        task["output_format"] = task["output_format"] or "markdown"
        task["think_mode"] = task["think_mode"] or "default"
        task["mcp_servers"] = task["mcp_servers"] or []
        for name in ("events_streaming", "disable_attachment_injection", "return_metrics", "is_background"):
            task[name] = bool(task[name])
        task["llm_model_provider"] = task["llm_model_provider"] or agent["model_provider"]
        task["llm_model_name"] = task["llm_model_name"] or agent["model_name"]
        return task

    def _continue_thread(self, agent_id: str, request: Json) -> Json:
        """Continue a thread: steer its running task, or start another turn of an ended one."""
        task = self.task(request["id"])
        if task["agent_id"] != agent_id:
            raise Refused(400, f"Task {task['id']} belongs to agent {task['agent_id']}")
        task["input"] = _input(request)
        if task["status"] not in FINAL_STATUSES:
            self._steer(task)
            return task
        for name in ("title", "events_streaming", "output_format"):
            task[name] = request.get(name) or task[name]
        task |= {
            "status": "pending", "result": None, "finished_at": None, "paused_at": None, "started_at": None,
            "is_manually_stopped": False, "hitl_request": None, "internal_status": None, "updated_at": self.now,
        }  # fmt: skip
        self.store.put_task(task)
        self._start(task)
        return task

    def _steer(self, task: Json) -> None:
        """Steer a running task: add the message in its input to its thread."""
        self.add_user_message(task)
        self.store.put_task(task)
        message = {"id": self.new_id(), "text": task["input"]["text"], "is_steer": True, "applied_at": self.now}
        data = {
            "conversation_id": task["id"],
            "message_id": message["id"],
            "at": "child",
            "execution_id": task["id"],
            "message": message,
        }
        self.emit(task, "gateway_steer_applied", data)

    def _start(self, task: Json) -> None:
        """Start a new task or turn: emit its event, and plan its run or assign it to a worker."""
        self.emit(task, "task_created", task)
        self.add_user_message(task)
        self.store.put_run_state(task["id"], self.on_created(task))
        self.on_ready(task["id"])

    def _add_sub_task(self, parent_id: str, child_id: str) -> None:
        if (parent := self.store.task(parent_id)) is not None:
            parent["sub_executions"] = [*parent["sub_executions"], child_id]
            self.store.put_task(parent)

    def change(self, task: Json, **fields: Any) -> None:
        """Change fields of a task's record, and emit the event about it."""
        before = task["status"]
        task |= fields
        task["updated_at"] = self.now
        if task["status"] != before:
            _set_times(task, self.now)
        self.store.put_task(task)
        has_ended = task["status"] in FINAL_STATUSES and before not in FINAL_STATUSES
        self.emit(task, "task_finished" if has_ended else "task_updated", task)
        if has_ended:
            self._notify_parent(task)

    def _notify_parent(self, child: Json) -> None:
        """Note the end of a sub-task in its parent, and let a parent that waits for it run on."""
        parent_id = child["parent_execution"]
        if parent_id and (parent := self.store.task(parent_id)):
            parent["finished_sub_executions"] = [*parent["finished_sub_executions"], child["id"]]
            self.store.put_task(parent)
            run = self.store.run_state(parent_id)
            if run and run.get("waits_for") == child["id"]:
                self.store.put_run_state(parent_id, {**run, "waits_for": None})
                self.on_ready(parent_id)

    def resume(self, task: Json, outcome: str, words: str | None) -> None:
        """Resume a task after a decision, with its outcome and the words of the person who decided."""
        run = self.store.run_state(task["id"])
        if run:
            self.store.put_run_state(task["id"], {**run, "waits_for": None, "outcome": outcome, "words": words or ""})
            self.on_ready(task["id"])

    def stop(self, task_id: str) -> Json:
        """Stop a task and its sub-tasks; those that have ended stay as they are."""
        with self.store.transaction():
            self.task(task_id)
            for live_id in reversed(self._live_tree(task_id)):
                self.change(self.task(live_id), status="stopped", is_manually_stopped=True)
            return self.task(task_id)

    def _live_tree(self, task_id: str) -> list[str]:
        """Return the ids of a live task and its live sub-tasks, parents first."""
        live: dict[str, None] = {}
        pending = [task_id]
        while pending:
            task = self.store.task(pending.pop())
            if task is not None and task["status"] not in FINAL_STATUSES and task["id"] not in live:
                live[task["id"]] = None
                pending += task["sub_executions"]
        return list(live)

    def destroy(self, task_id: str) -> None:
        """Destroy a task with all its history, as the vendor's DELETE does."""
        with self.store.transaction():
            self.stop(task_id)
            self.store.delete_task(task_id)

    def save(self, task_id: str, fields: Json) -> Json:
        """Save the fields that a worker reports of its task; those that are None stay as they are."""
        with self.store.transaction():
            task = self.task(task_id)
            changes = {
                name: value for name, value in fields.items() if name in _CHANGEABLE_FIELDS and value is not None
            }
            if "tool_call_payload_extension" in fields:
                changes["payload_extension"] = fields["tool_call_payload_extension"]
            if task["status"] == "stopped":
                changes.pop("status", None)  # a worker that does not know of the stop must not undo it
            has_ended = changes.get("status") in FINAL_STATUSES and task["status"] not in FINAL_STATUSES
            result = changes.get("result", task["result"])
            if has_ended and result and self.store.run_state(task_id):  # a worker runs it: its result is the reply
                self.add_message(task, "agent", result)
            if any(task.get(name) != value for name, value in changes.items()):
                self.change(task, **changes)
            return task

    # Events and log entries

    def emit(self, task: Json, kind: str, data: Any) -> None:
        """Emit an event in a task's stream; a status event also goes to its parent's stream, as `sub_task_…`."""
        event = {"type": kind, "task_id": task["id"], "organization_id": ORGANIZATION, "time": self.now, "data": data}
        self.store.add_event(task["id"], event)
        parent = task["parent_execution"]
        if kind.startswith("task_") and kind != "task_compactization" and parent and self.store.task(parent):
            self.store.add_event(parent, {**event, "type": f"sub_{kind}", "task_id": parent})

    def add_user_message(self, task: Json) -> None:
        task_input = task["input"]
        self.add_message(task, "user", task_input["text"], files=task_input["files"], user=task_input["user"])

    def add_message(self, task: Json, role: str, text: str, **more: Any) -> None:
        """Add a message to the activity log."""
        content = {"text": text, "files": more.pop("files", [])}
        entry_id = f"{task['id']}_{role}_{self.new_id()[:8]}"
        self.store.put_entry(
            task["id"], {"id": entry_id, "created_at": self.now, "role": role, "content": content, **more}
        )

    def push(self, task_id: str, events: list[Json]) -> None:
        """Record the events that a worker pushes to its task."""
        with self.store.transaction():
            task = self.task(task_id)
            for event in events:
                self.record(task, str(event.get("type") or "untyped"), event.get("data"))

    def record(self, task: Json, kind: str, data: Any) -> None:
        """Record an action of an agent: emit its event, and store its log entry if this kind has one."""
        fields = object_of(data)
        if kind in _KINDS_STORED_AS_ENTRIES and fields:
            fields = data = {**fields, "id": self._id_in(fields, "id")}
        self.emit(task, kind, data)
        if kind == "plan_updated" and fields:
            task["deep_planning"] = fields
            self.store.put_task(task)
        elif entry := self._entry_of(task, kind, data):
            self.store.put_entry(task["id"], entry)

    def _entry_of(self, task: Json, kind: str, data: Any) -> Json | None:
        """Return the log entry of an event, or None if its kind has none."""
        fields = object_of(data)
        if kind in _KINDS_STORED_AS_ENTRIES and fields:
            return {**fields, "created_at": self.now}
        if kind not in KINDS_WITH_REQUEST_ID:
            return None
        entry_id = self._id_in(fields, "request_id")
        match kind:
            case "tool_call_request":
                return tool_call(fields, entry_id, self.now)
            case "tool_call_result":
                return finished_call(self.store.entry(task["id"], entry_id), fields, entry_id, self.now)
            case _:
                return reasoning(kind, data, entry_id, self.now)

    def _id_in(self, fields: Json, name: str) -> str:
        """Return the id that a worker has sent in a field, or a new one."""
        sent_id = fields.get(name)
        return sent_id if isinstance(sent_id, str) and sent_id else self.new_id()

    # Reading

    def log_json(self, agent_id: str, task_id: str) -> bytes:
        """Return a task's activity log as JSON."""
        task = self.task(task_id)
        if task["agent_id"] != agent_id:
            raise Refused(404, "Activity not found")
        head = json.dumps({"id": task_id, "created_at": task["created_at"], "user": task["input"]["user"]})
        return f'{head[:-1]},"messages":[{",".join(self.store.entries(task_id))}]}}'.encode()

    def thread(self, task_id: str) -> list[Json]:
        """Return the thread of a task: its messages in the form of the public REST API."""
        self.task(task_id)
        return [
            _public_message(entry) for entry in map(loads_stored, self.store.entries(task_id)) if _is_message(entry)
        ]

    def threads_below(self, task_id: str) -> dict[str, list[Json]]:
        """Return the threads of all tasks below a task, by their ids."""
        threads: dict[str, list[Json]] = {}
        pending = list(self.task(task_id)["sub_executions"])
        while pending:
            child = self.store.task(pending.pop())
            if child is not None and child["id"] not in threads:
                threads[child["id"]] = self.thread(child["id"])
                pending += child["sub_executions"]
        return threads


def _input(request: Json) -> Json:
    """Return the input of a request with all its fields."""
    request_input = request.get("input") or {}
    return {
        "text": request_input.get("text") or "",
        "files": list(request_input.get("files") or []),
        "user": request_input.get("user"),
        "attachments": list(request_input.get("attachments") or []),
        "principal": request_input.get("principal"),
    }


def _set_times(task: Json, now: str) -> None:
    """Set the times that belong to a task's new status; at its end, clear unanswered requests."""
    status = task["status"]
    if status == "executing":
        task["started_at"] = task["started_at"] or now
        task["paused_at"] = None
    elif status == "paused":
        task["paused_at"] = now
    elif status in FINAL_STATUSES:
        task["finished_at"] = now
        task["pending_eca_request"] = None
        if (request := task["hitl_request"]) and not (request.get("approved_by") or request.get("rejected_by")):
            task["hitl_request"] = None


def _is_message(entry: Json) -> bool:
    """Return whether an entry is a message; an entry of a worker may have any fields."""
    return isinstance(entry.get("role"), str) and "text" in object_of(entry.get("content"))


def _public_message(entry: Json) -> Json:
    """Return a message entry in the form of the public REST API."""
    role = "assistant" if entry["role"] == "agent" else entry["role"]
    created_at = int(datetime.fromisoformat(entry["created_at"]).timestamp())
    return {"id": entry["id"], "role": role, "content": entry["content"]["text"], "created_at": created_at}
