"""The options that can be set, where each may come from, and the schema of the settings file."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Kind = Literal["text", "secret", "flag", "number", "path", "choice", "keys"]


class Option(NamedTuple):
    """An option: its kind, its description, its environment variable and its default."""

    name: str
    kind: Kind
    about: str
    variable: str | None = None
    default: Any = None
    choices: tuple[str, ...] = ()
    unit: str = "seconds"
    """The unit of a number."""


OPTIONS = (
    Option("api_key", "secret", "The key, sent as x-api-key. Better kept in a file of its own.", "XPANDER_API_KEY"),
    Option("api_key_file", "path", "A file that holds the key, readable by its owner only."),
    Option("organization", "text", "The organization's id.", "XPANDER_ORGANIZATION_ID"),
    Option("base_url", "text", "The controller's address, by the SDK's rules.", "XPANDER_BASE_URL"),
    Option("api_url", "text", "The public REST API's address.", "XPANDER_API_URL"),
    Option("agent", "text", "The agent chosen to begin with.", "XPANDER_AGENT_ID"),
    Option("staging", "flag", "Use the vendor's staging platform.", "IS_STG", False),
    Option("insecure_http", "flag", "Allow http:// to other machines: the key travels in clear.", None, False),
    Option("ca", "path", "Certificates of an authority to trust beside the system's."),
    Option("read_only", "flag", "Send nothing that acts.", "XP_TUI_READ_ONLY", False),
    Option("hold", "number", "Seconds for which a decision can be taken back; 0 sends at once.", None, 5.0),
    Option("time", "choice", "How times are shown.", None, "relative", ("relative", "local", "utc")),
    Option("theme", "text", "The theme of the screens, as xp-dark, xp-light, xp-contrast."),
    Option("ascii", "flag", "Draw with ASCII only.", None, False),
    Option("reduced_motion", "flag", "Nothing flashes or glides.", None, False),
    Option("keys", "keys", 'Other keys for actions, by their ids: write [keys] and "tasks.stop" = "ctrl+x".'),
    Option("timeout", "number", "Seconds to wait for an answer.", None, 30.0),
    Option(
        "local_keep_days",
        "number",
        "Days for which the local platform keeps tasks that have ended.",
        None,
        14.0,
        unit="days",
    ),
    Option(
        "local_max_megabytes",
        "number",
        "Size of the local platform's database, above which the oldest tasks that have ended are removed.",
        None,
        1000.0,
        unit="megabytes",
    ),
)
"""All options; the command line, the schema of the settings file and `config show` are generated from them."""
OPTIONS_BY_NAME = {option.name: option for option in OPTIONS}
PLATFORM_OPTIONS = frozenset(
    {"api_key", "api_key_file", "organization", "base_url", "api_url", "agent", "staging", "insecure_http", "ca"}
)
"""The options that describe one platform: --local ignores their values in the environment and in the file."""
_SCHEMA_BY_KIND: dict[str, dict[str, Any]] = {
    "flag": {"type": "boolean"},
    "number": {"type": "number", "minimum": 0},
    "keys": {"type": "object", "additionalProperties": {"type": "string"}},
}
"""The JSON Schema of each kind of option; a kind that is not here is a string."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file."""
    fields = {option.name: _field_schema(option) for option in OPTIONS}
    profile = {"type": "object", "additionalProperties": False, "properties": fields}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "xp-tui settings",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **fields,
            "profile": {"type": "string", "description": "The profile used when none is named."},
            "profiles": {"type": "object", "description": "Settings by name.", "additionalProperties": profile},
        },
    }


def _field_schema(option: Option) -> dict[str, Any]:
    """Return the JSON Schema of the field for an option."""
    field = {**_SCHEMA_BY_KIND.get(option.kind, {"type": "string"}), "description": option.about}
    if option.choices:
        field["enum"] = list(option.choices)
    if option.default is not None:
        field["default"] = option.default
    return field
