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
from tui.storage.options import schema


async def journal(session: Session) -> int:
    """List what was done from here, or verify that nobody changed the list."""
    if session.arguments.what == "verify":
        return _verify(session)
    out = session.out
    lines = list(session.journal.lines())
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
            Column("TASK", min_width=8),
            Column("WORDS", min_width=12),
        ]
        out.table(columns, [_journal_row(out, line) for line in lines])
    if not lines:
        out.note("nothing was done from here yet")
    return OK


def _verify(session: Session) -> int:
    """Print whether a line of the journal was changed or is missing."""
    out, verdict = session.out, session.journal.verify()
    if out.format != "table":
        faults = [{"line": fault.line, "what": fault.what} for fault in verdict.faults]
        out.json({"kind": "verdict", "lines": verdict.lines, "faults": faults})
    else:
        for fault in verdict.faults:
            out.line(Cell(f"line {fault.line}:", RED), fault.what)
        if not verdict.faults:
            out.line(f"{verdict.lines} lines, none changed or missing")
    return FAILED if verdict.faults else OK


def _journal_row(out: Output, line: Mapping[str, Any]) -> list[Cell | str]:
    """A line of the journal as a row of the table."""
    words = line.get("words") or line.get("comment") or ""
    told = (line.get("kind", ""), line.get("verb", ""), line.get("target", ""), words)
    texts = [text if isinstance(text, str) else dumps(text) for text in told]
    return [Cell(out.when(parse_time(line.get("at"))), FAINT), *(Cell(out.safe(text)) for text in texts)]


async def config(session: Session) -> int:
    """Show the settings and where each comes from, the file's place, or its schema."""
    out, settings = session.out, session.settings
    match session.arguments.what:
        case "path":
            out.write(f"{settings.path}\n")
        case "schema":
            out.write(json.dumps(schema(), indent=2) + "\n")
        case _:
            told = {name: {"value": value, "from": source} for name, (value, source) in settings.values.items()}
            if out.format != "table":
                out.json({"kind": "settings", "profile": settings.profile, "items": told})
                return OK
            rows: list[list[Cell | str]] = []
            for name, (value, source) in settings.values.items():
                style = "" if source == "default" else STRONG
                rows.append([name, Cell(out.safe(_shown(value)), style), Cell(out.safe(source), FAINT)])
            out.table([Column("SETTING"), Column("VALUE", min_width=12), Column("FROM", min_width=12)], rows)
    return OK


def _shown(value: object) -> str:
    """A setting's value as the settings file would say it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
