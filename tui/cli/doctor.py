"""The verb doctor: checks the program, settings, platform, terminal and clipboard, and prints no secret."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from importlib import metadata
from typing import Literal
from urllib.parse import urlsplit

import pyperclip
from msgspec import Struct

from tui import __version__
from tui.cli.context import Session
from tui.cli.exit_codes import DENIED, FAILED, NETWORK, OK, USAGE
from tui.cli.output import AMBER, COOL, FAINT, RED, Cell, Output
from tui.client.client import Client
from tui.client.endpoints import BadAddress, Surface, Surfaces, is_loopback
from tui.client.errors import ApiError, NotSupported, Unauthorized, Unreachable
from tui.client.models import Agent, Task
from tui.client.network import BadNetworkSettings, check_certificates, proxy_for
from tui.client.task_rows import TaskQuery
from tui.screens.stylesheets import styles_directory
from tui.storage.private_files import NotPrivate, make_directory
from tui.storage.settings import BadSettings

EVENTS_TIMEOUT_SECONDS = 10
MAX_STREAM_CANDIDATES = 3
"""How many running tasks are read to find one with an event stream."""

Grade = Literal["ok", "note", "bad"]


class Finding(Struct, frozen=True):
    """A finding of one check."""

    subject: str
    grade: Grade
    words: str
    code: int = FAILED
    """The exit code if the grade is bad."""


async def doctor(session: Session) -> int:
    """Run every check of the doctor, print the findings, and return the exit code of the first bad one."""
    findings = [
        *_check_program(),
        *_check_settings(session),
        *await _check_platform(session),
        *_check_terminal(),
        _check_clipboard(),
    ]
    out = session.out
    if session.arguments.json:
        out.format = "json"
        items = [{"what": finding.subject, "grade": finding.grade, "words": finding.words} for finding in findings]
        out.json({"kind": "doctor", "ok": all(finding.grade != "bad" for finding in findings), "items": items})
    else:
        for finding in findings:
            _print_finding(out, finding)
    return next((finding.code for finding in findings if finding.grade == "bad"), OK)


def _print_finding(out: Output, finding: Finding) -> None:
    mark = {"ok": Cell("✓", COOL), "note": Cell("·", AMBER), "bad": Cell("✗", RED)}[finding.grade]
    out.line(mark, Cell(f"{finding.subject:<14}", FAINT), out.safe(finding.words))


def _check_program() -> list[Finding]:
    styles_path = styles_directory()
    python = f"Python {platform.python_version()}, {platform.system()}"
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("textual", "httpx", "pydantic"))
    findings = [Finding("xp-tui", "ok", f"{__version__}, {python}, {libraries}")]
    if styles_path is None:
        findings.append(Finding("styles", "bad", "the stylesheets are missing: install xp-tui anew"))
    else:
        findings.append(Finding("styles", "ok", f"{len(list(styles_path.glob('*.tcss')))} in {styles_path}"))
    return findings


def _check_settings(session: Session) -> list[Finding]:
    settings = session.settings
    file_words = str(settings.path)
    if not settings.path.exists():
        file_words = f"no file at {settings.path}"
    findings = [Finding("settings", "ok", file_words)]
    findings += [Finding("settings", "note", warning) for warning in settings.warnings]
    findings += [
        Finding("setting", "ok", f"{name} = {value} ({source})")
        for name, (value, source) in settings.values.items()
        if source != "default"
    ]
    try:
        make_directory(settings.state)
        findings.append(Finding("state", "ok", f"{settings.state}, yours alone"))
    except (NotPrivate, OSError) as error:
        findings.append(Finding("state", "bad", str(error)))
    verdict = session.journal.verify()
    if verdict.faults:
        first = verdict.faults[0]
        findings.append(Finding("journal", "bad", f"line {first.line}: {first.what}; see xp-tui journal verify"))
    else:
        findings.append(Finding("journal", "ok", f"{verdict.lines} lines, none changed or missing"))
    return findings


async def _check_platform(session: Session) -> list[Finding]:
    settings = session.settings
    try:
        _, surfaces = session.platform()
        _ = session.client
    except BadNetworkSettings as error:
        return [Finding("network", "bad", str(error), USAGE)]
    except BadSettings as error:
        return [Finding("platform", "bad", str(error), USAGE)]
    key_words = "the local platform's own"
    if settings.key:
        key_words = f"set, from {settings.values['api_key'].source}"
    findings = [Finding("key", "ok", key_words)]
    for name, url in (("rest", surfaces.rest), ("controller", surfaces.controller)):
        if url is None:
            findings.append(Finding(name, "note", "no address: what only this surface has is not offered"))
            continue
        findings.append(_check_proxy(name, url))
        findings += await _check_tls(name, url, settings["ca"])
        findings.append(await _check_surface(name, surfaces, session))
    findings.append(await _check_events(session))
    return findings


def _check_proxy(name: str, url: str) -> Finding:
    if is_loopback(url):
        return Finding("proxy", "ok", f"{name}: none, it stays on this machine")
    proxy = proxy_for(url)
    if proxy is None:
        return Finding("proxy", "ok", f"{name}: none")
    return Finding("proxy", "note", f"{name}: through {urlsplit(proxy.url).hostname}, as the environment says")


async def _check_tls(name: str, url: str, ca: str | None) -> list[Finding]:
    """Check, without a request, that the certificate files for TLS can be read."""
    if not url.startswith("https"):
        return [Finding("tls", "note", f"{name}: none, plain http")]
    findings = []
    for source, path in (("--ca", ca), ("SSL_CERT_FILE", os.environ.get("SSL_CERT_FILE"))):
        if path:
            try:
                check_certificates(source, path)
                findings.append(Finding("tls", "ok", f"{name}: {source} {path}"))
            except BadNetworkSettings as error:
                findings.append(Finding("tls", "bad", f"{name}: {error}", USAGE))
    return findings or [Finding("tls", "ok", f"{name}: the system's authorities")]


async def _check_surface(name: str, surfaces: Surfaces, session: Session) -> Finding:
    """Check that a surface accepts the key, by listing agents, which both surfaces can."""
    client = session.client
    checked_surface = Surfaces(None, surfaces.rest, surfaces.organization)
    if name == "controller":
        checked_surface = Surfaces(surfaces.controller, None, surfaces.organization)
    previous_surfaces, client.surfaces = client.surfaces, checked_surface
    clock = client.transport.clock
    started_at = clock.monotonic()
    try:
        pages = client.agents()
        page = await anext(pages)
        await pages.aclose()
    except ApiError as error:
        return Finding(name, "bad", error.sentence, _exit_code_of(error))
    finally:
        organization = client.surfaces.organization
        client.surfaces = previous_surfaces
        if organization is not None:
            client.surfaces = previous_surfaces.with_organization(organization)
    milliseconds = (clock.monotonic() - started_at) * 1000
    skew = client.transport.skew
    skew_words = ""
    if skew:
        skew_words = f"; its clock is {skew:+.0f} s off ours"
    host = urlsplit(surfaces.root(Surface(name)) or "").netloc
    return Finding(name, "ok", f"{host}: {_count_agents(page.items)}, {milliseconds:.0f} ms{skew_words}")


def _exit_code_of(error: ApiError) -> int:
    """Return the exit code for a surface that does not answer."""
    match error:
        case Unauthorized():
            return DENIED
        case Unreachable():
            return NETWORK
        case _:
            return FAILED


def _count_agents(agents: tuple[Agent, ...]) -> str:
    noun = "agent" if len(agents) == 1 else "agents"
    return f"{len(agents)} {noun} on the first page"


async def _check_events(session: Session) -> Finding:
    """Check that a stream of live events opens, if there is a running task that has one."""
    client = session.client
    try:
        task = await _streamed_task(client, session.settings["agent"])
        if task is None:
            url = await client.events_url("-")
            return Finding("events", "note", f"{urlsplit(url).netloc}: not tried, no running task has a stream")
        url = await client.events_url(task.id)
        async with asyncio.timeout(EVENTS_TIMEOUT_SECONDS), client.open_events(url, "") as response:
            content_type = response.headers.get("content-type", "nothing")
            is_stream = response.status_code == 200 and content_type.startswith("text/event-stream")
            words = f"{urlsplit(url).netloc}: {response.status_code}, {content_type}"
            return Finding("events", "ok" if is_stream else "bad", words)
    except (NotSupported, BadAddress) as error:
        return Finding("events", "note", f"{error}: running tasks are polled")
    except (ApiError, TimeoutError) as error:
        return Finding("events", "bad", str(error) or "no answer within 10 s", NETWORK)


async def _streamed_task(client: Client, agent_id: str | None) -> Task | None:
    """Return one of the newest running tasks that has an event stream."""
    pages = client.tasks(TaskQuery(status=("executing",), agent_id=agent_id))
    page = await anext(pages, None)  # no page comes when the platform has no agents
    await pages.aclose()
    if page is None:
        return None
    streamed_task = None
    for row in page.items[:MAX_STREAM_CANDIDATES]:
        task = await client.task(row.id)
        if task.events_streaming:
            streamed_task = task
    return streamed_task


def _check_terminal() -> list[Finding]:
    environ = os.environ
    if not sys.stdout.isatty():
        return [Finding("terminal", "note", "stdout is no terminal")]
    size = os.get_terminal_size(sys.stdout.fileno())
    colours = environ.get("COLORTERM") or environ.get("TERM", "unknown")
    if environ.get("NO_COLOR"):
        colours = "none"
    wrappers = [name for name, variable in (("tmux", "TMUX"), ("ssh", "SSH_CONNECTION")) if environ.get(variable)]
    within = ""
    if wrappers:
        within = f", within {' and '.join(wrappers)}"
    is_small = size.columns < 80 or size.lines < 24
    words = f"{size.columns}×{size.lines}, colours: {colours}{within}"
    findings = [Finding("terminal", "note" if is_small else "ok", words)]
    encoding = (sys.stdout.encoding or "").lower()
    if "utf" not in encoding:
        words = f"the encoding is {encoding or 'unknown'}: set LANG to a UTF-8 one"
        findings.append(Finding("terminal", "note", words))
    return findings


def _check_clipboard() -> Finding:
    """Return which clipboard a copy would use, without copying."""
    copy, _ = pyperclip.determine_clipboard()
    if bool(copy):
        return Finding("clipboard", "ok", "the system's")
    if os.environ.get("TMUX"):
        return Finding("clipboard", "note", "the terminal's (OSC 52) through tmux: set -g set-clipboard on")
    return Finding("clipboard", "note", "the terminal's (OSC 52), if it has one; otherwise a file")
