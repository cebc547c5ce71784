"""The arguments of the verbs that create tasks: `run` and `continue`, and `report` for a task that ran elsewhere."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import suppress

from tui.domain.task_options import OPTION_GROUPS, OptionKind, TaskOption
from tui.domain.task_report import TOKEN_NAMES

MAX_DIGITS = 15
"""The most digits of a number: more would not be counted exactly in JSON."""
REPORT_EXAMPLES = """examples:
  xp-tui report AGENT --input "count the words" --result "4 words" --yes
  xp-tui report AGENT --input - --result-file out.txt --duration 12.5 --prompt-tokens 900 --yes < question.txt
  xp-tui report AGENT --from report.json --status failed --yes    a whole report, one field of it replaced"""


def add_creation(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of a task's creation: those of the SDK's `create_task`, with secrets read from files."""
    whole = verb.add_argument_group("the whole request").add_argument
    whole("--from", dest="source_file", metavar="FILE.json", help="the whole request in JSON; - to read it")
    for title, options in OPTION_GROUPS.items():
        add = verb.add_argument_group(title).add_argument
        for option in options:
            _add_option(add, option)


def _add_option(add: Callable[..., object], option: TaskOption) -> None:
    """Add the argument of an option."""
    text = option.hint or f"the {option.label}"
    match option.kind:
        case OptionKind.FLAG:
            add(option.flag, action="store_true", help=text)
        case OptionKind.CHOICE if option.has_open_choices:
            add(option.flag, metavar=option.metavar, help=f"as {', '.join(option.choices)}")
        case OptionKind.CHOICE:
            add(option.flag, choices=option.choices)
        case OptionKind.TEXTS:
            help_text = f"{text} (may be given again)"
            add(option.flag, action="append", metavar=option.metavar, help=help_text)
        case OptionKind.NUMBER:
            add(option.flag, type=_positive_number, metavar=option.metavar, help=text)
        case OptionKind.TEXT:
            add(option.flag, metavar=option.metavar, help=text)
        case _:
            add(option.flag, metavar="FILE", help=text)


def add_report(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `report`: those of the SDK's `report_external_task`."""
    verb.usage = "xp-tui report [AGENT] --input TEXT [--result TEXT] [--status S] [options] --yes"
    verb.epilog, verb.formatter_class = REPORT_EXAMPLES, argparse.RawDescriptionHelpFormatter
    add = verb.add_argument
    add("words", nargs="*", metavar="AGENT", help="the agent that the task is reported for")
    add("--from", dest="source_file", metavar="FILE.json", help="the whole report in JSON; - to read it")
    add("--id", metavar="ID", help="the task's id; without one, the platform gives it one")
    add("--input", metavar="TEXT", help="the task's input; - to read it")
    add("--result", metavar="TEXT", help="the task's result")
    add("--result-file", metavar="FILE", help="a file with the result; - to read it")
    add("--status", choices=("completed", "failed"), help="how it ended (default: completed)")
    add("--duration", type=_seconds, metavar="SECONDS", help="how long it ran")
    for name in TOKEN_NAMES:
        add(f"--{name.replace('_', '-')}", type=_count, metavar="N", help=f"the {name.replace('_', ' ')}")
    add("--tool", dest="used_tools", action="append", metavar="NAME", help="a tool that it used (may be given again)")
    add("--llm-response", metavar="FILE", help="the model's response in JSON; - to read it")
    add("--model", metavar="NAME", help="the model, for the metrics (default: xpander)")
    add("--no-metrics", action="store_true", help="send no metrics beside the report")
    add("--yes", action="store_true", help="yes, report it")


def _positive_number(text: str) -> int:
    if not text.isdecimal() or len(text) > MAX_DIGITS or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no count")
    return int(text)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
