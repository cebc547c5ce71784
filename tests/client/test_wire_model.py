"""WireModel: it accepts any JSON, keeps the whole object, and reads what it can."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import AliasChoices, Field

from tui.client.wire_model import Count, Flag, Items, Moment, Name, Nested, Number, Text, Texts, WireModel


class Inner(WireModel):
    name: Name = ""


class Example(WireModel):
    ID_FIELDS = ("id", "other_id")
    id: Name = ""
    text: Text = None
    count: Count = 0
    number: Number = None
    flag: Flag = False
    moment: Moment = None
    texts: Texts = ()
    inner: Nested[Inner] = None
    items: Items[Inner] = ()
    plain: int = 0
    either: Text = Field(None, validation_alias=AliasChoices("new_name", "old_name"))


def test_the_whole_object_is_kept_as_it_came() -> None:
    raw = {"id": "a", "unknown": [1, {"x": None}], "text": None, "raw": 1, "_raw": 2, "of": 3, "model_config": 4}
    example = Example.from_value(raw)
    assert example.raw is raw
    assert Example.from_value(example) is example


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("text", 5, "5"),
        ("text", {"a": 1}, '{"a":1}'),
        ("text", "half \ud800", "half \ufffd"),
        ("count", "12", 12),
        ("count", 7.9, 7),
        ("count", [], 0),
        ("number", "0.5", 0.5),
        ("number", True, None),
        ("flag", "yes", True),
        ("flag", "on", False),
        ("moment", "yesterday", None),
        ("texts", ["a", None, 5], ("a", "5")),
        ("texts", "a", ("a",)),
        ("inner", {}, None),
        ("inner", 0, None),
        ("items", None, ()),
    ],
)
def test_a_field_reads_a_value_of_another_kind_as_far_as_it_can(name: str, value: Any, read: Any) -> None:
    example = Example.from_value({"id": "a", name: value})
    assert getattr(example, name) == read
    assert example.raw[name] == value


def test_a_field_that_does_not_validate_is_left_out_and_stays_in_raw() -> None:
    example = Example.from_value({"id": "a", "plain": "many", "text": "kept"})
    assert (example.plain, example.text) == (0, "kept")
    assert example.raw["plain"] == "many"


def test_a_field_name_with_a_lone_surrogate_loses_nothing() -> None:
    raw = {"\ud800": 1, "\U0001f600": 2, "\ud801 too": 3, "id": "a", "text": "kept", "plain": []}
    example = Example.from_value(raw)
    assert (example.text, example.raw) == ("kept", raw)


def test_a_value_that_is_no_object_is_wrapped_in_one() -> None:
    assert Example.from_value([1]).raw == {"value": [1]}
    inner = Example.from_value({"inner": "x", "items": [{"name": "a"}, 5]})
    assert inner.inner
    assert inner.inner.raw == {"value": "x"}
    assert [item.raw for item in inner.items] == [{"name": "a"}, {"value": 5}]


def test_the_first_alias_that_has_a_value_counts() -> None:
    assert Example.from_value({"new_name": None, "old_name": "old"}).either == "old"
    assert Example.from_value({"new_name": "new", "old_name": "old"}).either == "new"


def test_an_id_is_the_first_that_is_not_blank_or_made_of_the_content() -> None:
    assert Example.from_value({"id": " ", "other_id": 7}).id == "7"
    made = Example.from_value({"id": "", "text": "x"}).id
    assert made.startswith("?")
    assert made == Example.from_value({"text": "x", "id": ""}).id != Example.from_value({"text": "y", "id": ""}).id


def test_models_of_equal_objects_are_equal() -> None:
    assert Inner.from_value({"name": "a"}) == Inner.from_value({"name": "a"})
    assert Inner.from_value({"name": "a"}) != Inner.from_value({"name": "a", "more": 1})
    assert Inner.from_value({"name": "a"}).has_same_json(Inner.from_value({"name": "a"}))
    assert Inner.from_value({}) != WireModel.from_value({})
