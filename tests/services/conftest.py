"""The fixture that starts an operator of actions."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.services.action_operator import ActionOperator, OneTaskPlatform, StartOperator
from tests.trust.truth import TransportSession
from tests.trust.virtual import VirtualClock, VirtualLoop
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.retry import Backoff
from tui.client.secret import Secret


@pytest.fixture
def start_operator(request: pytest.FixtureRequest) -> StartOperator:
    """Return a function that starts an operator at a platform with one task."""

    def start(*, read_only: bool = False, rest: bool = True, **task: Any) -> ActionOperator:
        loop = VirtualLoop()
        platform = OneTaskPlatform(loop, **task)
        backoff = Backoff(rng=random.Random(1))
        transport = TransportSession(
            Secret("k"), frozenset, clock=VirtualClock(loop), backoff=backoff, http_transport=platform
        )
        root = "http://127.0.0.1"
        client = Client(Surfaces(root, root if rest else None, "o"), transport, read_only=read_only)

        def end() -> None:
            loop.run_until_complete(client.transport.close())
            loop.close()

        request.addfinalizer(end)
        return ActionOperator(platform, loop, client)

    return start
