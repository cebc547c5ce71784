"""The limits of an agent: how often and how long its tasks run, and what stops, repeats or tries them again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tui.security.redact import MASK, is_holder, is_secret, is_secret_member

if TYPE_CHECKING:
    from tui.client.agent_models import AgentRecord, FrameworkSettings, NodeCondition, Strategy, TaskStrategies

Section = dict[str, Any]


def whole(number: float | None) -> float | None:
    """Return a number without its decimals where it has none."""
    if number is not None and number.is_integer():
        return int(number)
    return number


def limits_of(agent: AgentRecord) -> Section:
    """Return the limits of an agent's tasks; None for one that the platform does not tell."""
    strategies, settings = agent.strategies, agent.framework_settings
    limits = {**_strategy_limits(strategies), **_framework_limits(settings)}
    scheduling = {"self_schedule": agent.can_self_schedule, "self_schedules_at_most": whole(agent.max_self_schedules)}
    return {**limits, **scheduling}


def _strategy_limits(strategies: TaskStrategies | None) -> Section:
    names = ("runs_per_day", "retries", "iterations", "stop", "same_event_once_in_minutes", "shared_context")
    if strategies is None:
        return dict.fromkeys(names)
    once = strategies.duplication_prevention
    values = (
        whole(strategies.max_runs_per_day),
        retries(strategies.retry),
        iterations(strategies.iteration),
        stop_reasons(strategies.stop),
        whole(once.ttl_minutes) if once and once.enabled else None,
        strategies.agentic_context_enabled,
    )
    return dict(zip(names, values, strict=True))


def _framework_limits(settings: FrameworkSettings | None) -> Section:
    names = ("tool_calls_per_run", "tool_calls_from_history", "history_runs")
    if settings is None:
        return dict.fromkeys(names)
    switches = {
        "session_stored": settings.session_storage,
        "sessions_summed_up": settings.session_summaries,
        "learns": settings.learning,
        "coordinates": settings.coordinate_mode,
        "reasoning_tools": settings.reasoning_tools_enabled,
        "finds_personal_data": settings.pii_detection_enabled,
        "finds_prompt_injection": settings.prompt_injection_detection_enabled,
        "moderated": settings.openai_moderation_enabled,
    }
    numbers = (settings.tool_call_limit, settings.max_tool_calls_from_history, settings.num_history_runs)
    return {**dict(zip(names, map(whole, numbers), strict=True)), **_known(switches)}


def _known(fields: Mapping[str, Any]) -> Section:
    return {name: value for name, value in fields.items() if value is not None}


def retries(strategy: Strategy | None) -> float | None:
    """Return how often a strategy tries again; None if it does not, or does not tell."""
    return whole(strategy.max_retries) if strategy and strategy.enabled else None


def iterations(strategy: Strategy | None) -> str | None:
    """Return how often a strategy repeats, in words; None if it does not."""
    if strategy is None or not strategy.enabled:
        return None
    count = whole(strategy.max_iterations)
    text = f"at most {count}" if count is not None else "repeated"
    if strategy.end_condition is None:
        return text
    return f"{text}, until {condition_text(strategy.end_condition)}"


def stop_reasons(strategy: Strategy | None) -> str | None:
    """Return the reasons for which a strategy stops, in words; None if it does not."""
    if strategy is None or not strategy.enabled:
        return None
    reasons = ["on failure"] if strategy.stop_on_failure else []
    if strategy.end_condition is not None:
        reasons.append(f"if {condition_text(strategy.end_condition)}")
    return " or ".join(reasons) or "enabled"


def condition_text(condition: NodeCondition) -> str:
    """Return a condition in words; a value that is compared with a field that sounds secret is masked."""
    compared = condition.term if condition.term is not None else condition.value
    words = [condition.path or "", (condition.type or "").replace("_", " ")]
    if condition.group_id:
        words.append(f"group {condition.group_id}")
    if compared is not None:
        words.append(MASK if _sounds_secret(condition.path or "") else str(compared))
    return " ".join(filter(None, words)) or "a condition"


def _sounds_secret(path: str) -> bool:
    """Return whether a part of a path sounds like a secret: a name, an object of secrets, or a member of one."""
    parts = re.findall(r"[\w-]+", path)
    if any(is_secret(part) or is_holder(part) for part in parts):
        return True
    return any(is_secret_member(holder, name) for holder, name in pairwise(parts))
