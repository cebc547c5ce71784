"""The entries of an activity log. No field names the kind of an entry, so the order of the checks matters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Struct, field
from pydantic import AliasChoices, BeforeValidator, Field

from tui.client.json_values import object_of, text_of, text_or_empty
from tui.client.models import Person
from tui.client.questions import Question, parse_question
from tui.client.wire_model import Flag, Items, Moment, Name, Nested, Number, Text, WireModel

_TRUNCATED = re.compile(r"\[TRUNCATED OUTPUT - (\d+) chars")


class Entry(WireModel):
    """An entry: one thing that happened in a task. Every kind has an id and a time."""

    ID_FIELDS = ("id", "request_id", "tool_call_id")
    kind: ClassVar[str] = "other"
    id: Name = ""
    created_at: Moment = None
    agent_id: Text = None
    plan_task_id: Text = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys by which other sources can refer to the same entry."""
        return (self.id,)

    @property
    def started_task_id(self) -> str | None:
        """The id of the sub-task that the entry started, if it names one."""
        return None

    @property
    def label(self) -> str:
        """A short label in the platform's own words."""
        return self.kind


class Reason(WireModel):
    """The reason for an agent's step, in its own words."""

    title: Text = None
    description: Text = None


class Message(Entry):
    """A message of the user, the agent or the system."""

    kind = "message"
    role: Name = ""
    content: Any = None
    user: Nested[Person] = None
    sub_execution_result: Flag = False

    @property
    def text(self) -> str:
        """The text, from either form of the content."""
        if isinstance(self.content, dict):
            return text_or_empty(self.content.get("text"))
        return text_or_empty(self.content)

    @property
    def files(self) -> tuple[Any, ...]:
        """The attached files."""
        files = object_of(self.content).get("files")
        return tuple(files) if isinstance(files, list) else ()

    @property
    def label(self) -> str:
        """The text as the label."""
        return self.text


class ToolCall(Entry):
    """A tool call: its request, its result, or both, joined by `request_id`."""

    kind = "tool"
    request_id: Text = None
    tool_call_id: Text = None
    operation_id: Text = None
    graph_node_id: Text = None
    tool_name: Text = None
    payload: Any = None
    result: Any = None
    is_error: Flag = False
    reasoning: Nested[Reason] = None
    approval_request_id: Text = None
    started_at: Moment = None
    finished_at: Moment = None
    returned: Flag = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a call: the entry's id and the two ids that the call has in the stream."""
        return tuple(dict.fromkeys(key for key in (self.id, self.request_id, self.tool_call_id) if key))

    @property
    def name(self) -> str:
        """The name of the tool, or else the id of the operation."""
        return self.tool_name or self.operation_id or "tool"

    @property
    def label(self) -> str:
        """The tool's name as the label."""
        return self.name

    @property
    def is_finished(self) -> bool:
        """Whether the call is finished: it has a result or an error."""
        return self.returned or self.result is not None or self.is_error

    @property
    def arguments(self) -> Any:
        """The arguments of the call: its payload without the envelope and the headers that the platform adds."""
        payload = self.payload
        if isinstance(payload, dict) and isinstance(payload.get("payload"), dict):
            payload = payload["payload"]
        if not isinstance(payload, dict) or not isinstance(payload.get("headers"), dict):
            return payload
        headers = {name: value for name, value in payload["headers"].items() if not name.startswith("toolcall")}
        if headers:
            return {**payload, "headers": headers}
        return {name: value for name, value in payload.items() if name != "headers"}

    @property
    def cut_from(self) -> int | None:
        """The number of characters from which the platform cut the result for display."""
        if not isinstance(self.result, str):
            return None
        match = _TRUNCATED.search(self.result)
        return int(match[1]) if match else None


class Reasoning(Entry):
    """A step of the agent's reasoning."""

    kind = "reasoning"
    type: Annotated[str, BeforeValidator(lambda value: text_of(value) or "think")] = "think"
    title: Text = None
    confidence: Number = None
    thought: Text = None
    action: Text = None
    result: Text = None
    analysis: Text = None

    @property
    def label(self) -> str:
        """The title as the label, or else the thought, the analysis or the type."""
        return self.title or self.thought or self.analysis or self.type


class Delegation(Entry):
    """The delegation of a task to another agent."""

    kind = "sub-agent"
    query: Text = None
    files: Items[Any] = ()
    reasoning: Nested[Reason] = None
    child_id: Text = Field(None, validation_alias=AliasChoices("created_execution_id", "sub_task_id", "child_task_id"))

    @property
    def started_task_id(self) -> str | None:
        """The id of the sub-task that was started, if the entry names it."""
        return self.child_id

    @property
    def label(self) -> str:
        """The query as the label, or else the title of the reason, the agent or the kind."""
        title = self.reasoning.title if self.reasoning else None
        return self.query or title or self.agent_id or self.kind


class SignIn(Entry):
    """The sign-in of a connector, needed or done."""

    kind = "sign-in"
    type: Name = ""
    data: Any = None

    @property
    def is_open(self) -> bool:
        """Whether the sign-in is open: the agent still waits for it."""
        return self.type == "login_required"

    @property
    def server(self) -> str:
        """The name of the server that asks, or else its address."""
        data = object_of(self.data)
        return text_of(data.get("server_name")) or text_or_empty(data.get("server_url"))

    @property
    def url(self) -> str | None:
        """The URL at which to sign in."""
        return text_of(object_of(self.data).get("url"))

    @property
    def label(self) -> str:
        """The server and the type as the label."""
        return " ".join(part for part in (self.server, self.type.replace("_", " ")) if part)


class Decision(Entry):
    """A decision of an agent gateway about other runs."""

    kind = "decision"
    action: Name = ""
    title: Text = None
    description: Text = None
    reasoning: Text = None
    new_input: Text = None
    rejected: Text = None
    child_id: Text = Field(None, validation_alias="created_execution_id")
    executions: Items[Any] = ()

    @property
    def started_task_id(self) -> str | None:
        """The id of the run that the decision started, if the entry names it."""
        return self.child_id

    @property
    def label(self) -> str:
        """The title as the label, or else the action."""
        return self.title or self.action.replace("_", " ")


class Questions(Entry):
    """The questions of an agent, and their answers."""

    kind = "question"
    questions: Items[Any] = ()
    answers: Any = None
    decision_id: Text = None
    title: Text = None

    @property
    def is_open(self) -> bool:
        """Whether the questions are open: the log has no answers yet."""
        return not self.answers

    @property
    def label(self) -> str:
        """The text of the first question as the label, or else the title."""
        return next((question.text for question in self.asked if question.text), None) or self.title or "question"

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that were asked, parsed from any form."""
        return tuple(parse_question(value, number) for number, value in enumerate(self.questions, 1))


class Confirmation(Entry):
    """A confirmation card, which asks to confirm or dismiss an action; the platform reads the target from the card."""

    kind = "confirmation"
    request_id: Name = ""
    type: Text = None
    action: Text = None
    title: Text = None
    description: Text = None
    approved: Any = None

    @property
    def is_open(self) -> bool:
        """Whether the card is open: the log has no decision yet."""
        return self.approved is None

    @property
    def label(self) -> str:
        """The title as the label, or else the description, the action or the kind."""
        return self.title or self.description or self.action or self.kind


class Compaction(Entry):
    """A compaction of the agent's context, running or done."""

    kind = "compaction"
    type: Name = ""
    data: Any = None

    @property
    def label(self) -> str:
        """The type of compaction as the label."""
        return self.type.replace("_", " ") or self.kind


class Other(Entry):
    """Any other entry, of a kind that this version does not know."""

    action: Text = None
    type: Text = None

    @property
    def label(self) -> str:
        """The action or the type as the label."""
        return self.action or self.type or "entry"


REASONING = frozenset({"think", "analyze"})
SIGN_INS = frozenset({"not_supported", "login_required", "token_issue", "token_ready"})
DECISIONS = frozenset(
    {"ask_execution", "stop_execution", "continue_execution", "get_executions_result", "create_execution"}
)


def parse_entry(data: object) -> Entry:
    """Parse an entry of any kind."""
    return entry_class_of(data).from_value(data)


def entry_class_of(data: object) -> type[Entry]:
    """Return the class of an entry, for any JSON value; the kinds can only be told apart in this order."""
    match data:
        case {"role": str(), "content": _}:
            return Message
        case {"type": str(kind)} if kind in REASONING:
            return Reasoning
        case {"type": str(kind)} if kind in SIGN_INS:
            return SignIn
        case {"action": "create_execution"}:
            return Delegation
        case {"action": str(action)} if action in DECISIONS:
            return Decision
        case {"tool_name": str()}:
            return ToolCall
        case {"questions": list()}:
            return Questions
        case {"request_id": str(), "type": str(name)} | {"request_id": str(), "action": str(name)} if "confirm" in name:
            return Confirmation
        case {"action": str()}:
            return Other
        case {"agent_id": str(), "query": _} | {"agent_id": str(), "reasoning": dict()}:
            return Delegation
        case _:
            return Other


class Log(Struct, frozen=True):
    """An activity log as it was read at one time."""

    entries: Sequence[Entry] = ()
    children: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """The logs of sub-tasks that came in the same answer, by task id."""
    is_partial: bool = False
    """Whether the log has only messages, because the surface that has whole logs is not configured."""
    first: int = 0
    """The index of the first of these entries in the whole log."""
    since: datetime | None = None
    """The time of the last entry before these that has one."""

    def child_logs(self) -> Iterator[tuple[str, Log]]:
        """Yield the logs of child tasks that came in the same answer, each with the task's id."""
        for task_id, entries in self.children.items():
            yield task_id, Log(entries, is_partial=self.is_partial)

    def parts(self, size: int) -> Iterator[Log]:
        """Yield the log in parts of `size` entries, to be processed one by one; a lazily read log is one part."""
        if not isinstance(self.entries, tuple):
            yield self
            return
        since = self.since
        for start in range(0, max(len(self.entries), 1), size):
            entries = self.entries[start : start + size]
            children = {} if start else self.children
            yield Log(entries, children, self.is_partial, self.first + start, since)
            since = next((entry.created_at for entry in reversed(entries) if entry.created_at), since)
