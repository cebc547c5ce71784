"""A process that runs actions with a journal and drafts until it is killed.

python -m tests.trust.killed STATE URL SEED
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from tests.conftest import make_client
from tests.local.conftest import KEY
from tui.client.retry import SystemClock
from tui.services.actions import Action, ActionRunner, Verb
from tui.services.audit_log import Journal
from tui.storage.json_store import Drafts


async def main(state: Path, url: str, seed: int) -> None:
    """Run actions for ever."""
    dice = random.Random(seed)
    journal, drafts = Journal(state / "journal.jsonl"), Drafts(state / "drafts.json")
    async with make_client(url, key=KEY, organization="local", clock=SystemClock()) as client:
        doer = ActionRunner(client, journal, lambda action: None)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        number = 0
        while True:
            number += 1
            thread = f"thread {number % 7}"
            drafts.get(thread)  # as who opens it to go on
            drafts[thread] = f"{seed}/{number} " + "…" * dice.randrange(3000)
            body = {"agent": "your-agent", "input": {"text": f"{seed}/{number}"}}
            hold = dice.choice([0.0, 0.002])
            name = f"{seed}-{number}"
            await doer.run_action(Action(Verb.CREATE, "your-agent", body=body, comment=name, hold=hold, id=name))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
