"""The request body of a new task or message, from the arguments, the files that they name, and standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.cli.exit_codes import UsageError
from tui.cli.signals import interruptible_read
from tui.client.json_codec import NotJson, loads

if TYPE_CHECKING:
    import argparse
    from types import SimpleNamespace

MAX_INPUT_MEBIBYTES = 16
MAX_INPUT_BYTES = MAX_INPUT_MEBIBYTES * 1024 * 1024
"""The largest file or standard input that is accepted."""
STANDARD_INPUT = "-"
_TEXT_FIELDS = (
    "title", "source", "worker_id", "output_format", "additional_context", "instructions_override", "expected_output",
    "triggering_agent_id", "think_mode", "llm_model_provider", "llm_model_name", "llm_reasoning_effort",
    "tool_call_limit", "harness_cli", "permission_mode",
)  # fmt: skip
_FLAG_FIELDS = ("run_locally", "disable_attachment_injection", "return_metrics")
_JSON_FILE_FIELDS = {"payload_extension": dict, "output_schema": dict, "mcp_servers": list, "user_tokens": dict}


def read_request_body(arguments: argparse.Namespace | SimpleNamespace) -> dict[str, Any]:
    """Read the request body that the arguments describe; they override the fields of the file given with --from."""
    body: dict[str, Any] = {}
    if arguments.source_file:
        body = _read_json_file(arguments.source_file, dict)
    for name in _TEXT_FIELDS:
        value = getattr(arguments, name)
        is_default_source = name == "source" and "source" in body
        if value is not None and not is_default_source:
            body[name] = value
    body |= {name: True for name in _FLAG_FIELDS if getattr(arguments, name)}
    for name, json_type in _JSON_FILE_FIELDS.items():
        path = getattr(arguments, name)
        if path:
            body[name] = _read_json_file(path, json_type)
    if arguments.oidc_token_file:
        body["user_oidc_token"] = _read_text_file(arguments.oidc_token_file).strip()
    if arguments.no_events:
        body["events_streaming"] = False
    return {**body, "input": _input_field(arguments, body)}


def _input_field(arguments: argparse.Namespace | SimpleNamespace, body: dict[str, Any]) -> dict[str, Any]:
    """Return the `input` field of a request: that of the body, with the files and the user of the arguments."""
    input_field = body.get("input") or {}
    if not isinstance(input_field, dict):
        raise UsageError('input is an object in the platform\'s requests: {"input": {"text": …}}')
    if arguments.files:
        input_field["files"] = [*(input_field.get("files") or []), *arguments.files]
    user_arguments = {
        "id": arguments.user_id,
        "email": arguments.user_email,
        "display_name": arguments.user_name,
        "timezone": arguments.timezone,
    }
    given_user = {name: value for name, value in user_arguments.items() if value}
    if given_user:
        user_of_body = input_field.get("user") or {}
        input_field["user"] = {**user_of_body, **given_user}
    return input_field


def read_prompt(words: list[str], body: dict[str, Any]) -> str:
    """Return the prompt: the one word that is given, standard input for `-`, or else the text of the body."""
    match words:
        case []:
            prompt = body["input"].get("text")
        case [word] if word == STANDARD_INPUT:
            prompt = _read_standard_input()
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


def _read_json_file(path: str, json_type: type) -> Any:
    """Read a JSON file that holds a value of this type: dict for an object, list for a list."""
    try:
        value = loads(_read_text_file(path))
    except NotJson as error:
        raise UsageError(f"{path}: {error}") from error
    if not isinstance(value, json_type):
        type_name = "object" if json_type is dict else "list"
        raise UsageError(f"{path} holds no JSON {type_name}")
    return value


def _read_text_file(path: str) -> str:
    """Read the text of a file, or standard input for `-`."""
    if path == STANDARD_INPUT:
        return _read_standard_input()
    try:
        with interruptible_read(), Path(path).open("rb") as file:
            content = file.read(MAX_INPUT_BYTES + 1)  # one byte more shows that the file is too large
        text = content.decode()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if len(content) > MAX_INPUT_BYTES:
        raise UsageError(f"{path} is larger than {MAX_INPUT_MEBIBYTES} MiB: nothing was sent")
    return text


def _read_standard_input() -> str:
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
        raise UsageError(f"standard input is larger than {MAX_INPUT_MEBIBYTES} MiB: nothing was sent")
    return text
