"""No id is taken for another one, and none comes twice."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.cli import once
from tui.cli.once import Once

IDS = st.text(max_size=4) | st.text(alphabet="ab\n\r'\"\\n", max_size=6)


@given(st.lists(IDS, max_size=30))
@example(["a", "'a'", "'a'\n", "\na", "\\na", "a\n'b'\n", "b", "", "\ud800", "\u2028", "a"])
def test_each_id_is_new_once(ids: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(once, "BUCKETS", 1)  # all of them meet in one text
        known = Once()
        assert [known.is_new(one) for one in ids] == [one not in ids[:place] for place, one in enumerate(ids)]
        assert len(known) == len(set(ids))


def test_many_ids_are_each_new_once() -> None:
    known = Once()
    assert all(known.is_new(f"t{number}") for number in range(20_000))
    assert not any(known.is_new(f"t{number}") for number in range(20_000))
    assert len(known) == 20_000
