"""Reports of tasks that ran outside the platform, and the metrics of runs."""

from __future__ import annotations

from tui.local.event_entries import object_of
from tui.local.sqlite_store import Json
from tui.local.task_service import FINAL_STATUSES, Platform, Refused

USED_FIELDS = ("tokens", "used_tools", "duration")


def record_report(platform: Platform, agent_id: str, report: Json) -> Json:
    """Record the report of a task that ran outside this platform; return the task."""
    with platform.store.transaction():
        agent = platform.agent(agent_id)
        task = platform.store.task(report["id"]) if report["id"] else None
        if task is None:
            task = platform.new_record(agent, {"input": {"text": report["input"]}, "source": "sdk"}, None)
            task["id"] = report["id"] or task["id"]
            platform.store.add_task(task, None)
            platform.add_user_message(task)
        else:
            _refuse_unless_reported(task, agent_id)
        if report["result"] != task["result"]:
            platform.add_message(task, "agent", report["result"] or "")
        used = {name: report[name] for name in USED_FIELDS if report[name] is not None}
        status = "completed" if report["is_success"] else "failed"
        platform.change(task, **used, status=status, result=report["result"])
        return task


def _refuse_unless_reported(task: Json, agent_id: str) -> None:
    """Refuse the report of a task that belongs to another agent, or runs on this platform."""
    if task["agent_id"] != agent_id:
        raise Refused(400, f"Task {task['id']} belongs to agent {task['agent_id']}")
    if task["status"] not in FINAL_STATUSES:
        raise Refused(409, f"Task {task['id']} is {task['status']} on this platform")


def record_metrics(platform: Platform, agent_id: str, metrics: Json) -> None:
    """Record the metrics of a run: its tokens, its tools and its duration."""
    with platform.store.transaction():
        platform.agent(agent_id)
        task_id = metrics["execution_id"]
        if platform.task(task_id)["agent_id"] != agent_id:
            raise Refused(404, "Task not found")
        tokens = object_of(object_of(metrics["llm_tokens"]).get("worker"))
        tools = [tool for tool in metrics["api_calls_made"] or [] if isinstance(tool, str)]
        changes: Json = {"tokens": tokens or None, "used_tools": tools or None}
        if metrics["duration"]:  # the SDK sends 0 for a time that it does not know
            changes["duration"] = metrics["duration"]
        platform.save(task_id, changes)
