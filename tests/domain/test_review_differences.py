"""The differences between two reviews: every change is told, and no secret is shown in it."""

from __future__ import annotations

from typing import Any

from tui.client.log_entries import Log
from tui.client.models import Task
from tui.domain.review import ReviewSnapshot, differences
from tui.security.redact import Redactor

ADDRESS = "https://accounts.example/sign-in/2118abcdef012345"


def changes(before: Any, after: Any) -> list[str]:
    task = Task.from_value({"id": "t", "status": "paused"})
    old, new = (ReviewSnapshot(task, Log(), None, held) for held in (before, after))
    return list(differences(old, new, Redactor().json))


def test_the_address_of_a_sign_in_that_is_done_is_not_shown() -> None:
    lines = changes({"connector_name": "Mail", "auth_url": ADDRESS}, None)
    assert any(line.startswith("auth_url: ") and line.endswith(" → nothing") for line in lines)
    assert "2118" not in " ".join(lines)


def test_a_masked_value_that_has_changed_is_named_without_being_shown() -> None:
    (line,) = changes({"to": {"password": "first-secret-1"}}, {"to": {"password": "other-secret-2"}})
    assert line.startswith("to.password: ")
    assert "first" not in line
    assert "other" not in line


def test_an_open_value_is_told_before_and_after() -> None:
    assert changes({"pay": [1, 2]}, {"pay": [1, 3]}) == ["pay[1]: 2 → 3"]
    assert changes({"pay": 1}, {"pay": True}) == ["pay: 1 → true"]


def test_names_that_are_masked_alike_hide_no_change() -> None:
    first, second = "Bearer abcdefghijklmnop1234", "Bearer abcdefghijklmnop5678"
    assert changes({first: 1, second: 2}, {first: 1, second: 3})
