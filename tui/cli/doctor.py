"""The verb doctor: look at everything that could be wrong, say what is, and never a secret."""

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
from tui.client.endpoints import BadAddress, Surface, Surfaces, is_loopback
from tui.client.errors import ApiError, NotSupported, Unauthorized, Unreachable
from tui.client.models import Agent
from tui.client.network import BadNetworkSettings, check_certificates, proxy_for
from tui.client.task_rows import TaskQuery
from tui.screens.stylesheets import styles_directory
from tui.storage.private_files import NotPrivate, make_directory
from tui.storage.settings import BadSettings

Grade = Literal["ok", "note", "bad"]


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    grade: Grade
    words: str
    code: int = FAILED
    """The exit code, if this is bad."""


async def doctor(session: Session) -> int:
    """Look at everything, print what was found, and answer with the first bad finding's code."""
    findings = [
        *_about_program(),
        *_about_settings(session),
        *await _about_platform(session),
        *_about_terminal(),
        _clipboard(),
    ]
    out = session.out
    if session.arguments.json:
        out.form = "json"
        items = [{"what": one.what, "grade": one.grade, "words": one.words} for one in findings]
        out.json({"kind": "doctor", "ok": all(one.grade != "bad" for one in findings), "items": items})
    else:
        for one in findings:
            _print(out, one)
    return next((one.code for one in findings if one.grade == "bad"), OK)


def _print(out: Output, one: Finding) -> None:
    mark = {"ok": Cell("✓", COOL), "note": Cell("·", AMBER), "bad": Cell("✗", RED)}[one.grade]
    out.line(mark, Cell(f"{one.what:<14}", FAINT), out.safe(one.words))


def _about_program() -> list[Finding]:
    found_styles = styles_directory()
    python = f"Python {platform.python_version()}, {platform.system()}"
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("textual", "httpx", "pydantic"))
    found = [Finding("xp-tui", "ok", f"{__version__}, {python}, {libraries}")]
    if found_styles is None:
        found.append(Finding("styles", "bad", "the stylesheets are missing: install xp-tui anew"))
    else:
        found.append(Finding("styles", "ok", f"{len(list(found_styles.glob('*.tcss')))} in {found_styles}"))
    return found


def _about_settings(session: Session) -> list[Finding]:
    settings = session.settings
    found = [Finding("settings", "ok", str(settings.path) if settings.path.exists() else f"no file at {settings.path}")]
    found += [Finding("settings", "note", warning) for warning in settings.warnings]
    found += [
        Finding("setting", "ok", f"{name} = {value} ({source})")
        for name, (value, source) in settings.values.items()
        if source != "default"
    ]
    try:
        make_directory(settings.state)
        found.append(Finding("state", "ok", f"{settings.state}, yours alone"))
    except (NotPrivate, OSError) as error:
        found.append(Finding("state", "bad", str(error)))
    verdict = session.journal.verify()
    if verdict.faults:
        first = verdict.faults[0]
        found.append(Finding("journal", "bad", f"line {first.line}: {first.what}; see xp-tui journal verify"))
    else:
        found.append(Finding("journal", "ok", f"{verdict.lines} lines, none changed or missing"))
    return found


async def _about_platform(session: Session) -> list[Finding]:
    settings = session.settings
    try:
        _, surfaces = session.platform()
        _ = session.client
    except BadNetworkSettings as error:
        return [Finding("network", "bad", str(error), USAGE)]
    except BadSettings as error:
        return [Finding("platform", "bad", str(error), USAGE)]
    source = settings.values["api_key"].source
    found = [Finding("key", "ok", f"set, from {source}" if settings.key else "the local platform's own")]
    for name, url in (("rest", surfaces.rest), ("controller", surfaces.controller)):
        if url is None:
            found.append(Finding(name, "note", "no address: what only this surface has is not offered"))
            continue
        found.append(_proxy(name, url))
        found += await _tls(name, url, settings["ca"])
        found.append(await _reached(name, surfaces, session))
    found.append(await _events(session))
    return found


def _proxy(name: str, url: str) -> Finding:
    if is_loopback(url):
        return Finding("proxy", "ok", f"{name}: none, it stays on this machine")
    proxy = proxy_for(url)
    if proxy is None:
        return Finding("proxy", "ok", f"{name}: none")
    return Finding("proxy", "note", f"{name}: through {urlsplit(proxy.url).hostname}, as the environment says")


async def _tls(name: str, url: str, ca: str | None) -> list[Finding]:
    """Only what can be said before a request: whether the named authorities can be read."""
    found = []
    if not url.startswith("https"):
        return [Finding("tls", "note", f"{name}: none, plain http")]
    for source, path in (("--ca", ca), ("SSL_CERT_FILE", os.environ.get("SSL_CERT_FILE"))):
        if path:
            try:
                check_certificates(source, path)
                found.append(Finding("tls", "ok", f"{name}: {source} {path}"))
            except BadNetworkSettings as error:
                found.append(Finding("tls", "bad", f"{name}: {error}", USAGE))
    return found or [Finding("tls", "ok", f"{name}: the system's authorities")]


async def _reached(name: str, surfaces: Surfaces, session: Session) -> Finding:
    """Whether one surface answers to the key: with agents, which both of them have."""
    client = session.client
    only = Surfaces(surfaces.controller if name == "controller" else None, surfaces.rest if name == "rest" else None,
                    surfaces.organization)  # fmt: skip
    before, client.surfaces = client.surfaces, only
    clock = client.transport.clock
    begun = clock.monotonic()
    try:
        pages = client.agents()
        page = await anext(pages)
        await pages.aclose()
    except ApiError as error:
        return Finding(name, "bad", error.sentence, _code_of(error))
    finally:
        learned = client.surfaces.organization
        client.surfaces = before if learned is None else before.with_organization(learned)
    took = (clock.monotonic() - begun) * 1000
    skew = client.transport.skew
    ahead = f"; its clock is {skew:+.0f} s off ours" if skew else ""
    return Finding(
        name, "ok", f"{urlsplit(surfaces.root(Surface(name)) or '').netloc}: {_count(page.items)}, {took:.0f} ms{ahead}"
    )


def _code_of(error: ApiError) -> int:
    """The exit code of a surface that does not answer."""
    match error:
        case Unauthorized():
            return DENIED
        case Unreachable():
            return NETWORK
        case _:
            return FAILED


def _count(items: tuple[Agent, ...]) -> str:
    return f"{len(items)} agent{'' if len(items) == 1 else 's'} on the first page"


async def _events(session: Session) -> Finding:
    """Whether live events can be opened, tried with a running task if there is one."""
    client = session.client
    try:
        pages = client.tasks(TaskQuery(status=("executing",), agent_id=session.settings["agent"]))
        page = await anext(pages, None)  # where there are no agents, there is no list to read
        await pages.aclose()
        streamed = None
        for row in page.items[:3] if page else ():
            task = await client.task(row.id)
            streamed = task if task.events_streaming else streamed
        if streamed is None:
            url = await client.events_url("-")
            return Finding("events", "note", f"{urlsplit(url).netloc}: not tried, no running task has a stream")
        url = await client.events_url(streamed.id)
        async with asyncio.timeout(10), client.open_events(url, "") as response:
            kind = response.headers.get("content-type", "nothing")
            good = response.status_code == 200 and kind.startswith("text/event-stream")
            return Finding("events", "ok" if good else "bad", f"{urlsplit(url).netloc}: {response.status_code}, {kind}")
    except (NotSupported, BadAddress) as error:
        return Finding("events", "note", f"{error}: running tasks are polled")
    except (ApiError, TimeoutError) as error:
        return Finding("events", "bad", str(error) or "no answer within 10 s", NETWORK)


def _about_terminal() -> list[Finding]:
    environ = os.environ
    if not sys.stdout.isatty():
        return [Finding("terminal", "note", "stdout is no terminal")]
    size = os.get_terminal_size(sys.stdout.fileno())
    colours = "none" if environ.get("NO_COLOR") else environ.get("COLORTERM") or environ.get("TERM", "unknown")
    within = [name for name, variable in (("tmux", "TMUX"), ("ssh", "SSH_CONNECTION")) if environ.get(variable)]
    where = f", within {' and '.join(within)}" if within else ""
    is_small = size.columns < 80 or size.lines < 24
    encoding = (sys.stdout.encoding or "").lower()
    found = [
        Finding("terminal", "note" if is_small else "ok", f"{size.columns}×{size.lines}, colours: {colours}{where}")
    ]
    if "utf" not in encoding:
        found.append(Finding("terminal", "note", f"the encoding is {encoding or 'unknown'}: set LANG to a UTF-8 one"))
    return found


def _clipboard() -> Finding:
    """Which way a copy would go; nothing is copied."""
    copy, _ = pyperclip.determine_clipboard()
    if bool(copy):
        return Finding("clipboard", "ok", "the system's")
    if os.environ.get("TMUX"):
        return Finding("clipboard", "note", "the terminal's (OSC 52) through tmux: set -g set-clipboard on")
    return Finding("clipboard", "note", "the terminal's (OSC 52), if it has one; otherwise a file")
