"""Reads the answers that are activity logs."""

from __future__ import annotations

from typing import Any

from tui.client.errors import UnexpectedAnswer
from tui.client.json_values import text_of
from tui.client.lazy_log import LargeLog, read_entries
from tui.client.log_entries import Entry, Log, Message, parse_entry
from tui.client.responses import find_record


async def read_log(body: Any, *ids: str) -> Log:
    """Read the whole log of a task; its id is one of these."""
    if isinstance(body, LargeLog):
        find_record({"id": body.thread_id}, "activity log", *ids)
        return Log(await body.entries())
    messages = find_record(body, "activity log", *ids).get("messages")
    if not isinstance(messages, list):
        raise UnexpectedAnswer("the platform's answer is no activity log: it has no list of messages", body=body)
    return Log(await read_entries(messages))


def read_thread_messages(body: Any) -> Log:
    """Read the public surface's messages, as a log that is known to lack everything else."""
    if not isinstance(body, dict) or not isinstance(body.get("root"), list):
        raise UnexpectedAnswer("the platform's answer holds no thread of messages", body=body)
    threads = {
        name: tuple(_message(item) for item in messages)
        for name, messages in body.items()
        if isinstance(messages, list)
    }
    return Log(threads.pop("root", ()), threads, is_partial=True)


def _message(item: object) -> Entry:
    """Read a message of the public surface; its `assistant` is the log's `agent`."""
    if not isinstance(item, dict):
        return parse_entry(item)
    role = {"assistant": "agent"}.get(text_of(item.get("role")) or "", item.get("role"))
    return Message.from_value({**item, "role": role})
