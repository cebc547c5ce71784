"""The settings, read once: from the command line, the environment, the settings file, or defaults, in this order."""

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
    """Settings that cannot be used; the message says where the mistake is and what to write."""


FILE_NAME = "config.toml"
MAX_FILE_BYTES = 64 * 1024
"""Bytes of the settings file, and of a key file; a larger file is not read."""
MAX_LINE_CHARACTERS = 4_000
"""Characters of a line of the settings file: the time to parse a line grows with the square of its dots."""
MAX_WARNINGS = 20
MAX_SHOWN_CHARACTERS = 60
"""Characters of a value that an error shows."""
MIN_SIMILARITY = 0.5
"""Similarity from which a name is suggested in place of an unknown one."""
END_OF_NUMBERS = 1e9
"""Numbers from here on are refused."""
NOT_WITH_LOCAL = ("profile", "base_url", "api_url", "api_key_file", "organization")
"""Arguments that name a platform, so that they contradict --local."""
_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Value(NamedTuple):
    """The value of a setting and its source."""

    value: Any
    source: str


class Settings(Struct, frozen=True):
    """All settings, frozen; `warnings` list unknown names in the file and problems with the state directory."""

    values: Mapping[str, Value]
    state: Path
    path: Path
    profile: str | None = None
    profiles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    key: Secret | None = None
    is_local: bool = False
    """Whether --local was given: settings of another platform are ignored."""
    unused_key: Secret | None = None
    """The key of that other platform: it is never sent, but redacted like the key in use."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    @property
    def surfaces(self) -> Surfaces:
        """The addresses of the platform's two surfaces; BadSettings is raised if they cannot be used."""
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
    """Read the settings; raise BadSettings with the place of a mistake."""
    is_local = bool(arguments.get("own"))
    if is_local:
        _refuse_another_platform(arguments)
    try:
        path = config_home(environ) / FILE_NAME
        state = state_home(environ)
    except RuntimeError as error:
        raise BadSettings("it is not known where your files are: set HOME") from error
    file = _read_settings_file(path)
    profiles = _profiles_in(file)
    chosen = None
    if not is_local:
        chosen = profile or environ.get("XP_TUI_PROFILE") or file.document.get("profile")
    tables = [
        _FileTable(f"profile {chosen}", _profile_table(chosen, profiles, file), file, chosen),
        _FileTable(f"file {path}", file.document, file),
    ]
    warnings = _unknown_name_warnings(file)
    problem = problem_with_directory(state)
    if problem:
        warnings.append(f"{problem}; nothing can be sent from here")
    values = {option.name: _value_of(option, arguments, environ, tables) for option in OPTIONS}
    settings = Settings(values, state, path, chosen, tuple(profiles), tuple(warnings))
    if is_local:
        return _without_other_platform(settings, arguments)
    return _with_key(settings, file)


def _profiles_in(file: _SettingsFile) -> dict[str, Any]:
    """Return the table of each profile in the settings file."""
    profiles = file.document.get("profiles", {})
    if not isinstance(profiles, dict):
        raise BadSettings(f"{file.place_of('profiles')}: profiles is a table of profiles: write [profiles.NAME]")
    return profiles


def _profile_table(chosen: Any, profiles: Mapping[str, Any], file: _SettingsFile) -> dict[str, Any]:
    """Return the table of the chosen profile; an empty one if no profile is chosen."""
    if chosen is None:
        return {}
    if not isinstance(chosen, str):
        raise BadSettings(f"{file.place_of('profile')}: profile is the name of a profile in quotes")
    if chosen not in profiles:
        known = _shortened(", ".join(profiles) or "none", str)
        raise BadSettings(f"there is no profile {_shortened(chosen)} in {file.path}; there is: {known}")
    table = profiles[chosen] if chosen else {}
    if not isinstance(table, dict):
        raise BadSettings(f"{file.place_of(chosen)}: a profile is a table: write [profiles.{chosen}]")
    return table


def _without_other_platform(settings: Settings, arguments: Mapping[str, Any]) -> Settings:
    """Return the settings for --local, without what the environment and the file say of another platform."""
    values = dict(settings.values)
    for name in PLATFORM_OPTIONS:
        if arguments.get(name) is None:
            values[name] = Value(OPTIONS_BY_NAME[name].default, "default")
    return replace(settings, values=values, is_local=True, unused_key=_unused_key(settings))


def _unused_key(settings: Settings) -> Secret | None:
    """Return the key of the other platform, which is redacted; an unreadable key file does not hinder --local."""
    key = settings["api_key"]
    key_file = settings["api_key_file"]
    if key_file and not key:
        with suppress(BadSettings):
            key = _read_key_file(Path(key_file))
    return Secret(key) if key else None


def _refuse_another_platform(arguments: Mapping[str, Any]) -> None:
    """Raise BadSettings if an argument names another platform although --local is given."""
    for name in NOT_WITH_LOCAL:
        if arguments.get(name) is not None:
            argument = f"--{name.replace('_', '-')}"
            raise BadSettings(f"--local and {argument} name two platforms: leave one of them out")


class _SettingsFile(Struct, frozen=True):
    """The settings file: its path, its text, and the parsed document; both are empty if there is no file."""

    path: Path
    text: str = ""
    document: dict[str, Any] = {}

    def place_of(self, name: str, profile: str | None = None) -> str:
        """Return the place of a name in the file or in one profile, as path and line."""
        return f"{self.path}:{_line_number(self.text, name, profile)}"


def _read_settings_file(path: Path) -> _SettingsFile:
    """Read and parse the settings file; raise BadSettings if that fails."""
    try:
        text = _read_text(path)
    except FileNotFoundError:
        return _SettingsFile(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise BadSettings(f"{path}:{number}: the line is longer than {MAX_LINE_CHARACTERS} characters")
    import tomllib  # imported only if there is a settings file: the import is slow

    try:
        return _SettingsFile(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, path, text) from error
    except RecursionError as error:
        raise BadSettings(f"{path} cannot be read: it is nested too deep") from error
    except ValueError as error:  # a number with more digits than Python converts
        raise BadSettings(f"{path} cannot be read: a number in it is too long") from error


def _syntax_error(error: ValueError, path: Path, text: str) -> BadSettings:
    """Return a syntax error of the settings file with its place in front, as in the other errors."""
    position = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    place = f"{path}:{len(text.splitlines())}"  # an error without a position is at the end of the file
    if position is not None:
        place = f"{path}:{position[1]}:{position[2]}"
    message = re.sub(r" \(at .*\)$", "", str(error))
    return BadSettings(f"{place}: {message[:1].lower()}{message[1:]}")


def _read_text(path: Path, *, allow_pipe: bool = False) -> str:
    """Read the text of a regular file of at most MAX_FILE_BYTES, or of a pipe if that is allowed."""
    mode = path.stat().st_mode
    is_allowed = stat.S_ISREG(mode) or (allow_pipe and stat.S_ISFIFO(mode))
    if not is_allowed:
        raise OSError("it is a directory" if stat.S_ISDIR(mode) else "it is no file, but a device or a pipe")
    flags = os.O_RDONLY | os.O_CLOEXEC
    if not allow_pipe:
        flags |= os.O_NONBLOCK  # never wait for the writer of a pipe that has taken the place of the file
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - a descriptor has no path
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(f"it is larger than {MAX_FILE_BYTES >> 10} KiB")
    return content.decode()


def _unknown_name_warnings(file: _SettingsFile) -> list[str]:
    """Return a warning for each unknown name in the file, at most MAX_WARNINGS and then one with their number."""
    unknown = _unknown_names(file.document)
    warnings = [_unknown_name_warning(unknown_name, file) for unknown_name in unknown[:MAX_WARNINGS]]
    more_count = len(unknown) - len(warnings)
    if more_count:
        warnings.append(f"{file.path}: nothing reads {more_count} more of its names")
    return warnings


class _UnknownName(NamedTuple):
    """A name in the settings file that no option has, and the profile that it is in."""

    name: str
    profile: str | None = None


def _unknown_names(document: Mapping[str, Any]) -> list[_UnknownName]:
    """Return the unknown names in the file."""
    known = OPTIONS_BY_NAME.keys() | {"profile", "profiles"}
    unknown = [_UnknownName(name) for name in document if name not in known]
    for profile, table in (document.get("profiles") or {}).items():
        if isinstance(table, dict):
            unknown += [_UnknownName(name, profile) for name in table if name not in OPTIONS_BY_NAME]
    return unknown


def _unknown_name_warning(unknown: _UnknownName, file: _SettingsFile) -> str:
    """Return the warning for an unknown name, with the most similar known one as a hint."""
    known = list(OPTIONS_BY_NAME)
    if unknown.profile is None:
        known += ["profile", "profiles"]
    similar = difflib.get_close_matches(unknown.name[:MAX_SHOWN_CHARACTERS], known, n=1, cutoff=MIN_SIMILARITY)
    hint = f", did you mean {similar[0]}?" if similar else ""
    return f"{file.place_of(*unknown)}: nothing is called {_shortened(unknown.name)}{hint}"


class _FileTable(Struct, frozen=True):
    """A table of the settings file: the whole document or one profile."""

    name: str
    table: Mapping[str, Any]
    file: _SettingsFile
    profile: str | None = None

    def place_of(self, name: str) -> str:
        """Return the place of a name for an error: file, line and name."""
        return f"{self.file.place_of(name, self.profile)}: {name}"


def _line_number(text: str, name: str, profile: str | None = None) -> int:
    """Return the number of the line that sets a name or opens its table; in a profile, of one below its heading."""
    heading_line = _line_number(text, f"profiles.{profile}") if profile else 0
    pattern = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(name)}[\"']?\s*[\]=.]")
    for number, line in enumerate(text.splitlines(), 1):
        if number > heading_line and pattern.match(line):
            return number
    return max(heading_line, 1)


def _value_of(
    option: Option, arguments: Mapping[str, Any], environ: Mapping[str, str], tables: list[_FileTable]
) -> Value:
    """Return the value of an option from the first source that has it."""
    if arguments.get(option.name) is not None:
        flag = f"--{option.name.replace('_', '-')}"
        return Value(_checked(option, arguments[option.name], flag), "command line")
    if option.variable and environ.get(option.variable, "").strip():
        return Value(_checked(option, environ[option.variable], option.variable), option.variable)
    for table in tables:
        if option.name in table.table:
            return Value(_checked(option, table.table[option.name], table.place_of(option.name)), table.name)
    return Value(option.default, "default")


def _checked(option: Option, value: Any, place: str) -> Any:
    """Return the checked value in the type of its option, or raise BadSettings that says what it must be."""
    match option.kind:
        case "flag":
            return _checked_flag(value, place)
        case "number":
            return _checked_number(value, place, option.unit)
        case "keys":
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value.values()):
                raise BadSettings(f'{place} is a table of keys by action: "tasks.stop" = "ctrl+x"')
            return dict(value)
        case _ if not isinstance(value, str):
            raise BadSettings(f"{place} is a text in quotes")
        case _ if not value.isascii() and not is_utf8(value):
            raise BadSettings(f"{place} is not UTF-8")
        case "choice" if value not in option.choices:
            raise BadSettings(f"{place} is one of {', '.join(option.choices)}, not {_shortened(value)}")
        case "path":
            return _checked_path(value, place)
        case _:
            return value.strip()


def _checked_flag(value: Any, place: str) -> bool:
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(_shortened(value, str).strip().lower())
    if flag is None:
        raise BadSettings(f"{place} is true or false, not {_shortened(value)}")
    return flag


def _checked_number(value: Any, place: str, unit: str) -> float:
    """Return the checked number, also of its text; raise BadSettings if it is not a number from 0 on."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0  # refused below
    if isinstance(value, bool) or not 0 <= number < END_OF_NUMBERS:
        raise BadSettings(f"{place} is a number of {unit}, not {_shortened(value)}")
    return number


def _checked_path(value: str, place: str) -> str:
    """Return the checked path, with ~ replaced by the home directory."""
    if not value.strip() or "\0" in value:
        raise BadSettings(f"{place} is no path of a file: write one, or leave it out")
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        message = f"{place} is no path of a file: nobody's home directory is {_shortened(value)}"
        raise BadSettings(message) from error


def _shortened(value: Any, to_text: Callable[[Any], str] = repr) -> str:
    """Return a value as text for an error, shortened to MAX_SHOWN_CHARACTERS."""
    try:
        text = to_text(value)
    except (ValueError, RecursionError):  # too many digits, or nested too deep
        return "what is written there"
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    return f"{text[:MAX_SHOWN_CHARACTERS]}…"


def _with_key(settings: Settings, file: _SettingsFile) -> Settings:
    """Return the settings with the key, from the settings or the key file, in `key` and no longer in `values`."""
    key, source = settings.values["api_key"]
    is_key_in_file = source.startswith(("file", "profile"))
    if is_key_in_file and _is_open_to_others(file.path):
        place = file.place_of("api_key")
        raise BadSettings(f"{place}: it holds the key and others can read it: chmod 600 {file.path}")
    key_file = settings.values["api_key_file"]
    if key_file.value and (not key or key_file.source == "command line"):
        key = _read_key_file(Path(key_file.value))
        source = f"{key_file.value} ({key_file.source})"
    if not key:
        values = {**settings.values, "api_key": Value(None, "default")}
        return replace(settings, values=values, key=None)
    if not (key.isascii() and key.isprintable()):
        raise BadSettings(f"the API key from {source} has characters that no key has; was it pasted whole?")
    values = {**settings.values, "api_key": Value("set", source)}
    return replace(settings, values=values, key=Secret(key))


def _read_key_file(path: Path) -> str:
    if _is_open_to_others(path):
        raise BadSettings(f"{path} holds the key and others can read it: chmod 600 {path}")
    try:
        return _read_text(path, allow_pipe=True).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"the key file {path} cannot be read: {error}") from error


def _is_open_to_others(path: Path) -> bool:
    """Return whether a file or pipe is readable by others; another kind of file is refused by its reader."""
    try:
        return (path.is_file() or path.is_fifo()) and is_readable_by_others(path)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
