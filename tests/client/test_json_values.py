"""Values of JSON fields, converted from any form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tui.client.json_values import count_of, items_of, parse_time, text_of


@pytest.mark.parametrize("value", ["2025-11-06T06:46:02.104705Z", 1762411562, "1762411562", 1762411562104])
def test_times_in_every_form_are_read_as_utc(value: Any) -> None:
    when = parse_time(value)
    assert when is not None
    assert when.tzinfo is UTC
    assert when.strftime("%Y-%m-%d %H:%M") == "2025-11-06 06:46"


@pytest.mark.parametrize(
    ("value", "when"),
    [
        (True, None), ([], None), ("soon", None), (1e300, None), ("0001-01-01", None),
        (1_790_000_000, datetime.fromtimestamp(1_790_000_000, UTC)),
        (1_790_000_000_000, datetime.fromtimestamp(1_790_000_000, UTC)),
        ("1790000000.0", datetime.fromtimestamp(1_790_000_000, UTC)),
        (" 2026-11-21T12:00 ", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("2026-11-21T14:00+02:00", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        (datetime(2026, 11, 21, 12), datetime(2026, 11, 21, 12, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_time_is_read_from_any_known_form(value: object, when: datetime | None) -> None:
    assert parse_time(value) == when


def test_values_of_another_type_are_converted_as_far_as_possible() -> None:
    counts: list[Any] = [True, None, "x", "7", 7.9, "1e400", []]
    assert [count_of(value) for value in counts] == [0, 0, 0, 7, 7, 0, 0]
    several: list[Any] = [None, [1], (1,), "one"]
    assert [items_of(value) for value in several] == [(), (1,), (1,), ("one",)]
    texts: list[Any] = [None, True, {"a": 1}, 5, "\ud800x"]
    assert [text_of(value) for value in texts] == [
        None,
        "true",
        '{"a":1}',
        "5",
        "\ufffdx",
    ]
