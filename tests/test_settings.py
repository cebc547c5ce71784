"""What can be set, from where, and what is said of what cannot be used; and files that nobody else can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tui.private import NotPrivate, config_home, make_directory, open_private, state_home, write_private
from tui.settings import PLATFORM_OPTIONS, BadSettings, Settings, read

KEY = "the-key-of-somebody-0123456789"


def settings(home: Path, text: str | bytes = "", *, profile: str | None = None, **environ: str) -> Settings:
    """The settings of somebody with this file and these variables."""
    path = home / ".config/xp-tui/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return read({}, {"HOME": str(home), **environ}, profile=profile)


@pytest.mark.parametrize(
    ("name", "told", "value"),
    [
        ("read_only", "true", True), ("read_only", "false", False), ("read_only", '"YES"', True),
        ("read_only", '" off "', False), ("hold", "3", 3.0), ("hold", '"0.5"', 0.5), ("hold", "0", 0.0),
        ("time", '"utc"', "utc"), ("agent", '"  a1 "', "a1"), ("ca", '"~/ca.pem"', "HOME/ca.pem"),
        ("keys", '{ "tasks.stop" = "ctrl+x" }', {"tasks.stop": "ctrl+x"}),
    ],
)  # fmt: skip
def test_each_kind_of_setting_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str, value: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = settings(tmp_path, f"{name} = {told}\n")
    assert found[name] == (value.replace("HOME", str(tmp_path)) if isinstance(value, str) else value)
    assert found.values[name].source == f"file {found.path}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("read_only = 1.5", ":1: read_only is true or false, not 1.5"),
        ("hold = true", ":1: hold is a number of seconds, not True"),
        ("\nhold = -1", ":2: hold is a number of seconds, not -1"),
        ("hold = inf", ":1: hold is a number of seconds, not inf"),
        ("hold = [1]", ":1: hold is a number of seconds, not [1]"),
        ("agent = 5", ":1: agent is a text in quotes"),
        ('time = "soon"', ":1: time is one of relative, local, utc, not 'soon'"),
        ('keys = "ctrl+x"', ':1: keys is a table of keys by action: "tasks.stop" = "ctrl+x"'),
        ("[keys]\na = 1", ':1: keys is a table of keys by action: "tasks.stop" = "ctrl+x"'),
        ("\nprofiles = 3", ":2: profiles is a table of profiles: write [profiles.NAME]"),
        ('profile = "a"\nprofiles = { a = 1 }', ":1: a profile is a table: write [profiles.a]"),
        ('profile = "b"\n[profiles.a]', "there is no profile 'b' in PATH; there is: a"),
        ('profile = "b"', "there is no profile 'b' in PATH; there is: none"),
        ("a = 1\na = 2", ":2:"),
        ('[x]\n"""', ": expected"),
        (b'agent = "\xff"', "PATH cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_its_place_and_what_to_write(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = str(tmp_path / ".config/xp-tui/config.toml")
    with pytest.raises(BadSettings) as caught:
        settings(tmp_path, text)
    told = str(caught.value)
    if words.startswith(":"):
        assert told.startswith(path)
    assert words.replace("PATH", path) in told


def test_a_flag_in_the_environment_is_told_by_its_variable(tmp_path: Path) -> None:
    assert (
        settings(tmp_path, "read_only = true", XP_TUI_READ_ONLY=" ")["read_only"] is True
    )  # an empty one says nothing
    assert settings(tmp_path, "read_only = true", XP_TUI_READ_ONLY="no")["read_only"] is False
    with pytest.raises(BadSettings, match="XP_TUI_READ_ONLY is true or false, not 'perhaps'"):
        settings(tmp_path, XP_TUI_READ_ONLY="perhaps")


def test_a_profile_is_chosen_by_word_by_variable_or_by_the_file(tmp_path: Path) -> None:
    text = 'profile = "a"\nagent = "none"\n[profiles.a]\nagent = "of a"\n[profiles.b]\nagent = "of b"\n[profiles.c]\n'
    assert settings(tmp_path, text)["agent"] == "of a"
    assert settings(tmp_path, text, XP_TUI_PROFILE="b")["agent"] == "of b"
    found = settings(tmp_path, text, XP_TUI_PROFILE="b", profile="c")
    assert (found["agent"], found.profile, found.profiles) == ("none", "c", ("a", "b", "c"))


def test_a_name_in_a_profile_that_nothing_reads_is_found_in_its_line(tmp_path: Path) -> None:
    text = 'agent = "x"\n[profiles.a]\nagnet = "y"\nxyzzy = 1\n'
    path = tmp_path / ".config/xp-tui/config.toml"
    assert settings(tmp_path, text).warnings == (
        f"{path}:3: nothing is called 'agnet', did you mean agent?",
        f"{path}:4: nothing is called 'xyzzy'",
    )


def test_the_key_is_read_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    holder = tmp_path / "key"
    holder.write_text(f"{KEY}\n")
    holder.chmod(0o600)
    found = settings(tmp_path, f'api_key_file = "{holder}"')
    assert found.key
    assert found.key.get_secret_value() == KEY
    assert KEY not in f"{found.key} {found.key!r} {found!r}"
    assert found["api_key"] == "set"
    assert found.values["api_key"].source == f"{holder} (file {found.path})"
    nearer = settings(tmp_path, f'api_key_file = "{holder}"', XPANDER_API_KEY="another-key-0123456789")
    assert nearer.key
    assert nearer.key.get_secret_value() == "another-key-0123456789"
    named = read({"api_key_file": str(holder)}, {"HOME": str(tmp_path), "XPANDER_API_KEY": "another-key-0123456789"})
    assert named.key
    assert named.key.get_secret_value() == KEY
    holder.chmod(0o640)
    with pytest.raises(BadSettings, match=f"{holder} holds the key and others can read it: chmod 600 {holder}"):
        settings(tmp_path, f'api_key_file = "{holder}"')
    with pytest.raises(BadSettings, match=f"the key file {tmp_path / 'gone'} cannot be read"):
        settings(tmp_path, f'api_key_file = "{tmp_path / "gone"}"')


def test_a_key_that_was_not_pasted_whole_is_told_without_it(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="the API key from XPANDER_API_KEY has characters that no key has") as caught:
        settings(tmp_path, XPANDER_API_KEY=f"{KEY}…")
    assert KEY not in str(caught.value)


def test_an_address_that_cannot_be_used_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        _ = settings(tmp_path, XPANDER_BASE_URL="http://platform.example").surfaces
    assert settings(tmp_path, XPANDER_BASE_URL="http://127.0.0.1:1").surfaces.controller == "http://127.0.0.1:1"


def test_a_platform_of_ones_own_takes_the_place_of_the_one_that_is_set(tmp_path: Path) -> None:
    environ = {"XPANDER_API_KEY": KEY, "XPANDER_BASE_URL": "https://platform.example", "XP_TUI_PROFILE": "none"}
    found = read({"own": True}, {"HOME": str(tmp_path), **environ})
    assert (found.key, found["api_key"], found["base_url"], found["api_url"]) == (None, None, None, None)


CLOUD = """
api_key_file = "{key}"
organization = "o1"
base_url = "https://controller.example"
api_url = "https://rest.example"
agent = "a1"
staging = true
insecure_http = true
ca = "/ca.pem"
read_only = true
hold = 9
profile = "prod"
[profiles.prod]
base_url = "https://prod.example"
time = "utc"
"""


def test_with_local_nothing_of_another_platform_counts_and_all_else_does(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    settings(tmp_path, CLOUD.format(key=tmp_path / "key"))
    environ = {"HOME": str(tmp_path), "XPANDER_ORGANIZATION_ID": "o2", "XPANDER_AGENT_ID": "a2", "IS_STG": "true"}
    found = read({"own": True}, environ)
    assert {name: found[name] for name in PLATFORM_OPTIONS} == {
        "api_key": None, "api_key_file": None, "organization": None, "base_url": None, "api_url": None, "agent": None,
        "staging": False, "insecure_http": False, "ca": None,
    }  # fmt: skip
    assert (found.key, found.profile) == (None, None)
    assert (found["read_only"], found["hold"], found["time"]) == (True, 9.0, "relative")
    assert found.unused_key is not None
    assert found.unused_key.get_secret_value() == KEY, "it is still masked"
    assert read({"own": True, "agent": "mine"}, environ)["agent"] == "mine"
    assert read({}, environ)["base_url"] == "https://prod.example"


@pytest.mark.parametrize("name", ["profile", "base_url", "api_url", "api_key_file", "organization"])
def test_local_and_another_platform_are_a_mistake(tmp_path: Path, name: str) -> None:
    argument = f"--{name.replace('_', '-')}"
    with pytest.raises(BadSettings, match=f"^--local and {argument} name two platforms: leave one of them out$"):
        read({"own": True, name: "x"}, {"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("environ", "config", "state"),
    [
        ({"HOME": "/h"}, "/h/.config/xp-tui", "/h/.local/state/xp-tui"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, "/c/xp-tui", "/s/xp-tui"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": ""}, "/h/.config/xp-tui", "/h/.local/state/xp-tui"),
    ],
)
def test_files_are_where_the_system_wants_them(environ: dict[str, str], config: str, state: str) -> None:
    assert (str(config_home(environ)), str(state_home(environ))) == (config, state)


def test_a_directory_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    path.chmod(0o755)
    make_directory(path)
    assert path.stat().st_mode & 0o777 == 0o700


def test_what_somebody_else_has_put_there_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotPrivate, match=f"{tmp_path / 'link'} is a link: remove it, a directory is made in its place"):
        make_directory(tmp_path / "link")
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(NotPrivate, match="belongs to somebody else"):
        make_directory(tmp_path / "real")


def test_a_file_is_not_written_through_a_link_and_other_trouble_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("as it was")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(NotPrivate, match=f"{tmp_path / 'link'} is a link: remove it, a file is made in its place"):
        open_private(tmp_path / "link", os.O_WRONLY | os.O_TRUNC)
    assert (tmp_path / "target").read_text() == "as it was"
    with pytest.raises(FileNotFoundError) as caught:
        open_private(tmp_path / "none", os.O_RDONLY)
    assert not isinstance(caught.value, NotPrivate)


def test_a_file_is_put_in_place_whole_and_a_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("as it was")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_private(tmp_path / "file", b"new")
    assert ((tmp_path / "file").read_text(), (tmp_path / "target").read_text()) == ("new", "as it was")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "file").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "target"]
