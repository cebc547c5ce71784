"""Runs one verb, or the dashboard: reads the settings, begins the session, and maps exceptions to exit codes."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.cli.context import Session
from tui.cli.exit_codes import FAILED, USAGE, UsageError, exit_code_of, whole_id_note
from tui.cli.local import running_platform
from tui.cli.output import NotPrinted, write_error
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.domain.filters import FilterError
from tui.security.sanitize import one_line
from tui.services.crash_report import write_crash_report
from tui.storage import settings
from tui.storage.private_files import NotPrivate

if TYPE_CHECKING:
    import argparse
    from types import SimpleNamespace

VerbFunction = Callable[[Session], Awaitable[int]]
FUNCTION_OF_VERB = {
    "tasks": "query_commands:tasks",
    "show": "show_command:show",
    "reload": "show_command:show",
    "log": "log_command:log",
    "agents": "query_commands:agents",
    "agent": "agent_command:agent",
    "watch": "watch_command:watch",
    "run": "action_commands:run_task",
    "continue": "action_commands:continue_task",
    "stop": "action_commands:stop_task",
    "approve": "action_commands:decide_task",
    "reject": "action_commands:decide_task",
    "answer": "answer_command:answer_task",
    "update": "action_commands:update_task",
    "report": "report_command:report_task",
    "local": "local:local",
    "doctor": "doctor:doctor",
    "journal": "self_commands:journal",
    "config": "self_commands:config",
}
"""The function of each verb; only the module of the verb that runs is imported."""


def run_session(arguments: argparse.Namespace | SimpleNamespace, screens: VerbFunction) -> int:
    """Run the session for these arguments and return its exit code; without a verb, `screens` is called."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    time_zone_warnings = _replace_bad_time_zone()
    try:
        loaded_settings = settings.read(vars(arguments), os.environ, profile=getattr(arguments, "profile", None))
        session = Session.begin(arguments, loaded_settings, running_platform)
    except settings.BadSettings as error:
        write_error(one_line(str(error)))
        return USAGE
    for warning in (*time_zone_warnings, *loaded_settings.warnings):
        write_error(session.out.safe(warning))
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        # So that a verb that is interrupted reports what it has sent.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return asyncio.run(_run_verb(session, screens))


def _replace_bad_time_zone() -> tuple[str, ...]:
    """Set TZ to UTC if the zone that it names cannot convert every time; return warnings for the operator."""
    winter = datetime(2026, 1, 1, tzinfo=UTC)
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    try:
        winter.astimezone()
        summer.astimezone()
    except ValueError:
        os.environ["TZ"] = "UTC"
        time.tzset()
        return ("TZ is no time zone: times are in UTC",)
    return ()


async def _run_verb(session: Session, screens: VerbFunction) -> int:
    """Run the verb; report an exception as a message, and return the exit code."""
    run = screens
    if session.arguments.verb is not None:
        run = _function_of_verb(session.arguments.verb)
    try:
        return await run(session)
    except FilterError as error:
        session.out.error(f"the filter cannot be read\n{error.underlined()}")
        return USAGE
    except (settings.BadSettings, BadAddress, UsageError, NotPrivate) as error:
        session.out.error(str(error))
        return USAGE
    except ApiError as error:
        session.out.error(error.sentence)
        if note := whole_id_note(error, str(getattr(session.arguments, "task", ""))):
            session.out.note(note)
        return exit_code_of(error)
    except BrokenPipeError:
        raise
    except NotPrinted as error:
        session.out.error(f"standard output takes nothing: {error}")
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost handler: a traceback could print secrets
        session.out.error(write_crash_report(error, session.settings.state, session.out.redactor))
        return FAILED
    finally:
        await session.close()


def _function_of_verb(verb: str) -> VerbFunction:
    """Return the function of a verb; its module is imported now."""
    module_name, _, function_name = FUNCTION_OF_VERB[verb].partition(":")
    module = importlib.import_module(f"tui.cli.{module_name}")
    function: VerbFunction = getattr(module, function_name)
    return function
