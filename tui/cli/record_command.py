"""The option doctor --record: writes the shapes of what the platform answers to a new folder, for somebody to send."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from tui import __version__
from tui.cli.context import Session
from tui.cli.exit_codes import DECLINED, FAILED, NETWORK, OK, UsageError
from tui.cli.output import FAINT, Cell
from tui.client.json_codec import pretty
from tui.services.answer_recorder import MAX_TASKS, READ_ROUTES, AnswerRecorder, RecordedAnswer
from tui.storage.private_files import make_directory, write_private

NAMED_HOSTS = frozenset({"local", "cloud", "staging"})
"""Hosts that may be named in what is sent: any other is somebody's own."""


async def record_answers(session: Session) -> int:
    """Ask, then read every route and write a file for each answer; list what was written."""
    folder = _new_folder(session.arguments.record)
    host = session.client.surfaces.host
    if host not in NAMED_HOSTS:
        host = "self-hosted"
    if not (session.arguments.yes or _is_agreed(session, folder)):
        session.out.note("nothing was read and nothing written")
        return DECLINED
    try:
        make_directory(folder)
        files = await _write_answers(session, folder)
        index = {
            "v": 1,
            "kind": "record",
            "xp_tui": __version__,
            "platform": host,
            "files": files,
        }
        write_private(folder / "index.json", pretty(index).encode() + b"\n")
    except OSError as error:
        session.out.error(f"{folder} cannot be written: {error.strerror or error}")
        return FAILED
    return _list_files(session, folder, files)


def _new_folder(text: str) -> Path:
    """Return the path of the folder to make; raise UsageError if there is something already."""
    folder = Path(text).expanduser()
    if folder.is_symlink() or folder.exists():
        raise UsageError(f"{folder} is there already: name a new folder, it is made")
    return folder


def _is_agreed(session: Session, folder: Path) -> bool:
    """Say what will be done, and ask whether to go on; without a terminal to ask on, that is not agreed."""
    if not _is_terminal():
        session.out.error("this reads many routes of the platform; say --yes if that is meant")
        return False
    session.out.note(
        f"This reads the {len(READ_ROUTES)} read routes of {session.place}, some for up to {MAX_TASKS} tasks, and "
        f"writes the shapes of the answers to {folder}: names, types and lengths. Values are masked, but for enum "
        "members that are known, times and numbers. Nothing on the platform is changed or sent to anybody."
    )
    session.out.note("Go on? y, or anything else to leave it:")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _is_terminal() -> bool:
    """Return whether there is a terminal to ask on."""
    return sys.stdin.isatty()


async def _write_answers(session: Session, folder: Path) -> list[dict[str, Any]]:
    """Write a file for each answer as it comes; return what the index says of each route."""
    files: list[dict[str, Any]] = []
    recorder = AnswerRecorder(session.client, session.settings["agent"])
    async for answer in recorder.record():
        name = None
        if answer.is_read:
            name = _file_name(sum(1 for file in files if file["file"]) + 1, answer)
            write_private(folder / name, pretty(_answer_json(answer)).encode() + b"\n")
        files.append({"file": name, "route": answer.route.words, "status": answer.status, "problem": answer.problem})
    return files


def _answer_json(answer: RecordedAnswer) -> dict[str, Any]:
    return {
        "v": 1,
        "kind": "answer",
        "route": answer.route.words,
        "status": answer.status,
        "headers": answer.headers,
        "masked_headers": answer.masked_headers,
        "bytes": answer.size,
        "problem": answer.problem,
        "body": answer.body,
    }


def _file_name(number: int, answer: RecordedAnswer) -> str:
    """Return the name of an answer's file: its number, its surface and its path, without an id."""
    words = re.findall(r"[a-z]+", answer.route.path.removeprefix("/v1"))
    return f"{number:02}-{answer.route.surface}-{'-'.join(words)}.json"


def _list_files(session: Session, folder: Path, files: list[dict[str, Any]]) -> int:
    """List what was written and what was not read; return the exit code."""
    out = session.out
    written = [file for file in files if file["file"]]
    if session.arguments.json:
        out.format = "json"
        out.json({"kind": "doctor record", "folder": str(folder), "items": files})
    else:
        for file in files:
            status = str(file["status"] or "  ·")
            out.line(status, out.safe(file["file"] or file["route"]), Cell(file["problem"], FAINT))
        out.line("   ", "index.json")
    out.note(f"{len(written) + 1} files in {folder}, for you alone: look through them, then send the folder")
    if not written:
        return NETWORK
    return OK
