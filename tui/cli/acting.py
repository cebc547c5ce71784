"""The verbs that act: run, continue, stop, approve, reject, update. Each goes through a deed, and is journaled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tui.api.wirejson import NotJson, loads
from tui.cli.main import DECLINED, FAILED, OK, TOO_LATE, UNCONFIRMED, Usage, code_of
from tui.cli.output import FAINT, STRONG, Cell
from tui.cli.reading import show
from tui.cli.session import Session, task_json
from tui.cli.watching import follow
from tui.decision import shown
from tui.deeds import Deed, Deeds, Outcome, Phase, Verb
from tui.query import parse

_TEXTS = (
    "title", "source", "worker_id", "output_format", "additional_context", "instructions_override", "expected_output",
    "triggering_agent_id", "think_mode", "llm_model_provider", "llm_model_name", "llm_reasoning_effort",
    "tool_call_limit", "harness_cli", "permission_mode",
)  # fmt: skip
_SWITCHES = ("run_locally", "disable_attachment_injection", "return_metrics")
_FILES = {"payload_extension": dict, "output_schema": dict, "mcp_servers": list, "user_tokens": dict}


async def run(session: Session) -> int:
    """Start a task."""
    arguments, settings = session.arguments, session.settings
    body = _body(session)
    spoken = list(arguments.words)
    agent = settings["agent"] or body.pop("agent_id", None)
    if len(spoken) > 1:
        agent = spoken.pop(0)
    prompt = _prompt(spoken, body)
    if known := _task_named_in(prompt):
        arguments.task = known
        return await (follow(session, [known], parse(""), None) if arguments.watch else show(session))
    if not agent:
        raise Usage("which agent? xp-tui run AGENT PROMPT, or set XPANDER_AGENT_ID; xp-tui agents lists them")
    body.setdefault("input", {})["text"] = prompt
    return await _create(session, Deed(Verb.CREATE, agent, body={**body, "agent": agent}))


async def go_on(session: Session) -> int:
    """Say more in a task's thread."""
    body = _body(session)
    task = await session.client.task(session.arguments.task)
    body.setdefault("input", {})["text"] = _prompt(list(session.arguments.words), body)
    body |= {"id": task.thread_id, "agent": task.agent_id}
    return await _create(session, Deed(Verb.CONTINUE, task.id, body=body))


async def _create(session: Session, deed: Deed) -> int:
    if version := session.arguments.agent_version:
        deed.body["agent_version"] = version
    done = await _carry_out(session, deed)
    if done.outcome is not Outcome.CONFIRMED or done.task is None or not session.arguments.watch:
        return _code(done)
    return await follow(session, [done.task.id], parse(""), None, good=parse("-status:failed,error,stopped"))


async def stop(session: Session) -> int:
    """Stop a task, and see whether it does."""
    return _code(await _carry_out(session, Deed(Verb.STOP, session.arguments.task)))


async def decide(session: Session) -> int:
    """Approve or reject what a task waits for: what was seen, or knowingly unseen."""
    arguments = session.arguments
    digest = arguments.digest
    if digest is None:
        seen = await shown(session.client, arguments.task)
        digest = seen.digest
        session.out.note(f"unseen: {seen.wait.kind if seen.wait else 'no wait'}, digest {digest}, {seen.task.name}")
    return _code(
        await _carry_out(session, Deed(Verb(arguments.verb), arguments.task, digest.strip(), arguments.comment))
    )


async def update(session: Session) -> int:
    """Change a task's record by hand."""
    arguments = session.arguments
    asked = {name: getattr(arguments, name) for name in ("status", "result", "internal_status")}
    changes = {name: value for name, value in asked.items() if value is not None}
    if not changes:
        raise Usage("nothing to change: give --status, --result or --internal-status")
    if not arguments.yes:
        session.out.error("this changes the platform's record; say --yes if that is meant")
        return DECLINED
    return _code(await _carry_out(session, Deed(Verb.UPDATE, arguments.task, body=changes)))


async def _carry_out(session: Session, deed: Deed) -> Deed:
    """Do it, saying on the way how far it is, and print how it ended."""
    out = session.out

    def tell(step: Deed) -> None:
        if step.phase in {Phase.SENDING, Phase.SETTLING} and sys.stderr.isatty():
            out.note(f"{step.verb}: {step.phase}")

    done = await Deeds(session.client, session.journal, tell).carry_out(deed)
    if out.form == "table":
        style = STRONG if done.outcome is Outcome.CONFIRMED else ""
        shown_id = done.task.id if done.task else done.target
        out.line(Cell(out.safe(done.words), style), Cell(out.safe(shown_id), FAINT))
    else:
        task = task_json(done.task, done.task.wait, None) if done.task else None
        told = {"kind": "deed", "verb": done.verb, "target": done.target, "outcome": done.outcome, "words": done.words}
        out.json({**told, "task": task})
    if done.error is not None and done.error.hint:
        out.note(done.error.hint)
    return done


def _code(deed: Deed) -> int:
    match deed.outcome:
        case Outcome.CONFIRMED:
            return OK
        case Outcome.TAKEN_BACK:
            return DECLINED
        case Outcome.UNKNOWN | Outcome.STILL_RUNNING:
            return UNCONFIRMED
        case Outcome.GONE if deed.digest is None:
            return FAILED
        case Outcome.ALREADY | Outcome.CHANGED | Outcome.GONE:
            return TOO_LATE
        case _:
            return code_of(deed.error)


def _body(session: Session) -> dict[str, Any]:
    """The request that the arguments describe, on top of the one in --from."""
    arguments = session.arguments
    body: dict[str, Any] = _json_file(arguments.source_file, dict) if arguments.source_file else {}
    for name in _TEXTS:
        if (value := getattr(arguments, name)) is not None and not (name == "source" and "source" in body):
            body[name] = value
    body |= {name: True for name in _SWITCHES if getattr(arguments, name)}
    body |= {name: _json_file(path, kind) for name, kind in _FILES.items() if (path := getattr(arguments, name))}
    if arguments.oidc_token_file:
        body["user_oidc_token"] = _text_file(arguments.oidc_token_file).strip()
    if arguments.no_events:
        body["events_streaming"] = False
    wanted = body.get("input") or {}
    if not isinstance(wanted, dict):
        raise Usage('input is an object in the platform\'s requests: {"input": {"text": …}}')
    if arguments.files:
        wanted["files"] = [*(wanted.get("files") or []), *arguments.files]
    user = {
        "id": arguments.user_id,
        "email": arguments.user_email,
        "display_name": arguments.user_name,
        "timezone": arguments.timezone,
    }
    if told := {name: value for name, value in user.items() if value}:
        wanted["user"] = {**(wanted.get("user") or {}), **told}
    return {**body, "input": wanted}


def _prompt(spoken: list[str], body: dict[str, Any]) -> str:
    match spoken:
        case []:
            words = body["input"].get("text")
        case ["-"]:
            words = sys.stdin.read()
        case [words]:
            pass
        case _:
            raise Usage("one prompt: put it in quotes")
    if not isinstance(words, str) or not words.strip():
        raise Usage("what should the agent do? Give a prompt, or - to read it from the input")
    return words


def _task_named_in(prompt: str) -> str | None:
    """The task that a prompt in JSON names instead of asking for a new one, as the platform's own helper reads it."""
    if not prompt.lstrip().startswith("{"):
        return None
    try:
        told = loads(prompt)
    except NotJson:
        return None
    found = told.get("xpander_task_id") if isinstance(told, dict) else None
    return found if isinstance(found, str) and found else None


def _json_file(path: str, kind: type) -> Any:
    try:
        value = loads(_text_file(path))
    except NotJson as error:
        raise Usage(f"{path}: {error}") from error
    if not isinstance(value, kind):
        raise Usage(f"{path} holds no JSON {'object' if kind is dict else 'list'}")
    return value


def _text_file(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} cannot be read: {error}") from error
