"""The parser of the command line; it imports little, so that help appears at once."""

from __future__ import annotations

import argparse
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

EXIT_CODES = """exit codes: 0 ok, 1 failed, 2 declined, taken back or held back by a check (nothing was sent),
3 usage or settings, 4 not authorized, 5 network, try again, 6 sent but not confirmed,
7 already decided, already sent or changed (nothing was sent), 130 interrupted (143 by SIGTERM, 129 by SIGHUP)"""

ANSWER_EXAMPLES = """examples:
  xp-tui show TASK                                        the questions, their choices and the digest
  xp-tui answer TASK --digest D --choice 2                the second choice
  xp-tui answer TASK --digest D --choice "eu-west"        the choice with this label
  xp-tui answer TASK --digest D --choice 1 --text "8 GB"  two questions, in their order"""
AGENT_EXAMPLES = """examples:
  xp-tui agent invoice-bot            graph, tools, MCP servers, sub-agents, model, access, instructions, limits
  xp-tui agent invoice-bot -o json    the same for scripts; secrets are named, never printed"""
FORMATS = ("table", "json", "ndjson")
MAX_MESSAGE_CHARS = 1_000
SECRET_ARGUMENT = (
    "and a secret is never an argument, which others on this machine can see: "
    "set XPANDER_API_KEY, or keep the key in a file and give --api-key-file"
)
"""The end of the message about a flag that would take a secret."""
MAX_COLUMNS = 1_000
"""Values of COLUMNS from here on are ignored."""
DEFAULT_COLUMNS = 80
FLAGS_OF_SECRETS = frozenset({"--api-key-file", "--user-tokens", "--oidc-token-file"})
"""Flags whose names contain the word for a secret, but whose value is the name of a file."""


class _HelpFormatter(argparse.HelpFormatter):
    """A formatter of help that measures the terminal without the modules that argparse imports for it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_columns() - 2)


class _VerbatimHelpFormatter(_HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """A formatter of help that keeps the line breaks of the exit codes."""


def _terminal_columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < len(str(MAX_COLUMNS)) and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(1).columns or DEFAULT_COLUMNS
    except OSError:
        return DEFAULT_COLUMNS


class Parser(argparse.ArgumentParser):
    """A parser that exits with code 3 on an error, and adds the arguments of a verb only when that verb is used.

    A command line has one verb. Adding the arguments of all of them would double the time that help takes.
    """

    add_arguments: Callable[[Parser], object] | None = None
    """Adds the arguments of the verb to this parser."""
    words: Sequence[str] = ()
    """The words of the whole command line, for error messages."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments that are known, after adding those of the verb."""
        if (add_arguments := self.add_arguments) is not None:
            self.add_arguments = None
            add_arguments(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> None:  # type: ignore[override]
        """Exit with an error message, in which the words of the command line are redacted and sanitized."""
        from tui.security.redact import Redactor
        from tui.security.sanitize import one_line

        key = os.environb.get(b"XPANDER_API_KEY", b"").decode("utf-8", "ignore")
        redactor = Redactor([key] if key else [])
        if flag := secret_flag(self.words):
            self.exit(3, f"xp-tui: there is no {flag}, {SECRET_ARGUMENT}\n")
        self.exit(3, f"{self.format_usage()}xp-tui: {one_line(redactor.text(message), longest=MAX_MESSAGE_CHARS)}\n")


def join_filter_flags(words: Sequence[str]) -> list[str]:
    """Join each filter to its flag, as `--filter=-status:failed`: argparse would take its minus for another flag."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in {"--filter", "--until"}:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def secret_flag(words: Sequence[str]) -> str | None:
    """Return the first unknown flag that is named like a secret: an error message must not repeat its value."""
    from tui.security.redact import is_secret

    for word in words:
        if word == "--":
            break
        name = word.partition("=")[0]
        is_flag = name.startswith("--") and name[2:].replace("-", "").isalnum()
        if is_flag and name not in FLAGS_OF_SECRETS and is_secret(name[2:]):
            return name
    return None


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the parser for a command line of these words."""
    parser = Parser(
        prog="xp-tui",
        description="Watch and steer the agent tasks of the xpander.ai platform from a terminal.",
        epilog=EXIT_CODES,
        formatter_class=_VerbatimHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.words = words
    parser.set_defaults(own=False)
    _add_settings(parser)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    for name, (about, add_arguments) in VERBS.items():
        sentence = f"{about[0].upper()}{about[1:]}."
        verb = verbs.add_parser(
            name, help=about, description=sentence, allow_abbrev=False, formatter_class=_HelpFormatter
        )
        verb.add_arguments, verb.words = add_arguments, words
    return parser


def _with_output(add_arguments: Callable[[Parser], object]) -> Callable[[Parser], None]:
    """Return a function that adds --output, the settings, and then the verb's own arguments."""

    def add_all(verb: Parser) -> None:
        verb.add_argument("-o", "--output", choices=FORMATS, default="table", help="how to print (default: table)")
        _with_settings(add_arguments)(verb)

    return add_all


def _with_settings(add_arguments: Callable[[Parser], object]) -> Callable[[Parser], None]:
    """Return a function that adds the settings, and then the verb's own arguments."""

    def add_all(verb: Parser) -> None:
        _add_settings(verb)
        add_arguments(verb)

    return add_all


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings")

    def add(*names: str, **options: object) -> None:
        group.add_argument(*names, default=argparse.SUPPRESS, **options)  # type: ignore[arg-type]

    add("--local", dest="own", action="store_true", help="the local platform of this machine, whatever else is set")
    add("--profile", metavar="NAME", help="a profile of the settings file")
    add("--agent", metavar="ID", help="the agent")
    add("--read-only", action="store_true", help="send nothing that acts")
    add("--base-url", metavar="URL", help="the controller")
    add("--api-url", metavar="URL", help="the public REST API")
    add("--organization", metavar="ID", help="the organization")
    add("--api-key-file", metavar="FILE", help="a file with the key (a key is never an argument)")
    add("--ca", metavar="FILE", help="certificates of an authority to trust beside the system's")
    add("--insecure-http", action="store_true", help="allow http:// to other machines")
    add("--time", choices=("relative", "local", "utc"), help="how times are shown")
    add("--utc", action="store_const", dest="time", const="utc", help="the same as --time utc")
    add("--theme", metavar="NAME", help="the theme of the screens")
    add("--ascii", action="store_true", help="draw with ASCII only")
    add("--reduced-motion", action="store_true", help="nothing flashes or glides")
    add("--answer-timeout", dest="timeout", metavar="SECONDS", help="how long to wait for an answer")


def _add_task(verb: Parser) -> None:
    verb.add_argument("task", metavar="TASK", help="the task's id")


def _add_tasks(verb: Parser) -> None:
    verb.add_argument("filter", nargs="*", metavar="FILTER", help="as: status:paused agent:invoice* age:<2d overdue")
    verb.add_argument("--filter", dest="more", metavar="FILTER", help="the same, for filters that begin with a minus")
    verb.add_argument("--status", action="append", metavar="S", help="only this status (may be given again)")
    verb.add_argument("--user", metavar="ID", help="only tasks of this user")
    verb.add_argument("--parent", metavar="ID", help="only sub-tasks of this task")
    verb.add_argument("--triggering-agent", metavar="ID", help="only tasks that this agent started")
    verb.add_argument("--internal-status", metavar="TEXT", help="only this internal status")
    verb.add_argument("--all", action="store_true", help="everything, not the newest 200")


def _add_log(verb: Parser) -> None:
    _add_task(verb)
    verb.add_argument("--tree", action="store_true", help="with the logs of its sub-agents")


def _add_watch(verb: Parser) -> None:
    verb.add_argument("tasks", nargs="+", metavar="TASK")
    verb.add_argument("--until", metavar="FILTER", help="stop when each task matches, as status:completed,failed")
    verb.add_argument("--timeout", dest="watch_timeout", metavar="30m", help="stop after this time")


def _add_agents(verb: Parser) -> None:
    """Add the arguments of `agents`: it has none of its own."""


def _add_agent(verb: Parser) -> None:
    verb.epilog, verb.formatter_class = AGENT_EXAMPLES, _VerbatimHelpFormatter
    verb.add_argument("agent_id", metavar="ID", nargs="?", help="the agent's id (default: XPANDER_AGENT_ID, --agent)")


def _add_run(verb: Parser) -> None:
    verb.add_argument("words", nargs="*", metavar="[AGENT] PROMPT", help="the prompt, or - to read it; the agent first")
    verb.add_argument("--watch", action="store_true", help="follow it until it ends")
    _add_creation(verb)


def _add_continue(verb: Parser) -> None:
    verb.add_argument("task", metavar="TASK")
    verb.add_argument("words", nargs="*", metavar="PROMPT", help="the prompt, or - to read it")
    verb.add_argument("--watch", action="store_true", help="follow it until it ends")
    _add_creation(verb)


def _add_stop(verb: Parser) -> None:
    _add_task(verb)
    _add_anyway(verb)


def _add_anyway(verb: Parser) -> None:
    """Add --anyway, which sends an action again although the outcome of an earlier one is unknown."""
    verb.add_argument(
        "--anyway",
        action="store_true",
        help="send it although a check holds it back: it was sent before, or something else waits",
    )


def _add_decide(verb: Parser) -> None:
    _add_seen(verb)
    verb.add_argument("--comment", metavar="TEXT", help="a comment or reason")


def _add_answer(verb: Parser) -> None:
    verb.usage = "xp-tui answer TASK (--digest D | --yes-unseen) [--choice N|LABEL]... [--text T]... [options]"
    verb.epilog, verb.formatter_class = ANSWER_EXAMPLES, _VerbatimHelpFormatter
    _add_seen(verb)
    add = verb.add_argument
    add(
        "--choice",
        dest="answers",
        action="append",
        default=[],
        type=lambda text: ("choice", text),
        metavar="N|LABEL",
        help="a choice, by number, label or (if no label fits) id; several questions take --choice and --text in order",
    )
    add(
        "--text",
        dest="answers",
        action="append",
        type=lambda text: ("text", text),
        metavar="T",
        help="an answer in your own words, where the question takes one",
    )


def _add_seen(verb: Parser) -> None:
    """Add the task, and the digest of what was seen of it."""
    _add_task(verb)
    _add_anyway(verb)
    review = verb.add_mutually_exclusive_group(required=True)
    review.add_argument("--digest", metavar="D", help="the digest that `show` printed with what there is to decide")
    review.add_argument("--yes-unseen", action="store_true", help="decide about whatever waits now")


def _add_update(verb: Parser) -> None:
    _add_task(verb)
    verb.add_argument("--status", metavar="S")
    verb.add_argument("--result", metavar="TEXT")
    verb.add_argument("--internal-status", metavar="TEXT")
    verb.add_argument("--yes", action="store_true", help="yes, change it")


def _add_local(verb: Parser) -> None:
    verb.add_argument("--port", type=int, metavar="N", help="the port on loopback (default: 7337, or any)")
    verb.add_argument("--data", metavar="DIR", help="where its database and key are kept")
    verb.add_argument("--pace", type=float, default=1.0, metavar="X", help="how much faster the agents are")
    verb.add_argument("--seed", metavar="N", help="the same numbers, names and choices every time")
    verb.add_argument("--now", metavar="TIME", help="begin at this moment; with --seed, a run repeats to the byte")
    verb.add_argument(
        "--end-with-stdin", action="store_true", help=argparse.SUPPRESS
    )  # end when stdin is closed; used by the dashboard
    verb.add_argument("--quiet", action="store_true", help="print the address only")
    verb.add_argument("--no-arrivals", action="store_true", help="no work comes by itself")
    verb.add_argument("--no-history", action="store_true", help="begin empty")
    verb.add_argument("--chaos", default="", metavar="FAULTS", help="as: drop=20,slow=200ms,dup,5xx=0.05,lose-answers")
    verb.add_argument("--limit", type=int, metavar="N", help="so many requests a minute")
    verb.add_argument("--tasks", type=int, default=0, metavar="N", help="fill a new database with so many tasks")
    verb.add_argument("--entries", type=int, default=0, metavar="N", help="and one task with so long a log")


def _add_doctor(verb: Parser) -> None:
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument(
        "--record",
        metavar="DIR",
        help="write the shapes of the platform's answers to a new folder, every value masked; it asks first",
    )
    verb.add_argument("--yes", action="store_true", help="yes, record without asking")


def _add_journal(verb: Parser) -> None:
    verb.add_argument("what", nargs="?", choices=("list", "verify"), default="list")


def _add_config(verb: Parser) -> None:
    verb.add_argument("what", nargs="?", choices=("show", "path", "schema"), default="show")


def _add_creation(verb: Parser) -> None:
    """Add the arguments of a task's creation: those of the SDK's `acreate_task`, with secrets read from files."""
    _add_anyway(verb)
    add = verb.add_argument_group("the task").add_argument
    add("--file", dest="files", action="append", metavar="URL", help="a file to go with it (may be given again)")
    add("--title", metavar="T")
    add(
        "--from",
        dest="source_file",
        metavar="FILE.json",
        help="the whole request in JSON; - to read it",
    )
    for name in ("id", "email", "name"):
        add(f"--user-{name}", metavar=name.upper(), help=f"the user's {name}")
    add("--timezone", metavar="ZONE", help="the user's, as Europe/Madrid")
    add("--agent-version", metavar="V")
    add("--payload-extension", metavar="FILE", help="a JSON object for the agent's tool calls")
    add("--source", default="xp-tui", metavar="TEXT", help="where the task comes from (default: xp-tui)")
    add("--worker", dest="worker_id", metavar="ID")
    add("--run-locally", action="store_true")
    add("--output-format", choices=("text", "markdown", "json", "voice"))
    add("--output-schema", metavar="FILE", help="a JSON Schema for the result")
    add("--no-events", action="store_true", help="no event stream: it can only be polled")
    add("--context", dest="additional_context", metavar="TEXT")
    add("--instructions", dest="instructions_override", metavar="TEXT")
    add("--expected-output", metavar="TEXT")
    add("--mcp", dest="mcp_servers", metavar="FILE", help="a JSON list of MCP servers")
    add("--triggering-agent", dest="triggering_agent_id", metavar="ID")
    add("--think", dest="think_mode", choices=("default", "harder"))
    add("--no-attachment-injection", dest="disable_attachment_injection", action="store_true")
    add("--return-metrics", action="store_true")
    add("--user-tokens", metavar="FILE", help="a JSON object of tokens for MCP sign-ins")
    add("--oidc-token-file", metavar="FILE", help="the user's OIDC token")
    add("--model-provider", dest="llm_model_provider", metavar="NAME")
    add("--model", dest="llm_model_name", metavar="NAME")
    add("--reasoning-effort", dest="llm_reasoning_effort", choices=("low", "medium", "high", "xhigh"))
    add("--tool-call-limit", type=int, metavar="N")
    add("--harness-cli", metavar="NAME")
    add("--permission-mode", choices=("full", "gated"))


VERBS: dict[str, tuple[str, Callable[[Parser], None]]] = {
    "tasks": ("list tasks", _with_output(_add_tasks)),
    "show": ("show a task: its record, why it waits, what there is to decide", _with_output(_add_task)),
    "log": ("show a task's activity log", _with_output(_add_log)),
    "watch": ("follow tasks live until they end", _with_output(_add_watch)),
    "agents": ("list agents", _with_output(_add_agents)),
    "agent": ("show an agent: tools, MCP servers and their ids, model, limits", _with_output(_add_agent)),
    "reload": ("read a task again and show it", _with_output(_add_task)),
    "run": ("start a task", _with_output(_add_run)),
    "continue": ("say more in a task's thread", _with_output(_add_continue)),
    "stop": ("stop a task, and see whether it does", _with_output(_add_stop)),
    "approve": ("approve what a task waits for", _with_output(_add_decide)),
    "reject": ("reject what a task waits for", _with_output(_add_decide)),
    "answer": ("answer the questions that a task waits with", _with_output(_add_answer)),
    "update": ("change a task's record by hand", _with_output(_add_update)),
    "local": ("serve a platform of your own on this machine, with agents that live", _with_settings(_add_local)),
    "doctor": ("look for what is wrong: settings, key, network, terminal", _with_settings(_add_doctor)),
    "journal": ("what was done from here", _with_output(_add_journal)),
    "config": ("the settings and where each comes from", _with_output(_add_config)),
}
"""The verbs: for each its help, and the function that adds its arguments to a parser."""
