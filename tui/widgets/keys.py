"""The keys that are bound to actions, and their names in texts on screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode

NAMES_IN_SENTENCES = {"enter": "enter", "escape": "esc", "backspace": "backspace"}
"""Names of keys that differ in a sentence from their names in the footer."""


def bound_keys(node: DOMNode, binding_id: str) -> tuple[str, ...]:
    """Return the keys bound to an action of this node: those of the settings, or else the default keys."""
    return _bound_keys_in(node.app, type(node), binding_id)


def _bound_keys_in(app: App[Any], holder: type[DOMNode], binding_id: str) -> tuple[str, ...]:
    chosen: Mapping[str, str] = getattr(app, "chosen_keys", {})
    if binding_id in chosen:
        return normalize_keys(chosen[binding_id])
    return _default_keys(holder, binding_id)


def key_name(node: DOMNode, binding_id: str) -> str:
    """Return the name of the first key bound to an action of this node."""
    return display_name(node.app, bound_keys(node, binding_id)[0])


def key_name_in(app: App[Any], holder: type[DOMNode], binding_id: str) -> str:
    """Return the name of the first key bound to an action of a class, of which no node may be on screen."""
    return display_name(app, _bound_keys_in(app, holder, binding_id)[0])


def display_name(app: App[Any], key: str) -> str:
    """Return the display name of a key in a sentence."""
    if key in NAMES_IN_SENTENCES:
        return NAMES_IN_SENTENCES[key]
    if key.startswith("ctrl+"):
        return key
    name = app.get_key_display(Binding(key, ""))
    is_function_key = key.startswith("f") and key[1:].isdigit()
    if is_function_key:
        return name.upper()
    return name


@lru_cache(1024)
def normalize_keys(keys: str) -> tuple[str, ...]:
    """Return the keys of a comma-separated list, each by Textual's name: `question_mark` for `?`."""
    return tuple(binding.key for binding in Binding.make_bindings([Binding(keys, "")]))


@lru_cache(256)
def named_bindings(holder: type[DOMNode]) -> tuple[Binding, ...]:
    """Return the bindings of a class that have an id, those of its base classes first."""
    bindings_by_id: dict[str, Binding] = {}
    base_classes_first = reversed(holder.__mro__)
    for cls in base_classes_first:
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                bindings_by_id[binding.id] = binding
    return tuple(bindings_by_id.values())


@lru_cache(1024)
def _default_keys(holder: type[DOMNode], binding_id: str) -> tuple[str, ...]:
    """Return the default keys of a binding, from the class itself or the nearest base class that defines it."""
    for cls in holder.__mro__:
        bindings = BindingsMap(cls.__dict__.get("BINDINGS", ()))
        keys = tuple(key for key, binding in bindings if binding.id == binding_id)
        if keys:
            return keys
    raise KeyError(f"{holder.__name__} has no binding {binding_id}")
