"""What people decide: approvals, answers, cards, sign-ins, and tool calls that are held for them."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from typing import Any

from tui.local.sqlite_store import Json
from tui.local.task_service import FINAL_STATUSES, YOU, Platform, Refused


class Decisions:
    """Takes each decision once; who comes too late is told who was first."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def ask_approval(self, task_id: str, title: str, description: str | None, content: Any) -> Json:
        """Let a task wait for a person's approval."""
        with self._platform.store.together():
            task = self._platform.task(task_id)
            if task["status"] in FINAL_STATUSES:
                raise Refused(409, f"task has ended: {task['status']}")
            self.wait_for_approval(task, "wait", title, description, content)
            return task

    def wait_for_approval(self, task: Json, node: str, title: str, description: str | None, content: Any) -> None:
        """Pause a task until somebody approves or rejects."""
        content = content if isinstance(content, str) else json.dumps(content)
        request = {"wait_node_id": node, "operation_id": node, "title": title, "description": description,
                   "content": content, "approved_by": None, "rejected_by": None}  # fmt: skip
        self._platform.change(task, status="paused", hitl_request=request)

    def decide(self, task_id: str, approve: bool, comment: str | None, who: str = YOU["display_name"]) -> Json:
        """Approve or reject what a task waits for; too late is 409, with who was first."""
        with self._platform.store.together():
            task = self._platform.task(task_id)
            request = task["hitl_request"]
            if request and (who_was_first := request.get("approved_by") or request.get("rejected_by")):
                verb = "approved" if request.get("approved_by") else "rejected"
                raise Refused(409, f"already {verb} by {who_was_first}")
            if not request or task["status"] != "paused":
                raise Refused(409, f"task waits for no approval, it is {task['status']}")
            field = "approved_by" if approve else "rejected_by"
            self._platform.change(task, status="executing", hitl_request={**request, field: who, "comment": comment})
            self._platform.resume(task, "approved" if approve else "rejected", comment)
            return task

    def answer(self, task_id: str, decision_id: str, answers: list[Json]) -> Json:
        """Answer the questions a task waits for."""
        with self._platform.store.together():
            task = self._platform.task(task_id)
            entry = self._platform.store.entry(task_id, decision_id)
            questions = _questions(entry or {})
            if not entry or not questions or entry.get("answers") or task["status"] != "paused":
                raise Refused(400, "decision_id names no open question of this conversation")
            wanted = {question["id"] for question in questions}
            if {item["question_id"] for item in answers} != wanted:
                raise Refused(400, "every question needs one answer, and only these questions have any")
            self._platform.store.put_entry(task_id, {**entry, "answers": answers})
            chosen = ", ".join(_said(questions, item) for item in answers)
            self._platform.message(task, "user", chosen, user=YOU)
            plan = {**task["deep_planning"], "question_raised": False}
            self._platform.change(task, status="executing", deep_planning=plan)
            self._platform.resume(task, "answered", chosen)
            return task

    def confirm(self, task_id: str, request_id: str, approve: bool) -> Json:
        """Confirm or dismiss a card."""
        with self._platform.store.together():
            task = self._platform.task(task_id)
            entry = self._platform.store.entry(task_id, request_id)
            if not entry or entry.get("approved") is not None or task["status"] != "paused":
                raise Refused(400, "request_id names no open card of this conversation")
            self._platform.store.put_entry(task_id, {**entry, "approved": approve, "decided_by": YOU["display_name"]})
            self._platform.change(task, status="executing")
            self._platform.resume(task, "confirmed" if approve else "dismissed", None)
            return task

    def signed_in(self, token: str) -> Json:
        """A person has signed in where an agent waits for it."""
        with self._platform.store.together():
            for _, task_id, run in self._platform.store.unfinished():
                if run and run.get("sign_in") == token and run.get("waits_for"):
                    task = self._platform.task(task_id)
                    server = (task["pending_eca_request"] or {}).get("connector_name", "")
                    ready = {"access_token": "REDACTED", "server_name": server}
                    self._platform.happened(task, "auth_event", {"type": "token_ready", "data": ready})
                    self._platform.change(task, status="executing", pending_eca_request=None)
                    self._platform.resume(task, "signed in", server)
                    return task
            raise Refused(404, "nobody waits for this sign-in")

    # Tool calls that are held for a person

    def hold(self, task: Json, tool: str, payload: Any) -> Json:
        """Ask for approval of one tool call with exactly these arguments."""
        platform = self._platform
        approval = {
            "request_id": platform.new_id(), "task_id": task["id"], "agent_id": task["agent_id"], "tool_name": tool,
            "payload": payload, "settled": False, "approved": False, "decided_by_name": None, "decision_note": None,
            "created_at": platform.now, "redeemed": False,
        }  # fmt: skip
        platform.store.put_approval(approval)
        card = {"action": "approval_requested", "approval_request_id": approval["request_id"], "title": f"Run {tool}?"}
        platform.store.put_entry(task["id"], {"id": platform.new_id(), "created_at": platform.now, **card})
        return approval

    def check(self, agent_id: str, request: Json) -> Json:
        """Whether a worker's tool call may run: an empty answer means yes."""
        with self._platform.store.together():
            agent, task = self._platform.agent(agent_id), self._platform.task(str(request.get("execution_id")))
            tool, payload = str(request.get("tool_name") or request.get("operation_id")), request.get("payload")
            if not any(fnmatch.fnmatch(tool, pattern) for pattern in agent.get("gated_tools", ())):
                return {}
            key = f"hold/{task['id']}/{tool}/{hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()}"
            approval = self._platform.store.approval(self._platform.store.fact(key) or "")
            if approval and approval["approved"] and not approval["redeemed"]:
                self._platform.store.put_approval({**approval, "redeemed": True})
                return {}
            if approval is None or approval["settled"]:
                approval = self.hold(task, tool, payload)
                self._platform.store.set_fact(key, approval["request_id"])
            return {
                "type": "approval_required", "request_id": approval["request_id"], "self_approve": True,
                "wait_seconds": 600, "message": f"{tool} waits for approval",
            }  # fmt: skip

    def approval(self, agent_id: str, request_id: str) -> Json:
        """How the approval of a held call stands."""
        approval = self._platform.store.approval(request_id)
        if approval is None or approval["agent_id"] != agent_id:
            raise Refused(404, "Approval request not found")
        return approval

    def settle(
        self, agent_id: str, request_id: str, approve: bool, note: str | None, who: str = YOU["display_name"]
    ) -> Json:
        """Approve or decline a held call."""
        with self._platform.store.together():
            approval = self.approval(agent_id, request_id)
            if approval["settled"]:
                verb = "approved" if approval["approved"] else "declined"
                raise Refused(409, f"already {verb} by {approval['decided_by_name']}")
            decided = {"settled": True, "approved": approve, "decided_by_name": who}
            approval = {**approval, **decided, "decision_note": note}
            self._platform.store.put_approval(approval)
            task = self._platform.store.task(approval["task_id"])
            if task and (self._platform.store.run(task["id"]) or {}).get("waits_for") == request_id:
                self._platform.change(task, status="executing")
                self._platform.resume(task, "approved" if approve else "rejected", note)
            return approval


def _questions(entry: Json) -> list[Json]:
    """The questions of an entry, those that can be answered; a worker may have told anything."""
    told = entry.get("questions")
    found = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    return [
        {**one, "options": [option for option in _list(one.get("options")) if _is_option(option)]}
        for one in found
        if isinstance(one.get("id"), str)
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_option(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)


def _said(questions: list[Json], item: Json) -> str:
    """An answer in words: an option's own, or free text."""
    ids = item.get("selected_option_ids") or [item.get("answer")]
    options = {option["id"]: option.get("label") for question in questions for option in question["options"]}
    words = [str(options.get(one, one)) for one in ids if one]
    return ", ".join(words) or str(item.get("free_text") or "")
