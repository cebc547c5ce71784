"""The request body of a new task or message, from the arguments, the files that they name, and standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.cli.exit_codes import UsageError
from tui.cli.signals import interruptible_read
from tui.client.json_codec import NotJson, loads
from tui.domain.task_options import (
    DEFAULT_SOURCE,
    FILE_KINDS,
    MAX_FILE_MEBIBYTES,
    TASK_OPTIONS,
    OptionError,
    OptionKind,
    TaskOption,
    check_user,
    file_value,
    put_value,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import SimpleNamespace

    from tui.cli.context import Session

MAX_INPUT_BYTES = MAX_FILE_MEBIBYTES * 1024 * 1024
"""The largest file or standard input that is accepted."""
STANDARD_INPUT = "-"


def read_request_body(arguments: argparse.Namespace | SimpleNamespace) -> dict[str, Any]:
    """Read the request body that the arguments describe; they override the fields of the file given with --from."""
    body: dict[str, Any] = {}
    if arguments.source_file:
        body = read_json_file(arguments.source_file, dict)
    if not isinstance(body.get("input") or {}, dict):
        raise UsageError('input is an object in the platform\'s requests: {"input": {"text": …}}')
    body["input"] = body.get("input") or {}
    try:
        for option in TASK_OPTIONS:
            given = getattr(arguments, option.name)
            if given:
                put_value(body, option, _value_of(option, given))
        check_user(body)
    except OptionError as error:
        raise UsageError(f"{error}{_advice(error)}: nothing was sent") from error
    body.setdefault("source", DEFAULT_SOURCE)
    return body


def agent_of_request(session: Session, body: dict[str, Any], words: Sequence[str]) -> Any:
    """Take the agent out of the body of a --from file, and return the agent to use: the word given for it, if any.

    The file and the settings may not contradict each other.
    """
    in_file = body.pop("agent_id", None)
    in_settings = session.settings["agent"]
    if words:
        return words[0]
    if in_file and in_settings and in_file != in_settings:
        raise UsageError("the file and --agent or XPANDER_AGENT_ID name two agents: name one as AGENT")
    return in_file or in_settings


def _value_of(option: TaskOption, given: Any) -> object:
    """Return the value that is sent for an argument; that of a file is read now."""
    if option.kind in FILE_KINDS:
        return file_value(option, given, read_text_file(given))
    if option.kind is OptionKind.FLAG:
        return option.flag_value
    return given


def _advice(error: OptionError) -> str:
    """Return the advice that follows an error; empty if there is none."""
    if error.option_name == "user_email":
        return ". Give --user-email, or leave the user out"
    return ""


def read_prompt(words: list[str], body: dict[str, Any]) -> str:
    """Return the prompt: the one word that is given, standard input for `-`, or else the text of the body."""
    match words:
        case []:
            prompt = body["input"].get("text")
        case [word] if word == STANDARD_INPUT:
            prompt = read_standard_input()
        case [word]:
            prompt = word
        case _:
            raise UsageError("one prompt: put it in quotes")
    if not isinstance(prompt, str) or not prompt.strip():
        raise UsageError("what should the agent do? Give a prompt, or - to read it from the input")
    return prompt


def task_id_in_prompt(prompt: str) -> str | None:
    """Return the task id in a prompt that is JSON, as the vendor's SDK reads it: such a prompt creates no task."""
    if not prompt.lstrip().startswith("{"):
        return None
    try:
        value = loads(prompt)
    except NotJson:
        return None
    if not isinstance(value, dict):
        return None
    task_id = value.get("xpander_task_id")
    if not isinstance(task_id, str) or not task_id:
        return None
    return task_id


def read_json_file(path: str, json_type: type) -> Any:
    """Read a JSON file that holds a value of this type: dict for an object, list for a list."""
    value = read_json_value(path)
    if not isinstance(value, json_type):
        type_name = "object" if json_type is dict else "list"
        raise UsageError(f"{path} holds no JSON {type_name}")
    return value


def read_json_value(path: str) -> Any:
    """Read a JSON file that holds any value."""
    try:
        return loads(read_text_file(path))
    except NotJson as error:
        raise UsageError(f"{path}: {error}") from error


def read_text_file(path: str) -> str:
    """Read the text of a file, or standard input for `-`."""
    if path == STANDARD_INPUT:
        return read_standard_input()
    try:
        with interruptible_read(), Path(path).open("rb") as file:
            content = file.read(MAX_INPUT_BYTES + 1)  # one byte more shows that the file is too large
        text = content.decode()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if len(content) > MAX_INPUT_BYTES:
        raise UsageError(f"{path} is larger than {MAX_FILE_MEBIBYTES} MiB: nothing was sent")
    return text


def read_standard_input() -> str:
    """Read standard input to its end."""
    try:
        with interruptible_read():
            text = sys.stdin.read(MAX_INPUT_BYTES + 1)
        text.encode()  # some locales decode bytes that are not UTF-8 as lone surrogates
    except UnicodeError as error:
        raise UsageError("standard input is not UTF-8: nothing was sent") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"standard input cannot be read: {error}") from error
    if len(text) > MAX_INPUT_BYTES:
        raise UsageError(f"standard input is larger than {MAX_FILE_MEBIBYTES} MiB: nothing was sent")
    return text
