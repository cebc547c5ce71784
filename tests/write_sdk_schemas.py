"""Writes the JSON Schemas of the official SDK's models, to generate valid data from; run where the SDK is installed.

pip install 'xpander-sdk[agno]' && python tests/write_sdk_schemas.py
"""

from __future__ import annotations

import importlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

MODELS = {
    "modules.tasks.sub_modules.task": ("Task", "TaskUpdateEvent"),
    "modules.tasks.models.tasks_list": ("TasksListItem",),
    "modules.agents.models.agent_list": ("AgentsListItem",),
    "models.events": ("ToolCallRequest", "ToolCallResult"),
    "models.deep_planning": ("DeepPlanning",),
    "models.activity": (
        "AgentActivityThreadMessage",
        "AgentActivityThreadToolCall",
        "AgentActivityThreadReasoning",
        "AgentActivityThreadSubAgentTrigger",
        "AgentActivityThreadAuth",
        "AgentActivityThreadGatewayCreateExecution",
        "AgentActivityThreadGatewayAskExecution",
        "AgentActivityThreadGatewayStopExecution",
        "AgentActivityThreadGatewayContinueExecution",
        "AgentActivityThreadGatewayGetExecutionsResult",
    ),
}
PLACE = Path(__file__).parent / "cases" / "sdk-schemas.json"


def main() -> None:
    """Write the file."""
    schemas: dict[str, Any] = {}
    for module, names in MODELS.items():
        found = importlib.import_module(f"xpander_sdk.{module}")
        schemas |= {name: getattr(found, name).model_json_schema() for name in names}
    told = {"xpander-sdk": version("xpander-sdk"), "schemas": schemas}
    PLACE.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
