"""Answers of the platform: their JSON, or an error with a message."""

from __future__ import annotations

import pytest

from tui.client.errors import ApiError, Forbidden, Invalid, RateLimited, ServerError, Unauthorized, UnexpectedAnswer
from tui.client.responses import error_of_answer, json_of_answer


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (401, b"", Unauthorized, "the API key is missing or wrong (401)"),
        (418, b"", ApiError, "the request was not accepted (418)"),
        (500, b"<!DOCTYPE html><h1>x</h1>", ServerError, "the platform failed (500)"),
        (503, b"upstream is gone", ServerError, "upstream is gone (503)"),
        (403, b'{"message": "not yours"}', Forbidden, "not yours (403)"),
        (400, b'{"error": {"code": 7}}', Invalid, 'the request was not accepted (400)'),
        (400, b'{"detail": ""}', Invalid, "the request was not accepted (400)"),
        (422, b'{"detail": [{"loc": ["body", "input"], "msg": "is missing"}, "and more", null]}', Invalid,
         "body.input: is missing; and more (422)"),
        (429, b'{"detail": "slow down"}', RateLimited, "slow down (429), try again in 7 s"),
    ],
)  # fmt: skip
def test_an_error_has_the_message_of_the_platform_if_there_is_one(
    status: int, content: bytes, kind: type[ApiError], words: str
) -> None:
    error = error_of_answer(status, content, 7.0 if status == 429 else None)
    assert isinstance(error, kind)
    assert (error.message, error.status) == (words, status)


def test_a_good_answer_is_json_or_a_bare_word() -> None:
    assert json_of_answer(b" ", 204) is None
    assert json_of_answer(b'{"a": 1}', 200) == {"a": 1}
    assert json_of_answer(b" pong\n", 200) == "pong"
    with pytest.raises(UnexpectedAnswer, match="the answer is an HTML page"):
        json_of_answer(b" <html>", 200)
    with pytest.raises(UnexpectedAnswer, match="the answer is not JSON: it ends too early"):
        json_of_answer(b'{"a": ', 200)
    with pytest.raises(UnexpectedAnswer):
        json_of_answer(b"pong", 201)
