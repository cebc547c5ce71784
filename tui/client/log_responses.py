"""Parsing of the answers that contain an activity log."""

from __future__ import annotations

from typing import Any

from tui.client.errors import UnexpectedAnswer
from tui.client.json_values import text_of
from tui.client.lazy_log import LargeLog, read_entries
from tui.client.log_entries import Entry, Log, Message, parse_entry
from tui.client.responses import find_record


async def read_log(body: Any, *ids: str) -> Log:
    """Read the whole log from an answer; raise UnexpectedAnswer unless its id is one of `ids`."""
    if isinstance(body, LargeLog):
        find_record({"id": body.thread_id}, "activity log", *ids)
        return Log(await body.entries())
    messages = find_record(body, "activity log", *ids).get("messages")
    if not isinstance(messages, list):
        raise UnexpectedAnswer("the platform's answer is no activity log: it has no list of messages", body=body)
    return Log(await read_entries(messages))


def read_thread_messages(body: Any) -> Log:
    """Read the thread's messages that the REST surface returns, as a partial log: it lacks all other entries."""
    if not isinstance(body, dict) or not isinstance(body.get("root"), list):
        raise UnexpectedAnswer("the platform's answer holds no thread of messages", body=body)
    threads = {
        name: tuple(map(_read_message, messages)) for name, messages in body.items() if isinstance(messages, list)
    }
    own_messages = threads.pop("root")
    return Log(own_messages, threads, is_partial=True)


def _read_message(item: object) -> Entry:
    """Read a message of the REST surface, whose role `assistant` is `agent` in a log."""
    if not isinstance(item, dict):
        return parse_entry(item)
    role = item.get("role")
    if text_of(role) == "assistant":
        role = "agent"
    return Message.from_value({**item, "role": role})
