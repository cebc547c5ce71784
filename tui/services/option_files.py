"""Reads the options of a new task or message, with the files that they name."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.domain.task_options import (
    FILE_KINDS,
    MAX_FILE_MEBIBYTES,
    TASK_OPTIONS,
    OptionError,
    TaskOption,
    check_user,
    file_value,
    put_value,
    text_value,
)

MAX_FILE_BYTES = MAX_FILE_MEBIBYTES * 1024 * 1024


def read_options(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the part of a request's body that the options stand for; raise OptionError for a mistake in one."""
    body: dict[str, Any] = {}
    for option in TASK_OPTIONS:
        text = texts.get(option.name)
        if not text:
            continue
        if option.kind in FILE_KINDS:
            put_value(body, option, file_value(option, _shown_name(option, text), _read_file(option, text)))
        else:
            put_value(body, option, text_value(option, text))
    check_user(body)
    return body


def _read_file(option: TaskOption, name: str) -> str:
    """Read the text of a regular file; anything else, such as a pipe, could keep the dashboard waiting."""
    shown_name = _shown_name(option, name)
    try:
        path = Path(name).expanduser()
        if not stat.S_ISREG(path.stat().st_mode):
            raise OptionError(f"{shown_name} is no file", option.name)
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)  # one byte more shows that the file is too large
        if len(content) > MAX_FILE_BYTES:
            raise OptionError(f"{shown_name} is larger than {MAX_FILE_MEBIBYTES} MiB", option.name)
        return content.decode()
    except OptionError:
        raise
    except UnicodeDecodeError as error:  # its message would repeat a byte of the file
        raise OptionError(f"{shown_name} is no text in UTF-8", option.name) from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "that is no name of a file"
        raise OptionError(f"{shown_name} cannot be read: {reason}", option.name) from error


def _shown_name(option: TaskOption, name: str) -> str:
    """Return the name of a file for an error; a secret may have been pasted in the place of a name."""
    if option.is_secret:
        return f"the file of the {option.label}"
    return name
