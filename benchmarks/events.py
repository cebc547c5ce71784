"""Events, and entries of a log, as agents tell them, rendered for the wire: mostly small, now and then large, always the same."""

from __future__ import annotations

import json
import random
from typing import Any

LARGEST = 65_536
LOREM = "the invoice of the third quarter was checked against the order, and two of its lines do not agree with it "


def mixed(count: int, task_id: str = "t1") -> list[bytes]:
    """Frames of 200 B to 64 KB: nine of ten are pieces of text or a state, one in a hundred is a large result."""
    dice = random.Random(1)
    return [_frame(number, task_id, *_mixed(number, dice)) for number in range(count)]


def written(count: int, task_id: str = "t1") -> list[bytes]:
    """What an agent that writes much tells: pieces of text, and now and then its state, a call, a note."""
    return [_frame(number, task_id, *_written(number)) for number in range(count)]


def distinct(count: int, task_id: str = "t1") -> list[bytes]:
    """The same with no two pieces of text beside each other, so that every event is a line of its own."""
    return [_frame(number, task_id, *_distinct(number)) for number in range(count)]


SHAPES = {"mixed": mixed, "written": written, "distinct": distinct}


def entry(number: int, size: int = 750) -> dict[str, Any]:
    """An entry of an activity log: messages, calls, thoughts, and one in a hundred hands work to another agent."""
    moment = f"2026-11-{1 + number // 86_400:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    head = {"id": f"{number:08x}-0000-4000-8000-000000000000", "created_at": moment}
    text = (LOREM * (size // len(LOREM) + 1))[:size]
    why = {"title": f"Step {number}", "description": LOREM}
    if number % 100 == 50:
        return {**head, "agent_id": f"a{number % 7}", "query": f"Check {number}. {text}", "files": [], "reasoning": why}
    match number % 5:
        case 0:
            return {**head, "role": "agent", "content": {"text": f"{number}: {text}", "files": []}}
        case 1:
            return {**head, "type": "think", "title": f"Step {number}", "confidence": 0.7, "thought": text}
        case _:
            call = {"payload": {"body_params": {"path": f"/data/{number}.csv", "rows": number}, "headers": {}}}
            result = {"rows": number, "text": text}
            return {**head, "tool_name": "files-read", "payload": call, "is_error": False, "reasoning": why,
                    "result": result, "plan_task_id": None}  # fmt: skip


def _frame(number: int, task_id: str, kind: str, data: Any) -> bytes:
    body = {
        "type": kind,
        "task_id": task_id,
        "organization_id": "bench",
        "time": f"2026-11-21T{10 + number // 3600 % 14}:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z",
        "data": data,
    }
    return f"id: {number + 1}\ndata: {json.dumps(body, separators=(',', ':'))}\n\n".encode()


def _call(number: int, payload: Any) -> tuple[str, Any]:
    kind = ("tool_call_request", "tool_call_result")[number % 2]
    told = {"request_id": f"r{number // 2}", "operation_id": "search", "tool_name": "search", "payload": payload}
    return kind, told if number % 2 == 0 else {**told, "result": payload, "is_error": False}


def _mixed(number: int, dice: random.Random) -> tuple[str, Any]:
    chance = dice.random()
    if chance < 0.70:
        return "chunk", LOREM[: dice.randrange(40, len(LOREM))]
    if chance < 0.90:
        return "context_status", {
            "percent": number % 100,
            "estimated_tokens": number,
            "context_window": 128_000,
            "compacting": False,
        }
    size = dice.randrange(300, 4_000) if chance < 0.99 else dice.randrange(4_000, 16_000 if chance < 0.999 else LARGEST)
    return _call(number, {"q": number, "text": (LOREM * (size // len(LOREM) + 1))[: max(size - 500, 10)]})


def _written(number: int) -> tuple[str, Any]:
    if number % 40 == 1:
        return "context_status", {"percent": number % 100, "estimated_tokens": number}
    if number % 40 == 2:
        return _call(number // 40, {"q": number // 80 % 500})
    if number % 400 == 3:
        return "process_update", {"note": "x" * 200}
    return "chunk", "word " * (1 + number % 7)


def _distinct(number: int) -> tuple[str, Any]:
    if number % 2:
        return "chunk", "word " * (1 + number % 7)
    if number % 20 == 0:
        return _call(number // 20, {"q": number // 20})
    if number % 20 == 2:
        return "process_update", {"note": LOREM}
    return "context_status", {"percent": number % 100, "estimated_tokens": number}
