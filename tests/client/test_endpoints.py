"""The addresses of a platform: which follow from a base URL, and which are refused."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.client.endpoints import BadAddress, surfaces_of

ROOTS = [
    (None, "https://inbound.xpander.ai", "https://agent-controller.xpander.ai/ORG"),
    ("https://inbound.stg.xpander.ai", "https://inbound.stg.xpander.ai", "https://agent-controller.stg.xpander.ai/ORG"),
    ("https://agent-controller.xpander.ai", "https://agent-controller.xpander.ai/ORG", "https://agent-controller.xpander.ai/ORG"),
    ("https://agent-controller.acme.com/", "https://agent-controller.acme.com/ORG", "https://agent-controller.acme.com/ORG"),
    ("https://x.example.com/agent-controller", "https://x.example.com/agent-controller/ORG", "https://x.example.com/agent-controller/ORG"),
    ("http://localhost:9016", "http://localhost:9016/ORG", "http://localhost:9016/ORG"),
    ("http://localhost:8085", "http://localhost:8085", "http://localhost:9016/ORG"),
    ("https://api.xpander.ai", "https://inbound.xpander.ai", "https://agent-controller.xpander.ai/ORG"),
    ("inbound.xpander.ai", "https://inbound.xpander.ai", "https://agent-controller.xpander.ai/ORG"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "controller", "events"), ROOTS)
def test_addresses_follow_the_sdk_rules(base: str | None, controller: str, events: str) -> None:
    from tui.client.endpoints import Surface

    surfaces = surfaces_of(base, None, "ORG")
    assert surfaces.root(Surface.CONTROLLER) == controller
    assert surfaces.root(Surface.EVENTS) == events


@pytest.mark.parametrize(
    ("base", "rest", "organization", "host"),
    [
        (None, None, "ORG", "cloud"),
        ("https://agent-controller.xpander.ai", None, "ORG", "cloud"),
        ("https://api.xpander.ai", None, None, "cloud"),
        ("https://inbound.stg.xpander.ai", None, None, "staging"),
        ("https://Agent-Controller.acme.example/", None, "ORG", "agent-controller.acme.example"),
        ("https://acme.example:8443/agent-controller", None, "ORG", "acme.example:8443"),
        (None, "https://rest.acme.example", None, "rest.acme.example"),
        ("http://127.0.0.1:7337", None, "local", "local"),
        ("http://127.0.0.1:9016", None, "ORG", "127.0.0.1:9016"),
        ("https://agent-controller.acme.example", None, "local", "agent-controller.acme.example"),
    ],
)
def test_the_host_is_shown_by_its_name(base: str | None, rest: str | None, organization: str | None, host: str) -> None:
    assert surfaces_of(base, rest, organization).host == host


@pytest.mark.parametrize(
    "base", ["http://10.0.0.5:8085", "ftp://x", "https://u:p@h", "https://agent-controller.x.com", "http://[::"]
)
def test_unusable_addresses_are_refused(base: str) -> None:
    with pytest.raises(BadAddress):
        surfaces_of(base, None, None)


@settings(max_examples=300)
@given(
    base=st.none() | st.text(max_size=30) | st.builds("https://{}".format, st.text(max_size=20)),
    organization=st.none() | st.text(max_size=10),
)
def test_any_address_is_usable_or_refused_with_a_message(base: str | None, organization: str | None) -> None:
    try:
        surfaces = surfaces_of(base, None, organization)
    except BadAddress as error:
        assert "XPANDER_" in str(error)
        return
    for origin in surfaces.origins:
        with suppress(*() if origin.isascii() else (httpx.InvalidURL,)):  # told when it is asked
            assert httpx.URL(f"{origin}/x").host


def test_the_origin_of_an_ipv6_address_is_an_address() -> None:
    (address,) = surfaces_of("https://[::1]", None, None).origins
    assert address == "https://[::1]:443"


@pytest.mark.parametrize("organization", ["a?b", "a#b", "..", "a b", "a%2Fb", "a\x00", "\ud800", "x" * 300])
async def test_an_organization_that_is_no_path_segment_is_refused(organization: str) -> None:
    with pytest.raises(BadAddress, match=r"^XPANDER_ORGANIZATION_ID is no organization: "):
        surfaces_of("https://agent-controller.example", None, organization)


@pytest.mark.parametrize("host", ["a..b", "-a", "a" * 64, "a" * 60 + ".a" * 100, "ex ample", "exa\u200bmple", "a\x01"])
def test_an_invalid_host_is_refused(host: str) -> None:
    with pytest.raises(BadAddress, match=r"^XPANDER_BASE_URL is no address of a platform: "):
        surfaces_of(f"https://{host}", None, None)
