"""The public names of tui.client: each exists, and none is imported before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tui.client


@pytest.mark.parametrize("name", tui.client.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(tui.client, name) is not None
    assert name in dir(tui.client)


def test_the_lazy_names_are_the_public_names() -> None:
    # Private: the table behind the lazy imports is not visible from outside.
    assert sorted(tui.client.__all__) == sorted(tui.client._MODULES)
    assert len(set(tui.client.__all__)) == len(tui.client.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'tui\.client' has no attribute 'nothing'"):
        _ = tui.client.nothing


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import tui.client", set()),
        ("from tui.client import errors", {"errors"}),
        ("from tui.client import ApiError, Secret", {"errors", "secret"}),
    ],
)
def test_only_the_modules_that_are_used_are_imported(code: str, modules: set[str]) -> None:
    show = "import sys; print(*(name for name in sys.modules if name.startswith(('tui.client.', 'httpx', 'pydantic'))))"
    done = subprocess.run([sys.executable, "-c", f"{code}; {show}"], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) == {f"tui.client.{name}" for name in modules}
