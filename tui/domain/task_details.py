"""The details of a task: every attribute of its record in groups, and which secrets are present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, NamedTuple

from msgspec import Struct

from tui.client.json_values import flag_of, items_of, object_of, parse_time, text_of
from tui.domain import humanize
from tui.domain.secret_counts import without_secrets
from tui.domain.tool_use import ToolUse


class Form(Enum):
    """The form in which the value of a detail is written for a reader."""

    AS_IS = auto()
    TIME = auto()
    SECONDS = auto()
    STEPS = auto()
    CALLS = auto()


class Attribute(NamedTuple):
    """An attribute of the platform's task: its path in the record, its label, and its form."""

    path: str
    label: str
    form: Form = Form.AS_IS
    other_path: str = ""
    """The path under which the other surface sends the same attribute."""


class Detail(NamedTuple):
    """A detail of a task: an attribute with its value."""

    name: str
    """The name of the attribute in JSON: its path, or the name of what was derived."""
    label: str
    value: Any
    form: Form = Form.AS_IS


class DetailGroup(NamedTuple):
    """A group of details with a name."""

    name: str
    details: Sequence[Detail]


class TaskDetails(Struct, frozen=True):
    """The details of a task in groups, the counts of its secrets, and the attributes that are not set."""

    groups: Sequence[DetailGroup]
    secrets: Mapping[str, int]
    """How many secrets there are, by the paths of their attributes."""
    not_set: Sequence[str]
    """The paths of the attributes that the platform did not send, or sent empty."""

    @property
    def secret_lines(self) -> list[str]:
        """The counts of the secrets, a line each: `user_tokens: 2, masked`."""
        return [f"{path}: {count}, masked" for path, count in self.secrets.items()]

    def as_json(self) -> dict[str, Any]:
        """Return the details as JSON: each group by the names of its attributes, the secrets as counts."""
        groups: dict[str, Any] = {
            group.name: {detail.name: detail.value for detail in group.details} for group in self.groups
        }
        return {**groups, "secrets": dict(self.secrets), "not_set": list(self.not_set)}


IDENTITY, INPUT, OVERRIDES, STATE, OUTPUT, TIMES, MORE = (
    "identity", "input", "overrides", "state", "output", "times", "more",
)  # fmt: skip
ATTRIBUTES: Mapping[str, Sequence[Attribute]] = {
    IDENTITY: (
        Attribute("id", "id"),
        Attribute("title", "title"),
        Attribute("organization_id", "organization"),
        Attribute("agent_id", "agent"),
        Attribute("agent_version", "agent version"),
        Attribute("triggering_agent_id", "triggering agent"),
        Attribute("source", "source", other_path="source_node_type"),
        Attribute("user_id", "user id"),
        Attribute("parent_execution", "parent", other_path="parent_task_id"),
        Attribute("sub_executions", "sub-tasks"),
        Attribute("conversation_id", "conversation"),
        Attribute("conversation_kind", "conversation kind"),
        Attribute("execution_kind", "execution kind"),
        Attribute("is_orchestration", "of a workflow"),
        Attribute("is_gateway", "conversation head"),
        Attribute("is_app", "of an app"),
        Attribute("worker_id", "worker"),
        Attribute("test_run_node_id", "test run of node"),
    ),
    INPUT: (
        Attribute("input.text", "text"),
        Attribute("input.files", "files"),
        Attribute("input.attachments", "attachments"),
        Attribute("input.user.id", "user"),
        Attribute("input.user.email", "e-mail"),
        Attribute("input.user.display_name", "display name"),
        Attribute("input.user.first_name", "first name"),
        Attribute("input.user.last_name", "last name"),
        Attribute("input.user.timezone", "time zone"),
        Attribute("input.user.additional_attributes", "user attributes"),
        Attribute("input.principal", "principal"),
    ),
    OVERRIDES: (
        Attribute("additional_context", "context"),
        Attribute("instructions_override", "instructions (appended)"),
        Attribute("expected_output", "expected output"),
        Attribute("output_format", "output format"),
        Attribute("output_schema", "output schema"),
        Attribute("voice_id", "voice"),
        Attribute("think_mode", "think mode"),
        Attribute("llm_model_provider", "model provider"),
        Attribute("llm_model_name", "model"),
        Attribute("llm_reasoning_effort", "reasoning effort"),
        Attribute("harness_cli", "harness CLI"),
        Attribute("permission_mode", "permission mode"),
        Attribute("tool_call_limit", "tool call limit"),
        Attribute("mcp_servers", "MCP servers"),
        Attribute("payload_extension", "payload extension"),
        Attribute("disable_attachment_injection", "attachments not injected"),
        Attribute("return_metrics", "returns metrics"),
        Attribute("background_auth_eligible", "background sign-in"),
    ),
    STATE: (
        Attribute("status", "status"),
        Attribute("internal_status", "internal status"),
        Attribute("execution_attempts", "attempts"),
        Attribute("last_executed_node_id", "last node"),
        Attribute("is_manually_stopped", "stopped by a person"),
        Attribute("should_update_parent", "updates its parent"),
        Attribute("events_streaming", "events streamed"),
        Attribute("hitl_request", "approval request"),
        Attribute("pending_eca_request", "sign-in request"),
        Attribute("process", "process"),
        Attribute("must_deep_plan", "must plan"),
        Attribute("deep_planning.enabled", "plan enabled"),
        Attribute("deep_planning.enforce", "plan enforced"),
        Attribute("deep_planning.started", "plan started"),
        Attribute("deep_planning.question_raised", "question raised"),
        Attribute("deep_planning.tasks", "plan steps", Form.STEPS, other_path="deep_planning.steps"),
    ),
    OUTPUT: (
        Attribute("result", "result"),
        Attribute("tokens.prompt_tokens", "prompt tokens"),
        Attribute("tokens.completion_tokens", "completion tokens"),
        Attribute("tokens.cache_read_tokens", "cache read tokens"),
        Attribute("tokens.cache_write_tokens", "cache write tokens"),
        Attribute("tokens.total_tokens", "total tokens"),
        Attribute("used_tools", "tools used"),
        Attribute("duration", "duration", Form.SECONDS),
    ),
    TIMES: (
        Attribute("created_at", "created", Form.TIME),
        Attribute("started_at", "started", Form.TIME),
        Attribute("paused_at", "paused", Form.TIME),
        Attribute("finished_at", "finished", Form.TIME),
        Attribute("updated_at", "updated", Form.TIME),
    ),
}  # fmt: skip
"""The attributes of each group, in the order in which they are shown; MORE has those that are not listed here."""
SECRET_ATTRIBUTES = ("user_tokens", "user_oidc_token")
"""The attributes that are secrets as a whole."""
STEP_FIELDS = frozenset({"id", "title", "completed"})
"""The fields of a plan's step that its text has."""
SPREAD_OBJECTS = ("input", "input.user", "deep_planning", "tokens")
"""The objects whose members are attributes of their own, each after the one that holds it."""


def details_of(record: Mapping[str, Any], tool_use: Mapping[str, ToolUse] | None = None) -> TaskDetails:
    """Return the details of a task from its record, and from the use of its tools where its log was read."""
    values = _spread(record)
    secrets: Counter[str] = Counter()
    shown: dict[str, Any] = {}
    for path, value in values.items():
        cleared = _without_secrets(path, value, secrets)
        if not _is_empty(cleared):
            shown[path] = cleared
    groups: list[DetailGroup] = []
    not_set: list[str] = []
    for name, attributes in ATTRIBUTES.items():
        details: list[Detail] = []
        for attribute in attributes:
            value = _take(shown, attribute)
            if value is not None:
                details.append(Detail(attribute.path, attribute.label, value, attribute.form))
            elif attribute.path not in secrets:
                not_set.append(attribute.path)
        details += _derived(name, values, tool_use)
        groups.append(DetailGroup(name, details))
    groups.append(DetailGroup(MORE, [Detail(path, path, value) for path, value in shown.items()]))
    not_set += [path for path in SECRET_ATTRIBUTES if path not in secrets]
    present = {path: count for path, count in secrets.items() if count}
    return TaskDetails([group for group in groups if group.details], present, not_set)


def shown_value(detail: Detail, format_time: Callable[[datetime], str]) -> Any:
    """Return the value of a detail as a reader sees it: times, durations, steps and calls as text."""
    match detail.form, detail.value:
        case Form.TIME, value if moment := parse_time(value):
            return format_time(moment)
        case Form.SECONDS, int() | float() as seconds:
            return humanize.exact_duration(seconds)
        case Form.STEPS, list() as steps:
            return [_step_text(step) for step in steps]
        case Form.CALLS, dict() as uses:
            return [_use_text(name, **use) for name, use in uses.items()]
        case _, value:
            return value


def _step_text(step: Any) -> Any:
    """Return a step of a plan as text: whether it is done, its id and its title; a step of another form as it is."""
    if not isinstance(step, dict) or not STEP_FIELDS.issuperset(step):
        return step
    mark = "✓" if _is_done(step) else "·"
    return " ".join(filter(None, (mark, text_of(step.get("id")), text_of(step.get("title")))))


def _use_text(name: str, calls: int, errors: int) -> str:
    """Return the use of a tool as text: `3× gmail.send_message, 1 failed`."""
    failed = f", {errors} failed" if errors else ""
    return f"{calls}× {name}{failed}"


def _spread(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a record by their paths; the members of some objects are attributes of their own."""
    values = {str(name): value for name, value in record.items()}
    for holder in SPREAD_OBJECTS:
        if isinstance(values.get(holder), dict):
            members = values.pop(holder)
            values |= {f"{holder}.{name}": member for name, member in members.items()}
    return values


def _without_secrets(path: str, value: Any, secrets: Counter[str]) -> Any:
    """Return the value of an attribute without the secrets in it, which are counted."""
    if path == "mcp_servers":
        value = [_without_addresses(server, secrets) for server in items_of(value)]
    cleared = without_secrets(value, path, secrets)
    if path in SECRET_ATTRIBUTES and not _is_empty(cleared):  # of an unusual form, and still a secret
        secrets[path] += 1
        return None
    return cleared


def _without_addresses(server: Any, secrets: Counter[str]) -> Any:
    """Return an MCP server with the host and the program alone: a path or an argument is often a secret.

    Its way to sign in gets a name that does not sound like a secret.
    """
    from tui.client.agent_models import origin_of, program_of

    if not isinstance(server, dict):
        return None
    kept = {("sign_in" if name == "auth_type" else name): value for name, value in server.items() if name != "args"}
    if arguments := server.get("args"):
        secrets["mcp_servers.args"] += len(arguments) if isinstance(arguments, list) else 1
    for name, reduce in (("url", origin_of), ("command", program_of)):
        if name in kept:
            kept[name] = reduce(kept[name])
    return kept


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _take(values: dict[str, Any], attribute: Attribute) -> Any:
    """Take the value of an attribute out of these; another value under its other path stays."""
    value = values.pop(attribute.path, None)
    other = values.get(attribute.other_path) if attribute.other_path else None
    if other is not None and (value is None or other == value):
        return values.pop(attribute.other_path)
    return value


def _derived(group: str, values: Mapping[str, Any], tool_use: Mapping[str, ToolUse] | None) -> Iterator[Detail]:
    """Yield the details of a group that follow from several attributes or from the log."""
    if group == STATE:
        yield from _plan_details(values)
    elif group == OUTPUT:
        if tool_use:
            calls = {name: {"calls": use.calls, "errors": use.errors} for name, use in tool_use.items()}
            yield Detail("tool_calls", "tool calls", calls, Form.CALLS)
        created, started = parse_time(values.get("created_at")), parse_time(values.get("started_at"))
        if created and started and started >= created:
            yield Detail("queue_seconds", "queue time", (started - created).total_seconds(), Form.SECONDS)


def _plan_details(values: Mapping[str, Any]) -> Iterator[Detail]:
    """Yield whether a plan can finish, which it can once no step is open."""
    steps = items_of(values.get("deep_planning.tasks") or values.get("deep_planning.steps"))
    if steps:
        yield Detail("plan_can_finish", "plan can finish", all(map(_is_done, steps)))


def _is_done(step: Any) -> bool:
    return flag_of(object_of(step).get("completed"))
