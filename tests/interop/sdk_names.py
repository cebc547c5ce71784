"""Compares the names of the SDK's attributes, parameters and kinds with tests/cases/sdk-names.json, or writes the file.

Runs where the SDK is installed; the answer is 1 where the names differ, each of which is printed.
python tests/interop/sdk_names.py [--write]
"""

from __future__ import annotations

import inspect
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from xpander_sdk.models.activity import AgentActivityThreadMessageType
from xpander_sdk.models.deep_planning import DeepPlanning
from xpander_sdk.models.events import TaskUpdateEventType
from xpander_sdk.models.principal import Principal
from xpander_sdk.models.shared import Tokens
from xpander_sdk.models.user import User
from xpander_sdk.modules.agents.sub_modules.agent import Agent
from xpander_sdk.modules.tasks.models.task import AgentExecutionInput, AttachmentRef
from xpander_sdk.modules.tasks.sub_modules.task import Task

PLACE = Path(__file__).parents[1] / "cases" / "sdk-names.json"
NESTED: dict[str, type[BaseModel]] = {
    "input": AgentExecutionInput,
    "input.user": User,
    "input.principal": Principal,
    "input.attachments": AttachmentRef,
    "deep_planning": DeepPlanning,
    "tokens": Tokens,
}
"""The models of the attributes of a task whose own attributes are listed too."""


def names() -> dict[str, Any]:
    """Return the names that the installed SDK has, and its version."""
    attributes = list(Task.model_fields)
    for path, model in NESTED.items():
        attributes += [f"{path}.{name}" for name in (*model.model_fields, *model.model_computed_fields)]
    parameters = inspect.signature(Agent.acreate_task).parameters
    return {
        "xpander-sdk": version("xpander-sdk"),
        "task": [name for name in attributes if name not in NESTED],
        "create_task": [name for name in parameters if name != "self"],
        "events": [kind.value for kind in TaskUpdateEventType],
        "entries": [kind.__name__ for kind in get_args(AgentActivityThreadMessageType)],
    }


def main() -> int:
    """Write the file, or compare it; return 1 where they differ."""
    installed = names()
    if "--write" in sys.argv[1:]:
        PLACE.write_text(json.dumps(installed, indent=1) + "\n", encoding="utf-8")
        return 0
    known = json.loads(PLACE.read_text(encoding="utf-8"))
    differences = [
        f"{group}: {name} is {'new in the SDK' if name in installed[group] else 'no longer in the SDK'}"
        for group in installed
        if group != "xpander-sdk"
        for name in sorted({*installed[group]} ^ {*known[group]})
    ]
    for difference in differences:
        sys.stdout.write(f"{difference}; see docs/coverage.md\n")
    if not differences:
        count = sum(len(listed) for listed in installed.values() if isinstance(listed, list))
        sys.stdout.write(f"{count} names of xpander-sdk {installed['xpander-sdk']} are those of {PLACE.name}\n")
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
