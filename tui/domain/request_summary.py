"""The request of a waiting task: its content apart from its envelope, and a summary of the content in one line.

The summary uses the payload's own words and joins them without any interpretation:

* the operation comes first, then the other fields with a text, a number or a truth value, in their own order;
* a text stands for itself, a number and a truth value follow the name of their field: `percent: 100`;
* a number and an adjacent field of UNIT_FIELDS are one part: `642.75 EUR`;
* what is empty is left out; fields that hold fields, and fields beyond MAX_PARTS, are counted: `+2 fields`;
* a long text is cut, a text with the separator in it is quoted, and secrets are masked.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tui.client.json_codec import parse_nested
from tui.client.json_values import object_of
from tui.security.redact import Redactor
from tui.security.sanitize import sanitize_text

OPERATION_FIELDS = ("operation", "operation_id", "tool_name", "tool", "action")
"""The fields of a content that can name its operation; the first that has a text does."""
UNIT_FIELDS = frozenset({"currency", "currency_code", "unit"})
"""The fields that can hold the unit of the number right before or right after them."""
MAX_PARTS = 8
"""Parts of a summary."""
MAX_PART_CHARS = 60
"""Characters of a part."""
SEPARATOR = " · "
ENVELOPE_FIELDS = frozenset(
    {"wait_node_id", "operation_id", "title", "description", "approved_by", "rejected_by", "comment"}
)
"""The fields of a request's envelope that this version knows."""
_NUMBER = re.compile(r"[-+]?[\d.,'\u00a0\u202f ]*\d")
"""A number as a text, in any country's notation."""


def split_request(request: Any) -> tuple[Any, dict[str, Any]]:
    """Split a request into its content and its envelope; a request of an unknown form is all content."""
    if not isinstance(request, dict):
        return request, {}
    fields = request
    if _is_tool_call(fields):
        return _call_arguments(fields), {name: value for name, value in fields.items() if name != "payload"}
    if "questions" in fields:
        return fields["questions"], {name: value for name, value in fields.items() if name != "questions"}
    if "content" in fields or ("wait_node_id" in fields and ENVELOPE_FIELDS.issuperset(fields)):
        return fields.get("content"), {name: value for name, value in fields.items() if name != "content"}
    return request, {}


def request_summary(request: Any, redactor: Redactor) -> str:
    """Return the summary of a request in one line, safe to show; empty if its content has no fields to sum up."""
    fields = object_of(request)
    content, _ = split_request(request)
    try:
        masked = redactor.json(parse_nested(content))
    except RecursionError:
        return ""
    operation = ""
    if _is_tool_call(fields):
        operation = _text_part(redactor.json(str(fields.get("tool_name") or fields.get("operation_id") or "tool")))
        masked = _flat_arguments(masked)
    if not isinstance(masked, dict):
        return SEPARATOR.join(filter(None, (operation, _scalar_part("", masked))))
    return _summary_of_fields(masked, operation)


def _is_tool_call(fields: dict[str, Any]) -> bool:
    """Return whether a request is an entry of the log about a tool call."""
    return "payload" in fields and ("tool_name" in fields or "operation_id" in fields)


def _call_arguments(fields: dict[str, Any]) -> Any:
    """Return the arguments of a tool call, without the headers that the platform adds."""
    from tui.client.log_entries import ToolCall  # imports pydantic, for which no list may wait

    return ToolCall.from_value(fields).arguments


def _flat_arguments(arguments: Any) -> Any:
    """Return the arguments of a tool call without the level of the parts of a request: body, path and query."""
    parts = object_of(arguments)
    if not parts or not all(name.endswith("_params") and isinstance(part, dict) for name, part in parts.items()):
        return arguments
    return {name: value for part in parts.values() for name, value in part.items()}


def _summary_of_fields(fields: dict[str, Any], operation: str) -> str:
    """Return the summary of the fields of a content; they name the operation if it is not known."""
    remaining = dict(fields)
    if not operation:
        name = next((name for name in OPERATION_FIELDS if _is_filled_text(fields.get(name))), None)
        if name is not None:
            operation = _text_part(remaining.pop(name))
    parts = [operation] if operation else []
    parts += _parts_of(list(remaining.items()))
    shown = parts[:MAX_PARTS]
    left_out = len(parts) - len(shown) + sum(bool(value) for value in remaining.values() if _has_fields(value))
    if left_out:
        shown.append(f"+{left_out} field{'s' * (left_out != 1)}")
    return SEPARATOR.join(shown)


def _parts_of(fields: list[tuple[str, Any]]) -> list[str]:
    """Return the parts of scalar fields, in which a number and an adjacent unit are one part."""
    parts: list[str] = []
    position = 0
    while position < len(fields):
        pair = fields[position : position + 2]
        if len(pair) == 2 and (joined := _number_with_unit(*pair) or _number_with_unit(*reversed(pair))):
            parts.append(joined)
            position += 2
            continue
        name, value = pair[0]
        if not _has_fields(value) and (part := _scalar_part(name, value)):
            parts.append(part)
        position += 1
    return parts


def _number_with_unit(number: tuple[str, Any], unit: tuple[str, Any]) -> str:
    """Return a number with its unit; empty if the fields are no such pair."""
    (_, value), (unit_name, unit_value) = number, unit
    if unit_name not in UNIT_FIELDS or not _is_filled_text(unit_value) or not _is_number(value):
        return ""
    return f"{_scalar_part('', value)} {_text_part(unit_value)}"


def _scalar_part(name: str, value: Any) -> str:
    """Return the part of a scalar field: a text for itself, any other value after the name; empty for nothing."""
    if value is None or _has_fields(value):
        return ""
    if isinstance(value, str) and not (name and _is_number(value)):
        return _text_part(value)
    text = _text_part(value if isinstance(value, str) else json.dumps(value))
    if not name or not text:
        return text
    return f"{_text_part(name)}: {text}"


def _text_part(text: str) -> str:
    """Return a text as a part: in one line, safe to show, cut if it is long, quoted if it could look like two parts."""
    part = " ".join(sanitize_text(text, reveals=True).split())
    if len(part) > MAX_PART_CHARS:
        part = part[: MAX_PART_CHARS - 1] + "…"
    if SEPARATOR.strip() in part:
        return json.dumps(part, ensure_ascii=False)
    return part


def _is_filled_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and bool(_NUMBER.fullmatch(value.strip())))


def _has_fields(value: Any) -> bool:
    return isinstance(value, dict | list)
