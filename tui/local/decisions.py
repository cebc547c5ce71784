"""Decisions of persons: approvals, answers, cards, sign-ins, and held tool calls."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from typing import Any

from tui.local.event_entries import object_of
from tui.local.sqlite_store import Json, loads_stored
from tui.local.task_service import FINAL_STATUSES, YOU, Platform, Refused
from tui.local.workflows import approval_timeout, expiry_of


class Decisions:
    """The decisions of persons: each is recorded once; a second one is refused with the name of the first person."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def request_approval(self, task_id: str, title: str, description: str | None, content: Any) -> Json:
        """Request a person's approval for a task that a worker runs."""
        with self._platform.store.transaction():
            task = self._platform.task(task_id)
            if task["status"] in FINAL_STATUSES:
                raise Refused(409, f"task has ended: {task['status']}")
            self.wait_for_approval(task, "wait", title, description, content)
            return task

    def wait_for_approval(self, task: Json, node: str, title: str, description: str | None, content: Any) -> None:
        """Pause a task, so that it waits for approval or rejection by a person."""
        content = content if isinstance(content, str) else json.dumps(content)
        request = {"wait_node_id": node, "operation_id": node, "title": title, "description": description,
                   "content": content, "approved_by": None, "rejected_by": None}  # fmt: skip
        self._platform.change(task, status="paused", hitl_request=request)

    def decide(self, task_id: str, approve: bool, comment: str | None, who: str = YOU["display_name"]) -> Json:
        """Decide the approval that a task waits for; raise Refused 409 if it is decided already."""
        with self._platform.store.transaction():
            task = self._platform.task(task_id)
            request = task["hitl_request"] or {}
            for field, verb in (("approved_by", "approved"), ("rejected_by", "rejected")):
                if decided_by := request.get(field):
                    raise Refused(409, f"already {verb} by {decided_by}")
            if not request or task["status"] != "paused":
                raise Refused(409, f"task waits for no approval, it is {task['status']}")
            verb = "approved" if approve else "rejected"
            decision = {f"{verb}_by": who, f"{verb}_at": self._platform.now, "comment": comment}
            self._platform.change(task, status="executing", hitl_request={**request, **decision})
            self._platform.resume(task, _approval_outcome(approve), comment)
            return task

    def answer(self, task_id: str, decision_id: str, answers: list[Json]) -> Json:
        """Answer the questions that a task waits for."""
        with self._platform.store.transaction():
            task = self._platform.task(task_id)
            entry = self._platform.store.entry(task_id, decision_id)
            questions = _questions(entry or {})
            if not entry or not questions or entry.get("answers") or task["status"] != "paused":
                raise Refused(400, "decision_id names no open question of this conversation")
            question_ids = {question["id"] for question in questions}
            if {answer["question_id"] for answer in answers} != question_ids:
                raise Refused(400, "every question needs one answer, and only these questions have any")
            decision = {"answers": answers, "answered_by": YOU["display_name"], "answered_at": self._platform.now}
            self._platform.store.put_entry(task_id, {**entry, **decision})
            text = ", ".join(_answer_text(questions, answer) for answer in answers)
            self._platform.add_message(task, "user", text, user=YOU)
            plan = {**task["deep_planning"], "question_raised": False}
            self._platform.change(task, status="executing", deep_planning=plan)
            self._platform.resume(task, "answered", text)
            return task

    def confirm(self, task_id: str, request_id: str, approve: bool) -> Json:
        """Confirm or dismiss a card."""
        with self._platform.store.transaction():
            task = self._platform.task(task_id)
            entry = self._platform.store.entry(task_id, request_id)
            if not entry or entry.get("approved") is not None or task["status"] != "paused":
                raise Refused(400, "request_id names no open card of this conversation")
            decision = {"approved": approve, "decided_by": YOU["display_name"], "decided_at": self._platform.now}
            self._platform.store.put_entry(task_id, {**entry, **decision})
            self._platform.change(task, status="executing")
            self._platform.resume(task, "confirmed" if approve else "dismissed", None)
            return task

    def complete_sign_in(self, token: str) -> Json:
        """Complete the sign-in that a task waits for."""
        with self._platform.store.transaction():
            task = self.task_of_sign_in(token)
            server = (task["pending_eca_request"] or {}).get("connector_name", "")
            token_data = {"access_token": "REDACTED", "server_name": server}
            self._platform.record(task, "auth_event", {"type": "token_ready", "data": token_data})
            self._platform.change(task, status="executing", pending_eca_request=None)
            self._platform.resume(task, "signed in", server)
            return task

    def task_of_sign_in(self, token: str) -> Json:
        """Return the task that waits for this sign-in; raise Refused 404 if none does."""
        for task_id, waiting_token in self._open_sign_ins():
            if waiting_token == token:
                return self._platform.task(task_id)
        raise Refused(404, "nobody waits for this sign-in: it was done already, or its task has ended")

    def move_sign_ins(self, url: str) -> None:
        """Move all open sign-ins to another address of the platform: they may be older than the address."""
        with self._platform.store.transaction():
            for task_id, token in self._open_sign_ins():
                self._move_sign_in(self._platform.task(task_id), token, sign_in_page(url, token))

    def _move_sign_in(self, task: Json, token: str, page: str) -> None:
        """Move the sign-in of a task to another page: in its record, and in the log entry that asks for it."""
        store, request = self._platform.store, task["pending_eca_request"]
        if not request or request["auth_url"] == page:
            return
        store.put_task({**task, "pending_eca_request": {**request, "auth_url": page}})
        for entry in map(loads_stored, store.entries(task["id"])):
            data = object_of(entry.get("data"))
            if str(data.get("url")).endswith(f"/{token}"):
                store.put_entry(task["id"], {**entry, "data": {**data, "url": page}})

    def _open_sign_ins(self) -> list[tuple[str, str]]:
        """Return the tasks that wait for a sign-in, each with the token of its page."""
        runs = [(task_id, run) for _, task_id, run in self._platform.store.unfinished_tasks() if run]
        return [(task_id, run["sign_in"]) for task_id, run in runs if run.get("sign_in") and run.get("waits_for")]

    # Held tool calls

    def hold_call(self, task: Json, tool: str, payload: Any) -> Json:
        """Hold a tool call until its approval, which is for exactly this payload; return the open approval."""
        platform = self._platform
        seconds = approval_timeout(platform.agent(task["agent_id"]), tool)
        approval = {
            "request_id": platform.new_id(), "task_id": task["id"], "agent_id": task["agent_id"], "tool_name": tool,
            "payload": payload, "settled": False, "approved": False, "decided_by_name": None, "decision_note": None,
            "created_at": platform.now, "redeemed": False, "status": "pending",
            "expires_at": expiry_of(platform.clock.now, seconds),
        }  # fmt: skip
        platform.store.put_approval(approval)
        card = {"action": "approval_requested", "approval_request_id": approval["request_id"], "title": f"Run {tool}?"}
        platform.store.put_entry(task["id"], {"id": platform.new_id(), "created_at": platform.now, **card})
        return approval

    def check_call(self, agent_id: str, request: Json) -> Json:
        """Check a tool call of a worker: an empty object lets it run, otherwise it is held for approval."""
        store = self._platform.store
        with store.transaction():
            agent, task = self._platform.agent(agent_id), self._platform.task(str(request.get("execution_id")))
            tool, payload = str(request.get("tool_name") or request.get("operation_id")), request.get("payload")
            if not any(fnmatch.fnmatch(tool, pattern) for pattern in agent.get("gated_tools", ())):
                return {}
            key = f"hold/{task['id']}/{tool}/{hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()}"
            approval = store.approval(store.fact(key) or "")
            if approval and approval["approved"] and not approval["redeemed"]:
                store.put_approval({**approval, "redeemed": True})
                return {}
            if approval is None or approval["settled"]:
                approval = self.hold_call(task, tool, payload)
                store.set_fact(key, approval["request_id"])
            return {
                "type": "approval_required", "request_id": approval["request_id"], "self_approve": True,
                "wait_seconds": 600, "message": f"{tool} waits for approval",
            }  # fmt: skip

    def approval(self, agent_id: str, request_id: str) -> Json:
        """Return the approval of a held call; raise Refused 404 if this agent has none with this id."""
        approval = self._platform.store.approval(request_id)
        if approval is None or approval["agent_id"] != agent_id:
            raise Refused(404, "Approval request not found")
        return self._expired(approval) or approval

    def _expired(self, approval: Json) -> Json | None:
        """Return an approval as expired, and let its task go on without the call; None while it can be decided."""
        expires_at = approval.get("expires_at")
        if approval["settled"] or not expires_at or self._platform.now < expires_at:
            return None
        return self._settle(approval, "expired", False, None, "nobody had decided in time")

    def decide_call(
        self, agent_id: str, request_id: str, approve: bool, note: str | None, who: str = YOU["display_name"]
    ) -> Json:
        """Decide a held call: approve or decline it; raise Refused 409 if it is decided already."""
        with self._platform.store.transaction():
            approval = self.approval(agent_id, request_id)
            if approval.get("status") == "expired":
                raise Refused(409, "expired: nobody had decided in time")
            if approval["settled"]:
                verb = "approved" if approval["approved"] else "declined"
                raise Refused(409, f"already {verb} by {approval['decided_by_name']}")
            return self._settle(approval, "approved" if approve else "declined", approve, who, note)

    def _settle(self, approval: Json, status: str, approve: bool, who: str | None, note: str | None) -> Json:
        """Settle an approval, and let a task that waits for it go on; return the approval."""
        store = self._platform.store
        with store.transaction():
            decision = {"settled": True, "approved": approve, "decided_by_name": who, "decision_note": note}
            approval = {**approval, **decision, "status": status}
            store.put_approval(approval)
            task = store.task(approval["task_id"])
            if task and (store.run_state(task["id"]) or {}).get("waits_for") == approval["request_id"]:
                self._platform.change(task, status="executing")
                self._platform.resume(task, _approval_outcome(approve), note)
            return approval


def sign_in_page(url: str, token: str) -> str:
    """Return the address of the page for a sign-in."""
    return f"{url}/sign-in/{token}"


def _approval_outcome(approve: bool) -> str:
    return "approved" if approve else "rejected"


def _questions(entry: Json) -> list[Json]:
    """Return the valid questions of an entry with their valid options: a worker may send any JSON."""
    return [
        {**question, "options": [option for option in _list_of(question.get("options")) if _has_id(option)]}
        for question in _list_of(entry.get("questions"))
        if _has_id(question)
    ]


def _list_of(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def _has_id(value: Any) -> bool:
    return isinstance(object_of(value).get("id"), str)


def _answer_text(questions: list[Json], answer: Json) -> str:
    """Return the text of an answer: the labels of its options, or its free text."""
    ids = answer.get("selected_option_ids") or [answer.get("answer")]
    labels = {option["id"]: option.get("label") for question in questions for option in question["options"]}
    chosen = [str(labels.get(option_id, option_id)) for option_id in ids if option_id]
    return ", ".join(chosen) or str(answer.get("free_text") or "")
