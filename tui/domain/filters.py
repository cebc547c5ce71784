"""The filter language of `/`, `--filter` and views; errors tell the position of the mistake.

    status:paused,executing needs:me agent:invoice* -title:"test run" age:>2h re:/order \\d+/ overdue

A task must match all terms; values separated by commas are alternatives; `-` before a term negates it. Bare words are
searched for in titles, results, agents and ids. `*` matches anything, except within quotes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from tui.client.task_facts import FAILED_STATUSES, Need
from tui.client.task_rows import AnyTask, TaskQuery, TaskRow
from tui.domain.filter_texts import TEXT_READERS
from tui.domain.filter_texts import FilterContext as FilterContext
from tui.domain.filter_values import (
    NUMBER_SUFFIXES,
    SECONDS_PER_UNIT,
    Comparison,
    FilterValue,
    RegexValue,
    TextValue,
    nearest_status,
)

TEXT_FIELDS = ("status", "agent", "user", "source", "parent", "id", "title", "result",
               "internal", "node", "version", "tool", "kind", "triggering")  # fmt: skip
NUMBER_FIELDS = ("age", "wait", "tokens")
CHOICES: Mapping[str, tuple[str, ...]] = {"err": ("true", "false"), "needs": tuple(map(str, Need))}
"""The fields with a fixed choice of values."""
WAIT_FIELDS = frozenset({"wait", "needs", "kind"})
"""The fields that test the wait of a task, which the rows of a list do not tell."""
FIELDS = (*TEXT_FIELDS, *NUMBER_FIELDS, *CHOICES)
_SUBSTRING_FIELDS = frozenset({"title", "result", "agent", "tool", "triggering", ""})
"""Fields that match a value anywhere inside; other fields match it as a whole."""

_NAME = re.compile(r"([A-Za-z_]+):(?!//)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PATTERN = re.compile(r"re:/((?:[^/\\]|\\.)*)/")
_CHOICE = re.compile(r"[^\s,]*")
_BARE = re.compile(r'[^\s,"]+')
_FOREIGN_SYNTAX = re.compile(r"(?:(age|wait|tokens)([<>]=?.*)|!(\w+))\Z")
"""Syntax of other filter languages, such as `age>2h` or `!word`, for which the error suggests a correction."""
_COMPARISON = re.compile(r"(>=|<=|>|<)?([^\s,]*)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+\Z")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([km]?)\Z", re.IGNORECASE)

TaskPredicate = Callable[[AnyTask], bool]


class FilterError(ValueError):
    """A filter error: its message, and the position of the mistake in the text."""

    def __init__(self, message: str, text: str, start: int, end: int | None = None) -> None:
        super().__init__(message)
        if end is None:
            end = len(text)
        self.message = message
        self.text = text
        self.start = start
        self.end = max(end, start + 1)

    def underlined(self) -> str:
        """Return the text of the filter with the mistake underlined."""
        return f"{self.text}\n{' ' * self.start}{'^' * (self.end - self.start)} {self.message}"


class FilterTerm(Struct, frozen=True):
    """A term of a filter: one condition. Without a field, its values are searched for in several fields."""

    field: str
    values: tuple[FilterValue, ...]
    is_negated: bool = False

    def __str__(self) -> str:
        term = ",".join(map(str, self.values))
        if self.field:
            term = f"{self.field}:{term}"
        if self.is_negated:
            term = f"-{term}"
        return term


class Filter(Struct, frozen=True):
    """A filter for tasks: all of its terms must hold. An empty filter matches every task."""

    terms: tuple[FilterTerm, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def without(self, fields: Collection[str]) -> Filter:
        """Return the filter without its terms for these fields."""
        return Filter(tuple(term for term in self.terms if term.field not in fields))

    def predicate(self, context: FilterContext | None = None) -> TaskPredicate:
        """Return the filter as a predicate, prepared for use on many tasks."""
        tests = [_term_test(term, context or FilterContext()) for term in self.terms]
        match tests:
            case []:
                return lambda task: True
            case [only_test]:
                return only_test
            case _:
                return lambda task: all(test(task) for test in tests)

    def pushed_down(self, context: FilterContext | None = None) -> TaskQuery:
        """Return the part of the filter that is pushed down to the platform, as a query.

        The platform may return tasks that do not match: the predicate must still be applied to them.
        """
        parameters: dict[str, object] = {}
        for term in self.terms:
            if term.is_negated:
                continue
            parameter = _query_parameter(term, context or FilterContext())
            if parameter is not None:
                name, value = parameter
                parameters.setdefault(name, value)
        return TaskQuery(**parameters)  # type: ignore[arg-type]


def parse_filter(text: str) -> Filter:
    """Parse a filter; raise FilterError with the position of a mistake."""
    terms: list[FilterTerm] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        term, position = _parse_term(text, position)
        terms.append(term)
    return Filter(tuple(terms))


def _parse_term(text: str, start: int) -> tuple[FilterTerm, int]:
    """Parse the term that begins at `start`; return it and the position after it."""
    is_negated = text[start] == "-"
    if is_negated:
        start += 1
        if start == len(text) or text[start].isspace():
            raise FilterError("a minus with nothing behind it", text, start - 1, start)
    name, position = _parse_field_name(text, start)
    values: list[FilterValue] = []
    while True:
        value, position = _parse_value(text, position, name)
        values.append(value)
        if position < len(text) and text[position] == ",":
            position += 1
            continue
        if position < len(text) and not text[position].isspace():
            raise FilterError("a blank or a comma belongs here", text, position, position + 1)
        return FilterTerm(name, tuple(values), is_negated), position


def _parse_field_name(text: str, start: int) -> tuple[str, int]:
    """Parse the field name of a term, if it has one; return it and the position after its colon."""
    match = _NAME.match(text, start)
    if match is None or _PATTERN.match(text, start):
        return "", start
    name = match[1].lower()
    if name == "re":
        raise FilterError("a pattern is written re:/…/", text, start, start + 3)
    if name in FIELDS:
        return name, match.end()
    hint = f"; there are {' '.join(f'{field}:' for field in FIELDS)}"
    similar = difflib.get_close_matches(name, FIELDS, 1, 0.5)
    if similar:
        hint = f", did you mean {similar[0]}:"
    raise FilterError(f"no field {name}:{hint}", text, start, match.end() - 1)


def _parse_value(text: str, start: int, name: str) -> tuple[FilterValue, int]:
    """Parse one value of the field `name`; return it and the position after it."""
    if start == len(text) or text[start].isspace() or text[start] == ",":
        message = f"{name}: needs a value" if name else "nothing before the comma"
        raise FilterError(message, text, max(start - 1, 0), start)
    if name in NUMBER_FIELDS:
        return _parse_comparison(text, start, name)
    if name in CHOICES:
        return _parse_choice(text, start, name)
    if pattern := _PATTERN.match(text, start):
        try:
            re.compile(pattern[1])
        except re.error as error:
            raise FilterError(f"no regular expression: {error.msg}", text, start, pattern.end()) from None
        return RegexValue(pattern[1]), pattern.end()
    if quoted := _QUOTED.match(text, start):
        return TextValue(re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), exact=True), quoted.end()
    if text[start] == '"':
        raise FilterError("the quotes are not closed", text, start)
    return _parse_bare_value(text, start, name)


def _parse_bare_value(text: str, start: int, name: str) -> tuple[TextValue, int]:
    bare = _BARE.match(text, start)
    if bare and not name and (foreign := _FOREIGN_SYNTAX.match(bare[0])):
        correction = f"{foreign[1]}:{foreign[2]}"
        if foreign[3]:
            correction = f"-{foreign[3]}"
        raise FilterError(f"written {correction}", text, start, bare.end())
    if bare is None or bare[0].startswith("re:/"):
        raise FilterError("the pattern is not closed with /", text, start)
    value = TextValue(bare[0])
    if name == "status" and not value.is_wild and (nearest := nearest_status(value.text)):
        message = f"no status {value.text}, did you mean {nearest}? In quotes it is taken as it stands"
        raise FilterError(message, text, start, bare.end())
    return value, bare.end()


def _parse_choice(text: str, start: int, name: str) -> tuple[TextValue, int]:
    """Parse a value of a field with a fixed choice of values; quotes round it make no difference."""
    choices = CHOICES[name]
    match = _CHOICE.match(text, start)
    assert match is not None  # it matches an empty text, too
    value = match[0].strip('"').lower()
    if value not in choices:
        allowed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise FilterError(f"{name}: is {allowed}", text, start, match.end())
    return TextValue(value), match.end()


def _parse_comparison(text: str, start: int, name: str) -> tuple[Comparison, int]:
    match = _COMPARISON.match(text, start)
    assert match is not None  # it matches an empty text, too
    sign, amount = match[1], match[2]
    end = match.end()
    example = ">10k" if name == "tokens" else ">2h"
    if not sign:
        raise FilterError(f"{name}: is compared, as in {name}:{example}", text, start, end)
    if name == "tokens":
        number = _NUMBER.match(amount)
        if not number:
            raise FilterError(f"no number, write it as in {name}:{example}", text, start, end)
        return Comparison(sign, float(number[1]) * NUMBER_SUFFIXES[number[2].lower()], is_duration=False), end
    if not _DURATION.match(amount):
        raise FilterError(f"no duration, write it as in {name}:{example} (s m h d w)", text, start, end)
    parts = re.findall(r"([\d.]+)([smhdw])", amount)
    return Comparison(sign, sum(float(count) * SECONDS_PER_UNIT[unit] for count, unit in parts)), end


def _term_test(term: FilterTerm, context: FilterContext) -> TaskPredicate:
    test = _values_test(term, context)
    if term.is_negated:
        return lambda task: not test(task)
    return test


def _values_test(term: FilterTerm, context: FilterContext) -> TaskPredicate:
    """Return a test whether a task matches any of the values of a term."""
    if term.field in NUMBER_FIELDS:
        read_number = _NUMBER_READERS[term.field]
        comparisons = [value for value in term.values if isinstance(value, Comparison)]
        return lambda task: any(comparison.holds(read_number(task, context)) for comparison in comparisons)
    if term.field == "err":
        wanted = {str(value) == "true" for value in term.values}
        return lambda task: (task.status in FAILED_STATUSES) in wanted
    if term.field == "needs":
        needs = {str(value) for value in term.values}
        return lambda task: _need(task, context) in needs
    return _texts_test(term, context)


def _texts_test(term: FilterTerm, context: FilterContext) -> TaskPredicate:
    inside = term.field in _SUBSTRING_FIELDS
    tests = [value.test(inside) for value in term.values if not isinstance(value, Comparison)]
    read_texts = TEXT_READERS[term.field]
    plain = [value.text.casefold() for value in term.values if isinstance(value, TextValue) and not value.is_wild]
    if inside and all(plain) and len(plain) == len(term.values) and "\n" not in "".join(plain):
        # Search all texts at once, separated by a character that no value contains.
        return lambda task: any(map("\n".join(filter(None, read_texts(task, context))).casefold().__contains__, plain))
    if len(tests) == 1:
        only_test = tests[0]
        return lambda task: any(only_test(text.casefold()) for text in read_texts(task, context) if text)
    return lambda task: any(test(text.casefold()) for text in read_texts(task, context) if text for test in tests)


def _age_seconds(task: AnyTask, context: FilterContext) -> float | None:
    if task.created_at is None:
        return None
    return (context.now - task.created_at).total_seconds()


def _need(task: AnyTask, context: FilterContext) -> str:
    wait = context.wait_of(task)
    return str(wait.kind.need) if wait else ""


def _wait_seconds(task: AnyTask, context: FilterContext) -> float | None:
    wait = context.wait_of(task)
    if wait is None or wait.since is None:
        return None
    return (context.now - wait.since).total_seconds()


def _token_count(task: AnyTask, context: FilterContext) -> float | None:
    if task.tokens is None:
        return None
    return float(task.tokens.total)


_NUMBER_READERS: Mapping[str, Callable[[AnyTask, FilterContext], float | None]] = {
    "age": _age_seconds,
    "wait": _wait_seconds,
    "tokens": _token_count,
}


def _query_parameter(term: FilterTerm, context: FilterContext) -> tuple[str, object] | None:
    """Return a query parameter that matches at least the tasks that the term matches; None if there is none."""
    plain = [value.text for value in term.values if isinstance(value, TextValue) and not value.is_wild]
    if len(plain) < len(term.values):
        plain = []
    match term.field:
        case "status" if plain:
            return "status", tuple(dict.fromkeys(text.lower() for text in plain))
        case "agent":
            return _agent_parameter(term, context, "agent_id")
        case "triggering":
            return _agent_parameter(term, context, "triggering_agent_id")
        case "internal" if len(plain) == 1:
            return "internal_status", plain[0]
        case "parent" if len(plain) == 1 and plain[0]:
            return "parent_task_id", plain[0]
        case "age" if len(term.values) == 1 and isinstance(bound := term.values[0], Comparison):
            limit = datetime.fromtimestamp(max(context.now.timestamp() - bound.amount, 0), UTC)
            if ">" in bound.sign:
                return "to_date", limit
            return "from_date", limit
        case _:
            return None


def _agent_parameter(term: FilterTerm, context: FilterContext, name: str) -> tuple[str, object] | None:
    """Return the parameter of this name for the only known agent that the term matches."""
    test = _values_test(term, context)
    ids = [agent_id for agent_id in context.agents if test(TaskRow.from_value({"id": "?", name: agent_id}))]
    if len(ids) != 1:
        return None
    return name, ids[0]
