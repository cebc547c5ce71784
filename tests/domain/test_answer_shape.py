"""The shape of an answer: what it tells of the form, and that nothing else of the content survives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repository import ROOT
from tui.domain.answer_shape import MARK, MAX_DIFFERENT_ITEMS, USER_CONTENT, is_plain_name, is_time, shape_of
from tui.domain.known_words import KNOWN_WORDS

UUID = "91fb5f4c-0a53-4b22-9a2e-3b1d2a6c7e88"
NAMES = st.sampled_from([*sorted(USER_CONTENT), "id", "status", "input", "tasks", "created_at", "user"]) | st.text()
TEXTS = st.text() | st.sampled_from([*sorted(KNOWN_WORDS), UUID, "2026-11-29T06:57:28.5Z", "<text 4>", "a@b.example"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


def strings(value: Any) -> Iterator[tuple[str, bool]]:
    """Yield every string in a JSON value, and whether it is the name of a member."""
    if isinstance(value, str):
        yield value, False
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name, True
            yield from strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


@given(JSON)
def test_no_string_survives_that_is_not_a_known_word_or_a_time(value: Any) -> None:
    for text, is_name in strings(shape_of(value)):
        if is_name:
            assert MARK.fullmatch(text) or is_plain_name(text)
        else:
            assert MARK.fullmatch(text) or text in KNOWN_WORDS or is_time(text)


@given(JSON, st.text(alphabet="0123456789abcdefABCDEF@.:/-_ \u00e9\u202e", min_size=9))
def test_a_text_survives_in_no_place(value: Any, secret: str) -> None:
    told = json.dumps(shape_of([value, {"title": secret, secret: [secret], "payload": {secret: {"to": secret}}}]))
    if not is_time(secret) and not is_plain_name(secret):
        assert json.dumps(secret)[1:-1] not in told


@given(JSON)
def test_the_shape_of_a_shape_has_no_more_texts_than_the_shape(value: Any) -> None:
    once = json.dumps(shape_of(value))
    assert len(once) <= 60 * (len(json.dumps(value)) + 1)  # a mark is short


def test_names_types_and_lengths_are_told() -> None:
    record = {
        "id": UUID,
        "status": "paused",
        "title": "Pay invoice 4417",
        "created_at": "2026-11-06T06:46:02.104705Z",
        "tokens": {"prompt_tokens": 12, "total": 1.5},
        "is_app": False,
        "parent": None,
        "input": {"text": "pay", "user": {"id": 1234567, "email": "ann@acme.example"}},
    }
    assert shape_of(record) == {
        "id": "<text 36, like a uuid>",
        "status": "paused",
        "title": "<text 16>",
        "created_at": "2026-11-06T06:46:02.104705Z",
        "tokens": {"prompt_tokens": 12, "total": 1.5},
        "is_app": False,
        "parent": None,
        "input": {"text": "<text 3>", "user": {"id": "<number 7>", "email": "<text 16, like an e-mail address>"}},
    }


def test_user_content_is_masked_whole_with_its_own_names() -> None:
    call = {"tool_name": "send", "payload": {"body_params": {"iban": "DE02", "n": 4417, "ok": True, "x": "completed"}}}
    assert shape_of(call)["payload"] == {
        "body_params": {
            "<name 4>": "<text 4>",
            "<name 1>": "<number 4>",
            "<name 2>": True,
            "<name 1 #2>": "<text 9>",
        }
    }


@pytest.mark.parametrize(
    "name",
    [
        UUID, "ann@acme.example", "sk_live_abcdefghijklmnopqrstuvwx", "ghp_0123456789abcdefghij0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE", "xKzQwPqLmRtB", "deadbeef", "user_12345678", "https://acme.example/x", "Ann Müller",
        "", " ", "a" * 49, "eyJhbGciOi.eyJzdWIiOi.x", "+49 30 1234567", "1", "name\n", "ann.smith",
    ],
)  # fmt: skip
def test_names_that_look_like_user_data_are_masked(name: str) -> None:
    assert not is_plain_name(name)
    (shown,) = shape_of({name: 1})
    assert MARK.fullmatch(shown)


def test_names_of_the_platform_are_told() -> None:
    """Every name in the SDK's models and in the published description of the REST surface is told."""
    names: set[str] = set()

    def collect(schema: Any) -> None:
        if isinstance(schema, dict):
            properties = schema.get("properties")
            names.update(properties if isinstance(properties, dict) else ())
            for member in schema.values():
                collect(member)
        elif isinstance(schema, list):
            for item in schema:
                collect(item)

    for file in ("sdk-schemas.json", "openapi-2026-01.json"):
        collect(json.loads((ROOT / "tests/cases" / file).read_text()))
    assert [name for name in sorted(names) if not is_plain_name(name)] == []


def test_every_enum_member_of_the_sdk_is_known() -> None:
    members: set[str] = set()

    def collect(schema: Any) -> None:
        if isinstance(schema, dict):
            members.update(text for text in schema.get("enum", ()) if isinstance(text, str))
            for member in schema.values():
                collect(member)
        elif isinstance(schema, list):
            for item in schema:
                collect(item)

    collect(json.loads((ROOT / "tests/cases/sdk-schemas.json").read_text())["schemas"])
    assert members
    assert members <= KNOWN_WORDS


def test_of_items_that_are_alike_one_is_told() -> None:
    rows = [{"id": f"{number}", "status": "completed", "n": number} for number in range(50)]
    shape = shape_of([*rows, {"id": "x", "status": "failed", "n": 1}, {"id": "x", "other": True}])
    assert [item if isinstance(item, str) else item.get("status") for item in shape] == [
        "completed",
        "failed",
        None,
        "<more like these 49>",
    ]
    many = shape_of([{"a" + "b" * number: 1} for number in range(99)])
    assert len(many) <= MAX_DIFFERENT_ITEMS + 1


def test_deep_answers_are_cut() -> None:
    value: Any = "secret text"
    for _ in range(500):
        value = {"tasks": [value]}
    assert "<too deep>" in json.dumps(shape_of(value))


def test_numbers_and_known_words_below_secret_names_are_masked() -> None:
    secrets = {"otp": 123456, "password": "manager", "user_oidc_token": "1980-05-06", "auth": {"code": 445566},
               "credentials": {"acme_corp": 987654321}, "user_ids": [99], "ids": [123]}  # fmt: skip
    told = json.dumps(shape_of(secrets))
    for secret in ("123456", "manager", "1980", "445566", "987654321", "acme_corp", "99", "[123"):
        assert secret not in told
    assert shape_of({"total_tokens": 150}) == {"total_tokens": 150}
