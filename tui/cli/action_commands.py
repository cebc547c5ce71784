"""The verbs that act: run, continue, stop, approve, reject, update. Each goes through a deed, and is journaled."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from msgspec.structs import replace

from tui.cli.context import Session, task_json
from tui.cli.exit_codes import DECLINED, FAILED, OK, TOO_LATE, UNCONFIRMED, UsageError, exit_code_of
from tui.cli.output import FAINT, STRONG, Cell, ignore_broken_pipe
from tui.cli.show_command import NOT_FULLY_SHOWN, printed_request, show
from tui.cli.watch_command import follow
from tui.client.errors import ApiError
from tui.client.json_codec import NotJson, loads
from tui.domain.filters import parse_filter
from tui.domain.review import ReviewSnapshot
from tui.security.redact import Redactor
from tui.services.actions import Action, ActionRunner, Outcome, Phase, Verb
from tui.services.crash_report import write_crash_report
from tui.services.review_loader import load_review

_TEXTS = (
    "title", "source", "worker_id", "output_format", "additional_context", "instructions_override", "expected_output",
    "triggering_agent_id", "think_mode", "llm_model_provider", "llm_model_name", "llm_reasoning_effort",
    "tool_call_limit", "harness_cli", "permission_mode",
)  # fmt: skip
MAX_INPUT_BYTES = 16 * 1024 * 1024
"""What is read of a file that an argument names, and of standard input."""
_SWITCHES = ("run_locally", "disable_attachment_injection", "return_metrics")
_FILES = {"payload_extension": dict, "output_schema": dict, "mcp_servers": list, "user_tokens": dict}


async def run_task(session: Session) -> int:
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
        return await (follow(session, [known], parse_filter(""), None) if arguments.watch else show(session))
    if not agent:
        raise UsageError("which agent? xp-tui run AGENT PROMPT, or set XPANDER_AGENT_ID; xp-tui agents lists them")
    body.setdefault("input", {})["text"] = prompt
    return await _create(session, Action(Verb.CREATE, agent, body={**body, "agent": agent}))


async def continue_task(session: Session) -> int:
    """Say more in a task's thread."""
    body = _body(session)
    task = await session.client.task(session.arguments.task)
    body.setdefault("input", {})["text"] = _prompt(list(session.arguments.words), body)
    body |= {"id": task.thread_id, "agent": task.agent_id}
    return await _create(session, Action(Verb.CONTINUE, task.id, body=body))


async def _create(session: Session, action: Action) -> int:
    if version := session.arguments.agent_version:
        action.body["agent_version"] = version
    done = await _carry_out(session, action)
    if done.outcome is not Outcome.CONFIRMED or done.task is None or not session.arguments.watch:
        return _code(done)
    return await _follow_started(session, done.task.id)


async def _follow_started(session: Session, task_id: str) -> int:
    """Follow a task that was just started; where following it fails, say that it was started and how to go on."""
    how_to_go_on = f"the task {task_id} was started; to follow it: xp-tui watch {task_id}"
    try:
        return await follow(session, [task_id], parse_filter(""), None)
    except asyncio.CancelledError:
        write_note(session, f"interrupted: {how_to_go_on}")
        raise
    except ApiError as error:
        reason = error.message
    except OSError as error:  # of standard output, where nobody reads it any more
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whatever failed, the task was started, and that must be told
        reason = write_crash_report(error, session.settings.state, session.out.redactor)
    session.out.error(f"{how_to_go_on}. Following it failed: {reason}")
    return UNCONFIRMED


async def stop_task(session: Session) -> int:
    """Stop a task, and see whether it does."""
    return _code(await _carry_out(session, Action(Verb.STOP, session.arguments.task)))


async def decide_task(session: Session) -> int:
    """Approve or reject what a task waits for: what was seen, or knowingly unseen."""
    arguments = session.arguments
    verb, task = Verb(arguments.verb), arguments.task
    if arguments.digest is not None:
        action = Action(verb, task, arguments.digest.strip(), arguments.comment)
        return _code(await _carry_out(session, action, objection=partial(_objection, session.out.redactor)))
    seen = await load_review(session.client, task)
    kind = seen.wait.kind if seen.wait else "no wait"
    write_note(session, f"unseen: {kind}, digest {seen.digest}, {seen.task.name}")
    return _code(await _carry_out(session, Action(verb, task, seen.digest, arguments.comment)))


def _objection(redactor: Redactor, seen: ReviewSnapshot) -> str:
    """Why what waits cannot be decided by its digest: `show` does not show the whole of it. Empty when it does."""
    _, is_whole = printed_request(redactor, seen.held)
    return "" if is_whole else f"nothing was sent: {NOT_FULLY_SHOWN}"


async def update_task(session: Session) -> int:
    """Change a task's record by hand."""
    arguments = session.arguments
    asked = {name: getattr(arguments, name) for name in ("status", "result", "internal_status")}
    changes = {name: value for name, value in asked.items() if value is not None}
    if not changes:
        raise UsageError("nothing to change: give --status, --result or --internal-status")
    if not arguments.yes:
        session.out.error("this changes the platform's record; say --yes if that is meant")
        return DECLINED
    return _code(await _carry_out(session, Action(Verb.UPDATE, arguments.task, body=changes)))


async def _carry_out(
    session: Session, action: Action, *, objection: Callable[[ReviewSnapshot], str] | None = None
) -> Action:
    """Do it, saying on the way how far it is, and print how it ended, wherever that can still be printed."""
    _refuse_surrogates(action)
    latest = action = replace(action, anyway=getattr(session.arguments, "anyway", False))

    def tell(step: Action) -> None:
        nonlocal latest
        latest = step
        if step.phase in {Phase.SENDING, Phase.SETTLING} and is_terminal(sys.stderr):
            write_note(session, f"{step.verb}: {step.phase}")

    doer = ActionRunner(session.client, session.journal, tell, objection=objection)
    if action.anyway and (earlier := doer.earlier(action)) is not None:
        write_note(session, f"{earlier.known}; it is sent again")
    with _cancelled_by_signals() as received:
        try:
            done = await doer.run_action(action)
        except asyncio.CancelledError:
            words = latest.words if latest.is_sent else "interrupted, nothing was sent"
            write_note(session, f"{action.verb} {action.target}: {words}")
            if received:
                raise SystemExit(128 + received[0]) from None
            raise
        _print_outcome(session, done)
    if received:  # when the deed had ended already
        raise SystemExit(128 + received[0])
    return done


def _refuse_surrogates(action: Action) -> None:
    """Refuse a deed with what cannot be written as UTF-8, as escapes in JSON can say it, before anything is sent."""
    told = [action.target, action.digest, action.comment, action.body]
    try:
        json.dumps(told, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            "what is to be sent holds characters that are not UTF-8 (lone surrogates): nothing was sent"
        ) from error


@contextmanager
def _cancelled_by_signals() -> Iterator[list[int]]:
    """Let the first SIGINT, SIGTERM or SIGHUP cancel this task and ignore further ones; yields what was received.

    Once one was received, all stay ignored until the process ends, so that its exit code holds.
    """
    job = asyncio.current_task()
    assert job
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # signals are handled in the main thread alone
        yield received
        return
    loop = asyncio.get_running_loop()
    cancellations: list[asyncio.Handle] = []

    def receive(number: int, _: object) -> None:
        if not received:
            received.append(number)
            cancellations.append(loop.call_soon_threadsafe(job.cancel))

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # as nohup wants it
    previous = {number: signal.signal(number, receive) for number in heeded}
    try:
        yield received
    finally:
        for cancellation in cancellations:
            cancellation.cancel()
        for number, handler in previous.items():  # the interpreter's own shutdown leaves ignored signals ignored
            signal.signal(number, signal.SIG_IGN if received else handler)


def _print_outcome(session: Session, done: Action) -> None:
    """Print how a deed ended; where standard output takes nothing any more, on standard error."""
    out = session.out
    try:
        if out.format == "table":
            style = STRONG if done.outcome is Outcome.CONFIRMED else ""
            shown_id = done.task.id if done.task else done.target
            out.line(Cell(out.safe(done.words), style), Cell(out.safe(shown_id), FAINT))
        else:
            task = task_json(done.task, done.task.wait, None) if done.task else None
            about = {"kind": "deed", "verb": done.verb, "target": done.target}
            out.json({**about, "outcome": done.outcome, "sent": done.is_sent, "words": done.words, "task": task})
        out.flush()
    except (OSError, ValueError) as error:
        ignore_broken_pipe()
        write_note(session, f"{done.verb} {done.target}: {done.words} (standard output takes nothing: {error})")
    is_refused_or_unsent = not done.is_sent or done.outcome is Outcome.REFUSED
    if is_refused_or_unsent and done.error is not None and done.error.hint:
        write_note(session, done.error.hint)


def write_note(session: Session, words: str) -> None:
    """Say something on standard error, if anybody is there to read it: no action depends on that."""
    with suppress(OSError, ValueError):
        session.out.note(words)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is open, and a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def _code(action: Action) -> int:
    """The exit code of a deed; 7 says that nothing was sent, and then nothing was."""
    match action.outcome:
        case Outcome.CONFIRMED:
            return OK
        case Outcome.TAKEN_BACK | Outcome.HELD_BACK:
            return DECLINED
        case Outcome.UNKNOWN | Outcome.STILL_RUNNING:
            return UNCONFIRMED
        case Outcome.REFUSED | Outcome.NOT_SENT:
            return exit_code_of(action.error)
        case Outcome.GONE if action.is_sent and action.error is not None:
            return exit_code_of(action.error)
        case _ if action.is_sent:
            return UNCONFIRMED
        case Outcome.GONE if action.digest is None:
            return FAILED
        case _:
            return TOO_LATE


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
        raise UsageError('input is an object in the platform\'s requests: {"input": {"text": …}}')
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
            words = _standard_input()
        case [words]:
            pass
        case _:
            raise UsageError("one prompt: put it in quotes")
    if not isinstance(words, str) or not words.strip():
        raise UsageError("what should the agent do? Give a prompt, or - to read it from the input")
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
        raise UsageError(f"{path}: {error}") from error
    if not isinstance(value, kind):
        raise UsageError(f"{path} holds no JSON {'object' if kind is dict else 'list'}")
    return value


def _text_file(path: str) -> str:
    """Read a file that an argument names, or standard input."""
    if path == "-":
        return _standard_input()
    try:
        with _interruptible(), Path(path).open("rb") as file:
            content = file.read(MAX_INPUT_BYTES + 1)
        text = content.decode()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if len(content) > MAX_INPUT_BYTES:
        raise UsageError(f"{path} is larger than {MAX_INPUT_BYTES >> 20} MiB: nothing was sent")
    return text


def _standard_input() -> str:
    """Read standard input to its end."""
    try:
        with _interruptible():
            text = sys.stdin.read(MAX_INPUT_BYTES + 1)
        text.encode()  # in some locales bytes that are no UTF-8 are read as lone surrogates
    except UnicodeError as error:
        raise UsageError("standard input is not UTF-8: nothing was sent") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"standard input cannot be read: {error}") from error
    if len(text) > MAX_INPUT_BYTES:
        raise UsageError(f"standard input is larger than {MAX_INPUT_BYTES >> 20} MiB: nothing was sent")
    return text


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the first Ctrl+C end what is waited for here; asyncio only notes it, and the wait would go on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
