"""The verb that reports: a task that ran outside the platform, and its metrics."""

from __future__ import annotations

from typing import Any

from tui.cli.action_commands import action_exit_code, print_outcome, run_action
from tui.cli.context import Session
from tui.cli.exit_codes import DECLINED, OK, UsageError
from tui.cli.request_body import STANDARD_INPUT, agent_of_request, read_json_file, read_json_value, read_text_file
from tui.domain.action import Action, Outcome, Verb
from tui.domain.task_report import REPORT_DEFAULTS, TOKEN_NAMES, metrics_body, report_body


async def report_task(session: Session) -> int:
    """Report a task that ran elsewhere, and then its metrics if its tokens are known; each is confirmed by a record."""
    arguments = session.arguments
    agent, body = _read_report(session)
    if not arguments.yes:
        session.out.error("this puts a task on the platform's record; say --yes if that is meant")
        return DECLINED
    outcomes: list[Action] = []
    try:
        reported = await run_action(session, Action(Verb.REPORT, agent, body=body), show=outcomes.append)
        if reported.outcome is not Outcome.CONFIRMED or reported.task is None:
            return action_exit_code(reported)
        if arguments.no_metrics or body["tokens"] is None:
            return OK
        metrics = {"agent": agent, **metrics_body(body, reported.task, arguments.model)}
        sent = await run_action(session, Action(Verb.METRICS, reported.task.id, body=metrics), show=outcomes.append)
        return action_exit_code(sent)
    finally:
        _print_outcomes(session, outcomes)


def _print_outcomes(session: Session, outcomes: list[Action]) -> None:
    """Print the outcome of the report and, below it or in the same JSON object, that of the metrics."""
    if not outcomes:
        return
    reported, *others = outcomes
    if session.out.format != "table":
        metrics = [{"outcome": one.outcome, "sent": one.is_sent, "words": one.words} for one in others]
        print_outcome(session, reported, {"metrics": next(iter(metrics), None)})
        return
    print_outcome(session, reported)
    for metrics_outcome in others:
        print_outcome(session, metrics_outcome, subject="metrics: ")


def _read_report(session: Session) -> tuple[str, dict[str, Any]]:
    """Read the agent and the body of the report from the arguments, the files they name, and standard input."""
    arguments = session.arguments
    _refuse_second_stdin(session)
    fields: dict[str, Any] = {}
    if arguments.source_file:
        fields = read_json_file(arguments.source_file, dict)
    if len(arguments.words) > 1:
        raise UsageError("one agent: xp-tui report AGENT --input TEXT; put texts in quotes")
    agent = agent_of_request(session, fields, arguments.words)
    if not isinstance(agent, str) or not agent:
        raise UsageError("which agent? xp-tui report AGENT, or set XPANDER_AGENT_ID; xp-tui agents lists them")
    if unknown := [name for name in fields if name not in REPORT_DEFAULTS]:
        raise UsageError(f"a report has no field {', '.join(unknown)}; it has {', '.join(REPORT_DEFAULTS)}")
    fields |= {name: value for name, value in _given_fields(session).items() if value is not None}
    tokens = {name: getattr(arguments, name) for name in TOKEN_NAMES if getattr(arguments, name) is not None}
    if not isinstance(fields.get("tokens") or {}, dict):
        raise UsageError("the report is not right: tokens is an object. Nothing was sent")
    if tokens:
        fields["tokens"] = {**(fields.get("tokens") or {}), **tokens}
    try:
        body = report_body(fields)
    except ValueError as error:
        raise UsageError(f"the report is not right: {error}. Nothing was sent") from error
    if not (body["input"] or "").strip() and not (body["result"] or "").strip():
        raise UsageError("nothing to report: give --input, --result or --from")
    return agent, body


def _given_fields(session: Session) -> dict[str, Any]:
    """Return the fields of a report that the arguments give; those that they do not give are None."""
    arguments = session.arguments
    fields: dict[str, Any] = {name: getattr(arguments, name) for name in ("id", "duration", "used_tools", "result")}
    fields["input"] = arguments.input
    if arguments.input == STANDARD_INPUT:
        fields["input"] = read_text_file(STANDARD_INPUT)
    if arguments.result_file:
        fields["result"] = read_text_file(arguments.result_file)
    if arguments.llm_response:
        fields["llm_response"] = read_json_value(arguments.llm_response)
    if arguments.status:
        fields["is_success"] = arguments.status == "completed"
    return fields


def _refuse_second_stdin(session: Session) -> None:
    """Refuse two arguments that read standard input, and two results."""
    arguments = session.arguments
    sources = (arguments.source_file, arguments.input, arguments.result_file, arguments.llm_response)
    if sources.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input can be read once: give - to one argument")
    if arguments.result is not None and arguments.result_file:
        raise UsageError("one result: give --result or --result-file")
