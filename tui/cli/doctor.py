"""The verb doctor: checks the program, settings, platform, terminal and clipboard, and prints no secret."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pyperclip
from msgspec import Struct

from tui import __version__
from tui.cli.context import Session
from tui.cli.exit_codes import DENIED, FAILED, NETWORK, OK, USAGE
from tui.cli.output import AMBER, COOL, FAINT, RED, Cell, Output
from tui.cli.record_command import record_answers
from tui.client.client import Client
from tui.client.endpoints import BadAddress, Surface, Surfaces, is_loopback
from tui.client.errors import ApiError, NotSupported, Unauthorized, Unreachable
from tui.client.models import Agent, Task
from tui.client.network import BadNetworkSettings, check_certificates, proxy_for
from tui.client.task_rows import TaskQuery
from tui.screens.stylesheets import styles_directory
from tui.services.audit_log import Journal
from tui.storage.private_files import NotPrivate, make_directory
from tui.storage.settings import BadSettings

EVENTS_TIMEOUT_SECONDS = 10
HTTP_OK = 200
MILLISECONDS_PER_SECOND = 1000
MIN_COLUMNS = 80
MIN_LINES = 24
MAX_STREAM_CANDIDATES = 3
"""How many running tasks are read to find one with an event stream."""

Grade = Literal["ok", "note", "bad"]
GRADE_MARKS = {"ok": Cell("✓", COOL), "note": Cell("·", AMBER), "bad": Cell("✗", RED)}
SUBJECT_CHARS = 14


class Finding(Struct, frozen=True):
    """A finding of one check."""

    subject: str
    grade: Grade
    words: str
    code: int = FAILED
    """The exit code if the grade is bad."""


async def doctor(session: Session) -> int:
    """Run every check of the doctor, print the findings, and return the exit code of the first bad one.

    With --record, the shapes of the platform's answers are written instead.
    """
    if session.arguments.record:
        return await record_answers(session)
    findings = [
        *_check_program(),
        *_check_settings(session),
        *await _check_platform(session),
        *_check_terminal(),
        _check_clipboard(),
    ]
    bad_findings = [finding for finding in findings if finding.grade == "bad"]
    out = session.out
    if session.arguments.json:
        out.format = "json"
        items = [{"what": finding.subject, "grade": finding.grade, "words": finding.words} for finding in findings]
        out.json({"kind": "doctor", "ok": not bad_findings, "items": items})
    else:
        for finding in findings:
            _print_finding(out, finding)
    if bad_findings:
        return bad_findings[0].code
    return OK


def _print_finding(out: Output, finding: Finding) -> None:
    subject = finding.subject.ljust(SUBJECT_CHARS)
    out.line(GRADE_MARKS[finding.grade], Cell(subject, FAINT), out.safe(finding.words))


def _check_program() -> list[Finding]:
    """Check the program: its version, those of its libraries, and that its stylesheets are installed."""
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
    """Check the settings file and the settings that it changes, then the state directory and the journal in it."""
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
    return [*findings, _check_state(settings.state), _check_journal(session.journal)]


def _check_state(directory: Path) -> Finding:
    """Check that the state directory is private, and can be made if there is none."""
    try:
        make_directory(directory)
    except (NotPrivate, OSError) as error:
        return Finding("state", "bad", str(error))
    return Finding("state", "ok", f"{directory}, yours alone")


def _check_journal(journal: Journal) -> Finding:
    """Check that no line of the journal was changed or is missing."""
    verification = journal.verify()
    if verification.faults:
        first_fault = verification.faults[0]
        words = f"line {first_fault.line}: {first_fault.what}; see xp-tui journal verify"
        return Finding("journal", "bad", words)
    return Finding("journal", "ok", f"{verification.lines} lines, none changed or missing")


async def _check_platform(session: Session) -> list[Finding]:
    """Check the platform: the key, each surface with its proxy and its certificates, and the live events."""
    settings = session.settings
    try:
        _, surfaces = session.platform()
        _ = session.client  # created now, which checks the network settings
    except BadNetworkSettings as error:
        return [Finding("network", "bad", str(error), USAGE)]
    except BadSettings as error:
        return [Finding("platform", "bad", str(error), USAGE)]
    key_words = "the local platform's own"
    if settings.key:
        key_words = f"set, from {settings.values['api_key'].source}"
    findings = [Finding("key", "ok", key_words), Finding("host", "ok", session.place)]
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
    """Check through which proxy a surface is reached."""
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
        if not path:
            continue
        try:
            check_certificates(source, path)
            findings.append(Finding("tls", "ok", f"{name}: {source} {path}"))
        except BadNetworkSettings as error:
            findings.append(Finding("tls", "bad", f"{name}: {error}", USAGE))
    if not findings:
        findings.append(Finding("tls", "ok", f"{name}: the system's authorities"))
    return findings


async def _check_surface(name: str, surfaces: Surfaces, session: Session) -> Finding:
    """Check that a surface accepts the key, by listing agents, which both surfaces can."""
    client = session.client
    checked_surface = Surfaces(None, surfaces.rest, surfaces.organization)
    if name == "controller":
        checked_surface = Surfaces(surfaces.controller, None, surfaces.organization)
    clock = client.transport.clock
    started_at = clock.monotonic()
    try:
        with _only_surface(client, checked_surface):
            agents = await _first_agents(client)
    except ApiError as error:
        return Finding(name, "bad", error.sentence, _exit_code_of(error))
    milliseconds = (clock.monotonic() - started_at) * MILLISECONDS_PER_SECOND
    skew_seconds = client.transport.skew
    skew_words = ""
    if skew_seconds:
        skew_words = f"; its clock is {skew_seconds:+.0f} s off ours"
    host = urlsplit(surfaces.root(Surface(name)) or "").netloc
    return Finding(name, "ok", f"{host}: {_count_agents(agents)}, {milliseconds:.0f} ms{skew_words}")


@contextmanager
def _only_surface(client: Client, surface: Surfaces) -> Iterator[None]:
    """Let the client use only one surface; afterwards it uses both again, with the organization that it has learned."""
    previous_surfaces = client.surfaces
    client.surfaces = surface
    try:
        yield
    finally:
        organization = client.surfaces.organization
        client.surfaces = previous_surfaces
        if organization is not None:
            client.surfaces = previous_surfaces.with_organization(organization)


async def _first_agents(client: Client) -> tuple[Agent, ...]:
    """Return the agents on the first page of their list."""
    pages = client.agents()
    page = await anext(pages)
    await pages.aclose()
    return page.items


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
            is_stream = response.status_code == HTTP_OK and content_type.startswith("text/event-stream")
            words = f"{urlsplit(url).netloc}: {response.status_code}, {content_type}"
            return Finding("events", "ok" if is_stream else "bad", words)
    except (NotSupported, BadAddress) as error:
        return Finding("events", "note", f"{error}: running tasks are polled")
    except (ApiError, TimeoutError) as error:
        words = str(error) or f"no answer within {EVENTS_TIMEOUT_SECONDS} s"
        return Finding("events", "bad", words, NETWORK)


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
    """Check the terminal: its size, its colours, the programs around it, and its encoding."""
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
    is_small = size.columns < MIN_COLUMNS or size.lines < MIN_LINES
    words = f"{size.columns}×{size.lines}, colours: {colours}{within}"
    findings = [Finding("terminal", "note" if is_small else "ok", words)]
    encoding = (sys.stdout.encoding or "").lower()
    if "utf" not in encoding:
        encoding_words = f"the encoding is {encoding or 'unknown'}: set LANG to a UTF-8 one"
        findings.append(Finding("terminal", "note", encoding_words))
    return findings


def _check_clipboard() -> Finding:
    """Return which clipboard a copy would use, without copying."""
    copy, _ = pyperclip.determine_clipboard()
    has_system_clipboard = bool(copy)
    if has_system_clipboard:
        return Finding("clipboard", "ok", "the system's")
    if os.environ.get("TMUX"):
        return Finding("clipboard", "note", "the terminal's (OSC 52) through tmux: set -g set-clipboard on")
    return Finding("clipboard", "note", "the terminal's (OSC 52), if it has one; otherwise a file")
