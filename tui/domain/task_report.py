"""The report of a task that ran outside the platform, and its metrics: the bodies that the SDK sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui.client.json_codec import canonical
from tui.client.task_facts import Status

if TYPE_CHECKING:
    from tui.client.models import Task

TOKEN_NAMES = ("prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_tokens")
DEFAULT_MODEL = "xpander"
"""The model that the SDK names in metrics where it does not know it."""
REPORT_DEFAULTS: Mapping[str, Any] = {
    "id": None, "input": None, "llm_response": None, "tokens": None, "is_success": True, "result": None, "duration": 0,
    "used_tools": [],
}  # fmt: skip
"""All fields of a report, as the SDK's `TaskReportRequest` has them."""
FAILURES = frozenset({Status.FAILED, Status.ERROR})


def report_body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a report with all its fields; raise ValueError for a field that has another type."""
    body = {**REPORT_DEFAULTS, **{name: value for name, value in fields.items() if value is not None}}
    for name in ("id", "input", "result"):
        if body[name] is not None and not isinstance(body[name], str):
            raise ValueError(f"{name} is a text")
    if not isinstance(body["is_success"], bool):
        raise ValueError("is_success is true or false")
    if isinstance(body["duration"], bool) or not isinstance(body["duration"], int | float) or body["duration"] < 0:
        raise ValueError("duration is a number of seconds")
    tools = body["used_tools"]
    if not isinstance(tools, list) or not all(isinstance(tool, str) for tool in tools):
        raise ValueError("used_tools is a list of names")
    if body["tokens"] is not None:
        body["tokens"] = _token_counts(body["tokens"])
    return body


def _token_counts(tokens: object) -> dict[str, int]:
    """Return all counts of tokens, with the total as the SDK computes it: the cached ones are not part of it."""
    if not isinstance(tokens, dict):
        raise ValueError(f"tokens is an object: {', '.join(TOKEN_NAMES)}")
    if unknown := set(tokens) - {*TOKEN_NAMES, "total_tokens"}:
        raise ValueError(f"tokens has no {', '.join(map(str, unknown))}; it has {', '.join(TOKEN_NAMES)}")
    counts: dict[str, int] = {}
    for name in TOKEN_NAMES:
        count = tokens.get(name) or 0
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ValueError(f"tokens: {name} is a count")
        counts[name] = count
    return {**counts, "total_tokens": counts["prompt_tokens"] + counts["completion_tokens"]}


def metrics_body(report: Mapping[str, Any], task: Task, model: str | None) -> dict[str, Any]:
    """Return the body of the metrics of a reported task, whose record is `task`."""
    none_used = _token_counts({})
    return {
        "execution_id": task.id,
        "source": task.source or "sdk",
        "sub_executions": [],
        "memory_thread_id": task.id,
        "task": report["input"] or "",
        "triggered_by": "N/A",
        "skills": [],
        "status": task.status,
        "internal_status": task.internal_status,
        "duration": float(report["duration"]),
        "ai_model": model or DEFAULT_MODEL,
        "worker": None,
        "ai_employee_id": None,
        "api_calls_made": list(report["used_tools"]),
        "result": report["result"],
        "llm_tokens": {"inner": none_used, "worker": report["tokens"]},
    }


def mismatch_with_report(record: Task, agent_id: str, report: Mapping[str, Any]) -> str:
    """Return the mismatch that shows that a record is not the task of a report; empty for none."""
    if record.agent_id != agent_id:
        return f"belongs to agent {record.agent_id}"
    recorded_input = record.input.text if record.input else None
    if not _is_same_text(recorded_input, report["input"]):
        return "has another input"
    has_failed = record.status in FAILURES
    if has_failed is report["is_success"] or not record.is_final:
        return f"is {record.status}"
    if not _is_same_text(record.result, report["result"]):
        return "has another result"
    if record.tokens is not None and report["tokens"] and not shows_tokens(record, report["tokens"]):
        return "has other counts of tokens"
    return ""


def shows_tokens(record: Task, tokens: Mapping[str, Any]) -> bool:
    """Return whether a record shows these counts of prompt and completion tokens."""
    if record.tokens is None:
        return False
    recorded = [record.tokens.prompt_tokens, record.tokens.completion_tokens]
    return canonical(recorded) == canonical([tokens["prompt_tokens"], tokens["completion_tokens"]])


def _is_same_text(recorded: str | None, reported: str | None) -> bool:
    """Return whether two texts are the same apart from white space around them; a blank one is like none."""
    return (recorded or "").strip() == (reported or "").strip()
