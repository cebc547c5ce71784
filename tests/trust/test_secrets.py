"""Secrets in every field that agents write: none is shown, copied or written."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyperclip
import pytest

from tests.conftest import RecordTried
from tests.local.conftest import KEY, Serve, Served
from tests.screens.operator import Operator, open_dashboard
from tests.trust.codings import CODINGS, OF_LONG_SECRETS
from tui.local.data_dir import ORGANIZATION
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.security.redact import Redactor
from tui.services.crash_report import write_crash_report
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector

NAMES = (
    "api_key", "apiKey", "x-api-key", "token", "access_token", "refreshToken", "id_token", "secret", "client_secret",
    "password", "passwd", "pwd", "passphrase", "Authorization", "auth", "cookie", "set-cookie", "signature", "sig",
    "private_key", "dsn", "connection_string", "credentials", "X-Amz-Signature", "signing_secret", "otp", "session_key",
    "oidc_token", "bearer", "webhook_url", "sso_fetch_key", "auth_value", "curl_command", "connection_uri", "sso_token",
)  # fmt: skip
BY_NAME = {name: f"CANARY{number:02}zzzz{number:04}" for number, name in enumerate(NAMES)}
"""Secrets that only the name of their field gives away."""
PATTERNS = (
    "sk-aaaa{}aaaaaaaa", "ghp_aaaaaaaa{}aaaaaaaaaaaa", "github_pat_aaaaaaaa{}aaaaaaaaa", "glpat-aaaaaa{}aaaaaaaa",
    "xoxb-aaaa{}aaaa", "AIzaaaaaaaaaaaaaaaaaaa{}aaaaaaaaaa", "npm_aaaaaaaaaaaaaaa{}aaaaaaaaaa",
    "pypi-aaaaaaaaaaaaaaa{}aaaaaaaaaa", "rk_live_aaaaaaaa{}aaaaaaaa", "eyJhbGciOiJIUzI1NiJ9.eyJ{}x.sIgn",
    "-----BEGIN RSA PRIVATE KEY-----\nMII{}\n-----END RSA PRIVATE KEY-----", "Bearer aaaa{}aaaa",
    "postgres://user:pw{}pw@db.example/x", "https://x.example/?access_token=aa{}aa", "my_password = aa{}aa1",
    "client-secret: aa{}aa1", "https://x.example/cb?code=aa{}aa",
)  # fmt: skip
BY_LOOK = {shape: shape.format(f"CANARY{number:02}") for number, shape in enumerate(PATTERNS, 50)}
"""Secrets that give themselves away, wherever they stand."""
CODED_KEY = {name: coding(KEY) for name, coding in {**CODINGS, **OF_LONG_SECRETS}.items()}
"""The configured key as tools and models may have changed it."""
CANARIES = [
    *(f"CANARY{number:02}" for number in range(len(NAMES))),
    *(f"CANARY{number}" for number in range(50, 50 + len(PATTERNS))),
]


def found(texts: list[str]) -> set[str]:
    """Return the planted secrets that occur in texts."""
    whole = "\n".join(texts)
    compact = _compact(whole)  # also those that were wrapped
    secrets = (*CANARIES, KEY, *CODED_KEY.values())
    return {secret for secret in secrets if secret in whole or _compact(secret) in compact}


def _compact(text: str) -> str:
    return "".join(char for char in text if char not in " \r\n│▌")


def plant(here: Served) -> str:
    """Put every secret into a payload, a result, a message, an event and a request."""
    platform, store = here.local.platform, here.local.store
    looks = "\n".join(BY_LOOK.values())
    made = platform.create(
        "your-agent",
        {"input": {"text": looks}, "title": f"use {BY_LOOK['sk-aaaa{}aaaaaaaa']}", "events_streaming": True},
    )
    task_id = str(made["id"])
    inner = json.dumps(BY_NAME, separators=(",", ":"))
    coded = [f"it is {text} and more" for text in CODED_KEY.values()]
    held = {"llm_extra_headers": BY_NAME, "llm_credentials": {"value": BY_NAME}, "auth": {"value": [*BY_NAME.values()]}}
    payloads = (BY_NAME, {"env_vars": BY_NAME}, {"deep": [{"list": BY_NAME}]}, inner, looks, held, coded)
    for number, payload in enumerate(payloads):
        entry = {"tool_name": "call", "operation_id": "call", "payload": payload, "result": payload, "is_error": False}
        store.put_entry(task_id, {**entry, "id": f"e{number}", "request_id": f"r{number}", "created_at": platform.now})
        platform.push(task_id, [{"type": "tool_call_request", "data": {**entry, "request_id": f"q{number}"}}])
    store.put_entry(task_id, {"id": "m", "role": "agent", "content": {"text": looks}, "created_at": platform.now})
    request = {"title": "Use it", "description": looks, "content": {**BY_NAME, "more": looks}, "wait_node_id": "w"}
    task = store.task(task_id) or {}
    store.put_task({**task, "status": "paused", "hitl_request": request, "paused_at": platform.now, "result": looks})
    return task_id


@asynccontextmanager
async def looking(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Operator, list[str]]]:
    """Run the dashboard with the secrets, and collect everything that was shown, copied or written."""
    seen: list[str] = []
    monkeypatch.setattr(pyperclip, "determine_clipboard", lambda: (seen.append, None))
    async with serve(pace=0.001) as here:
        plant(here)
        async with open_dashboard(here, tmp_path / "state", (160, 60)) as operator:
            yield operator, seen
            seen += [file.read_text() for file in (tmp_path / "state").rglob("*") if file.is_file()]


async def walk(operator: Operator, seen: list[str]) -> None:
    """Open every screen, and copy everything that can be copied."""

    async def look(*keys: str) -> None:
        if keys:
            await operator.press(*keys)
        seen.extend((operator.text, operator.toasts()))
        if len(seen) % 16 < 2:
            seen.append(operator.app.export_screenshot())

    async def copies() -> None:
        for key in "itrlujvpsxom":
            await look("y")
            await look(key)
            await look("escape") if not isinstance(operator.app.screen, TaskScreen | ReviewScreen) else None

    await operator.until(lambda: "approval" in operator.text)
    await look()
    await look("a")
    await operator.until(lambda: "what exactly" in operator.text)
    for _ in range(6):
        await look("pagedown")
    await look("escape")
    await look("enter")
    await operator.until(lambda: operator.app.screen.query(EventPane) and "TOL" in operator.text)
    tree = operator.app.screen.query_one(ActivityTree)
    for place in range(tree.count()):
        tree.move_to(place)
        await look("3", "z", "R")
        inspector = operator.app.screen.query_one(Inspector)
        for row in range(0, inspector.count(), 45):
            inspector.move_to(row)
            await look()
        await look("w")
        await look("1")
        if place == 1:
            await copies()
    await look("v")
    await look("v", "2")
    for _ in range(4):
        await look("home", "W", "w")
        await look("pagedown")


@pytest.mark.long
async def test_no_secret_is_shown_copied_or_written(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_tried: RecordTried
) -> None:
    async with looking(serve, tmp_path, monkeypatch) as (operator, seen):
        await walk(operator, seen)
    assert len(seen) > 200
    assert found(seen) == set()
    record_tried(
        "secrets on screens, in copies, pictures and files: none", len(CANARIES), f"{len(seen)} places looked at"
    )


@pytest.mark.long
async def test_without_redaction_every_secret_is_found(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_tried: RecordTried
) -> None:
    monkeypatch.setattr(Redactor, "text", lambda self, text: text)
    monkeypatch.setattr(Redactor, "json", lambda self, value, name="", depth=0: value)
    async with looking(serve, tmp_path, monkeypatch) as (operator, seen):
        await walk(operator, seen)
    assert found(seen) >= set(CANARIES)
    assert len(found(seen) & set(CODED_KEY.values())) > 20
    record_tried("secrets, the control: without redaction each is found", len(CANARIES))


@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
@pytest.mark.parametrize("words", [["tasks"], ["show", "TASK"], ["log", "TASK"], ["log", "--tree", "TASK"]])
async def test_no_verb_prints_a_secret(serve: Serve, tmp_path: Path, form: str, words: list[str]) -> None:
    async with serve(pace=0.001) as here:
        task_id = plant(here)
        told = await run([task_id if word == "TASK" else word for word in words] + ["-o", form], here.url, tmp_path)
        assert "call" in told or "Use" in told or "use" in told
        assert found([told]) == set()


async def run(words: list[str], url: str, home: Path, **more: str) -> str:
    """Return what a verb prints on both output streams."""
    environ = {"XPANDER_API_KEY": KEY, "XPANDER_BASE_URL": url, "XPANDER_API_URL": url, "HOME": str(home),
               "XPANDER_ORGANIZATION_ID": ORGANIZATION, "LANG": "C.UTF-8", **more}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *words, stdout=-1, stderr=-1, env=environ, cwd=Path(__file__).parents[2]
    )
    out, error = await process.communicate()
    return (out + error).decode()


def _redirected(writer: asyncio.StreamWriter) -> None:
    writer.write(
        f"HTTP/1.1 302 Found\r\nLocation: http://other.example/?api_key={KEY}\r\nContent-Length: 0\r\n\r\n".encode()
    )


def _refused(writer: asyncio.StreamWriter) -> None:
    body = json.dumps({"detail": f"the key {KEY} is not good"}).encode()
    writer.write(
        b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


def _broken(writer: asyncio.StreamWriter) -> None:
    body = f"<html>{KEY}</html>".encode()
    writer.write(b"HTTP/1.1 500 Oh\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("answer", [_redirected, _refused, _broken, None])
@pytest.mark.long
async def test_no_failure_prints_the_key(tmp_path: Path, answer: Callable[[asyncio.StreamWriter], None] | None) -> None:
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer:
            answer(writer)
        writer.close()

    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ways: tuple[tuple[str, dict[str, str]], ...] = (
            (f"http://127.0.0.1:{port}", {}),
            (f"https://127.0.0.1:{port}", {}),  # TLS to a server that has none
            ("http://platform.example", {"HTTP_PROXY": f"http://user:{KEY}@127.0.0.1:{port}"}),
        )
        words = ["show", "x", "--insecure-http", "--answer-timeout", "2"]
        for told in await asyncio.gather(*(run(words, url, tmp_path, **more) for url, more in ways)):
            assert told
            assert KEY not in told, told


def _with_key() -> None:
    secret = {"api_key": KEY}
    raise ValueError(f"bad {secret['api_key']}")


def _chained() -> None:
    try:
        _with_key()
    except ValueError as error:
        raise RuntimeError("while reading") from error


def _noted() -> None:
    error = KeyError("x")
    error.add_note(f"sent with {KEY} and {BY_LOOK['Bearer aaaa{}aaaa']}")
    raise error


def _grouped() -> None:
    raise ExceptionGroup("two", [ValueError(KEY), OSError(BY_LOOK["ghp_aaaaaaaa{}aaaaaaaaaaaa"])])


@pytest.mark.parametrize("fails", [_with_key, _chained, _noted, _grouped])
def test_no_crash_report_contains_a_secret(tmp_path: Path, fails: Callable[[], None]) -> None:
    with pytest.raises(BaseException) as caught:
        fails()
    sentence = write_crash_report(caught.value, tmp_path, Redactor([KEY]))
    (file,) = (tmp_path / "crashes").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert found([sentence, file.read_text()]) == set()
    assert fails.__name__ in file.read_text()


def test_the_key_is_in_no_repr(tmp_path: Path) -> None:
    from tests.conftest import make_client
    from tui.storage.settings import read

    settings = read({}, {"XPANDER_API_KEY": KEY, "HOME": str(tmp_path)})
    client: Any = make_client("http://127.0.0.1:1", key=KEY)
    things = [settings, client, client.transport, client.surfaces]
    parts = [getattr(thing, name) for thing in things for name in getattr(thing, "__slots__", ()) or vars(thing)]
    told = [repr(thing) for thing in (*things, *parts)]
    assert found(told) == set()


def _escapes(secret: str) -> None:
    coded = "".join(f"%{byte:02X}" for byte in secret.encode())
    raise ValueError(f"the comment was {coded}, in base64 {base64.b64encode(secret.encode()).decode()}")


def _in_bytes(secret: str) -> None:
    raise ValueError(secret.encode("utf-16"), secret.encode().hex(":"))


def _in_a_body(secret: str) -> None:
    raise KeyError(json.dumps({"input": json.dumps({"password": "correct horse", "text": secret})}))


def _in_a_reason(secret: str) -> None:
    raise RuntimeError(f"reason: password='correct horse', {secret[:9]}\n{secret[9:]}")


@pytest.mark.parametrize("fails", [_escapes, _in_bytes, _in_a_body, _in_a_reason])
def test_no_crash_report_contains_text_that_was_sent_to_a_task(tmp_path: Path, fails: Callable[[str], None]) -> None:
    key = "xp-9fK3/a+Z7q_Wm2Lr8TbY"
    with pytest.raises(Exception, match=r"(?s).") as caught:
        fails(key)
    sentence = write_crash_report(caught.value, tmp_path, Redactor([key]))
    (file,) = (tmp_path / "crashes").iterdir()
    written = file.read_text()
    assert "••••" in sentence
    for text in (sentence, written):
        compact = "".join(filter(str.isalnum, text)).lower()
        assert "correct horse" not in text
        assert "horse" not in text
        for coding in (key, key.encode().hex(), base64.b64encode(key.encode()).decode(), *key[9:].split()):
            assert "".join(filter(str.isalnum, coding)).lower() not in compact
    assert fails.__name__ in written
    assert str(file) in sentence
