"""Scenarios: an agent, its prompts and the steps of its runs, each in one TOML file, so that more are easily added."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any

from tui.local.sqlite_store import Json

STEP_KINDS = frozenset(
    {"think", "analyze", "tool", "say", "plan", "done", "approval", "question", "card", "sign_in", "delegate",
     "compact", "context", "event", "finish", "fail", "goto", "repeat", "decide", "secret", "invite", "webhook",
     "self_schedule"}
)  # fmt: skip
"""The kinds of steps; each step has the key of exactly one kind."""
_WAITING_KEYS = frozenset({"approval", "question", "card", "sign_in", "gated", "secret", "invite"})
"""Keys of the steps that wait for a person."""
DEFAULT_REPLY: tuple[Json, ...] = (
    {"think": "They ask about what I did: {asked}", "title": "Recall the thread", "confidence": 0.9},
    {"say": "You first asked: “{first}”. That stands as I reported it above. On “{asked}”: noted, in this thread."},
    {"finish": "On “{asked}”: noted. The thread began with “{first}”."},
)
"""The steps of later turns, for a scenario without a reply of its own."""


class BadScenario(ValueError):
    """A scenario that cannot be played; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The scenario of one agent."""

    agent: Json
    prompts: tuple[str, ...]
    titles: tuple[str, ...]
    nodes: tuple[Json, ...]
    """The nodes of its workflow: waits for a person, each with the options of its approval."""
    pools: Json
    """Words for the placeholders, by their names: each run draws one from each pool."""
    steps: tuple[Json, ...]
    reply: tuple[Json, ...]
    weight: int
    """Relative frequency with which tasks for the agent arrive by themselves; 0 is never."""
    needs_person: bool
    """Whether its runs wait for a person at some step."""

    def steps_of(self, part: str) -> tuple[Json, ...]:
        """Return the steps of a part: `steps` for the first turn, `reply` for later ones."""
        if part == "reply":
            return self.reply or DEFAULT_REPLY
        return self.steps

    def draw_words(self, rng: Random) -> Json:
        """Draw the words of one run from the pools."""
        words = {name: rng.choice(pool) for name, pool in self.pools.items()}
        return {**words, "number": str(rng.randint(1000, 9999))}


def load_scenarios() -> tuple[Scenario, ...]:
    """Load all scenarios in the order of their file names."""
    items = sorted(files("tui.local").joinpath("scenarios").iterdir(), key=lambda item: item.name)
    return tuple(
        parse_scenario(item.name, item.read_text(encoding="utf-8")) for item in items if item.name.endswith(".toml")
    )


def parse_scenario(name: str, text: str) -> Scenario:
    """Parse a scenario; raise BadScenario if it cannot be played."""
    document = tomllib.loads(text)
    agent = document.get("agent") or {}
    if not {"id", "name", "icon"} <= agent.keys():
        raise BadScenario(f"{name}: [agent] needs an id, a name and an icon")
    parts = {part: tuple(document.get(part, ())) for part in ("steps", "reply")}
    for part, steps in parts.items():
        _check_steps(name, part, steps)
    _check_nodes(name, [*document.get("nodes", ()), *agent.get("orchestration_nodes", ())], parts["steps"])
    return Scenario(
        agent=agent,
        prompts=tuple(document.get("prompts", ())),
        titles=tuple(document.get("titles", ())),
        nodes=tuple(document.get("nodes", ())),
        pools=document.get("pools", {}),
        steps=parts["steps"],
        reply=parts["reply"],
        weight=document.get("weight", 1),
        needs_person=any(_WAITING_KEYS & step.keys() for step in parts["steps"]),
    )


def _check_steps(name: str, part: str, steps: Sequence[Json]) -> None:
    """Raise BadScenario if a step has not exactly one kind, or goes to a missing label."""
    labels = {step["label"] for step in steps if "label" in step}
    for number, step in enumerate(steps, 1):
        if len(STEP_KINDS & step.keys()) != 1:
            raise BadScenario(f"{name}: {part} {number} does not do exactly one thing")
        for target in _target_labels(step):
            if target not in labels:
                raise BadScenario(f"{name}: {part} {number} goes to {target!r}, which is no label")


def _check_nodes(name: str, nodes: Sequence[Json], steps: Sequence[Json]) -> None:
    """Raise BadScenario if a node has no id or type, or if a step waits at a missing node."""
    if not all({"id", "type"} <= node.keys() for node in nodes):
        raise BadScenario(f"{name}: every node needs an id and a type")
    ids = {node["id"] for node in nodes}
    for number, step in enumerate(steps, 1):
        if step.get("node", "") not in {"", *ids}:
            raise BadScenario(f"{name}: step {number} waits at {step['node']!r}, which is no node")


def fill_template(value: Any, words: Json) -> Any:
    """Fill each placeholder `{name}` in the texts of a value with the word of that name."""
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
    """Return the kind of a step."""
    return next(iter(STEP_KINDS & step.keys()))


def _target_labels(step: Json) -> list[str]:
    """Return the labels to which a step can go."""
    branches = step.get("branches", {})
    return [*branches.values(), *(step[name] for name in ("goto", "otherwise", "repeat") if name in step)]
