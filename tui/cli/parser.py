"""The words of the command line; nothing is imported here but what reads them, so that help comes at once."""

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

FORMATS = ("table", "json", "ndjson")
MAX_MESSAGE_CHARS = 1_000
SECRET_ARGUMENT = (
    "and a secret is never an argument, which others on this machine can see: "
    "set XPANDER_API_KEY, or keep the key in a file and give --api-key-file"
)
MAX_COLUMNS = 1_000
"""The widest help that is written, whatever COLUMNS says."""
FLAGS_OF_SECRETS = frozenset({"--api-key-file", "--user-tokens", "--oidc-token-file"})
"""The flags that are called after a secret: each takes the name of a file."""


class _HelpFormatter(argparse.HelpFormatter):
    """Help as wide as the terminal, without the modules that argparse imports to measure it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


class _VerbatimHelpFormatter(_HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The same, with the lines of the exit codes as they are."""


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < len(str(MAX_COLUMNS)) and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes end with exit code 3, and that learns what its verb takes when the verb is given.

    To tell sixteen verbs what they take is half of the time that help needs, and no command line has more than one.
    """

    teach: Callable[[Parser], object] | None = None
    """What tells it that."""
    words: Sequence[str] = ()
    """The whole command line, for what is said where it is wrong."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read the words, once it knows which there are."""
        if (teach := self.teach) is not None:
            self.teach = None
            teach(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> None:  # type: ignore[override]
        """Say what is wrong and how it would be right; the words that it repeats are cleaned and masked."""
        from tui.security.redact import Redactor
        from tui.security.sanitize import one_line

        key = os.environb.get(b"XPANDER_API_KEY", b"").decode("utf-8", "ignore")
        redactor = Redactor([key] if key else [])
        if flag := secret_flag(self.words):
            self.exit(3, f"xp-tui: there is no {flag}, {SECRET_ARGUMENT}\n")
        self.exit(3, f"{self.format_usage()}xp-tui: {one_line(redactor.text(message), longest=MAX_MESSAGE_CHARS)}\n")


def join_filter_flags(words: Sequence[str]) -> list[str]:
    """The words of a command line, with each filter joined to its flag: it may begin with a minus, and is no flag."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in {"--filter", "--until"}:
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def secret_flag(words: Sequence[str]) -> str | None:
    """Return the first flag that there is not and that is called after a secret: its value must not be repeated."""
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
    """The whole command line, to read these words with."""
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
    _settings(parser)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    for name, (about, teach) in VERBS.items():
        sentence = f"{about[0].upper()}{about[1:]}."
        verb = verbs.add_parser(
            name, help=about, description=sentence, allow_abbrev=False, formatter_class=_HelpFormatter
        )
        verb.teach, verb.words = teach, words
    return parser


def _shown(teach: Callable[[Parser], object]) -> Callable[[Parser], None]:
    """A verb that prints what was found, and in which form."""

    def whole(verb: Parser) -> None:
        verb.add_argument("-o", "--output", choices=FORMATS, default="table", help="how to print (default: table)")
        _set(teach)(verb)

    return whole


def _set(teach: Callable[[Parser], object]) -> Callable[[Parser], None]:
    """A verb that the settings can be given to."""

    def whole(verb: Parser) -> None:
        _settings(verb)
        teach(verb)

    return whole


def _settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings")

    def add(*names: str, **rest: object) -> None:
        group.add_argument(*names, default=argparse.SUPPRESS, **rest)  # type: ignore[arg-type]

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


def _task(verb: Parser) -> None:
    verb.add_argument("task", metavar="TASK", help="the task's id")


def _tasks(verb: Parser) -> None:
    verb.add_argument("filter", nargs="*", metavar="FILTER", help="as: status:paused agent:invoice* age:<2d overdue")
    verb.add_argument("--filter", dest="more", metavar="FILTER", help="the same, for filters that begin with a minus")
    verb.add_argument("--status", action="append", metavar="S", help="only this status (may be given again)")
    verb.add_argument("--user", metavar="ID", help="only tasks of this user")
    verb.add_argument("--parent", metavar="ID", help="only sub-tasks of this task")
    verb.add_argument("--triggering-agent", metavar="ID", help="only tasks that this agent started")
    verb.add_argument("--internal-status", metavar="TEXT", help="only this internal status")
    verb.add_argument("--all", action="store_true", help="everything, not the newest 200")


def _log(verb: Parser) -> None:
    _task(verb)
    verb.add_argument("--tree", action="store_true", help="with the logs of its sub-agents")


def _watch(verb: Parser) -> None:
    verb.add_argument("tasks", nargs="+", metavar="TASK")
    verb.add_argument("--until", metavar="FILTER", help="stop when each task matches, as status:completed,failed")
    verb.add_argument("--timeout", dest="patience", metavar="30m", help="stop after this time")


def _agents(verb: Parser) -> None:
    """Nothing of its own."""


def _run(verb: Parser) -> None:
    verb.add_argument("words", nargs="*", metavar="[AGENT] PROMPT", help="the prompt, or - to read it; the agent first")
    verb.add_argument("--watch", action="store_true", help="follow it until it ends")
    _creation(verb)


def _continue(verb: Parser) -> None:
    verb.add_argument("task", metavar="TASK")
    verb.add_argument("words", nargs="*", metavar="PROMPT", help="the prompt, or - to read it")
    verb.add_argument("--watch", action="store_true", help="follow it until it ends")
    _creation(verb)


def _stop(verb: Parser) -> None:
    _task(verb)
    _anyway(verb)


def _anyway(verb: Parser) -> None:
    """What is sent although the same was sent before, and nobody knows whether it was done."""
    verb.add_argument(
        "--anyway", action="store_true", help="send it although it was sent before and its outcome is not known"
    )


def _decide(verb: Parser) -> None:
    _task(verb)
    _anyway(verb)
    seen = verb.add_mutually_exclusive_group(required=True)
    seen.add_argument("--digest", metavar="D", help="the digest that `show` printed with what there is to decide")
    seen.add_argument("--yes-unseen", action="store_true", help="decide about whatever waits now")
    verb.add_argument("--comment", metavar="TEXT", help="a comment or reason")


def _update(verb: Parser) -> None:
    _task(verb)
    verb.add_argument("--status", metavar="S")
    verb.add_argument("--result", metavar="TEXT")
    verb.add_argument("--internal-status", metavar="TEXT")
    verb.add_argument("--yes", action="store_true", help="yes, change it")


def _local(verb: Parser) -> None:
    verb.add_argument("--port", type=int, metavar="N", help="the port on loopback (default: 7337, or any)")
    verb.add_argument("--data", metavar="DIR", help="where its database and key are kept")
    verb.add_argument("--pace", type=float, default=1.0, metavar="X", help="how much faster the agents are")
    verb.add_argument("--seed", metavar="N", help="the same numbers, names and choices every time")
    verb.add_argument("--now", metavar="TIME", help="begin at this moment; with --seed, a run repeats to the byte")
    verb.add_argument("--leash", action="store_true", help=argparse.SUPPRESS)  # end when stdin is closed
    verb.add_argument("--quiet", action="store_true", help="print the address only")
    verb.add_argument("--no-arrivals", action="store_true", help="no work comes by itself")
    verb.add_argument("--no-history", action="store_true", help="begin empty")
    verb.add_argument("--chaos", default="", metavar="FAULTS", help="as: drop=20,slow=200ms,dup,5xx=0.05,lose-answers")
    verb.add_argument("--limit", type=int, metavar="N", help="so many requests a minute")
    verb.add_argument("--tasks", type=int, default=0, metavar="N", help="fill a new database with so many tasks")
    verb.add_argument("--entries", type=int, default=0, metavar="N", help="and one task with so long a log")


def _doctor(verb: Parser) -> None:
    verb.add_argument("--json", action="store_true", help="print JSON")


def _journal(verb: Parser) -> None:
    verb.add_argument("what", nargs="?", choices=("list", "verify"), default="list")


def _config(verb: Parser) -> None:
    verb.add_argument("what", nargs="?", choices=("show", "path", "schema"), default="show")


def _creation(verb: Parser) -> None:
    """What the SDK's `acreate_task` takes; secrets come from files."""
    _anyway(verb)
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
    "tasks": ("list tasks", _shown(_tasks)),
    "show": ("show a task: its record, why it waits, what there is to decide", _shown(_task)),
    "log": ("show a task's activity log", _shown(_log)),
    "watch": ("follow tasks live until they end", _shown(_watch)),
    "agents": ("list agents", _shown(_agents)),
    "reload": ("read a task again and show it", _shown(_task)),
    "run": ("start a task", _shown(_run)),
    "continue": ("say more in a task's thread", _shown(_continue)),
    "stop": ("stop a task, and see whether it does", _shown(_stop)),
    "approve": ("approve what a task waits for", _shown(_decide)),
    "reject": ("reject what a task waits for", _shown(_decide)),
    "update": ("change a task's record by hand", _shown(_update)),
    "local": ("serve a platform of your own on this machine, with agents that live", _set(_local)),
    "doctor": ("look for what is wrong: settings, key, network, terminal", _set(_doctor)),
    "journal": ("what was done from here", _shown(_journal)),
    "config": ("the settings and where each comes from", _shown(_config)),
}
"""Each verb: what it is for, and what tells a parser what it takes."""
