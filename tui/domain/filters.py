"""The filter language: one grammar for `/`, `--filter` and views, with a place for every mistake.

    status:paused,executing agent:invoice* -title:"test run" age:>2h re:/order \\d+/ overdue

Terms are joined by *and*, values with a comma by *or*; `-` in front turns a term round. Bare words are looked for
in titles, results, agents and ids; `*` stands for anything, except within quotes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct, field

from tui.client.task_facts import Status, Wait
from tui.client.task_rows import AnyTask, TaskQuery, TaskRow

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NUMBER_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000}
TEXT_FIELDS = ("status", "agent", "user", "source", "parent", "id", "title", "result")
NUMBER_FIELDS = ("age", "wait", "tokens")
FIELDS = (*TEXT_FIELDS, *NUMBER_FIELDS, "err")
_FAILED = frozenset({Status.ERROR, Status.FAILED})
_INSIDE = frozenset({"title", "result", "agent", ""})
"""Fields whose values are looked for anywhere inside; the others are compared whole."""

_NAME = re.compile(r"([A-Za-z_]+):(?!//)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PATTERN = re.compile(r"re:/((?:[^/\\]|\\.)*)/")
_BARE = re.compile(r'[^\s,"]+')
_SLIP = re.compile(r"(?:(age|wait|tokens)([<>]=?.*)|!(\w+))\Z")
"""What people write who think of another filter language."""
_COMPARED = re.compile(r"(>=|<=|>|<)?([^\s,]*)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+\Z")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([km]?)\Z", re.IGNORECASE)


class FilterError(ValueError):
    """A filter that cannot be read: what is wrong, and where it stands."""

    def __init__(self, message: str, text: str, start: int, end: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.start = start
        self.end = max(end if end is not None else len(text), start + 1)

    def underlined(self) -> str:
        """The filter with the mistake marked under it."""
        return f"{self.text}\n{' ' * self.start}{'^' * (self.end - self.start)} {self.message}"


class TextValue(Struct, frozen=True):
    """A text to look for; exact ones were quoted, and a star in them is a star."""

    text: str
    exact: bool = False

    def __str__(self) -> str:
        if not self.exact:
            return self.text
        return '"' + self.text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    @property
    def is_wild(self) -> bool:
        """Whether a star stands for anything."""
        return not self.exact and "*" in self.text

    def test(self, inside: bool) -> Callable[[str], bool]:
        """A test of casefolded texts: found anywhere inside, or the whole."""
        wanted = self.text.casefold()
        if self.is_wild:
            body = ".*".join(map(re.escape, wanted.split("*")))
            compiled = re.compile(body, re.DOTALL)
            return lambda text: bool((compiled.search if inside else compiled.fullmatch)(text))
        return (lambda text: wanted in text) if inside else (lambda text: wanted == text)


class RegexValue(Struct, frozen=True):
    """A regular expression to look for, in any case of letters."""

    source: str

    def __str__(self) -> str:
        return f"re:/{self.source}/"

    def test(self, inside: bool) -> Callable[[str], bool]:
        """A test of texts: found anywhere in them."""
        compiled = re.compile(self.source.replace("\\/", "/"), re.IGNORECASE)
        return lambda text: bool(compiled.search(text))


class Comparison(Struct, frozen=True):
    """An amount to compare with: seconds of a duration, or a number."""

    sign: str
    amount: float
    is_duration: bool = True

    def __str__(self) -> str:
        units = SECONDS_PER_UNIT if self.is_duration else NUMBER_SUFFIXES
        for unit, size in sorted(units.items(), key=lambda item: -item[1]):
            if self.amount % size == 0 and (self.amount or size == 1):
                return f"{self.sign}{int(self.amount // size)}{unit}"
        return f"{self.sign}{self.amount!r}{'s' if self.is_duration else ''}"

    def holds(self, amount: float | None) -> bool:
        """Whether an amount is on the right side; one that is not known never is."""
        if amount is None:
            return False
        match self.sign:
            case ">":
                return amount > self.amount
            case ">=":
                return amount >= self.amount
            case "<":
                return amount < self.amount
            case _:
                return amount <= self.amount


FilterValue = TextValue | RegexValue | Comparison


class FilterTerm(Struct, frozen=True):
    """One condition; with no field, its values are looked for everywhere."""

    field: str
    values: tuple[FilterValue, ...]
    negated: bool = False

    def __str__(self) -> str:
        sign = "-" if self.negated else ""
        name = f"{self.field}:" if self.field else ""
        return sign + name + ",".join(map(str, self.values))


class FilterContext(Struct, frozen=True):
    """What a filter needs beside the task: the time, the agents' names, waits that only the logs know."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    agents: Mapping[str, str] = field(default_factory=dict)
    waits: Mapping[str, Wait] = field(default_factory=dict)


class Filter(Struct, frozen=True):
    """All of its terms must hold; without any, everything matches."""

    terms: tuple[FilterTerm, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def predicate(self, context: FilterContext | None = None) -> Callable[[AnyTask], bool]:
        """The filter as a function, made once for many tasks."""
        tests = [_test(term, context or FilterContext()) for term in self.terms]
        match tests:
            case []:
                return lambda task: True
            case [only]:
                return only
            case _:
                return lambda task: all(test(task) for test in tests)

    def pushed_down(self, context: FilterContext | None = None) -> TaskQuery:
        """What the platform can choose by itself; the predicate still decides over what comes."""
        told = context or FilterContext()
        chosen: dict[str, object] = {}
        for term in self.terms:
            if not term.negated and (found := _pushed(term, told)):
                name, value = found
                chosen.setdefault(name, value)
        return TaskQuery(**chosen)  # type: ignore[arg-type]


def parse_filter(text: str) -> Filter:
    """Read a filter; a mistake raises FilterError with its place."""
    terms: list[FilterTerm] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        term, at = _term(text, at)
        terms.append(term)
    return Filter(tuple(terms))


def _term(text: str, at: int) -> tuple[FilterTerm, int]:
    negated = text[at] == "-"
    if negated:
        at += 1
        if at == len(text) or text[at].isspace():
            raise FilterError("a minus with nothing behind it", text, at - 1, at)
    name = ""
    if (found := _NAME.match(text, at)) and not _PATTERN.match(text, at):
        name = found[1].lower()
        if name == "re":
            raise FilterError("a pattern is written re:/…/", text, at, at + 3)
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1, 0.5)
            hint = f", did you mean {near[0]}:" if near else f"; there are {' '.join(f'{one}:' for one in FIELDS)}"
            raise FilterError(f"no field {name}:{hint}", text, at, found.end() - 1)
        at = found.end()
    values: list[FilterValue] = []
    while True:
        value, at = _value(text, at, name)
        values.append(value)
        if at < len(text) and text[at] == ",":
            at += 1
            continue
        if at < len(text) and not text[at].isspace():
            raise FilterError("a blank or a comma belongs here", text, at, at + 1)
        return FilterTerm(name, tuple(values), negated), at


def _value(text: str, at: int, name: str) -> tuple[FilterValue, int]:
    if at == len(text) or text[at].isspace() or text[at] == ",":
        raise FilterError(f"{name}: needs a value" if name else "nothing before the comma", text, max(at - 1, 0), at)
    if name in NUMBER_FIELDS:
        return _amount(text, at, name)
    if found := _PATTERN.match(text, at):
        try:
            re.compile(found[1])
        except re.error as error:
            raise FilterError(f"no regular expression: {error.msg}", text, at, found.end()) from None
        return RegexValue(found[1]), found.end()
    if found := _QUOTED.match(text, at):
        return TextValue(re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), exact=True), found.end()
    if text[at] == '"':
        raise FilterError("the quotes are not closed", text, at)
    found = _BARE.match(text, at)
    if found and not name and (slip := _SLIP.match(found[0])):
        right = f"-{slip[3]}" if slip[3] else f"{slip[1]}:{slip[2]}"
        raise FilterError(f"written {right}", text, at, found.end())
    if found is None or found[0].startswith("re:/"):
        raise FilterError("the pattern is not closed with /", text, at)
    if name == "err" and found[0].lower() not in {"true", "false"}:
        raise FilterError("err: is true or false", text, at, found.end())
    return TextValue(found[0].lower() if name == "err" else found[0]), found.end()


def _amount(text: str, at: int, name: str) -> tuple[Comparison, int]:
    found = _COMPARED.match(text, at)
    sign, digits = (found[1], found[2]) if found else (None, "")
    end = found.end() if found else at
    example = ">10k" if name == "tokens" else ">2h"
    if not sign:
        raise FilterError(f"{name}: is compared, as in {name}:{example}", text, at, end)
    if name == "tokens":
        number = _AMOUNT.match(digits)
        if not number:
            raise FilterError(f"no number, write it as in {name}:{example}", text, at, end)
        return Comparison(sign, float(number[1]) * NUMBER_SUFFIXES[number[2].lower()], is_duration=False), end
    if not _DURATION.match(digits):
        raise FilterError(f"no duration, write it as in {name}:{example} (s m h d w)", text, at, end)
    parts = re.findall(r"([\d.]+)([smhdw])", digits)
    return Comparison(sign, sum(float(count) * SECONDS_PER_UNIT[unit] for count, unit in parts)), end


def _test(term: FilterTerm, context: FilterContext) -> Callable[[AnyTask], bool]:
    test = _positive(term, context)
    return (lambda task: not test(task)) if term.negated else test


def _positive(term: FilterTerm, context: FilterContext) -> Callable[[AnyTask], bool]:
    if term.field in NUMBER_FIELDS:
        measure = _MEASURES[term.field]
        bounds = [value for value in term.values if isinstance(value, Comparison)]
        return lambda task: any(bound.holds(measure(task, context)) for bound in bounds)
    if term.field == "err":
        wanted = {str(value) == "true" for value in term.values}
        return lambda task: (task.status in _FAILED) in wanted
    inside = term.field in _INSIDE
    tests = [value.test(inside) for value in term.values if not isinstance(value, Comparison)]
    texts = _READERS[term.field]
    plain = [value.text.casefold() for value in term.values if isinstance(value, TextValue) and not value.is_wild]
    if inside and all(plain) and len(plain) == len(term.values) and "\n" not in "".join(plain):
        # One look through all texts, with a line's end between them that no word has.
        return lambda task: any(map("\n".join(filter(None, texts(task, context))).casefold().__contains__, plain))
    if len(tests) == 1:
        only = tests[0]
        return lambda task: any(only(text.casefold()) for text in texts(task, context) if text)
    return lambda task: any(test(text.casefold()) for text in texts(task, context) if text for test in tests)


def _agent_of(task: AnyTask, context: FilterContext) -> tuple[str | None, ...]:
    return task.agent_id, context.agents.get(task.agent_id)


_READERS: Mapping[str, Callable[[AnyTask, FilterContext], tuple[str | None, ...]]] = {
    "status": lambda task, context: (task.status,),
    "agent": _agent_of,
    "user": lambda task, context: (task.user_id,) if not (task.input and task.input.user)
    else (task.user_id, task.input.user.id, task.input.user.email),
    "source": lambda task, context: (task.source,),
    "parent": lambda task, context: (task.parent_id,),
    "id": lambda task, context: (task.id, task.id[:8]),
    "title": lambda task, context: (task.title,),
    "result": lambda task, context: (task.result,),
    "": lambda task, context: (task.title, task.id, *_agent_of(task, context), task.result, task.status),
}  # fmt: skip


def _age(task: AnyTask, context: FilterContext) -> float | None:
    return (context.now - task.created_at).total_seconds() if task.created_at else None


def _waited(task: AnyTask, context: FilterContext) -> float | None:
    wait = context.waits.get(task.id) or task.wait
    return (context.now - wait.since).total_seconds() if wait and wait.since else None


_MEASURES: Mapping[str, Callable[[AnyTask, FilterContext], float | None]] = {
    "age": _age,
    "wait": _waited,
    "tokens": lambda task, context: float(task.tokens.total) if task.tokens else None,
}


def _pushed(term: FilterTerm, context: FilterContext) -> tuple[str, object] | None:
    """The query parameter that chooses at least what this term does, if there is one."""
    plain = [value for value in term.values if isinstance(value, TextValue) and not value.is_wild]
    only = plain[0].text if len(plain) == len(term.values) == 1 else None
    match term.field:
        case "status" if len(plain) == len(term.values):
            return "status", tuple(dict.fromkeys(value.text.lower() for value in plain))
        case "agent":
            test = _positive(term, context)
            ids = [agent for agent in context.agents if test(TaskRow.from_value({"id": "?", "agent_id": agent}))]
            return ("agent_id", ids[0]) if len(ids) == 1 else None
        case "parent" if only:
            return "parent_task_id", only
        case "age" if len(term.values) == 1 and isinstance(bound := term.values[0], Comparison):
            edge = datetime.fromtimestamp(max(context.now.timestamp() - bound.amount, 0), UTC)
            return ("to_date" if ">" in bound.sign else "from_date"), edge
        case _:
            return None
