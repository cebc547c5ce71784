"""The entries of an activity log: no field says which kind an entry is, so the kinds are told apart in one order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Struct, field
from pydantic import AliasChoices, BeforeValidator, Field

from tui.client.json_values import text_of
from tui.client.models import Person
from tui.client.wire_model import Flag, Items, Moment, Name, Nested, Number, Text, WireModel

_CUT = re.compile(r"\[TRUNCATED OUTPUT - (\d+) chars")


class Entry(WireModel):
    """One thing that happened in a task; every kind has an id and a time."""

    ID_FIELDS = ("id", "request_id", "tool_call_id")
    kind: ClassVar[str] = "other"
    id: Name = ""
    created_at: Moment = None
    agent_id: Text = None
    plan_task_id: Text = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every name under which this same thing may be told again."""
        return (self.id,)

    @property
    def started_task_id(self) -> str | None:
        """The id of the sub-task that it started, where it is of a kind that starts one and names it."""
        return None

    @property
    def label(self) -> str:
        """What it is, in a few words, as the platform put them."""
        return self.kind


class Reason(WireModel):
    """Why an agent did something, in its own words."""

    title: Text = None
    description: Text = None


class Message(Entry):
    """Something said by the user, the agent or the system."""

    kind = "message"
    role: Name = ""
    content: Any = None
    user: Nested[Person] = None
    sub_execution_result: Flag = False

    @property
    def text(self) -> str:
        """The words, wherever the platform put them."""
        inner = self.content.get("text") if isinstance(self.content, dict) else self.content
        return text_of(inner) or ""

    @property
    def files(self) -> tuple[Any, ...]:
        """What was attached."""
        found = self.content.get("files") if isinstance(self.content, dict) else None
        return tuple(found) if isinstance(found, list) else ()

    @property
    def label(self) -> str:
        """The words."""
        return self.text


class ToolCall(Entry):
    """A tool call: its request, its result, or both, joined by `request_id`."""

    kind = "tool"
    request_id: Text = None
    tool_call_id: Text = None
    operation_id: Text = None
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
        """The entry's id and the two ids a call carries on the stream."""
        return tuple(dict.fromkeys(key for key in (self.id, self.request_id, self.tool_call_id) if key))

    @property
    def name(self) -> str:
        """The tool's name, or the operation's."""
        return self.tool_name or self.operation_id or "tool"

    @property
    def label(self) -> str:
        """The tool's name."""
        return self.name

    @property
    def is_finished(self) -> bool:
        """Whether a result is known to have come."""
        return self.returned or self.result is not None or self.is_error

    @property
    def arguments(self) -> Any:
        """The payload without the envelope that the platform wraps round it."""
        inner = self.payload
        if isinstance(inner, dict) and isinstance(inner.get("payload"), dict):
            inner = inner["payload"]
        if isinstance(inner, dict) and isinstance(inner.get("headers"), dict):
            own = {key: value for key, value in inner["headers"].items() if not key.startswith("toolcall")}
            inner = {**inner, "headers": own} if own else {k: v for k, v in inner.items() if k != "headers"}
        return inner

    @property
    def cut_from(self) -> int | None:
        """How many characters the result had before the platform cut it for display."""
        found = _CUT.search(self.result) if isinstance(self.result, str) else None
        return int(found[1]) if found else None


class Reasoning(Entry):
    """A step of the agent's thinking."""

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
        """The step's title, or the thought itself."""
        return self.title or self.thought or self.analysis or self.type


class Delegation(Entry):
    """A task handed to another agent."""

    kind = "sub-agent"
    query: Text = None
    files: Items[Any] = ()
    reasoning: Nested[Reason] = None
    child_id: Text = Field(None, validation_alias=AliasChoices("created_execution_id", "sub_task_id", "child_task_id"))

    @property
    def started_task_id(self) -> str | None:
        """The sub-task, where it is named."""
        return self.child_id

    @property
    def label(self) -> str:
        """What the other agent was asked."""
        return self.query or (self.reasoning.title if self.reasoning else None) or self.agent_id or self.kind


class SignIn(Entry):
    """A connector that needs, or got, a person's sign-in."""

    kind = "sign-in"
    type: Name = ""
    data: Any = None

    @property
    def is_open(self) -> bool:
        """Whether the agent still waits for it."""
        return self.type == "login_required"

    @property
    def server(self) -> str:
        """Which server asks, by name or address."""
        data = self.data if isinstance(self.data, dict) else {}
        return text_of(data.get("server_name")) or text_of(data.get("server_url")) or ""

    @property
    def url(self) -> str | None:
        """Where to sign in."""
        return text_of(self.data.get("url")) if isinstance(self.data, dict) else None

    @property
    def label(self) -> str:
        """The server and what happened."""
        return " ".join(part for part in (self.server, self.type.replace("_", " ")) if part)


class Decision(Entry):
    """What an agent gateway decided to do with other runs."""

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
        """The run, where the decision started one and names it."""
        return self.child_id

    @property
    def label(self) -> str:
        """The decision in the platform's words."""
        return self.title or self.action.replace("_", " ")


class Question(Struct, frozen=True):
    """One question, and the answers it offers: id and words of each."""

    id: str
    text: str
    options: tuple[tuple[str, str], ...]


class Questions(Entry):
    """Questions the agent asked, and whether they were answered."""

    kind = "question"
    questions: Items[Any] = ()
    answers: Any = None
    decision_id: Text = None
    title: Text = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet, as far as the log tells."""
        return not self.answers

    @property
    def label(self) -> str:
        """The first question's words."""
        return next((question.text for question in self.asked if question.text), None) or self.title or "question"

    @property
    def asked(self) -> tuple[Question, ...]:
        """Each question, from whatever shape it has."""
        return tuple(_question(told, place) for place, told in enumerate(self.questions, 1))


def _question(told: object, place: int) -> Question:
    if not isinstance(told, dict):
        return Question(f"q{place}", text_of(told) or "", ())
    words = text_of(told.get("question") or told.get("text") or told.get("title")) or ""
    offered = told.get("options")
    options = [_option(one, number) for number, one in enumerate(offered if isinstance(offered, list) else (), 1)]
    return Question(text_of(told.get("id") or told.get("question_id")) or f"q{place}", words, tuple(options))


def _option(told: object, place: int) -> tuple[str, str]:
    if not isinstance(told, dict):
        words = text_of(told) or str(place)
        return words, words
    words = text_of(told.get("label") or told.get("text") or told.get("title")) or str(place)
    return text_of(told.get("id") or told.get("value")) or words, words


class Confirmation(Entry):
    """A card that asks to confirm or dismiss an action; the platform reads its target from the card itself."""

    kind = "confirmation"
    request_id: Name = ""
    type: Text = None
    action: Text = None
    title: Text = None
    description: Text = None
    approved: Any = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet, as far as the log tells."""
        return self.approved is None

    @property
    def label(self) -> str:
        """What the card asks."""
        return self.title or self.description or self.action or self.kind


class Compaction(Entry):
    """The agent's context was, or is being, made smaller."""

    kind = "compaction"
    type: Name = ""
    data: Any = None

    @property
    def label(self) -> str:
        """What kind of compaction."""
        return self.type.replace("_", " ") or self.kind


class Other(Entry):
    """Anything this version does not know, shown as itself."""

    action: Text = None
    type: Text = None

    @property
    def label(self) -> str:
        """The name the platform gave it."""
        return self.action or self.type or "entry"


REASONING = frozenset({"think", "analyze"})
SIGN_INS = frozenset({"not_supported", "login_required", "token_issue", "token_ready"})
DECISIONS = frozenset(
    {"ask_execution", "stop_execution", "continue_execution", "get_executions_result", "create_execution"}
)


def parse_entry(data: object) -> Entry:
    """The entry this object is."""
    return entry_class_of(data).from_value(data)


def entry_class_of(data: object) -> type[Entry]:
    """What kind of entry this object is: total, and in the one order in which the kinds can be told apart."""
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
    """An activity log as it was at one moment."""

    entries: Sequence[Entry] = ()
    children: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """Logs of sub-tasks that came with it, by task."""
    is_partial: bool = False
    """Only messages: the surface that has the whole log is not there."""
    first: int = 0
    """The how manieth of the whole the first of these entries is."""
    since: datetime | None = None
    """When the latest before them was, that tells its time."""

    def child_logs(self) -> Iterator[tuple[str, Log]]:
        """The logs of sub-tasks that came with it, each with the task's id."""
        for task_id, entries in self.children.items():
            yield task_id, Log(entries, is_partial=self.is_partial)

    def parts(self, size: int) -> Iterator[Log]:
        """The same in pieces that can be taken in one after the other; whole where nothing of it has to be read yet."""
        if not isinstance(self.entries, tuple):
            yield self
            return
        since = self.since
        for at in range(0, max(len(self.entries), 1), size):
            entries = self.entries[at : at + size]
            children = {} if at else self.children
            yield Log(entries, children, self.is_partial, self.first + at, since)
            since = next((entry.created_at for entry in reversed(entries) if entry.created_at), since)
