"""A worker that is written with the SDK: takes tasks, reports its steps, and finishes them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from xpander_sdk import on_task
from xpander_sdk.consts.api_routes import APIRoute
from xpander_sdk.core.xpander_api_client import APIClient
from xpander_sdk.models.events import TaskUpdateEventType, ToolCallRequest, ToolCallResult
from xpander_sdk.modules.tasks.models.task import Tokens
from xpander_sdk.modules.tasks.sub_modules.task import Task, TaskUpdateEvent


async def tell(task: Task, kind: TaskUpdateEventType, data: object) -> None:
    """Push one event, as the SDK's own agents do."""
    event = TaskUpdateEvent(
        type=kind, task_id=task.id, organization_id=task.organization_id, time=datetime.now(UTC), data=data
    )
    await APIClient(configuration=task.configuration).make_request(
        path=APIRoute.PushExecutionEventToQueue.format(task_id=task.id),
        method="POST",
        payload=[event.model_dump_safe()],
    )


@on_task
async def work(task: Task) -> Task:
    """Think, call a tool, and answer."""
    thought = {"title": "Look first", "confidence": 0.9, "thought": "What is asked?", "action": None, "analysis": None}
    await tell(
        task, TaskUpdateEventType.Think,
        ToolCallRequest(request_id=str(uuid4()), operation_id="think", tool_name="think", payload={"input": thought}),
    )  # fmt: skip
    call = {"request_id": str(uuid4()), "operation_id": "count_words", "tool_name": "count_words"}
    payload = {"text": task.input.text}
    await tell(task, TaskUpdateEventType.ToolCallRequest, ToolCallRequest(**call, payload=payload))
    words = len((task.input.text or "").split())
    await tell(task, TaskUpdateEventType.ToolCallResult, ToolCallResult(**call, payload=payload, result=words))
    task.tokens = Tokens(prompt_tokens=120, completion_tokens=30)
    task.used_tools = ["count_words"]
    task.result = f"{words} words"
    return task
