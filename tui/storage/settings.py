"""The settings: read once, from the command line, the environment, the settings file, or a default, in this order."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tui.client.endpoints import BadAddress, Surfaces, surfaces_of
from tui.client.secret import Secret
from tui.security.utf8 import is_utf8
from tui.storage.options import OPTIONS, OPTIONS_BY_NAME, PLATFORM_OPTIONS, Option
from tui.storage.private_files import config_home, is_readable_by_others, problem_with_directory, state_home


class BadSettings(ValueError):
    """Settings that cannot be used; the message says where, and what to write."""


FILE_NAME = "config.toml"
MAX_FILE_BYTES = 64 * 1024
"""Bytes of the settings file, and of a file with the key, beyond which it is not read."""
MAX_LINE_CHARACTERS = 4_000
"""Characters of a line of the settings file: the time to parse one with many dots grows with their square."""
MAX_WARNINGS = 20
MAX_SHOWN_CHARACTERS = 60
"""Characters of a value that an error shows."""
NOT_WITH_LOCAL = ("profile", "base_url", "api_url", "api_key_file", "organization")
"""Arguments that name a platform: together with --local they contradict each other."""


class Value(NamedTuple):
    """A setting's value and where it came from."""

    value: Any
    source: str


class Settings(Struct, frozen=True):
    """All settings, frozen; `warnings` are names in the file that nothing reads, and why nothing can be sent."""

    values: Mapping[str, Value]
    state: Path
    path: Path
    profile: str | None = None
    profiles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    key: Secret | None = None
    is_local: bool = False
    """Whether --local was given: nothing that is set about another platform counts."""
    unused_key: Secret | None = None
    """The key of that other platform: it is sent nowhere, and masked as the key in use is."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    @property
    def surfaces(self) -> Surfaces:
        """Where the platform is."""
        try:
            return surfaces_of(
                self["base_url"],
                self["api_url"],
                self["organization"],
                staging=self["staging"],
                insecure_http=self["insecure_http"],
            )
        except BadAddress as error:
            raise BadSettings(str(error)) from error


def read(arguments: Mapping[str, Any], environ: Mapping[str, str], *, profile: str | None = None) -> Settings:
    """Read the settings; a mistake raises BadSettings with its place."""
    is_local = bool(arguments.get("own"))
    if is_local:
        _refuse_another_platform(arguments)
    try:
        path, state = config_home(environ) / FILE_NAME, state_home(environ)
    except RuntimeError as error:
        raise BadSettings("it is not known where your files are: set HOME") from error
    document, text = _document(path)
    profiles = document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise BadSettings(f"{path}:{_line(text, 'profiles')}: profiles is a table of profiles: write [profiles.NAME]")
    chosen = None if is_local else profile or environ.get("XP_TUI_PROFILE") or document.get("profile")
    if chosen is not None and not isinstance(chosen, str):
        raise BadSettings(f"{path}:{_line(text, 'profile')}: profile is the name of a profile in quotes")
    if chosen is not None and chosen not in profiles:
        known = _shown(", ".join(profiles) or "none", str)
        raise BadSettings(f"there is no profile {_shown(chosen)} in {path}; there is: {known}")
    table = profiles.get(chosen, {}) if chosen else {}
    if not isinstance(table, dict):
        raise BadSettings(f"{path}:{_line(text, str(chosen))}: a profile is a table: write [profiles.{chosen}]")
    state = state_home(environ)
    warnings = _unknown(document, text, path)
    if problem := problem_with_directory(state):
        warnings.append(f"{problem}; nothing can be sent from here")
    values: dict[str, Value] = {}
    sources = [_Source(f"profile {chosen}", table, path, text, chosen), _Source(f"file {path}", document, path, text)]
    for option in OPTIONS:
        values[option.name] = _value(option, arguments, environ, sources)
    settings = Settings(values, state, path, chosen, tuple(profiles), tuple(warnings))
    return _on_local_platform(settings, arguments) if is_local else _with_key(settings, path, text)


def _on_local_platform(settings: Settings, arguments: Mapping[str, Any]) -> Settings:
    """The settings without what the environment and the file say of another platform."""
    values = dict(settings.values)
    for name in PLATFORM_OPTIONS:
        if arguments.get(name) is None:
            values[name] = Value(OPTIONS_BY_NAME[name].default, "default")
    return replace(settings, values=values, is_local=True, unused_key=_key_left_aside(settings))


def _key_left_aside(settings: Settings) -> Secret | None:
    given, holder = settings["api_key"], settings["api_key_file"]
    if holder and not given:
        with suppress(BadSettings):
            given = _key_in(Path(holder))
    return Secret(given) if given else None


def _refuse_another_platform(arguments: Mapping[str, Any]) -> None:
    """Raise BadSettings where --local and an argument that names another platform were both given."""
    for name in NOT_WITH_LOCAL:
        if arguments.get(name) is not None:
            argument = f"--{name.replace('_', '-')}"
            raise BadSettings(f"--local and {argument} name two platforms: leave one of them out")


def _document(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = _text_of_file(path)
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
    long = next((number for number, line in enumerate(text.splitlines(), 1) if len(line) > MAX_LINE_CHARACTERS), None)
    if long is not None:
        raise BadSettings(f"{path}:{long}: the line is longer than {MAX_LINE_CHARACTERS} characters")
    import tomllib  # not before there is a settings file: it takes its time to import

    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = f"{path}:{found[1]}:{found[2]}" if found else f"{path}:{len(text.splitlines())}"
        words = re.sub(r" \(at .*\)$", "", str(error))
        raise BadSettings(f"{place}: {words[:1].lower()}{words[1:]}") from error
    except RecursionError as error:
        raise BadSettings(f"{path} cannot be read: it is nested too deep") from error
    except ValueError as error:  # a number of more digits than Python converts
        raise BadSettings(f"{path} cannot be read: a number in it is too long") from error


def _text_of_file(path: Path, *, may_be_pipe: bool = False) -> str:
    """The text of a file that is no device, as long as it is of a sensible size; a pipe is read to its end."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or (may_be_pipe and stat.S_ISFIFO(mode))):
        raise OSError("it is a directory" if stat.S_ISDIR(mode) else "it is no file, but a device or a pipe")
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if may_be_pipe else os.O_NONBLOCK)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - a descriptor has no path
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(f"it is larger than {MAX_FILE_BYTES >> 10} KiB")
    return content.decode()


def _unknown(document: Mapping[str, Any], text: str, path: Path) -> list[str]:
    """A warning for each name in the file that nothing reads, for the first of many."""
    profiles = document.get("profiles") or {}
    unknown = [
        (profile, name)
        for profile, table in [(None, document), *profiles.items()]
        for name in (table if isinstance(table, dict) else ())
        if name not in OPTIONS_BY_NAME and not (profile is None and name in {"profile", "profiles"})
    ]
    warnings = [_unknown_name(name, profile, text, path) for profile, name in unknown[:MAX_WARNINGS]]
    if more := len(unknown) - len(warnings):
        warnings.append(f"{path}: nothing reads {more} more of its names")
    return warnings


def _unknown_name(name: str, profile: str | None, text: str, path: Path) -> str:
    known = [*OPTIONS_BY_NAME, "profile", "profiles"] if profile is None else list(OPTIONS_BY_NAME)
    near = difflib.get_close_matches(name[:MAX_SHOWN_CHARACTERS], known, 1, 0.5)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"{path}:{_line(text, name, profile)}: nothing is called {_shown(name)}{hint}"


class _Source(Struct, frozen=True):
    """One table of the settings file."""

    name: str
    table: Mapping[str, Any]
    path: Path
    text: str
    profile: str | None = None

    def place(self, name: str) -> str:
        """File, line and name, for an error."""
        return f"{self.path}:{_line(self.text, name, self.profile)}: {name}"


def _line(text: str, name: str, profile: str | None = None) -> int:
    """The line in which a name is given a value or heads a table; within a profile, behind its heading."""
    begin = _line(text, f"profiles.{profile}") if profile else 0
    pattern = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(name)}[\"']?\s*[\]=.]")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if number > begin and pattern.match(line)), max(begin, 1))


def _value(option: Option, arguments: Mapping[str, Any], environ: Mapping[str, str], sources: list[_Source]) -> Value:
    if arguments.get(option.name) is not None:
        return Value(_checked(option, arguments[option.name], f"--{option.name.replace('_', '-')}"), "command line")
    if option.variable and environ.get(option.variable, "").strip():
        return Value(_checked(option, environ[option.variable], option.variable), option.variable)
    for source in sources:
        if option.name in source.table:
            return Value(_checked(option, source.table[option.name], source.place(option.name)), source.name)
    return Value(option.default, "default")


def _checked(option: Option, value: Any, place: str) -> Any:
    """The value as what the option is, or an error that says what it must be."""
    match option.kind:
        case "flag":
            told = value if isinstance(value, bool) else _FLAGS.get(_shown(value, str).strip().lower())
            if told is None:
                raise BadSettings(f"{place} is true or false, not {_shown(value)}")
            return told
        case "number":
            try:
                number = float(value)
            except (TypeError, ValueError, OverflowError):
                number = -1.0
            if isinstance(value, bool) or not 0 <= number < 1e9:
                raise BadSettings(f"{place} is a number of {option.unit}, not {_shown(value)}")
            return number
        case "keys":
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value.values()):
                raise BadSettings(f'{place} is a table of keys by action: "tasks.stop" = "ctrl+x"')
            return dict(value)
        case _ if not isinstance(value, str):
            raise BadSettings(f"{place} is a text in quotes")
        case _ if not value.isascii() and not is_utf8(value):
            raise BadSettings(f"{place} is not UTF-8")
        case "choice" if value not in option.choices:
            raise BadSettings(f"{place} is one of {', '.join(option.choices)}, not {_shown(value)}")
        case "path":
            return _path(value, place)
        case _:
            return value.strip()


def _path(value: str, place: str) -> str:
    """The path of a file, with ~ replaced by the home directory."""
    if not value.strip() or "\0" in value:
        raise BadSettings(f"{place} is no path of a file: write one, or leave it out")
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise BadSettings(f"{place} is no path of a file: nobody's home directory is {_shown(value)}") from error


def _shown(value: Any, write: Callable[[Any], str] = repr) -> str:
    """A value as an error shows it: cut where it is long."""
    try:
        text = write(value)
    except (ValueError, RecursionError):  # too many digits, too deep
        return "what is written there"
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"


_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _with_key(settings: Settings, path: Path, text: str) -> Settings:
    """The settings with the key taken out of sight, from wherever it is."""
    given, source = settings.values["api_key"]
    if source.startswith(("file", "profile")) and _is_open_to_others(path):
        raise BadSettings(f"{path}:{_line(text, 'api_key')}: it holds the key and others can read it: chmod 600 {path}")
    holder = settings.values["api_key_file"]
    if holder.value and (not given or holder.source == "command line"):
        given, source = _key_in(Path(holder.value)), f"{holder.value} ({holder.source})"
    if given and not (given.isascii() and given.isprintable()):
        raise BadSettings(f"the API key from {source} has characters that no key has; was it pasted whole?")
    key = Secret(given) if given else None
    values = {**settings.values, "api_key": Value("set" if key else None, source if key else "default")}
    return replace(settings, values=values, key=key)


def _key_in(path: Path) -> str:
    if _is_open_to_others(path):
        raise BadSettings(f"{path} holds the key and others can read it: chmod 600 {path}")
    try:
        return _text_of_file(path, may_be_pipe=True).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"the key file {path} cannot be read: {error}") from error


def _is_open_to_others(path: Path) -> bool:
    """Whether others can read a file; what is no file is told by whoever reads it."""
    try:
        return (path.is_file() or path.is_fifo()) and is_readable_by_others(path)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
