"""Documents: JSON as lines that fit a width, can be folded and searched, and show no secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.security.redact import Redactor
from tui.widgets.document_layout import Document, Part, ValueKey


def shown(document: Document, width: int = 60) -> list[str]:
    """Return the lines of a document as text."""
    return ["".join(piece.text for piece in row.styled_line) for row in document.rows(width)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def leaves(value: Any) -> Iterator[Any]:
    """Yield every scalar."""
    match value:
        case dict():
            for item in value.values():
                yield from leaves(item)
        case list():
            for item in value:
                yield from leaves(item)
        case _:
            yield value


@given(JSON, st.integers(20, 120))
@settings(max_examples=300, deadline=None)
def test_a_document_fits_its_width_and_is_complete(value: Any, width: int) -> None:
    document = Document([Part("all", value)], Redactor())
    document.set_all_open(is_open=True)
    lines = shown(document, width)
    numbers = len("⟨U+10FFFF⟩")  # what stands for a character without width in a name
    assert all(cell_len(line.rstrip()) <= width + 24 + numbers * line.count("⟨U+") for line in lines)
    text = "".join(lines).replace(" ", "")
    for leaf in leaves(value):
        if isinstance(leaf, int | float) and not isinstance(leaf, bool):
            assert str(leaf).replace(" ", "") in text
    for number, row in enumerate(document.rows(width)):
        document.value(row.key)  # every line is about something
        assert row.folds or number or not document.parts


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_folding_is_undone_by_unfolding(value: Any) -> None:
    document = Document([Part("all", value)], Redactor())
    before = shown(document)
    for key in {row.key for row in document.rows(60) if row.folds}:
        document.toggle(key)
        document.toggle(key)
    assert shown(document) == before
    document.set_all_open(is_open=False)
    assert len(document.rows(60)) == len(document.parts)


def test_a_found_value_is_unfolded() -> None:
    document = Document(
        [Part("all", {"a": {"b": {"c": {"d": list(range(20)), "hidden_place": "needle"}}}})], Redactor()
    )
    document.set_all_open(is_open=False)
    (found,) = document.find("NEEDLE")
    assert str(found) == "a.b.c.hidden_place"
    document.unfold_to(found)
    assert any("needle" in line for line in shown(document))
    assert document.value(found) == "needle"
    assert document.value(ValueKey(0, ("a", "b", "c", "d", 3))) == 3


def test_secrets_are_masked_in_documents() -> None:
    document = Document(
        [Part("all", {"password": "hunter2hunter2", "deep": '{"api_key": "abcdefghijklmnop"}'})], Redactor()
    )
    document.set_all_open(is_open=True)
    text = "\n".join(shown(document))
    assert "hunter2" not in text
    assert "abcdefghijkl" not in text
