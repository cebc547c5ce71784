"""The verb show: the record of a task, and the whole request that waits for a decision."""

from __future__ import annotations

import sys
from contextlib import aclosing
from typing import Any

from tui.cli.answer_lines import answer_flags, question_lines, questions_json
from tui.cli.context import WAIT_STYLES, Session, iso_time, status_cell, task_json
from tui.cli.detail_lines import print_details
from tui.cli.output import FAINT, STRONG, Cell, Output
from tui.client.errors import NotFound
from tui.client.json_codec import parse_nested, pretty
from tui.client.log_entries import ToolCall
from tui.client.models import Task
from tui.client.task_facts import Wait
from tui.domain import humanize, wait_words
from tui.domain.answers import SUPERSEDED, has_superseded_question, questions_of, unanswerable_reason
from tui.domain.review import ReviewSnapshot, review_of
from tui.domain.review_facts import facts_of
from tui.domain.task_details import TaskDetails, details_of
from tui.domain.tool_use import tool_use_of_log
from tui.domain.wait_details import WaitDetails, deadline_of
from tui.domain.waits import WaitSources, wait_of
from tui.security.redact import Redactor
from tui.security.sanitize import sanitize_text
from tui.services.agent_reader import read_node_rows
from tui.services.review_loader import load_wait_details
from tui.services.wait_reader import read_agent_of_wait

MAX_SEARCHED_TASKS = 200
"""How many of the newest tasks are searched for ids to suggest."""
MIN_ID_PREFIX_CHARS = 4
"""How long the beginning of an id must be for suggestions of whole ids."""
FULL_ID_CHARS = 32
SHOWN_OTHERWISE = frozenset({"what", "waits"})
"""The labels of facts that `show` prints in another form: the request as a whole, and the times with their zone."""
MAX_SUGGESTED_IDS = 5
APPROVE = "xp-tui approve "
"""The beginning of the command that approves."""
NOT_FULLY_SHOWN = (
    "parts of what waits are masked, as they may be secrets: a digest does not decide about what was not seen whole. "
    "Reveal them in the review of xp-tui, or decide with --yes-unseen"
)
"""The message when a digest cannot decide because `show` did not print the whole request."""


async def show(session: Session) -> int:
    """Show one task; if it waits, also the whole request that waits for a decision."""
    out = session.out
    task = await find_task(session, session.arguments.task)
    review = review_of(task, await session.client.log(task))
    agent = await read_agent_of_wait(session.client, task)
    wait = wait_of(task, WaitSources(review.wait if review.is_in_log else None, agent))
    details = None
    if review.subject_id:
        details = await load_wait_details(session.client, review)
    calls = (entry for entry in review.log.entries if isinstance(entry, ToolCall))
    nodes = await read_node_rows(session.client, task, calls)
    if out.format != "table":
        nodes_json = [{"node": row.label, "state": row.value} for row in nodes]
        out.json({**_review_json(session, review, wait, details), "nodes": nodes_json})
        return 0
    _print_record(session, review, wait)
    for row in nodes:
        out.line(Cell("  node      ", FAINT), f"{out.safe(row.label)}: {out.safe(row.value)}")
    print_details(out, task_details(review))
    if task.result:
        out.line("")
        out.line(Cell("Result", FAINT))
        out.text(task.result)
    if wait and wait.needs_person:  # printed last, so that no text of the agent can imitate it
        _print_request(session, review, wait, details)
    elif wait:
        _print_machine_wait(session, wait)
    elif has_superseded_question(review):
        out.line("")
        out.line(Cell("  question", FAINT), SUPERSEDED)
    return 0


def _review_json(
    session: Session, review: ReviewSnapshot, wait: Wait | None, details: WaitDetails | None
) -> dict[str, Any]:
    review_json = {**task_json(review.task, wait, None), "entries": len(review.log.entries)}
    review_json["facts"] = task_details(review).as_json()
    if wait and wait.needs_person:
        _, is_whole = printed_request(session.out.redactor, review.held)
        review_json |= {"digest": review.digest, "digest_decides": is_whole, "held": review.held}
        if (card := questions_of(review)) is not None:
            review_json["questions"] = questions_json(card)
    if details is not None:
        review_json["wait_details"] = _details_json(review, details)
    return review_json


def task_details(review: ReviewSnapshot) -> TaskDetails:
    """Return the details of a task under review: every attribute of its record, and the use of its tools."""
    return details_of(review.task.raw, tool_use_of_log(review.log.entries))


def _details_json(review: ReviewSnapshot, details: WaitDetails) -> dict[str, Any]:
    """Return the node of a wait or the state of its tool approval, as the platform wrote them, and the deadline."""
    parts = {"node": details.node, "hitl_options": details.options, "tool_approval": details.approval}
    problems = filter(None, (details.node_problem, details.approval_problem))
    return {
        **{name: part.raw if part else None for name, part in parts.items()},
        "deadline": iso_time(deadline_of(review, details)),
        "not_read": "; ".join(problems) or None,
    }


async def find_task(session: Session, task_id: str) -> Task:
    """Return the task with this id; when there is none, raise NotFound with a hint that lists similar ids."""
    try:
        return await session.client.task(task_id)
    except NotFound as error:
        hint = "Give the whole id; xp-tui tasks lists them"
        if similar_ids := await _ids_with_prefix(session, task_id):
            hint = f"Ids that begin so: {', '.join(similar_ids[:MAX_SUGGESTED_IDS])}"
        raise NotFound(f"no task {task_id!r}: {error.message}", status=error.status, hint=hint) from error


async def _ids_with_prefix(session: Session, prefix: str) -> list[str]:
    """Return the ids with this prefix among the newest tasks; none if it is too short, or as long as a whole id."""
    ids: list[str] = []
    if not MIN_ID_PREFIX_CHARS <= len(prefix) < FULL_ID_CHARS:
        return ids
    async with aclosing(session.client.tasks()) as pages:
        async for page in pages:
            ids += [task.id for task in page.items if task.id.startswith(prefix)]
            if page.number * page.LIMIT >= MAX_SEARCHED_TASKS:
                break
    return ids


def _print_record(session: Session, review: ReviewSnapshot, wait: Wait | None) -> None:
    out, task = session.out, review.task
    status = status_cell(task, wait)
    fields = {"status": out.safe(status.text), **_record_fields(session, review)}
    out.line(Cell(out.safe(task.name), STRONG))
    for name, value in fields.items():
        if value:
            style = status.style if name == "status" else ""
            out.line(Cell(f"  {name:<10}", FAINT), Cell(out.safe(value), style))
    if task.plan:
        for step in task.plan.steps:
            mark = "✓" if step.completed else "·"
            out.line(Cell(f"  {'':<10}", FAINT), f"{mark} {out.safe(step.title)}")


def _record_fields(session: Session, review: ReviewSnapshot) -> dict[str, str | None]:
    """Return the fields of a task's record as text, by their names on screen; None where a field is not provided."""
    out, task = session.out, review.task
    request = None
    user = task.user_id
    if task.input:
        request = task.input.text
        if task.input.user:
            user = task.input.user.name
    tokens = None
    if task.tokens:
        tokens = humanize.short_count(task.tokens.total)
    log = f"{len(review.log.entries)} entries"
    if review.log.is_partial:
        log += ", messages only"
    plan = None
    if task.plan and task.plan.steps:
        plan = f"{task.plan.done} of {len(task.plan.steps)} steps"
    return {
        "internal": task.internal_status,
        "id": task.id,
        "agent": task.agent_id,
        "asked": request,
        "by": user,
        "source": task.source,
        "parent": task.parent_id,
        "sub-tasks": ", ".join(task.sub_executions) or None,
        "model": " ".join(filter(None, (task.llm_model_provider, task.llm_model_name))) or None,
        "created": out.when(task.created_at),
        "updated": out.when(task.updated_at),
        "finished": out.when(task.finished_at),
        "tokens": tokens,
        "events": "streamed" if task.events_streaming else "not streamed, polled",
        "log": log,
        "plan": plan,
    }


def printed_request(redactor: Redactor, held: Any) -> tuple[Any, bool]:
    """Return the request as `show` prints it, with secrets redacted, and whether that is the whole request."""
    try:
        parsed = parse_nested(held)
    except RecursionError:
        parsed = held
    printed = redactor.json(parsed)
    return printed, printed == parsed and redactor.json(held) == held


def _print_machine_wait(session: Session, wait: Wait) -> None:
    """Print the machine that the task waits for, and until when where that is known."""
    out = session.out
    out.line("")
    out.line(Cell(f"Waits for a machine: {wait.kind.words}", STRONG))
    out.line(Cell("  since", FAINT), iso_time(wait.since) or "not provided")
    out.line(Cell("  until", FAINT), iso_time(wait.until) or "not provided")
    out.line(Cell("  decide", FAINT), f"there is nothing to decide: {wait_words.ENDS[wait.kind]}")


def _print_request(session: Session, review: ReviewSnapshot, wait: Wait, details: WaitDetails | None) -> None:
    """Print the whole request that waits, the facts about it, and the command that decides it."""
    out = session.out
    since = iso_time(wait.since)
    printed, is_whole = printed_request(out.redactor, review.held)
    out.line("")
    out.line(Cell(f"Waits for: {wait.kind.words}", WAIT_STYLES[wait.kind.need]))
    if review.held is None:
        out.line("  what it waits for is not provided by the platform")
    else:
        for line in pretty(printed).split("\n"):
            text = sanitize_text(line, longest=sys.maxsize, reveals=True)
            out.indented(text.replace("\n", "\\n"))  # a line separator inside a JSON string must not begin a new line
    deadline = deadline_of(review, details)
    until = "no deadline published" if deadline is None else f"decide by {iso_time(deadline)}"
    for fact in facts_of(review, details):
        if fact.label not in SHOWN_OTHERWISE:
            out.line(Cell(f"  {fact.label}", FAINT), out.safe(fact.text))
    out.line(Cell("  since", FAINT), since or "not provided", Cell(until, FAINT))
    card = questions_of(review)
    if card is not None:
        for number, line in enumerate(question_lines(card)):
            out.line(Cell("  asked" if number == 0 else "       ", FAINT), out.safe(line))
    reason = unanswerable_reason(review) if card is not None else review.blocked_now
    if reason:
        out.line(Cell("  decide", FAINT), out.safe(reason))
    elif not is_whole:
        out.line(Cell("  digest", FAINT), review.digest, Cell("it does not decide about this", FAINT))
        out.line(Cell("  decide", FAINT), NOT_FULLY_SHOWN)
    else:
        out.line(Cell("  digest", FAINT), review.digest)
        command = deciding_command(out, review)
        out.line(Cell("  decide", FAINT), command)
        if command.startswith(APPROVE):
            out.line(Cell("  or", FAINT), f"xp-tui reject {command.removeprefix(APPROVE)}")


def deciding_command(out: Output, review: ReviewSnapshot) -> str:
    """Return the command that decides what a task waits for; `show` where its digest does not decide, or none does."""
    task_id = out.safe(review.task.id)
    card = questions_of(review)
    _, is_whole = printed_request(out.redactor, review.held)
    if not is_whole or (card is None and review.blocked_now):
        return f"xp-tui show {task_id}"
    if card is not None:
        return f"xp-tui answer {task_id} --digest {review.digest} {answer_flags(card.asked)}"
    return f"{APPROVE}{task_id} --digest {review.digest}"
