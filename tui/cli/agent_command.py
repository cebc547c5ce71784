"""The verb agent: the page of an agent, by an allow-list of its record."""

from __future__ import annotations

from typing import Any

from tui.cli.context import Session
from tui.cli.exit_codes import UsageError
from tui.cli.output import FAINT, STRONG, Cell, Output
from tui.client.errors import ApiError, NotFound
from tui.domain.agent_page import HEADINGS, agent_json, agent_sections, shown_section
from tui.services.agent_reader import read_agent_record

LABEL_CELLS = 24
MAX_BESIDE_CHARS = 200
"""A longer text is printed whole below its label."""


async def agent(session: Session) -> int:
    """Show an agent: its graph, tools, MCP servers, sub-agents, model, limits and the nodes of its workflow."""
    agent_id = session.arguments.agent_id or session.settings["agent"]
    if not agent_id:
        raise UsageError("which agent? Give its id: xp-tui agent ID; xp-tui agents lists them")
    try:
        record = await read_agent_record(session.client, agent_id)
    except NotFound as error:
        message = f"no agent {agent_id!r}: {error.message}"
        raise NotFound(message, status=error.status, hint="xp-tui agents lists them") from error
    names = await _agent_names(session)
    if session.out.format != "table":
        session.out.json(agent_json(record, names))
        return 0
    sections = agent_sections(record, names)
    session.out.line(Cell(session.out.safe(record.name or agent_id), STRONG))
    for name, heading in HEADINGS.items():
        _print_section(session.out, heading, shown_section(name, sections[name]))
    return 0


async def _agent_names(session: Session) -> dict[str, str]:
    """Return the names of all agents by their ids; none where they cannot be read."""
    try:
        await session.learn_agents()
    except ApiError as error:
        session.out.note(f"the agents' names are not known: {error.message}")
    return session.agents


def _print_section(out: Output, heading: str, section: Any) -> None:
    """Print a section unless it is empty: its heading, then its fields or its items."""
    if section in ({}, []):
        return
    out.line("")
    out.line(Cell(heading, STRONG))
    if isinstance(section, dict):
        _print_fields(out, section, "  ")
        return
    for item in section:
        if isinstance(item, dict):
            title = item.get("name") or item.get("id") or "without a name"
            out.line(f"  {out.safe(str(title))}")
            _print_fields(out, {name: value for name, value in item.items() if name != "name"}, "    ")
        else:
            out.line(f"  {out.safe(str(item))}")


def _print_fields(out: Output, fields: dict[str, Any], indent: str) -> None:
    for name, value in fields.items():
        label = name.replace("_", " ")
        if isinstance(value, str) and ("\n" in value.strip() or len(value) > MAX_BESIDE_CHARS):
            out.line(Cell(f"{indent}{label}", FAINT))
            out.text(value)
        else:
            out.line(Cell(f"{indent}{label:<{LABEL_CELLS - len(indent)}}", FAINT), out.safe(value_text(value)))


def value_text(value: object) -> str:
    """Return a value as text: a list with commas, the fields of an object with their names, yes and no."""
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case None:
            return "not provided"
        case dict():
            return "; ".join(f"{name.replace('_', ' ')}: {value_text(item)}" for name, item in value.items())
        case list() | tuple():
            return ", ".join(map(value_text, value))
        case _:
            return str(value).strip()
