"""The platform's API as a library: models, a client for both HTTP surfaces, and the event stream.

The public names are those in `__all__`. Each is imported on first use, because `xp-tui --help` needs none of them.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tui.client.api import connect, connect_from_environment, follow, list_tasks
    from tui.client.client import Client
    from tui.client.endpoints import BadAddress, Surfaces, surfaces_of
    from tui.client.errors import (
        ApiError,
        Conflict,
        ConnectionLost,
        Forbidden,
        Invalid,
        NotFound,
        NotSupported,
        RateLimited,
        ReadOnly,
        Redirected,
        ServerError,
        TimedOut,
        Unauthorized,
        UnexpectedAnswer,
        Unreachable,
    )
    from tui.client.event_stream import EventStream, Link, LinkState, StreamOpened, StreamResumed
    from tui.client.events import Event
    from tui.client.log_entries import (
        Compaction,
        Confirmation,
        Decision,
        Delegation,
        Entry,
        Log,
        Message,
        Other,
        Questions,
        Reasoning,
        SignIn,
        ToolCall,
    )
    from tui.client.models import Agent, Plan, Task, Tokens
    from tui.client.network import BadNetworkSettings
    from tui.client.retry import Backoff, Clock
    from tui.client.secret import Secret
    from tui.client.session import PlatformSession
    from tui.client.task_facts import Status, Wait, WaitKind
    from tui.client.task_rows import Page, TaskQuery, TaskRow

_NAMES_BY_MODULE = {
    "api": "connect connect_from_environment follow list_tasks",
    "client": "Client",
    "endpoints": "BadAddress Surfaces surfaces_of",
    "errors": "ApiError Conflict ConnectionLost Forbidden Invalid NotFound NotSupported RateLimited ReadOnly "
              "Redirected ServerError TimedOut Unauthorized UnexpectedAnswer Unreachable",
    "event_stream": "Link LinkState StreamOpened StreamResumed EventStream",
    "events": "Event",
    "log_entries": "Compaction Confirmation Decision Delegation Entry Log Message Other Questions Reasoning SignIn "
                   "ToolCall",
    "models": "Agent Plan Task Tokens",
    "task_facts": "Status Wait WaitKind",
    "task_rows": "Page TaskQuery TaskRow",
    "network": "BadNetworkSettings",
    "retry": "Backoff Clock",
    "secret": "Secret",
    "session": "PlatformSession",
}  # fmt: skip
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}
__all__ = [
    "Agent",
    "ApiError",
    "Backoff",
    "BadAddress",
    "BadNetworkSettings",
    "Client",
    "Clock",
    "Compaction",
    "Confirmation",
    "Conflict",
    "ConnectionLost",
    "Decision",
    "Delegation",
    "Entry",
    "Event",
    "EventStream",
    "Forbidden",
    "Invalid",
    "Link",
    "LinkState",
    "Log",
    "Message",
    "NotFound",
    "NotSupported",
    "Other",
    "Page",
    "Plan",
    "PlatformSession",
    "Questions",
    "RateLimited",
    "ReadOnly",
    "Reasoning",
    "Redirected",
    "Secret",
    "ServerError",
    "SignIn",
    "Status",
    "StreamOpened",
    "StreamResumed",
    "Surfaces",
    "Task",
    "TaskQuery",
    "TaskRow",
    "TimedOut",
    "Tokens",
    "ToolCall",
    "Unauthorized",
    "UnexpectedAnswer",
    "Unreachable",
    "Wait",
    "WaitKind",
    "connect",
    "connect_from_environment",
    "follow",
    "list_tasks",
    "surfaces_of",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULES[name]}")
    value: object = getattr(module, name)
    globals()[name] = value  # the next use finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
