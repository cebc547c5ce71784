"""The verbs about xp-tui itself: journal and config."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tui.cli.context import Session
from tui.cli.exit_codes import FAILED, OK
from tui.cli.output import FAINT, RED, STRONG, Cell, Column, Output
from tui.client.json_codec import dumps
from tui.client.json_values import parse_time
from tui.domain import humanize
from tui.domain.action import Verb
from tui.storage.options import schema


async def journal(session: Session) -> int:
    """List the journal of the operator's actions, or verify that it was not changed."""
    if session.arguments.what == "verify":
        return _verify_journal(session)
    out = session.out
    lines = _with_titles(list(session.journal.lines()))
    if out.format == "json":
        out.json({"kind": "journal", "items": lines})
    elif out.format == "ndjson":
        for line in lines:
            out.json(line)
    elif lines:
        columns = [
            Column("WHEN"),
            Column("WHAT"),
            Column("VERB"),
            Column("TITLE", min_width=12),
            Column("REASON", min_width=10),
            Column("WORDS", min_width=12),
            Column("PROFILE", min_width=8, drop_order=2),
            Column("TASK", min_width=8, drop_order=1),
        ]
        out.table(columns, [_journal_row(out, line) for line in lines])
    if not lines:
        out.note("nothing was done from here yet")
    return OK


def _verify_journal(session: Session) -> int:
    """Verify the journal, and print each line that was changed or is missing."""
    out = session.out
    verification = session.journal.verify()
    if out.format != "table":
        faults = [{"line": fault.line, "what": fault.what} for fault in verification.faults]
        out.json({"kind": "verdict", "lines": verification.lines, "faults": faults})
    elif verification.faults:
        for fault in verification.faults:
            out.line(Cell(f"line {fault.line}:", RED), fault.what)
    else:
        out.line(f"{verification.lines} lines, none changed or missing")
    return FAILED if verification.faults else OK


def _with_titles(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines with the title, the profile and the reason of each action.

    The title is not known before the task was read: a line without one takes that of another line about its task.
    """
    titles = {_subject(line): line["title"] for line in lines if line.get("title")}
    return [
        {
            **line,
            "title": line.get("title") or titles.get(_subject(line)),
            "profile": line.get("profile"),
            "reason": _reason(line),
        }
        for line in lines
    ]


def _subject(line: Mapping[str, Any]) -> str:
    """Return what a line is about: the task, or for a new task the action, because its target is the agent."""
    if line.get("verb") == Verb.CREATE:
        return f"action {line.get('deed')}"
    return f"task {line.get('target')}"


def _reason(line: Mapping[str, Any]) -> str | None:
    """Return the reason of a decision, or the answers; None where there is none."""
    comment = line.get("comment")
    if isinstance(comment, str) and comment:
        return comment
    return str(line.get("summary", "")).removeprefix(str(line.get("verb", ""))).strip() or None


def _journal_row(out: Output, line: Mapping[str, Any]) -> list[Cell | str]:
    """Return the cells of a journal line as a row of the table; its time is that of the clock."""
    when = humanize.timestamp(parse_time(line.get("at")), utc=out.time == "utc")
    names = ("kind", "verb", "title", "reason", "words", "profile", "target")
    values = [line.get(name) or "" for name in names]
    texts = [value if isinstance(value, str) else dumps(value) for value in values]
    return [Cell(when, FAINT), *(Cell(out.safe(text)) for text in texts)]


async def config(session: Session) -> int:
    """Print the configuration: the settings and the source of each, the path of the file, or its schema."""
    match session.arguments.what:
        case "path":
            session.out.write(f"{session.settings.path}\n")
        case "schema":
            session.out.write(json.dumps(schema(), indent=2) + "\n")
        case _:
            _print_settings(session)
    return OK


def _print_settings(session: Session) -> None:
    """Print each setting with its value and where that comes from; values that are no defaults are strong."""
    out = session.out
    settings = session.settings
    if out.format != "table":
        items = {name: {"value": value, "from": source} for name, (value, source) in settings.values.items()}
        out.json({"kind": "settings", "profile": settings.profile, "items": items})
        return
    rows: list[list[Cell | str]] = []
    for name, (value, source) in settings.values.items():
        style = "" if source == "default" else STRONG
        rows.append([name, Cell(out.safe(_setting_text(value)), style), Cell(out.safe(source), FAINT)])
    out.table([Column("SETTING"), Column("VALUE", min_width=12), Column("FROM", min_width=12)], rows)


def _setting_text(value: object) -> str:
    """Return the text of a setting's value, as it is written in the settings file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
