"""Settings: where each comes from, and how an invalid one is reported."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.storage.options import OPTIONS, PLATFORM_OPTIONS
from tui.storage.settings import BadSettings, Settings, read

KEY = "the-key-of-somebody-0123456789"


def settings(home: Path, text: str | bytes = "", *, profile: str | None = None, **environ: str) -> Settings:
    """Return the settings from this file and these variables."""
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
def test_an_invalid_setting_is_reported_with_its_place_and_advice(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = str(tmp_path / ".config/xp-tui/config.toml")
    with pytest.raises(BadSettings) as caught:
        settings(tmp_path, text)
    told = str(caught.value)
    if words.startswith(":"):
        assert told.startswith(path)
    assert words.replace("PATH", path) in told


def test_an_invalid_variable_is_reported_by_name(tmp_path: Path) -> None:
    assert (
        settings(tmp_path, "read_only = true", XP_TUI_READ_ONLY=" ")["read_only"] is True
    )  # an empty one says nothing
    assert settings(tmp_path, "read_only = true", XP_TUI_READ_ONLY="no")["read_only"] is False
    with pytest.raises(BadSettings, match="XP_TUI_READ_ONLY is true or false, not 'perhaps'"):
        settings(tmp_path, XP_TUI_READ_ONLY="perhaps")


def test_a_profile_is_chosen_by_argument_variable_or_file(tmp_path: Path) -> None:
    text = 'profile = "a"\nagent = "none"\n[profiles.a]\nagent = "of a"\n[profiles.b]\nagent = "of b"\n[profiles.c]\n'
    assert settings(tmp_path, text)["agent"] == "of a"
    assert settings(tmp_path, text, XP_TUI_PROFILE="b")["agent"] == "of b"
    found = settings(tmp_path, text, XP_TUI_PROFILE="b", profile="c")
    assert (found["agent"], found.profile, found.profiles) == ("none", "c", ("a", "b", "c"))


def test_an_unknown_setting_in_a_profile_is_reported_with_its_line(tmp_path: Path) -> None:
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


def test_an_incomplete_key_is_reported_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="the API key from XPANDER_API_KEY has characters that no key has") as caught:
        settings(tmp_path, XPANDER_API_KEY=f"{KEY}…")
    assert KEY not in str(caught.value)


def test_an_unusable_address_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        _ = settings(tmp_path, XPANDER_BASE_URL="http://platform.example").surfaces
    assert settings(tmp_path, XPANDER_BASE_URL="http://127.0.0.1:1").surfaces.controller == "http://127.0.0.1:1"


def test_local_ignores_the_configured_platform(tmp_path: Path) -> None:
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


def test_with_local_the_settings_of_another_platform_are_ignored(tmp_path: Path) -> None:
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
def test_local_together_with_another_platform_is_a_settings_error(tmp_path: Path, name: str) -> None:
    argument = f"--{name.replace('_', '-')}"
    with pytest.raises(BadSettings, match=f"^--local and {argument} name two platforms: leave one of them out$"):
        read({"own": True, name: "x"}, {"HOME": str(tmp_path)})


# Odd files, arguments and variables

HOLDS = "api_key_file"


def without_traceback(home: Path, text: str | bytes = "", **environ: str) -> str:
    """Return the error message of settings that cannot be used, or an empty text."""
    try:
        found = settings(home, text, **environ)
        _ = found.surfaces
    except BadSettings as error:
        assert str(error)
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 100_000, "PATH cannot be read: it is larger than 64 KiB"),
        ("x = " + "[" * 3_900, "PATH cannot be read: it is nested too deep"),
        ("x = [\n" + "[\n" * 30_000, "PATH cannot be read: it is nested too deep"),
        ("x = " + "{a=" * 1_300, "PATH cannot be read: it is nested too deep"),
        ("hold = " + "[" * 300 + "]" * 300, f"PATH:1: hold is a number of seconds, not {'[' * 60}…"),
        ("\nhold = " + "9" * 5_000, "PATH:2: the line is longer than 4000 characters"),
        ("hold = " + "9_" * 1_990 + "9", "PATH:1: hold is a number of seconds, not 99999"),
        ("hold = 0x" + "f" * 3_900, "PATH:1: hold is a number of seconds, not what is written there"),
        ("hold" + ".a" * 1_900 + " = 1", "PATH:1: hold is a number of seconds, not "),
        ("read_only" + ".a" * 1_900 + " = 1", "PATH:1: read_only is true or false, not "),
        (f"time = '{'x' * 3_900}'", f"PATH:1: time is one of relative, local, utc, not '{'x' * 59}…"),
        ("profile = [1]", "PATH:1: profile is the name of a profile in quotes"),
        ("profile = { a = 1 }", "PATH:1: profile is the name of a profile in quotes"),
        ("profile = true", "PATH:1: profile is the name of a profile in quotes"),
        ("\nprofiles = []", "PATH:2: profiles is a table of profiles: write [profiles.NAME]"),
        ('\nca = "~nouser/x"', "PATH:2: ca is no path of a file: nobody's home directory is '~nouser/x'"),
        (f'{HOLDS} = "~nouser/x"', f"PATH:1: {HOLDS} is no path of a file: nobody's home directory is '~nouser/x'"),
        ('ca = ""', "PATH:1: ca is no path of a file: write one, or leave it out"),
        ('ca = "a\\u0000b"', "PATH:1: ca is no path of a file: write one, or leave it out"),
        (f'{HOLDS} = "/"', "the key file / cannot be read: it is a directory"),
        (f'{HOLDS} = "/{"x" * 300}"', f"/{'x' * 300} cannot be read: [Errno 36] File name too long"),
        (f'{HOLDS} = "/dev/zero"', "the key file /dev/zero cannot be read: it is no file, but a device or a pipe"),
        ('organization = "a?b"', "XPANDER_ORGANIZATION_ID is no organization: 'a?b'"),
        ('base_url = "https://h:99999"', "XPANDER_BASE_URL is no address of a platform: 'https://h:99999'"),
        (f'api_url = "https://{"h" * 3_900}"', "XPANDER_API_URL is no address of a platform: too long"),
        ('base_url = "https://:secret@h"', "XPANDER_BASE_URL is no address of a platform: "),
    ],
    ids=itertools.count(),
)
def test_no_settings_file_causes_a_traceback(tmp_path: Path, text: str, words: str) -> None:
    path = str(tmp_path / ".config/xp-tui/config.toml")
    assert without_traceback(tmp_path, text).startswith(words.replace("PATH", path))


def test_only_some_of_very_many_unknown_settings_are_reported(tmp_path: Path) -> None:
    text = "".join(f"n{number}=1\n" for number in range(7_000))
    begun = time.monotonic()
    warnings = settings(tmp_path, text).warnings
    assert time.monotonic() - begun < 2
    assert len(warnings) == 21
    assert warnings[-1] == f"{tmp_path / '.config/xp-tui/config.toml'}: nothing reads 6980 more of its names"
    (long,) = settings(tmp_path, f"{'x' * 3_900} = 1").warnings
    assert len(long) < 300


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/full", "pipe", "/"])
def test_a_settings_file_that_is_no_regular_file_is_reported(tmp_path: Path, target: str) -> None:
    path = tmp_path / ".config/xp-tui/config.toml"
    path.parent.mkdir(parents=True)
    if target == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    words = "it is a directory" if target == "/" else "it is no file, but a device or a pipe"
    with pytest.raises(BadSettings, match=f"^{path} cannot be read: {words}$"):
        read({}, {"HOME": str(tmp_path)})


def test_a_number_with_too_many_digits_is_reported(tmp_path: Path) -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(1000)
    try:
        told = without_traceback(tmp_path, f"hold = {'9' * 2_000}")
    finally:
        sys.set_int_max_str_digits(before)
    assert told.endswith("config.toml cannot be read: a number in it is too long")


def test_no_settings_file_takes_long_to_read(tmp_path: Path) -> None:
    begun = time.process_time()
    line = "{}" + ".a" * 1_990 + " = 1\n"
    without_traceback(tmp_path, "".join(map(line.format, "abcdefghijklmnop")))
    assert time.process_time() - begun < 3


def test_a_settings_file_may_be_a_link_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / ".config/xp-tui/config.toml"
    path.parent.mkdir(parents=True)
    (tmp_path / "mine.toml").write_text("hold = 3")
    path.symlink_to(tmp_path / "mine.toml")
    assert read({}, {"HOME": str(tmp_path)})["hold"] == 3


def test_the_key_may_be_read_from_a_pipe(tmp_path: Path) -> None:
    end, begin = os.pipe()
    os.write(begin, f"{KEY}\n".encode())
    os.close(begin)
    try:
        found = read({"api_key_file": f"/dev/fd/{end}"}, {"HOME": str(tmp_path)})
    finally:
        os.close(end)
    assert found.key
    assert found.key.get_secret_value() == KEY


def test_invalid_utf_8_and_an_unknown_home_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert without_traceback(tmp_path, XPANDER_AGENT_ID="a\udcff") == "XPANDER_AGENT_ID is not UTF-8"
    assert without_traceback(tmp_path, XPANDER_API_KEY="a\udcff") == "XPANDER_API_KEY is not UTF-8"

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(BadSettings, match="it is not known where your files are: set HOME"):
        read({}, {})


VARIABLES = [option.variable for option in OPTIONS if option.variable] + ["XP_TUI_PROFILE", "XDG_CONFIG_HOME"]
ODD_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", " ", "~", "~nouser/x", "/dev/zero", "../..", "[::1", "http://[::1", "http://x:99999", "\udcff", "9" * 5000,
     "1e999", "nan", "-1", "\0", "a" * 5000, "true", "https://h/p", "%", "{}"]
)  # fmt: skip
ODD_VALUES = st.recursive(
    ODD_TEXTS | st.integers() | st.floats() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


def as_toml(value: Any) -> str:
    """Return a value as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{name} = {as_toml(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case str():
            return json.dumps(value)  # with lone surrogates, which TOML has none of
        case _:
            return str(value)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


NAMES = [option.name for option in OPTIONS] + ["profile", "profiles", "unknown"]


@hypothesis.settings(max_examples=400)
@given(name=st.sampled_from(NAMES), value=ODD_VALUES, in_profile=st.booleans())
def test_any_value_in_the_settings_file_is_accepted_or_reported(
    home: Path, name: str, value: Any, in_profile: bool
) -> None:
    begin = 'profile = "p"\n[profiles.p]\n' if in_profile else ""
    without_traceback(home, f"{begin}{name} = {as_toml(value)}\n")


@hypothesis.settings(max_examples=300)
@given(text=st.binary(max_size=60) | st.text("[]{}\"'=.#\n ab1\\-", max_size=60))
def test_any_settings_file_is_accepted_or_reported(home: Path, text: bytes | str) -> None:
    without_traceback(home, text)


@hypothesis.settings(max_examples=300)
@given(environ=st.dictionaries(st.sampled_from(VARIABLES), ODD_TEXTS, max_size=3))
def test_any_variable_is_accepted_or_reported(home: Path, environ: dict[str, str]) -> None:
    without_traceback(home, **{name: value.replace("\0", "") for name, value in environ.items()})


@hypothesis.settings(max_examples=300)
@given(arguments=st.dictionaries(st.sampled_from(NAMES), ODD_TEXTS | st.booleans(), max_size=3))
def test_any_argument_is_accepted_or_reported(home: Path, arguments: dict[str, Any]) -> None:
    try:
        _ = read(arguments, {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "none")}).surfaces
    except BadSettings as error:
        sentence = str(error)
    else:
        sentence = "the settings can be used"
    assert sentence


def environment(tmp_path: Path, text: str | None = None, **more: str) -> dict[str, str]:
    if text is not None:
        (tmp_path / "xp-tui").mkdir()
        (tmp_path / "xp-tui" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), **more}


def test_settings_have_the_documented_precedence(tmp_path: Path) -> None:
    text = 'organization = "file"\nhold = 9\n[profiles.prod]\norganization = "profile"\n'
    environ = environment(tmp_path, text, XPANDER_API_KEY="key-0123456789")
    settings = read({}, environ, profile="prod")
    assert settings.values["organization"] == ("profile", "profile prod")
    assert (settings["hold"], settings["time"]) == (9.0, "relative")
    assert read({}, {**environ, "XPANDER_ORGANIZATION_ID": "env"}, profile="prod")["organization"] == "env"
    assert read({"organization": "words"}, environ)["organization"] == "words"
    assert "0123456789" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hold = \n", "config.toml:1:8"),
        ('hold = "soon"\n', "config.toml:1: hold is a number"),
        ('[profiles.a]\nhold = 1\n[profiles.b]\nread_only = "maybe"\n', None),
        ('api_key = "secret-0123456789"\n', "chmod 600"),
    ],
)
def test_broken_settings_are_reported_with_file_and_line(tmp_path: Path, text: str, words: str | None) -> None:
    environ = environment(tmp_path, text)
    (tmp_path / "xp-tui" / "config.toml").chmod(0o644)
    if words is None:
        with pytest.raises(BadSettings, match=r"config\.toml:4: read_only"):
            read({}, environ, profile="b")
        return
    with pytest.raises(BadSettings) as caught:
        read({}, environ)
    assert words in str(caught.value)
    assert "secret-0123456789" not in str(caught.value)


def test_an_unknown_setting_is_a_warning_with_a_suggestion(tmp_path: Path) -> None:
    settings = read({}, environment(tmp_path, '\nbase_ulr = "x"\n'))
    assert settings.warnings[0].endswith("config.toml:2: nothing is called 'base_ulr', did you mean base_url?")
