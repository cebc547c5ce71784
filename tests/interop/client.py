"""Uses the official SDK on the local platform; run in an environment that has the SDK, prints a table in JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from xpander_sdk import Configuration
from xpander_sdk.modules.agents.agents_module import Agents
from xpander_sdk.modules.tasks.models.task import AgentExecutionStatus
from xpander_sdk.modules.tasks.sub_modules.task import Task
from xpander_sdk.modules.tasks.tasks_module import Tasks

rows: list[tuple[str, str, str]] = []
configuration = Configuration()
tasks, agents = Tasks(configuration=configuration), Agents(configuration=configuration)
PATIENCE = 60
CLASSES = {
    "planner": "Message Reasoning ToolCall",
    "invoice-bot": "Message Reasoning ToolCall",
    "researcher": "Message Reasoning SubAgentTrigger",
    "mail-writer": "Auth Message ToolCall",
    "release-bot": "Message OtherEntry Reasoning ToolCall",
    "dispatcher": "GatewayCreateExecution Message",
    "front-desk": "GatewayAskExecution GatewayContinueExecution GatewayGetExecutionsResult GatewayStopExecution Message"
    " OtherEntry ToolCall",
}
"""The classes that the SDK reads each agent's log as; a question and a card are none that it models."""


def name_of(value: Any) -> str:
    """Return the class of a value, or of a list's items."""
    if isinstance(value, list):
        return f"list[{type(value[0]).__name__ if value else ''}]"
    return type(value).__name__


async def step(operation: str, work: Callable[[], Awaitable[tuple[Any, str]]]) -> Any:
    """Run one step and record its result."""
    try:
        async with asyncio.timeout(PATIENCE):
            value, result = await work()
    except Exception as error:  # noqa: BLE001 whatever goes wrong is a row of the table
        rows.append((operation, type(error).__name__, f"FAILED: {error}"))
        return None
    rows.append((operation, name_of(value), result))
    return value


def check(condition: bool, words: str) -> None:
    """Fail the step unless this holds."""
    if not condition:
        raise AssertionError(words)


async def ended(task: Task) -> Task:
    """Wait for the end of a task, and return it."""
    while task.status in (AgentExecutionStatus.Pending, AgentExecutionStatus.Executing):
        await asyncio.sleep(0.1)
        await task.areload()
    return task


async def main() -> int:
    """Use every task operation of the SDK."""

    async def list_agents() -> tuple[Any, str]:
        found = await agents.alist()
        check({"analyst", "invoice-bot", "planner"} <= {agent.id for agent in found}, f"{len(found)} agents")
        return found, f"{len(found)} agents"

    async def load_agent() -> tuple[Any, str]:
        agent = await agents.aget("analyst")
        check(agent.name == "Analyst", agent.name)
        return agent, agent.name

    async def load_all_agents() -> tuple[Any, str]:
        loaded = {item.id: await agents.aget(item.id) for item in await agents.alist()}
        (mcp_item,) = (item for item in loaded["invoice-bot"].graph.items if item.type.value == "mcp")
        (server,) = loaded["invoice-bot"].mcp_servers
        check((mcp_item.id, server.id, server.auth_type.value) == ("mcp-ledger", "srv-ledger", "sso_user"), str(server))
        check(loaded["researcher"].graph.sub_agents == ["scout"], str(loaded["researcher"].graph.sub_agents))
        check(loaded["invoice-bot"].task_level_strategies.max_runs_per_day == 500, "another limit")
        check(loaded["analyst"].agno_settings.tool_call_limit == 40, "another limit of tool calls")
        check({tool.id for tool in loaded["analyst"].tools.list} == {"warehouse.schema", "warehouse.query"}, "tools")
        nodes = {node.id: type(node.definition).__name__ for node in loaded["courier"].orchestration_nodes}
        check(nodes["carrier"] == "OrchestrationWaitNode", str(nodes))
        check(nodes["again"] == "OrchestrationSelfScheduleNode", str(nodes))
        (wait,) = loaded["invoice-bot"].orchestration_nodes
        check(type(wait.definition).__name__ == "OrchestrationWaitNode", type(wait.definition).__name__)
        return loaded, f"{len(loaded)} agents with their graphs, servers, limits and nodes"

    async def list_tasks() -> tuple[Any, str]:
        found = await tasks.alist("invoice-bot")
        check(bool(found), "none")
        return found, f"{len(found)} tasks"

    async def list_narrowed() -> tuple[Any, str]:
        found = await tasks.alist("invoice-bot", filters={"status": "paused"})
        check({str(one.status.value) for one in found} == {"paused"}, "other statuses")
        return found, f"{len(found)} paused"

    async def list_user_tasks() -> tuple[Any, str]:
        found = await tasks.alist_user_tasks("u-dana")
        check(bool(found), "none")
        return found, f"{len(found)} tasks"

    async def create() -> tuple[Any, str]:
        made = await tasks.acreate("planner", prompt="Plan our picnic, 9 people", events_streaming=True)
        check(made.status == AgentExecutionStatus.Pending, str(made.status))
        return made, str(made.status.value)

    await step("Agents.alist", list_agents)
    await step("Agents.aget", load_agent)
    await step("Agents.aget (all)", load_all_agents)
    await step("Tasks.alist", list_tasks)
    await step("Tasks.alist(status)", list_narrowed)
    await step("Tasks.alist_user_tasks", list_user_tasks)
    made: Task = await step("Tasks.acreate", create)
    if made is None:
        return report()

    async def stream() -> tuple[Any, str]:
        kinds: Counter[str] = Counter()
        async for event in made.aevents():
            kinds[event.type.value] += 1
            if event.type.value == "task_finished":
                check(event.data.status == AgentExecutionStatus.Completed, str(event.data.status))
                break
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        check(kinds["tool_call_request"] == kinds["tool_call_result"] == 6, told)
        return event, told

    async def load() -> tuple[Any, str]:
        found = await tasks.aget(made.id)
        check(found.status == AgentExecutionStatus.Completed, str(found.status))
        return found, str(found.status.value)

    await step("Task.aevents to task_finished", stream)
    await step("Tasks.aget", load)
    for agent_id, wanted in CLASSES.items():

        async def read_log(agent_id: str = agent_id, wanted: str = wanted) -> tuple[Any, str]:
            newest = next(one for one in await tasks.alist(agent_id) if one.status.value == "completed")
            log = await (await tasks.aget(newest.id)).aget_activity_log()
            check(not isinstance(log, str), "the log was not understood")
            kinds = Counter(type(entry).__name__.removeprefix("AgentActivityThread") for entry in log.messages)
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            check(set(kinds) == set(wanted.split()), told)
            return log, told

        await step(f"Task.aget_activity_log ({agent_id})", read_log)

    async def go_on() -> tuple[Any, str]:
        again = await tasks.acreate("planner", existing_task_id=made.id, prompt="And the music?", events_streaming=True)
        check(again.id == made.id, "another id")
        await ended(again)
        check("music" in (again.result or ""), again.result or "no result")
        return again, str(again.result)

    async def stop() -> tuple[Any, str]:
        running = await tasks.acreate("writer", prompt="Write a guide", events_streaming=True)
        stopped = await tasks.astop(running.id)
        check(stopped.status == AgentExecutionStatus.Stopped, str(stopped.status))
        await stopped.astop()
        return stopped, f"{stopped.status.value}, manually: {stopped.is_manually_stopped}"

    async def set_status() -> tuple[Any, str]:
        mine = await tasks.acreate("your-agent", prompt="Something of mine", events_streaming=True)
        await mine.aset_status(AgentExecutionStatus.Executing)
        await mine.aset_status(AgentExecutionStatus.Completed, "as I said")
        read = await tasks.aget(mine.id)
        check((read.status.value, read.result) == ("completed", "as I said"), f"{read.status} {read.result}")
        check(isinstance(read.finished_at, datetime), "no finished_at")
        return read, f"{read.status.value}: {read.result}"

    async def update() -> tuple[Any, str]:
        mine = await tasks.acreate("your-agent", prompt="Another of mine")
        told = await tasks.aupdate(mine.id, status=AgentExecutionStatus.Failed, result="it broke")
        check((told.status.value, told.result) == ("failed", "it broke"), f"{told.status} {told.result}")
        return told, f"{told.status.value}: {told.result}"

    async def external() -> tuple[Any, str]:
        told = await Task.areport_external_task(
            configuration=configuration, agent_id="your-agent", id="elsewhere", input="Ran elsewhere", result="Done"
        )
        check(told.status.value == "completed", str(told.status))
        return told, f"{told.status.value}: {told.result}"

    await step("Tasks.acreate(existing_task_id)", go_on)
    await step("Tasks.astop", stop)
    await step("Task.aset_status", set_status)
    await step("Tasks.aupdate", update)
    await step("Task.areport_external_task", external)
    return report()


def report() -> int:
    """Print the table, and return how many rows failed."""
    sys.stdout.write(json.dumps(rows) + "\n")
    return min(sum(result.startswith("FAILED") for _, _, result in rows), 99)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
