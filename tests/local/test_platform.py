"""The local platform by its contract: its answers, its access rules, and its agents."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from tests.conftest import cases
from tests.local.conftest import KEY, NOW, Serve, Served
from tui.client.events import Event
from tui.client.task_rows import TaskQuery
from tui.domain.answers import answer_action, choose, questions_of
from tui.local import chaos
from tui.local.process import LocalPlatform, ServerOptions
from tui.local.scenario import BadScenario, load_scenarios, parse_scenario
from tui.services.actions import Action, ActionRunner, Outcome, Verb
from tui.services.audit_log import Journal
from tui.services.review_loader import load_review

OPENAPI = cases("openapi-2026-01")
KINDS = {
    "connected", "task_created", "task_updated", "task_finished", "chunk", "think", "analyze", "tool_call_request",
    "tool_call_result", "sub_agent_trigger", "plan_updated", "auth_event", "task_compactization", "context_status",
    "agent_gateway_decision", "gateway_steer_applied", "process_state_changed", "process_update", "sub_task_created",
    "sub_task_updated", "sub_task_finished", "ask_user_questions", "ask_for_secret", "secret_saved", "invite_member",
    "member_invited", "live_surface_created", "inline_card", "turn_started", "turn_finished",
}  # fmt: skip


async def start(here: Served, agent: str, text: str = "Go on then", **more: Any) -> str:
    """Start a task over HTTP."""
    async with here.http() as http:
        body = {"input": {"text": text}, "events_streaming": True, **more}
        answer = await http.post(f"/v1/agents/{agent}/invoke/async", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])


# Access


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-api-key": "wrong"}, 401),
        ({"x-api-key": KEY}, 200),
        ({"x-api-key": KEY, "host": "evil.example"}, 403),
        ({"x-api-key": KEY, "host": "127.0.0.1.evil.example:80"}, 403),
        ({"x-api-key": KEY, "origin": "https://evil.example"}, 403),
        ({"x-api-key": KEY, "origin": "null"}, 403),
    ],
)
async def test_only_local_requests_with_the_key_are_accepted(
    here: Served, headers: dict[str, str], status: int
) -> None:
    async with httpx.AsyncClient(base_url=here.url) as http:
        answer = await http.get("/v1/agents", headers=headers)
        assert answer.status_code == status
        assert (await http.get("/health")).json() == "ok"
        if status != 200:
            assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/tasks/none", None, 404),
        ("GET", "/v1/tasks?per_page=51", None, 422),
        ("GET", "/v1/tasks?page=0", None, 422),
        ("GET", "/v1/tasks?status=sleeping", None, 422),
        ("GET", "/agents/none", None, 404),
        ("POST", "/v1/agents/none/invoke/async", {"input": {"text": "x"}}, 404),
        ("POST", "/v1/agents/writer/invoke/async", {}, 422),
        ("POST", "/hitl/none/approve", {}, 404),
        ("DELETE", "/agent-execution/none", None, 404),
        ("POST", "/v1/tasks/none/stop", None, 404),
        ("GET", "/nothing/here", None, 404),
    ],
)
async def test_errors_have_the_contracts_form(here: Served, method: str, path: str, body: Any, status: int) -> None:
    async with here.http() as http:
        answer = await http.request(method, path, json=body)
        assert answer.status_code == status
        detail = answer.json()["detail"]
        assert all("loc" in item for item in detail) if status == 422 else isinstance(detail, str)


# The vendor's schemas


def valid(schema: dict[str, Any], value: Any) -> None:
    """Validate a value against the vendor's schema."""
    jsonschema.Draft202012Validator({**schema, "components": OPENAPI["components"]}).validate(value)


def answer_schema(path: str, method: str, status: str = "200") -> dict[str, Any]:
    """Return the schema of an answer in the vendor's OpenAPI document."""
    found: dict[str, Any] = OPENAPI["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return found


async def test_answers_conform_to_the_openapi_document(serve: Serve) -> None:
    async with serve(history=True, now=NOW) as here, here.http() as http:
        newest = (await http.get("/v1/tasks?per_page=50")).json()
        valid(answer_schema("/v1/tasks", "get"), newest)
        valid(answer_schema("/v1/agents", "get"), (await http.get("/v1/agents")).json())
        valid(answer_schema("/v1/agents/{agent_id}", "get"), (await http.get("/v1/agents/writer")).json())
        mine = (await http.get("/v1/agents/invoice-bot/tasks?per_page=2&page=2")).json()
        valid(answer_schema("/v1/agents/{agent_id}/tasks", "get"), mine)
        for row in newest["items"]:
            task = (await http.get(f"/v1/tasks/{row['id']}")).json()
            valid(answer_schema("/v1/tasks/{task_id}", "get"), task)
            valid(
                answer_schema("/v1/tasks/{task_id}/thread", "get"),
                (await http.get(f"/v1/tasks/{row['id']}/thread")).json(),
            )
            valid(
                answer_schema("/v1/tasks/{task_id}/thread/full", "get"),
                (await http.get(f"/v1/tasks/{row['id']}/thread/full")).json(),
            )
        body = {"input": {"text": "x"}}
        for path in ("invoke", "invoke/async"):
            made = (await http.post(f"/v1/agents/reader/{path}", json=body)).json()
            valid(answer_schema(f"/v1/agents/{{agent_id}}/{path}", "post"), made)
        assert (await http.delete(f"/v1/tasks/{made['id']}")).status_code == 204
        assert (await http.get(f"/v1/tasks/{made['id']}")).status_code == 404


async def test_lists_are_paged_and_filtered(serve: Serve) -> None:
    async with serve(history=True, now=NOW, tasks=230) as here, here.http() as http:
        every = {task["id"] for task in here.local.store.tasks({})}
        client = here.client(controller=False)
        seen = [task.id async for page in client.tasks() for task in page.items]
        assert set(seen) == every
        assert len(seen) == len(every)
        failed = [task async for page in client.tasks(TaskQuery(status=("failed",))) for task in page.items]
        assert {task.status for task in failed} == {"failed"}
        day = (await http.get("/v1/tasks", params={"from_date": "2026-11-20T12:00:00Z"})).json()
        assert 0 < day["total"] < len(every)
        created = [row["created_at"] for row in day["items"]]
        assert created == sorted(created, reverse=True)
        await client.transport.close()
        narrow = here.client(rest=False)
        theirs = [task.id async for page in narrow.tasks(TaskQuery(agent_id="writer")) for task in page.items]
        assert set(theirs) == {task["id"] for task in here.local.store.tasks({"agent_id": "writer"})}
        await narrow.transport.close()


# Streams


async def frames(http: httpx.AsyncClient, path: str, **headers: str) -> list[tuple[int, dict[str, Any]]]:
    """Return every event of a stream until it ends."""
    found = []
    async with asyncio.timeout(20), http.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        number = 0
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                found.append((number, json.loads(line[6:])))
    return found


async def test_a_stream_replays_resumes_and_ends(here: Served) -> None:
    task_id = await start(here, "reader")
    async with here.http() as http:
        path = f"/local/agent-execution/{task_id}/events"
        whole = await frames(http, path)
        assert [number for number, _ in whole] == list(range(1, len(whole) + 1))
        assert (whole[0][1]["type"], whole[-1][1]["type"]) == ("task_created", "task_finished")
        assert await frames(http, path, **{"Last-Event-ID": "4"}) == whole[4:]
        assert await frames(http, path, **{"Last-Event-ID": "not ours"}) == whole
        assert await frames(http, f"/agent-execution/{task_id}/events") == whole
        quiet = await start(here, "reader", events_streaming=False)
        assert (await http.get(f"/local/agent-execution/{quiet}/events")).status_code == 404


async def test_invoking_an_agent_waits_or_streams(here: Served) -> None:
    async with here.http() as http:
        body = {"input": {"text": "Read it"}}
        done = (await http.post("/v1/agents/reader/invoke", json=body)).json()
        assert (done["status"], done["events_streaming"]) == ("completed", False)
        async with http.stream("POST", "/v1/agents/reader/invoke/stream", json=body) as answer:
            told = [json.loads(line[6:]) async for line in answer.aiter_lines() if line.startswith("data: ")]
        assert told[-1]["data"]["status"] == "completed"
        paused = (await http.post("/v1/agents/invoice-bot/invoke", json=body)).json()
        assert paused["status"] == "paused"


# Agents


async def test_the_scenarios_emit_every_kind_of_event(serve: Serve) -> None:
    async with serve(history=True, now=NOW) as here:
        for scenario in load_scenarios():
            if scenario.prompts:
                await here.until(await start(here, scenario.agent["id"]), "completed", "failed", "paused")
        told = {event["type"] for task in here.local.store.tasks({}) for event in here.events(task["id"])}
        assert told == KINDS
        for task in here.local.store.tasks({}):
            for event in here.events(task["id"]):
                assert Event.from_value(event).type == event["type"]


@pytest.mark.parametrize(("approve", "result"), [(True, "Paid"), (False, "Not paid")])
async def test_approving_goes_on_and_rejecting_takes_the_other_branch(here: Served, approve: bool, result: str) -> None:
    task_id = await start(here, "invoice-bot")
    task = await here.until(task_id, "paused")
    assert json.loads(task["hitl_request"]["content"])["operation"] == "bank.transfer"
    async with here.http() as http:
        path = f"/hitl/{task_id}/{'approve' if approve else 'reject'}"
        assert (await http.post(path, json={"comment": "Wrong vendor"})).status_code == 200
        late = await http.post(path, json={})
        assert late.status_code == 409
        assert "by Local Operator" in late.json()["detail"]
    done = await here.until(task_id, "completed")
    assert done["result"].startswith(result)
    paid = [entry for entry in here.log(task_id) if entry.get("tool_name") == "bank.transfer"]
    assert len(paid) == (1 if approve else 0)
    if not approve:
        assert "Wrong vendor" in json.dumps(here.log(task_id))


async def test_our_actions_decide_on_the_local_platform(here: Served, tmp_path: Path) -> None:
    task_id = await start(here, "invoice-bot")
    await here.until(task_id, "paused")
    async with here.client() as client:
        journal = Journal(tmp_path / "journal.jsonl")
        actions = ActionRunner(client, journal, lambda action: None, clock=client.transport.clock)
        digest = (await load_review(client, task_id)).digest
        done = await actions.run_action(Action(Verb.APPROVE, task_id, digest))
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, "approved, on record as Local Operator")
        await here.until(task_id, "completed")
        again = await actions.run_action(Action(Verb.APPROVE, task_id, digest))
        assert again.outcome is not Outcome.CONFIRMED


@pytest.mark.parametrize(("answer", "result"), [("o1", "everywhere"), ("o3", "was not rolled out")])
async def test_an_answer_picks_a_branch(here: Served, answer: str, result: str) -> None:
    task_id = await start(here, "release-bot")
    await here.until(task_id, "paused")
    card = next(entry for entry in here.log(task_id) if "questions" in entry)
    async with here.client() as client:
        wrong = {"question_id": "q9", "answer": answer}
        with pytest.raises(Exception, match="400"):
            await client.answer("release-bot", task_id, card["id"], [wrong])
        await client.answer("release-bot", task_id, card["id"], [{"question_id": "q1", "answer": answer}])
    assert result in (await here.until(task_id, "completed"))["result"]


@pytest.mark.parametrize(("approve", "result"), [(True, "is gone"), (False, "stays")])
async def test_a_card_is_confirmed_or_dismissed(here: Served, approve: bool, result: str) -> None:
    task_id = await start(here, "front-desk")
    await here.until(task_id, "paused")
    card = next(entry for entry in here.log(task_id) if entry.get("card_id"))
    async with here.client() as client:
        await client.confirm("front-desk", task_id, card["request_id"], approve)
    assert result in (await here.until(task_id, "completed"))["result"]


async def test_a_sign_in_page_lets_the_agent_go_on(here: Served) -> None:
    task_id = await start(here, "mail-writer")
    task = await here.until(task_id, "paused")
    url = task["pending_eca_request"]["auth_url"]
    async with httpx.AsyncClient() as browser:
        assert "Sign in" in (await browser.get(url)).text
        assert (await browser.post(url, headers={"origin": "https://evil.example"})).status_code == 403
        assert (await browser.post(url, headers={"origin": here.url})).status_code == 200
        assert (await browser.post(url)).status_code == 404
    await here.until(task_id, "completed")


async def test_a_sign_in_moves_with_the_address_of_the_platform(here: Served) -> None:
    task_id = await start(here, "mail-writer")
    await here.until(task_id, "paused")
    here.local.set_url("http://127.0.0.1:9")
    address = here.local.platform.task(task_id)["pending_eca_request"]["auth_url"]
    assert address.startswith("http://127.0.0.1:9/sign-in/")
    (asked,) = [entry for entry in here.log(task_id) if entry.get("type") == "login_required"]
    assert asked["data"]["url"] == address
    here.local.set_url(here.url)
    async with httpx.AsyncClient() as browser:
        page = here.local.platform.task(task_id)["pending_eca_request"]["auth_url"]
        assert (await browser.post(page)).status_code == 200
        assert "nobody waits for this sign-in" in (await browser.get(page)).text


@pytest.mark.parametrize(("approve", "result"), [(True, "41 GB freed"), (False, "Nothing was deleted")])
async def test_a_held_call_runs_only_when_it_was_approved(here: Served, approve: bool, result: str) -> None:
    task_id = await start(here, "shell-bot")
    await here.until(task_id, "paused")
    held = next(event["data"] for event in here.events(task_id) if "approval_request_id" in str(event["data"]))
    path = f"/agents/shell-bot/tool-approvals/{held['approval_request_id']}"
    async with here.http() as http:
        assert (await http.get(path)).json()["settled"] is False
        assert (await http.post(f"{path}/decision", json={"approve": approve})).status_code == 200
        assert (await http.post(f"{path}/decision", json={"approve": approve})).status_code == 409
        assert (await http.get(path)).json()["approved"] is approve
    assert result in (await here.until(task_id, "completed"))["result"]


async def test_a_workers_gated_call_asks_once_for_exactly_these_arguments(here: Served) -> None:
    task_id = await start(here, "your-agent")
    async with here.http() as http:
        call = {"execution_id": task_id, "operation_id": "pay", "tool_name": "pay_invoice", "payload": {"amount": 7}}
        path = "/agents/your-agent/tool-approvals"
        assert (await http.post(f"{path}/check", json={**call, "tool_name": "read"})).json() == {}
        asked = (await http.post(f"{path}/check", json=call)).json()
        assert asked["type"] == "approval_required"
        assert (await http.post(f"{path}/check", json=call)).json()["request_id"] == asked["request_id"]
        await http.post(f"{path}/{asked['request_id']}/decision", json={"approve": True})
        assert (await http.post(f"{path}/check", json={**call, "payload": {"amount": 8}})).json() != {}
        assert (await http.post(f"{path}/check", json=call)).json() == {}
        assert (await http.post(f"{path}/check", json=call)).json() != {}


async def test_delegation_goes_three_levels_deep_and_comes_back(here: Served) -> None:
    task_id = await start(here, "researcher")
    done = await here.until(task_id, "completed")
    scout = here.local.platform.task(done["sub_executions"][0])
    reader = here.local.platform.task(scout["sub_executions"][0])
    assert (scout["parent_execution"], reader["parent_execution"]) == (task_id, scout["id"])
    assert any(entry.get("sub_execution_result") for entry in here.log(task_id))
    async with here.http() as http:
        full = (await http.get(f"/v1/tasks/{task_id}/thread/full")).json()
        assert set(full) == {"root", scout["id"], reader["id"]}
        rows = (await http.get("/v1/tasks", params={"parent_task_id": task_id})).json()["items"]
        assert [row["id"] for row in rows] == [scout["id"]]


async def test_a_stop_includes_sub_tasks_and_nothing_happens_afterwards(serve: Serve) -> None:
    async with serve(pace=40) as here, here.http() as http:
        task_id = await start(here, "researcher")
        async with asyncio.timeout(20):
            while not (children := here.local.platform.task(task_id)["sub_executions"]):
                await here.local.store.change_event(task_id).wait()
        stopped = (await http.post(f"/v1/tasks/{task_id}/stop")).json()
        assert (stopped["status"], stopped["is_manually_stopped"]) == ("stopped", True)
        assert here.local.platform.task(children[0])["status"] == "stopped"
        before = here.events(task_id)
        assert (await http.delete(f"/agent-execution/{task_id}")).json() == here.local.platform.task(task_id)
        await here.until(await start(here, "reader"), "completed")  # meanwhile others go on
        assert here.events(task_id) == before


async def test_a_message_leaves_the_question_of_a_task_open(here: Served, tmp_path: Path) -> None:
    task_id = await start(here, "release-bot")
    await here.until(task_id, "paused")
    async with here.client() as client:
        card = questions_of(await load_review(client, task_id))
        assert card
        message = {"id": task_id, "input": {"text": "hello?"}, "agent": "release-bot"}
        runner = ActionRunner(client, Journal(tmp_path / "journal.jsonl"), lambda action: None)
        done = await runner.run_action(Action(Verb.CONTINUE, task_id, body=message))
        assert done.outcome is Outcome.CONFIRMED
        review = await load_review(client, task_id)
        assert (review.task.status, questions_of(review)) == ("paused", card)
        done = await runner.run_action(answer_action(review, card, [choose(card.asked[0], 3)]))
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, 'answered "Do not roll out" (the record says so)')
    assert (await here.until(task_id, "completed"))["internal_status"] == "held back"


async def test_a_continued_thread_remembers_earlier_turns(here: Served) -> None:
    task_id = await start(here, "writer", "Write about tea")
    await here.until(task_id, "completed")
    assert await start(here, "writer", "Shorter, please", id=task_id) == task_id
    done = await here.until(task_id, "completed")
    assert "Shorter, please" in done["result"]
    assert "Write about tea" in done["result"]
    said = [entry["content"]["text"] for entry in here.log(task_id) if entry.get("role") == "user"]
    assert said == ["Write about tea", "Shorter, please"]
    async with here.http() as http:
        other = {"id": task_id, "input": {"text": "x"}}
        assert (await http.post("/v1/agents/reader/invoke/async", json=other)).status_code == 400


# Repeatability and restarts


def dump(directory: Path) -> list[Any]:
    """Return everything in a database."""
    import sqlite3

    with sqlite3.connect(directory / "platform.db") as db:
        tables = ("agents", "tasks", "entries", "events", "approvals")
        found = [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    db.close()
    return found


async def test_the_same_seed_and_time_repeat_to_the_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        local = LocalPlatform(ServerOptions(tmp_path / name, seed="7", now=NOW), tmp_path / name / "platform.db")
        local.store.close()
    assert dump(tmp_path / "one") == dump(tmp_path / "two")
    local = LocalPlatform(ServerOptions(tmp_path, seed="8", now=NOW), tmp_path / "platform.db")
    local.store.close()
    assert dump(tmp_path) != dump(tmp_path / "one")


async def test_after_a_restart_runs_continue_or_fail_with_a_reason(serve: Serve) -> None:
    async with serve(pace=1.0) as here:
        running, orphan = await start(here, "reader"), await start(here, "your-agent")
        waiting = await start(here, "your-agent")
        await here.until(running, "executing")
        async with here.http() as http:
            await http.patch(f"/agent-execution/{orphan}/update", json={"status": "executing"})
            await http.post("/hitl/request", json={"task_id": waiting, "title": "Really?"})
    async with serve() as here:
        assert (await here.until(running, "completed"))["result"]
        assert here.local.platform.task(orphan)["internal_status"] == "interrupted"
        assert here.local.platform.task(waiting)["status"] == "paused"


# Injected faults


@pytest.mark.parametrize("text", ["drop=x", "nonsense", "5xx=2", "slow=3h", "dup=", "dup=yes"])
def test_an_unknown_fault_is_refused_with_the_known_ones(text: str) -> None:
    if text == "dup=":
        assert chaos.parse_chaos(text).dup
        return
    with pytest.raises(chaos.BadChaos, match="there is"):
        chaos.parse_chaos(text)


async def test_a_stream_with_injected_faults_yields_everything_once(serve: Serve) -> None:
    from tui.domain.state import Change, State
    from tui.services.task_follower import TaskFollower

    faults = chaos.parse_chaos("drop=6,slow=5ms,dup,5xx=0.1,429=0.05")
    async with serve(chaos=faults, pace=60) as here:
        made = here.local.platform.create("planner", {"input": {"text": "Plan"}, "events_streaming": True})
        changes: list[Change] = []
        async with here.client() as client, asyncio.timeout(60):
            follower = TaskFollower(client, made["id"], changes.append, clock=client.transport.clock)
            task = await follower.run()
        state = State().after(changes)
        assert task.status == "completed"
        activity = state.logs[made["id"]].activity
        assert all(activity.get(entry["id"]) for entry in here.log(made["id"]))


async def test_a_request_whose_answer_is_lost_was_carried_out(serve: Serve) -> None:
    async with serve(chaos=chaos.parse_chaos("lose-answers=1")) as here, here.http() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/agent-execution/your-agent", json={"input": {"text": "x"}})
        assert len(here.local.store.tasks({})) == 1


async def test_a_rate_limit_is_announced_and_enforced(serve: Serve) -> None:
    async with serve(requests_per_minute=3) as here, here.http() as http:
        answers = [await http.get("/health") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert answers[0].headers["x-ratelimit-limit"] == "3"
        assert int(answers[-1].headers["retry-after"]) >= 1


# Scenarios


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an id, a name and an icon"),
        ('agent = {id="a", name="b", icon="c"}\n[[steps]]\nlabel="x"', "exactly one thing"),
        ('agent = {id="a", name="b", icon="c"}\n[[steps]]\ngoto="x"', "no label"),
    ],
)
def test_an_invalid_scenario_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(BadScenario, match=words):
        parse_scenario("mine.toml", text)


async def test_new_tasks_arrive_by_themselves_up_to_a_limit(serve: Serve) -> None:
    async with serve(arrivals=True, pace=1000) as here:
        async with asyncio.timeout(30):
            while here.local.store.count_tasks({}) < 60:
                await asyncio.sleep(0.01)
                busy = here.local.store.count_tasks({"status": "executing"}) + here.local.store.count_tasks(
                    {"status": "pending"}
                )
                assert busy <= 3 * 9  # each may have two sub-tasks at once
        assert here.local.store.count_tasks({"status": "paused"}) <= 5 + 9
        assert here.local.store.count_tasks({"status": "completed"}) > 20


async def test_swapped_and_duplicated_events_lead_to_the_same_log(serve: Serve) -> None:
    from tui.domain.state import Change, State
    from tui.services.task_follower import TaskFollower

    async with serve(chaos=chaos.parse_chaos("reorder=0.5,dup=0.5,drop=9"), pace=60) as here:
        made = here.local.platform.create("invoice-bot", {"input": {"text": "Pay"}, "events_streaming": True})
        changes: list[Change] = []
        async with here.client() as client, asyncio.timeout(60):
            follower = TaskFollower(client, made["id"], changes.append, clock=client.transport.clock)
            following = asyncio.create_task(follower.run())
            await here.until(made["id"], "paused")
            here.local.decisions.decide(made["id"], False, "no")
            await following
        activity = State().after(changes).logs[made["id"]].activity
        tools = [node.entry.id for node in activity.nodes if node.entry.kind == "tool"]
        assert tools == [entry["id"] for entry in here.log(made["id"]) if "tool_name" in entry]
