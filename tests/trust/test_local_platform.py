"""The local platform under random requests and days of work: every answer is JSON with a message, none is a 500."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import RecordTried
from tests.local.conftest import NOW
from tui.local.process import LocalPlatform, ServerOptions
from tui.local.pruning import Limits, Pruner

REQUESTS = 2 * int(os.environ.get("XP_FAULTS", "100"))
PROMISE = "the local platform: every request has an answer in words, none is a 500"
FIELDS = (
    "input", "text", "id", "title", "user", "email", "files", "attachments", "parent_execution_id", "worker_id", "source",
    "events_streaming", "output_format", "status", "result", "internal_status", "tokens", "deep_planning", "used_tools",
    "hitl_request", "pending_eca_request", "duration", "comment", "decision_id", "answers", "question_id", "answer",
    "selected_option_ids", "request_id", "approve", "execution_id", "tool_name", "operation_id", "payload", "note", "type",
    "data", "task_id", "content", "description", "api_key", "llm_tokens", "is_success", "page", "per_page", "from_date",
    "to_date", "user_id", "questions", "options", "mcp_servers", "payload_extension", "execution_attempts", "is_busy",
)  # fmt: skip
KINDS = ("think", "tool_call_request", "tool_call_result", "ask_user_questions", "inline_card", "plan_updated", "chunk")
ONE = settings(
    max_examples=REQUESTS, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@dataclass
class Fuzzed:
    """A platform in a process of its own, and its known tasks."""

    http: httpx.Client
    process: subprocess.Popen[str]
    errors: Path
    tasks: list[str]
    routes: list[tuple[str, str]]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """Start a platform with agents at work, and check at the end that it printed no traceback."""
    data = tmp_path_factory.mktemp("platform") / "data"
    words = ["--data", str(data), "--port", "0", "--seed", "fuzz", "--pace", "1000", "--no-arrivals"]
    errors = data.parent / "errors"
    with errors.open("w") as told:
        command = [sys.executable, "-m", "tui", "local", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True)
        assert process.stdout
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
        environ = dict(line.split("=", 1) for line in lines)
        headers = {"x-api-key": environ["XPANDER_API_KEY"]}
        with httpx.Client(base_url=environ["XPANDER_BASE_URL"], headers=headers, timeout=20) as http:
            made = [http.post(f"/agent-execution/{agent}", json={"input": {"text": "x"}}) for agent in AGENTS]
            paths = http.get("/openapi.json").json()["paths"]
            routes = [(method, path) for path, methods in paths.items() for method in methods]
            yield Fuzzed(http, process, errors, [one.json()["id"] for one in made], routes)
            assert http.get("/health").json() == "ok"
        assert process.poll() is None
        process.terminate()
        process.communicate(timeout=20)
    assert "Traceback" not in errors.read_text()
    assert "a request was not answered" not in errors.read_text()


AGENTS = ("your-agent", "writer", "invoice-bot", "release-bot")
texts = st.text(max_size=20) | st.sampled_from(["", "\ud800", "\0", "a" * 2000, "-1", "0", "9" * 400, "../..", "None"])
numbers = st.integers() | st.floats() | st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**400])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | texts, inner, max_size=5),
    max_leaves=12,
)
events = st.fixed_dictionaries({"type": st.sampled_from(KINDS) | texts, "data": values})
bodies = values | st.lists(events, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)
valid = st.fixed_dictionaries(
    {"input": st.fixed_dictionaries({"text": st.text(max_size=9)})},
    optional={name: values for name in FIELDS if name != "input"},
)
contents = (
    bodies.map(lambda value: json.dumps(value).encode())
    | valid.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=50)
)


@st.composite
def requests(draw: st.DrawFn, platform: Fuzzed) -> tuple[str, str, dict[str, Any]]:
    """Generate a request of some route: method, path, and the rest."""
    method, path = draw(st.sampled_from(platform.routes))
    for name in ("agent_id", "task_id", "request_id", "user_id", "worker_id", "token"):
        known = AGENTS[1:] if name == "agent_id" else platform.tasks
        word = draw(st.sampled_from(known) | texts.filter(bool)) if f"{{{name}}}" in path else ""
        path = path.replace(f"{{{name}}}", quote(word.encode("utf-8", "replace"), safe="") or "x")
    asked = draw(st.dictionaries(st.sampled_from(FIELDS), texts, max_size=3))
    query = {name: text.encode("utf-8", "replace").decode() for name, text in asked.items()}
    headers = {"content-type": draw(st.sampled_from(["application/json"] * 5 + ["text/plain", "application/x-json"]))}
    if draw(st.booleans()):
        told = draw(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20))
        headers["last-event-id"] = told.strip()
    rest: dict[str, Any] = {
        "params": query,
        "headers": {name: text.encode("latin-1") for name, text in headers.items()},
    }
    if method != "get":
        rest["content"] = draw(contents)
    return method, path, rest


def check(answer: httpx.Response) -> None:
    """Check that an answer is no failure, and that an error is JSON with a message."""
    kind = answer.headers.get("content-type", "")
    assert answer.status_code < 500, answer.read()
    if answer.status_code in {204, 307} or (answer.status_code == 200 and not kind.startswith("application/json")):
        return
    told = json.loads(answer.read())
    if answer.status_code >= 400:
        detail = told["detail"]
        words = [one["msg"] for one in detail] if isinstance(detail, list) else [detail]
        assert words
        assert all(isinstance(one, str) and one for one in words)


def test_every_request_is_answered_in_words(platform: Fuzzed, record_tried: RecordTried) -> None:
    @ONE
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        method, path, rest = data.draw(requests(platform))
        with platform.http.stream(method, path, **rest) as answer:
            check(answer)
        if data.draw(st.integers(0, 9)) == 0:
            check(platform.http.get("/v1/tasks", params={"per_page": 50}))
            check(platform.http.get(f"/v1/tasks/{platform.tasks[0]}/thread/full"))

    ask()
    record_tried(PROMISE, REQUESTS)


def test_every_byte_is_answered_in_words_or_not_at_all(platform: Fuzzed, record_tried: RecordTried) -> None:
    parts = urlsplit(str(platform.http.base_url))
    whole = (
        f"POST /agent-execution/writer HTTP/1.1\r\nhost: {parts.netloc}\r\nx-api-key: {platform.http.headers['x-api-key']}"
        '\r\ncontent-type: application/json\r\ncontent-length: 22\r\n\r\n{"input":{"text":"x"}}'
    ).encode()

    statuses: set[int] = set()

    @ONE
    @given(st.binary(max_size=60), st.integers(0, len(whole)), st.integers(0, 8), st.binary(max_size=8))
    def send(noise: bytes, place: int, taken: int, put: bytes) -> None:
        sent = noise if place == len(whole) else whole[:place] + put + whole[place + taken :]
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connected:
            connected.sendall(sent)
            connected.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := connected.recv(65536):
                    answer += piece
            except ConnectionResetError:
                return
        if answer:
            head, _, body = answer.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            statuses.add(status)
            assert 200 <= status < 500, answer
            if b"transfer-encoding" not in head and body:
                assert json.loads(body[: int(head.lower().partition(b"content-length: ")[2].split()[0])])

    send()
    assert statuses, "no answer came"
    record_tried(PROMISE, REQUESTS)


@pytest.mark.long
def test_days_of_work_stay_within_the_size_limit(tmp_path: Path, record_tried: RecordTried) -> None:
    # Private: days of arrivals are scheduled at once.
    hours, megabytes = (24, 50.0) if REQUESTS > 200 else (4, 12.0)
    local = LocalPlatform(ServerOptions(tmp_path, seed="7", now=NOW, history=False), tmp_path / "platform.db")
    pruner = Pruner(local.platform, Limits(14.0, megabytes), lambda sentence: None)
    local.runner._schedule("arrive", "", NOW)
    largest = 0
    for quarter in range(1, 4 * hours + 1):
        moment = NOW + timedelta(minutes=15 * quarter)
        local.runner.play_until(moment)
        local.clock.freeze_at(moment)
        live = {task_id for _, task_id, _ in local.store.unfinished_tasks()}
        for _ in pruner.steps():
            pass
        assert {task_id for _, task_id, _ in local.store.unfinished_tasks()} == live
        largest = max(largest, (tmp_path / "platform.db").stat().st_size)
    local.store.close()
    assert local.platform.clock.now == moment
    assert megabytes * 0.5e6 < largest < megabytes * 1.3e6
    record_tried(
        "the local platform's database stays within its limit (hours of work)", hours, f"{largest / 1e6:.0f} MB"
    )
