"""JSON as the platform writes it: odd numbers, deep nesting, duplicate names, and JSON within text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tui.client.json_codec import NotJson, dumps, loads, parse_nested, pretty


def test_numbers_that_are_too_large_keep_their_digits() -> None:
    digits = "9" * 5000
    assert loads(f'{{"many": {digits}, "few": 7, "huge": 1e999, "half": 0.5}}') == {
        "many": digits,
        "few": 7,
        "huge": "1e999",
        "half": 0.5,
    }


def test_a_value_that_is_nested_too_deep_is_written_as_far_as_possible() -> None:
    value: Any = "the bottom"
    for _ in range(100_000):  # deeper than any Python writes
        value = [value]
    told = {"deep": value, "pair": (1, 2), "near": "kept"}
    for text in (dumps(told), pretty(told)):
        assert "nested too deep to write" in text
        assert loads(text)["near"] == "kept"
        assert loads(text)["pair"] == [1, 2]


def test_truncated_deep_json_is_refused() -> None:
    with pytest.raises(NotJson, match="it ends too early"):
        loads("[" * 100_000)
    long = "9" * 5_000
    for text in (
        f"{long}\nx",
        f"[{long}",
        f"{long}{'[' * 100_000}",
        f'{{"a": {long}, "b": {"[" * 100_000}',
        f"[{long} 1]",
    ):
        with pytest.raises(NotJson):
            loads(text)
    deep = "[" * 3_000 + "]" * 3_000
    assert loads(f"[{long}, {deep}]")[0] == long


def test_text_that_only_looks_like_json_stays_text() -> None:
    assert parse_nested(["{no json", "[" * 100_000, 5]) == ["{no json", "[" * 100_000, 5]


def test_a_duplicate_name_loses_no_value() -> None:
    read = loads('{"amount": 1000000, "to": "EVIL", "amount": 10, "to": "ACME", "amount": 5}')
    assert (read["amount"], read["to"]) == (5, "ACME")
    assert [*read.values()] == [5, "ACME", 10, "EVIL", 1000000]
    assert all("written again before" in name for name in list(read)[2:])


@pytest.mark.parametrize("digits", ["12345678901234567.89", "0.1000000000000000055511151231257827", "1e999"])
def test_a_number_that_no_float_represents_keeps_its_digits(digits: str) -> None:
    assert loads(digits) == digits


@pytest.mark.parametrize("digits", ["0.1", "1.5e3", "123456789.25", "1234567890123456.5"])
def test_a_number_that_a_float_represents_is_a_float(digits: str) -> None:
    assert loads(digits) == float(digits)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ("9" * 5000, "9" * 5000),
        ('"\\ud800"', "\ud800"),
        ("[" * 200 + "]" * 200, json.loads("[" * 200 + "]" * 200)),
    ],
)
def test_almost_valid_json_is_read(text: str, value: Any) -> None:
    assert loads(text) == value
    dumps(loads(text)).encode("ascii")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('{"to": "ACME", "amount": 7}', {"to": "ACME", "amount": 7}),
        ({"content": '[1,"é"]'}, {"content": [1, "é"]}),
        ('{"to": "ACME", "to": "me"}', '{"to": "ACME", "to": "me"}'),
        ('{"amount": 1.50}', '{"amount": 1.50}'),
        ('{"x": "\\u0041"}', '{"x": "\\u0041"}'),
        ("{not json", "{not json"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_json_within_text_is_parsed_only_if_nothing_is_lost(value: Any, shown: Any) -> None:
    assert parse_nested(value) == shown


def test_very_deep_json_does_not_affect_its_neighbours() -> None:
    deep = "[" * 10_000 + "1" + "]" * 10_000
    value = loads(f'[{{"id":"a","x":{deep}}},{{"id":"b"}}]')
    assert [row["id"] for row in value] == ["a", "b"]
    dumps(value).encode("ascii")
    with pytest.raises(NotJson, match="too early"):
        loads('{"items": [{"id": "a"')
