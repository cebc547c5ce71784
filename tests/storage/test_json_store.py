"""JsonStore: several processes write one file, and no text is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.storage.other_process import other_xp_tui
from tui.storage.json_store import DRAFT_SEPARATOR, Drafts, JsonStore
from tui.storage.private_files import NotPrivate

SEVERAL = """
import pathlib, sys
from tui.storage.json_store import Drafts, JsonStore
kept = {"Drafts": Drafts, "JsonStore": JsonStore}[sys.argv[2]](pathlib.Path(sys.argv[1]))
print(flush=True)
sys.stdin.readline()
for number in range(25):
    kept[f"{sys.argv[3]} {number}"] = "text"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "drafts.json"


@pytest.mark.parametrize("kind", ["JsonStore", "Drafts"])
def test_concurrent_writes_of_several_processes_lose_nothing(path: Path, kind: str) -> None:
    with (
        other_xp_tui(path, SEVERAL, kind, "a") as a,
        other_xp_tui(path, SEVERAL, kind, "b") as b,
        other_xp_tui(path, SEVERAL, kind, "c") as c,
    ):
        for one in (a, b, c):
            assert one.process.stdin
            one.process.stdin.write("\n")
            one.process.stdin.flush()
        for one in (a, b, c):
            one.end()
    assert sorted(JsonStore(path)) == sorted(f"{name} {number}" for name in "abc" for number in range(25))


def test_a_change_applies_to_the_current_file(path: Path) -> None:
    one, other = JsonStore(path), JsonStore(path)
    one["a"] = "1"
    other["b"] = "2"
    assert dict(JsonStore(path)) == {"a": "1", "b": "2"}
    del one["a"]
    other["b"] = "3"
    other["b"] = " "
    assert dict(JsonStore(path)) == {}
    assert list(other) == []
    with pytest.raises(KeyError):
        del other["b"]


def test_two_edits_of_one_draft_keep_both(path: Path) -> None:
    drafts = Drafts(path)
    drafts["t1"] = "begun"
    with other_xp_tui(path) as other:
        assert other("open", "t1") == ("begun", ["t1"])
        assert drafts.get("t1") == "begun"
        drafts["t1"] = "begun, and mine"
        for text in ("begun, a", "begun, and thei", "begun, and theirs"):  # every letter is kept
            assert other("set", "t1", text) == (text, ["t1"])
            drafts["t1"] = f"{drafts['t1']}!"
        assert drafts.get("t1") == "begun, and mine!!!"
        other.end(killed=True)
    assert drafts.get("t1") == f"begun, and mine!!!{DRAFT_SEPARATOR}begun, and theirs"
    drafts["t1"] = "of both one"
    assert dict(JsonStore(path)) == {"t1": "of both one"}


def test_after_sending_one_edit_the_others_are_still_there(path: Path) -> None:
    drafts = Drafts(path)
    with other_xp_tui(path) as other:
        drafts["t1"] = "mine"
        assert other("set", "t1", "theirs") == ("theirs", ["t1"])
        assert other("delete", "t1") == ("mine", ["t1"])
        assert other("set", "t1", "mine, changed there") == ("mine, changed there", ["t1"])
        assert drafts["t1"] == "mine", "what was written here is what is sent from here"
        del drafts["t1"]
        assert drafts.get("t1") == "mine, changed there", "and that takes nothing of the other's along"


def test_an_emptied_draft_stays_if_another_process_changed_it(path: Path) -> None:
    drafts = Drafts(path)
    drafts["t1"] = "begun"
    with other_xp_tui(path) as other:
        other("open", "t1")
        other("set", "t1", "changed there")
        drafts["t1"] = " "
        assert drafts.get("t1") == "changed there"


def test_a_text_that_another_process_sends_is_left_over_only_once_it_is_killed(path: Path) -> None:
    drafts = Drafts(path)
    with other_xp_tui(path) as other:
        assert other("set", "sending t1", "on its way") == ("on its way", ["sending t1"])
        assert (list(drafts), drafts.get("sending t1"), "sending t1" in drafts) == ([], None, False)
        drafts["sending t1"] = "on its way too"
        del drafts["sending t1"]
        assert list(drafts) == []
        other.end(killed=True)
    assert (list(drafts), drafts["sending t1"]) == (["sending t1"], "on its way")
    drafts.setdefault("t1", drafts["sending t1"])
    del drafts["sending t1"]
    assert dict(JsonStore(path)) == {"t1": "on its way"}


def test_an_unsent_text_is_restored_beside_a_newer_one(path: Path) -> None:
    drafts = Drafts(path)
    drafts["t1"] = "refused"
    del drafts["t1"]
    drafts["t1"] = "begun meanwhile"
    assert drafts.setdefault("t1", "refused") == "refused"
    drafts.setdefault("t1", "refused")
    drafts["t1"] = "begun meanwhile, and ended"  # in an editor that was open
    assert drafts.get("t1") == f"begun meanwhile, and ended{DRAFT_SEPARATOR}refused"
    drafts["t1"] = "refused, but changed"
    assert dict(JsonStore(path)) == {"t1": "refused, but changed"}


def test_drafts_of_older_versions_are_read(path: Path) -> None:
    path.write_text('{"t1": "old", "sending t2": "was being sent", "number": 5}')
    drafts = Drafts(path)
    assert (len(drafts), dict(drafts)) == (2, {"t1": "old", "sending t2": "was being sent"})
    with pytest.raises(KeyError):
        del drafts["t3"]


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, "\0", '"text"'])
@pytest.mark.parametrize("kind", [JsonStore, Drafts])
def test_a_damaged_file_is_set_aside(path: Path, content: str, kind: type[JsonStore] | type[Drafts]) -> None:
    path.write_text(content)
    kept = kind(path)
    assert list(kept) == []
    kept["t1"] = "text"
    assert dict(JsonStore(path)) == {"t1": "text"}
    assert path.with_name("drafts.json.damaged").read_text() == content


def test_an_unreadable_file_is_not_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, drafts = JsonStore(path), Drafts(path)
    kept["t1"] = "text"

    def fails(path: Path) -> bytes:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("tui.storage.json_store.read_private", fails)
        with pytest.raises(OSError, match="Too many"):
            drafts["t2"] = "text"
        kept["t3"] = "text"
    assert dict(kept) == {"t1": "text", "t3": "text"}, "what the screens remember holds without the disk"
    assert dict(JsonStore(path)) == {"t1": "text"}


@pytest.mark.parametrize("kind", [JsonStore, Drafts])
@pytest.mark.parametrize("put", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_path_that_is_no_file_has_no_texts(
    path: Path, kind: type[JsonStore] | type[Drafts], put: Callable[[Path], None]
) -> None:
    put(path)
    kept = kind(path)
    assert list(kept) == []
    if kind is JsonStore:
        kept["t1"] = "text"
        assert dict(kept) == {"t1": "text"}, "what the screens remember holds without the disk"
    else:
        with pytest.raises(NotPrivate, match=f"{path} is a "):
            kept["t1"] = "text"
