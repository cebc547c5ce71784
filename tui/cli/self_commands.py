"""The verbs about xp-tui itself: journal and config."""

from __future__ import annotations

import json

from tui.cli.context import Session
from tui.cli.exit_codes import FAILED, OK
from tui.cli.output import FAINT, RED, STRONG, Cell, Column
from tui.client.json_codec import dumps
from tui.client.wire_model import moment
from tui.storage.settings import schema


async def journal(session: Session) -> int:
    """List what was done from here, or verify that nobody changed the list."""
    out, book = session.out, session.journal
    if session.arguments.what == "verify":
        verdict = book.verify()
        if out.form != "table":
            faults = [{"line": fault.line, "what": fault.what} for fault in verdict.faults]
            out.json({"kind": "verdict", "lines": verdict.lines, "faults": faults})
        else:
            for fault in verdict.faults:
                out.line(Cell(f"line {fault.line}:", RED), fault.what)
            if not verdict.faults:
                out.line(f"{verdict.lines} lines, none changed or missing")
        return FAILED if verdict.faults else OK
    lines = list(book.lines())
    if out.form == "json":
        out.json({"kind": "journal", "items": lines})
    elif out.form == "ndjson":
        for line in lines:
            out.json(line)
    elif lines:
        columns = [Column("WHEN"), Column("WHAT"), Column("VERB"), Column("TASK", least=8), Column("WORDS", least=12)]
        rows = []
        for line in lines:
            kind = line.get("kind", "")
            words = line.get("words") or line.get("comment") or ""
            told = (kind, line.get("verb", ""), line.get("target", ""), words)
            texts = [text if isinstance(text, str) else dumps(text) for text in told]
            rows.append([Cell(out.when(moment(line.get("at"))), FAINT), *(Cell(out.safe(text)) for text in texts)])
        out.table(columns, rows)
    if not lines:
        out.note("nothing was done from here yet")
    return OK


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
            if out.form != "table":
                out.json({"kind": "settings", "profile": settings.profile, "items": told})
                return OK
            rows: list[list[Cell | str]] = []
            for name, (value, source) in settings.values.items():
                shown = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                is_default = source == "default"
                rows.append([name, Cell(out.safe(shown), "" if is_default else STRONG), Cell(out.safe(source), FAINT)])
            out.table([Column("SETTING"), Column("VALUE", least=12), Column("FROM", least=12)], rows)
    return OK
