"""Routes that the dashboard does not use: reported runs, corrections, metrics, and refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.local.conftest import KEY, Served


@pytest.fixture
async def http(here: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client of a platform."""
    async with here.http() as client:
        yield client


async def make(http: httpx.AsyncClient, agent: str = "your-agent", **more: Any) -> str:
    """Start a task."""
    body = {"input": {"text": "count"}, "events_streaming": True, **more}
    return str((await http.post(f"/agent-execution/{agent}", json=body)).json()["id"])


@pytest.mark.parametrize(("is_success", "status"), [(True, "completed"), (False, "failed")])
async def test_a_reported_run_is_stored_with_its_messages(
    here: Served, http: httpx.AsyncClient, is_success: bool, status: str
) -> None:
    report = {"input": "count", "result": "4 words", "is_success": is_success, "tokens": {"total_tokens": 7}}
    task = (await http.post("/agent-execution/your-agent/report_task", json=report)).json()
    assert (task["status"], task["result"], task["tokens"], task["source"]) == (
        status, "4 words", {"total_tokens": 7}, "sdk",
    )  # fmt: skip
    assert [(entry["role"], entry["content"]["text"]) for entry in here.log(task["id"])] == [
        ("user", "count"),
        ("agent", "4 words"),
    ]


async def test_an_update_changes_only_the_fields_that_it_has(here: Served, http: httpx.AsyncClient) -> None:
    task = await make(http, title="T")
    path = f"/agent-execution/{task}/update"
    told = (await http.patch(path, json={"result": "so far", "tool_call_payload_extension": {"a": 1}})).json()
    assert (told["result"], told["payload_extension"], told["title"], told["status"]) == (
        "so far", {"a": 1}, "T", "pending",
    )  # fmt: skip
    before = len(here.events(task))
    await http.patch(path, json={"result": "so far"})
    assert len(here.events(task)) == before  # no change, no event
    assert (await http.patch(path, json={"status": "asleep"})).status_code == 422
    await http.post(f"/v1/tasks/{task}/stop")
    told = (await http.patch(path, json={"status": "completed", "result": "too late"})).json()
    assert (told["status"], told["result"]) == ("stopped", "too late")


async def test_the_usage_of_a_run_is_on_its_record(http: httpx.AsyncClient) -> None:
    task = await make(http)
    used = {"execution_id": task, "llm_tokens": {"worker": {"total_tokens": 9}}}
    assert (await http.post("/agents-metrics/your-agent/execution", json=used)).json() == {"ok": True}
    nothing = {"execution_id": task, "llm_tokens": {"worker": 9}}
    assert (await http.post("/agents-metrics/your-agent/execution", json=nothing)).json() == {"ok": True}
    assert (await http.get(f"/v1/tasks/{task}")).json()["tokens"] == {"total_tokens": 9}
    assert (await http.post("/agents-metrics/nobody/execution", json=used)).status_code == 404


@pytest.mark.parametrize("user", [{"id": "u1"}, {"id": "u1", "email": None}, {"email": ""}])
@pytest.mark.parametrize("path", ["/agent-execution/your-agent", "/v1/agents/your-agent/invoke/async"])
async def test_a_user_without_an_address_is_refused(http: httpx.AsyncClient, path: str, user: dict[str, Any]) -> None:
    answer = await http.post(path, json={"input": {"text": "x", "user": user}})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-3:] == ["input", "user", "email"]


async def test_a_report_of_the_same_id_changes_its_task(here: Served, http: httpx.AsyncClient) -> None:
    path = "/agent-execution/your-agent/report_task"
    report = {"id": "elsewhere", "input": "count", "result": "4", "duration": 2.5, "used_tools": ["count"]}
    task = (await http.post(path, json=report)).json()
    assert (task["id"], task["duration"], task["used_tools"]) == ("elsewhere", 2.5, ["count"])
    task = (await http.post(path, json={**report, "result": "5", "is_success": False})).json()
    assert (task["id"], task["status"], task["result"]) == ("elsewhere", "failed", "5")
    assert [entry["content"]["text"] for entry in here.log("elsewhere")] == ["count", "4", "5"]
    other = await http.post("/agent-execution/writer/report_task", json=report)
    assert (other.status_code, other.json()["detail"]) == (400, "Task elsewhere belongs to agent your-agent")
    running = await make(http)
    refused = await http.post(path, json={**report, "id": running})
    assert (refused.status_code, refused.json()["detail"]) == (409, f"Task {running} is pending on this platform")


async def test_metrics_belong_to_the_agent_of_their_task(http: httpx.AsyncClient) -> None:
    task = await make(http)
    metrics = {"execution_id": task, "duration": 3.5, "api_calls_made": ["count", {"odd": 1}]}
    assert (await http.post("/agents-metrics/writer/execution", json=metrics)).status_code == 404
    assert (await http.post("/agents-metrics/your-agent/execution", json=metrics)).status_code == 200
    record = (await http.get(f"/v1/tasks/{task}")).json()
    assert (record["duration"], record["used_tools"], record["tokens"]) == (3.5, ["count"], None)


async def test_only_the_exact_key_is_accepted(http: httpx.AsyncClient) -> None:
    told = (await http.post("/metadata/api_key_allowance", json={"api_key": KEY})).json()
    assert (told["api_key"], "your-agent" in told["agent_ids"]) == ("REDACTED", True)
    told = (await http.post("/metadata/api_key_allowance", json={"api_key": "another"})).json()
    assert told["agent_ids"] == []


async def test_a_turn_is_stopped_in_its_own_conversation_only(http: httpx.AsyncClient) -> None:
    task = await make(http)
    assert (await http.post(f"/v1/agents/writer/conversations/{task}/stop")).status_code == 404
    assert (await http.post(f"/v1/agents/your-agent/conversations/{task}/stop")).json()["status"] == "stopped"


async def test_a_log_belongs_to_its_agent(http: httpx.AsyncClient) -> None:
    task = await make(http)
    assert (await http.get(f"/activity/writer/{task}")).status_code == 404
    assert len((await http.get(f"/activity/your-agent/{task}")).json()["messages"]) == 1


async def test_a_task_without_a_stream_has_none(http: httpx.AsyncClient) -> None:
    task = await make(http, events_streaming=False)
    answer = await http.get(f"/agent-execution/{task}/events")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"Task {task} is not set with events streaming")


async def test_a_task_that_is_destroyed_is_gone_with_its_history(here: Served, http: httpx.AsyncClient) -> None:
    parent = await make(http)
    task = await make(http, parent_execution_id=parent)
    orphan = await make(http, parent_execution_id="nobody")
    assert (await http.get(f"/v1/tasks/{parent}")).json()["sub_executions"] == [task]
    assert (await http.get(f"/v1/tasks/{orphan}")).json()["parent_execution"] == "nobody"
    assert (await http.delete(f"/v1/tasks/{task}")).status_code == 204
    assert (await http.get(f"/v1/tasks/{task}")).status_code == 404
    assert (here.log(task), here.events(task)) == ([], [])
    assert (await http.post(f"/v1/tasks/{parent}/stop")).json()["status"] == "stopped"  # past a child that is gone
    threads = (await http.get(f"/v1/tasks/{parent}/thread/full")).json()
    assert list(threads) == ["root"]


async def test_a_users_tasks_are_found(http: httpx.AsyncClient) -> None:
    task = await make(http, input={"text": "x", "user": {"id": "u1", "email": "u1@example.com"}})
    await make(http)
    rows = (await http.get("/agent-execution/executions/history/user/u1")).json()
    assert [row["id"] for row in rows] == [task]
    assert (await http.get("/agents/your-agent")).json()["id"] == "your-agent"
    assert (await http.get("/agents/nobody")).status_code == 404


async def test_the_same_call_is_asked_about_once_until_it_has_run(http: httpx.AsyncClient) -> None:
    task = await make(http)
    call = {"execution_id": task, "tool_name": "pay_invoice", "payload": {"amount": 7}}
    path = "/agents/your-agent/tool-approvals"
    asked = (await http.post(f"{path}/check", json=call)).json()
    assert (await http.post(f"{path}/check", json=call)).json() == asked
    assert (await http.get(f"/agents/writer/tool-approvals/{asked['request_id']}")).status_code == 404
    decided = f"{path}/{asked['request_id']}/decision"
    assert (await http.post(decided, json={"approve": True})).json()["approved"] is True
    answer = await http.post(decided, json={"approve": False})
    assert (answer.status_code, answer.json()["detail"]) == (409, "already approved by Local Operator")
    assert (await http.post(f"{path}/check", json=call)).json() == {}  # it may run, once
    again = (await http.post(f"{path}/check", json=call)).json()
    assert again["request_id"] != asked["request_id"]


async def test_a_body_that_is_no_json_is_refused_in_words(http: httpx.AsyncClient) -> None:
    answer = await http.post("/agent-execution/your-agent", content=b"text=x", headers={"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "send application/json" in answer.text


async def test_a_date_filter_out_of_range_is_accepted(http: httpx.AsyncClient) -> None:
    await make(http)
    for when, total in (("9999-12-31T23:59:59-10:00", 0), ("0001-01-01T00:00:00%2B10:00", 1), ("2020-01-01", 1)):
        assert (await http.get(f"/v1/tasks?from_date={when}")).json()["total"] == total
