"""A scenario: an agent, what it is asked, and the steps it takes; one TOML file each, so that more are easily added."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any

from tui.local.sqlite_store import Json

STEP_KINDS = frozenset(
    {"think", "analyze", "tool", "say", "plan", "done", "approval", "question", "card", "sign_in", "delegate",
     "compact", "context", "event", "finish", "fail", "goto", "repeat", "decide"}
)  # fmt: skip
"""What a step can do; each step does one of them."""


_WAITS = frozenset({"approval", "question", "card", "sign_in", "gated"})
DEFAULT_REPLY: tuple[Json, ...] = (
    {"think": "They ask about what I did: {asked}", "title": "Recall the thread", "confidence": 0.9},
    {"say": "You first asked: “{first}”. That stands as I reported it above. On “{asked}”: noted, in this thread."},
    {"finish": "On “{asked}”: noted. The thread began with “{first}”."},
)
"""How an agent without a reply of its own answers in its thread."""


class BadScenario(ValueError):
    """A scenario that cannot be played; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One agent's part."""

    agent: Json
    prompts: tuple[str, ...]
    titles: tuple[str, ...]
    pools: Json
    steps: tuple[Json, ...]
    reply: tuple[Json, ...]
    weight: int
    """How often it is asked by itself, compared with others; 0 is never."""
    waits: bool
    """Whether it comes to wait for a person."""

    def part(self, name: str) -> tuple[Json, ...]:
        """The steps of a first turn, or of a later one."""
        if name == "reply":
            return self.reply or DEFAULT_REPLY
        return self.steps

    def draw(self, dice: Random) -> Json:
        """The particulars of one run."""
        drawn = {name: dice.choice(pool) for name, pool in self.pools.items()}
        return {**drawn, "number": str(dice.randint(1000, 9999))}


def load_scenarios() -> tuple[Scenario, ...]:
    """Every scenario there is, in the order of the files' names."""
    found = sorted((item for item in files("tui.local").joinpath("scenarios").iterdir()), key=lambda item: item.name)
    return tuple(
        parse_scenario(item.name, item.read_text(encoding="utf-8")) for item in found if item.name.endswith(".toml")
    )


def parse_scenario(name: str, text: str) -> Scenario:
    """Read one scenario, and see that it can be played."""
    document = tomllib.loads(text)
    agent = document.get("agent") or {}
    if not {"id", "name", "icon"} <= agent.keys():
        raise BadScenario(f"{name}: [agent] needs an id, a name and an icon")
    parts = {part: tuple(document.get(part, ())) for part in ("steps", "reply")}
    for part, steps in parts.items():
        labels = {step["label"] for step in steps if "label" in step}
        for place, step in enumerate(steps, 1):
            if len(STEP_KINDS & step.keys()) != 1:
                raise BadScenario(f"{name}: {part} {place} does not do exactly one thing")
            for target in _targets(step):
                if target not in labels:
                    raise BadScenario(f"{name}: {part} {place} goes to {target!r}, which is no label")
    return Scenario(
        agent=agent,
        prompts=tuple(document.get("prompts", ())),
        titles=tuple(document.get("titles", ())),
        pools=document.get("pools", {}),
        steps=parts["steps"],
        reply=parts["reply"],
        weight=document.get("weight", 1),
        waits=any(_WAITS & step.keys() for step in parts["steps"]),
    )


def fill_template(value: Any, words: Json) -> Any:
    """A value with the run's particulars put in wherever it has `{name}`."""
    match value:
        case str():
            for name, word in words.items():
                value = value.replace("{" + name + "}", str(word))
            return value
        case dict():
            return {name: fill_template(item, words) for name, item in value.items()}
        case list():
            return [fill_template(item, words) for item in value]
        case _:
            return value


def step_kind(step: Json) -> str:
    """What a step does."""
    return next(iter(STEP_KINDS & step.keys()))


def _targets(step: Json) -> list[str]:
    branches = step.get("branches", {})
    return [*branches.values(), *(step[name] for name in ("goto", "otherwise", "repeat") if name in step)]
