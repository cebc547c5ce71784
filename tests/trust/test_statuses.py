"""Every status that an action can be answered with, over sockets: settled by the record, and sent once."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.conftest import FastClock, RecordTried, make_client
from tests.memory_journal import MemoryJournal
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.client.errors import DOCUMENTED_REFUSALS
from tui.services.actions import Action, ActionRunner, Outcome, Verb
from tui.services.review_loader import load_review

FEW = [200, 201, 204, 207, 302, 307, 403, 404, 408, 409, 410, 429, 500, 503, 599]
STATUSES = list(range(200, 600)) if os.environ.get("XP_STATUSES") else FEW


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize(
    ("verb", "surfaces"),
    [(Verb.APPROVE, {}), (Verb.REJECT, {"rest": False}), (Verb.STOP, {}), (Verb.STOP, {"rest": False})],
)
async def test_each_http_status_is_settled_by_the_record(
    platform: Platform, record_tried: RecordTried, verb: Verb, surfaces: dict[str, Any], is_done: bool
) -> None:
    """What was done is never told as not sent, what was not done never as done, and nothing unknown is sent again."""
    task_id, status = "", 0

    async def answer(request: Request, connection: Connection) -> bool:
        if request.method == "GET":
            return False
        if is_done and verb is Verb.STOP:
            platform.local.platform.stop(task_id)
        elif is_done:
            platform.local.decisions.decide(task_id, verb is Verb.APPROVE, None)
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        await connection.reply(status, b"" if status in {204, 205, 304} else {"detail": "no"}, headers)
        return True

    platform.before_reply = answer
    async with Server(platform.handle) as server, make_client(server.url, **surfaces) as client:
        for status in STATUSES:
            task_id = f"{verb}-{status}"
            request = {"wait_node_id": "n1", "content": "pay"}
            state = {"status": "executing"} if verb is Verb.STOP else {"status": "paused", "hitl_request": request}
            platform.task(task_id, **state)
            digest = None if verb is Verb.STOP else (await load_review(client, task_id)).digest
            doer = ActionRunner(client, MemoryJournal(), lambda action: None, clock=FastClock(factor=2000.0))
            server.requests.clear()
            done, again = [await doer.run_action(Action(verb, task_id, digest)) for _ in range(2)]
            _check(status, done, again, is_done=is_done)
            sent = [request for request in server.requests if request.method != "GET"]
            assert len(sent) == 1 + again.is_sent, status
    surface = "both surfaces" if surfaces.get("rest", True) else "the controller alone"
    state_told = "carried out" if is_done else "not carried out"
    record_tried(f"{verb}, {state_told}, on {surface}: each status settled by the record", len(STATUSES), "")


def _check(status: int, done: Action, again: Action, *, is_done: bool) -> None:
    """Compare the outcome of a status with what was done, and whether it could be sent again."""
    is_refusal = status in DOCUMENTED_REFUSALS
    if is_done and is_refusal:
        expected = {Outcome.UNKNOWN, Outcome.ALREADY}
    elif is_done:
        expected = {Outcome.CONFIRMED}
    elif is_refusal:
        expected = {Outcome.REFUSED}
    else:
        expected = {Outcome.UNKNOWN, Outcome.STILL_RUNNING}
    assert done.is_sent
    assert done.outcome in expected, (status, done.outcome, done.words)
    assert again.is_sent is (is_refusal and not is_done), (status, again.outcome, again.words)
