"""The options of a new task or message: one table for the command line and for the message editor.

They are the parameters of the SDK's `create_task`. Each option has its place in the body of the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from tui.client.json_codec import NotJson, loads

DEFAULT_SOURCE = "xp-tui"
MAX_FILE_MEBIBYTES = 16
"""The largest file that an option can name."""
MAX_DIGITS = 10
"""The most digits that a number in an option can have."""
USER_NEEDS_EMAIL = "a user needs an e-mail address: the platform refuses a task without it"


class OptionKind(Enum):
    """The kind of an option: how its value is given, and what is sent of it."""

    TEXT = auto()
    TEXTS = auto()
    """Several texts; as one text, they are separated by commas or white space."""
    NUMBER = auto()
    """A whole number from 1."""
    CHOICE = auto()
    FLAG = auto()
    OBJECT_FILE = auto()
    """The name of a file with a JSON object."""
    LIST_FILE = auto()
    """The name of a file with a JSON list."""
    SECRET_FILE = auto()
    """The name of a file with a secret text."""
    SECRETS_FILE = auto()
    """The name of a file with a JSON object of secrets."""


FILE_KINDS = frozenset({OptionKind.OBJECT_FILE, OptionKind.LIST_FILE, OptionKind.SECRET_FILE, OptionKind.SECRETS_FILE})
SECRET_KINDS = frozenset({OptionKind.SECRET_FILE, OptionKind.SECRETS_FILE})


class TaskOption(NamedTuple):
    """An option of a new task or message."""

    flag: str
    """The flag of `run` and `continue`."""
    label: str
    place: str
    """The place in the body of the request, the names of nested objects separated by dots."""
    hint: str = ""
    """A hint about the value, as the editor shows it in an empty field and the command line in its help."""
    kind: OptionKind = OptionKind.TEXT
    choices: tuple[str, ...] = ()
    """The known values of an option; the command line refuses others unless the list is open."""
    has_open_choices: bool = False
    """Whether the platform may know more values than these."""
    metavar: str = "TEXT"
    flag_value: bool = True
    """The value that a flag sends."""

    @property
    def name(self) -> str:
        """The name of the option: that of its flag, as an attribute of the parsed arguments."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def is_secret(self) -> bool:
        """Whether the option names a file with secrets."""
        return self.kind in SECRET_KINDS


class OptionError(ValueError):
    """An error in the value of an option; the message is for the operator."""

    def __init__(self, message: str, option_name: str = "") -> None:
        super().__init__(message)
        self.option_name = option_name


_KIND = OptionKind
OPTION_GROUPS: Mapping[str, tuple[TaskOption, ...]] = {
    "the task": (
        TaskOption("--title", "title", "title", "as lists show it", metavar="T"),
        TaskOption("--file", "files", "input.files", "addresses that the agent reads", _KIND.TEXTS, metavar="URL"),
        TaskOption("--attachments", "attachments", "input.attachments", "a JSON list of url, name, mime, kind",
                   _KIND.LIST_FILE),
        TaskOption("--instructions", "instructions", "instructions_override", "added to the agent's own"),
        TaskOption("--context", "context", "additional_context", "more that the agent should know"),
        TaskOption("--expected-output", "expected output", "expected_output", "what the result should be"),
        TaskOption("--output-format", "output format", "output_format", "", _KIND.CHOICE,
                   ("text", "markdown", "json", "voice")),
        TaskOption("--output-schema", "output schema", "output_schema", "a JSON Schema for the result",
                   _KIND.OBJECT_FILE),
        TaskOption("--think", "thinking", "think_mode", "", _KIND.CHOICE, ("default", "harder")),
    ),
    "the user": (
        TaskOption("--user-email", "e-mail", "input.user.email", "needed with any other field of the user",
                   metavar="EMAIL"),
        TaskOption("--user-id", "user id", "input.user.id", "the user's id", metavar="ID"),
        TaskOption("--user-first-name", "first name", "input.user.first_name", metavar="NAME"),
        TaskOption("--user-last-name", "last name", "input.user.last_name", metavar="NAME"),
        TaskOption("--user-name", "display name", "input.user.display_name", metavar="NAME"),
        TaskOption("--timezone", "time zone", "input.user.timezone", "as Europe/Madrid", metavar="ZONE"),
        TaskOption("--user-attributes", "user attributes", "input.user.additional_attributes",
                   "a JSON object about the user", _KIND.OBJECT_FILE),
        TaskOption("--principal", "principal", "input.principal",
                   "a JSON object with kind, id, email of the caller", _KIND.OBJECT_FILE),
    ),
    "agent and model": (
        TaskOption("--agent-version", "agent version", "agent_version", metavar="V"),
        TaskOption("--model-provider", "model provider", "llm_model_provider", metavar="NAME"),
        TaskOption("--model", "model", "llm_model_name", metavar="NAME"),
        TaskOption("--reasoning-effort", "reasoning effort", "llm_reasoning_effort", "", _KIND.CHOICE,
                   ("low", "medium", "high", "xhigh")),
        TaskOption("--tool-call-limit", "tool call limit", "tool_call_limit", "at most so many calls", _KIND.NUMBER,
                   metavar="N"),
        TaskOption("--harness-cli", "harness CLI", "harness_cli", "", _KIND.CHOICE,
                   ("claude-code", "codex", "opencode", "xpander"), has_open_choices=True, metavar="NAME"),
        TaskOption("--permission-mode", "permission mode", "permission_mode", "", _KIND.CHOICE, ("full", "gated")),
    ),
    "tools and sign-ins": (
        TaskOption("--mcp", "MCP servers", "mcp_servers", "a JSON list of MCP servers", _KIND.LIST_FILE),
        TaskOption("--payload-extension", "payload extension", "payload_extension",
                   "a JSON object for the agent's tool calls", _KIND.OBJECT_FILE),
        TaskOption("--user-tokens", "user tokens", "user_tokens", "a JSON object of MCP tokens",
                   _KIND.SECRETS_FILE),
        TaskOption("--oidc-token-file", "OIDC token", "user_oidc_token", "the user's OIDC token", _KIND.SECRET_FILE),
    ),
    "the run": (
        TaskOption("--source", "source", "source", f"where the task comes from (default: {DEFAULT_SOURCE})"),
        TaskOption("--worker", "worker", "worker_id", "the id of a worker", metavar="ID"),
        TaskOption("--triggering-agent", "triggering agent", "triggering_agent_id",
                   "the id of the agent that starts it", metavar="ID"),
        TaskOption("--test-run-node", "test-run node", "test_run_node_id", "the only node of the workflow to run",
                   metavar="ID"),
        TaskOption("--run-locally", "run locally", "run_locally", "", _KIND.FLAG),
        TaskOption("--no-events", "no event stream", "events_streaming", "no event stream: it can only be polled",
                   _KIND.FLAG, flag_value=False),
        TaskOption("--no-attachment-injection", "keep files out", "disable_attachment_injection",
                   "files are not put into the context", _KIND.FLAG),
        TaskOption("--return-metrics", "return metrics", "return_metrics", "a workflow gets the metrics", _KIND.FLAG),
    ),
}  # fmt: skip
"""The options by group, in the order of the editor."""
TASK_OPTIONS = tuple(option for options in OPTION_GROUPS.values() for option in options)


def put_value(body: dict[str, Any], option: TaskOption, value: object) -> None:
    """Put the value of an option into the body of a request; texts in a list come after those that are there."""
    *parents, name = option.place.split(".")
    target = body
    for parent in parents:
        nested = target.get(parent) or {}
        if not isinstance(nested, dict):
            raise OptionError(f"{parent} is an object in the platform's requests", option.name)
        target[parent] = dict(nested)
        target = target[parent]
    before = target.get(name)
    if option.kind is OptionKind.TEXTS and isinstance(value, list) and isinstance(before, list):
        target[name] = [*before, *value]
    else:
        target[name] = value


def text_value(option: TaskOption, text: str) -> object:
    """Return the value that a text stands for; raise OptionError for one that the option does not accept."""
    match option.kind:
        case OptionKind.TEXTS:
            return text.replace(",", " ").split()
        case OptionKind.NUMBER:
            if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and int(text) > 0):
                raise OptionError(
                    f"{option.label} is a whole number from 1, of {MAX_DIGITS} digits at most", option.name
                )
            return int(text)
        case OptionKind.CHOICE:
            if text not in option.choices and not option.has_open_choices:
                raise OptionError(f"{option.label} is one of {', '.join(option.choices)}", option.name)
            return text
        case OptionKind.FLAG:
            return option.flag_value
        case _:
            return text


def file_value(option: TaskOption, path: str, content: str) -> object:
    """Return the value that the content of an option's file stands for; no error repeats the content."""
    if option.kind is OptionKind.SECRET_FILE:
        if not content.strip():
            raise OptionError(f"{path} is empty", option.name)
        return content.strip()
    try:
        value = loads(content)
    except NotJson as error:
        raise OptionError(f"{path}: {error}", option.name) from error
    if option.kind is OptionKind.LIST_FILE:
        if not isinstance(value, list):
            raise OptionError(f"{path} holds no JSON list", option.name)
    elif not isinstance(value, dict):
        raise OptionError(f"{path} holds no JSON object", option.name)
    return value


def check_user(body: Mapping[str, Any]) -> None:
    """Raise OptionError if a request has a user without an e-mail address, which the platform refuses."""
    request_input = body.get("input")
    if not isinstance(request_input, dict) or request_input.get("user") is None:
        return
    user = request_input["user"]
    if not isinstance(user, dict):
        raise OptionError("user is an object in the platform's requests", "user_email")
    email = user.get("email")
    if not isinstance(email, str) or not email.strip():
        raise OptionError(USER_NEEDS_EMAIL, "user_email")
