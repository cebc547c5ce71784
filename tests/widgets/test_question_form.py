"""The form of a question: choices that look the same are told apart by their ids."""

from __future__ import annotations

import pytest

from tui.client.questions import Question
from tui.domain.answers import text_as_drawn
from tui.security.redact import Redactor
from tui.widgets.question_form import _choice_texts

SECRETS = ("sk-secretkey123456", "sk-othersecret12345")


def shown(*labels: str) -> list[str]:
    options = tuple((f"o{number}", label) for number, label in enumerate(labels, 1))
    # Private: the texts of the choices as they are, without a screen for each of them.
    return _choice_texts(Question("q", "Which?", options), Redactor(SECRETS))


@pytest.mark.parametrize(
    "other",
    ["Pay now ", "pay\nnow", "pay\u2028now", "pay  now", "pay\tnow", "pay\u00a0now", "pay\u200b now", "ｐａｙ now"],
)
def test_choices_that_look_the_same_show_their_ids(other: str) -> None:
    assert shown("pay now", other, "wait") == ["pay now   id o1", f"{other}   id o2", "wait"]


def test_choices_that_look_the_same_once_masked_show_their_ids() -> None:
    texts = shown(*SECRETS)
    assert [text[-2:] for text in texts] == ["o1", "o2"]


def test_choices_that_look_different_show_no_ids() -> None:
    assert shown("pay now", "paynow", "", "\u200b")[:2] == ["pay now", "paynow"]
    assert shown("pay now", " ") == ["pay now", '" "']
    assert text_as_drawn("\u200b\n") == ""
