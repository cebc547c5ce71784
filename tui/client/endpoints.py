"""Addresses of the platform, and the table of its routes: which request performs which operation on which surface."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

CLOUD_URL = "https://inbound.xpander.ai"
STAGING_URL = "https://inbound.stg.xpander.ai"
CLOUD_REST_URL = "https://api.xpander.ai"
STAGING_REST_URL = "https://api.stg.xpander.ai"
_REST_URL_BY_HOST = MappingProxyType(
    {
        "inbound.xpander.ai": CLOUD_REST_URL,
        "agent-controller.xpander.ai": CLOUD_REST_URL,
        "inbound.stg.xpander.ai": STAGING_REST_URL,
        "agent-controller.stg.xpander.ai": STAGING_REST_URL,
    }
)
_CONTROLLER_URL_BY_HOST = MappingProxyType({"api.xpander.ai": CLOUD_URL, "api.stg.xpander.ai": STAGING_URL})
_EVENTS_URL_BY_HOST = MappingProxyType(
    {
        "inbound.xpander.ai": "https://agent-controller.xpander.ai",
        "inbound.stg.xpander.ai": "https://agent-controller.stg.xpander.ai",
    }
)

_STAGING_HOSTS = frozenset({"api.stg.xpander.ai", "inbound.stg.xpander.ai", "agent-controller.stg.xpander.ai"})
_CLOUD_HOSTS = frozenset({"api.xpander.ai", "inbound.xpander.ai", "agent-controller.xpander.ai"})
LOCAL_ORGANIZATION = "local"
"""The organization of a local platform."""
INVALID_ORGANIZATIONS = frozenset({"None", ".", ".."})
"""Organization ids that come from an unset variable or would change the path."""
_PATH_SEGMENT = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")
"""A text that can be one segment of a path as it is."""
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
"""A label of a host name, between two dots."""
MAX_HOST_CHARACTERS = 253


class BadAddress(ValueError):
    """An address that cannot be used; the message names the setting to change."""


class Surface(StrEnum):
    """A surface of the platform: one of its two APIs, or the root of the event streams."""

    REST = "rest"
    CONTROLLER = "controller"
    EVENTS = "events"


class Operation(StrEnum):
    """An operation that the client can request."""

    AGENTS = "agents"
    AGENT = "agent"
    AGENT_DEFINITION = "agent definition"
    WORKFLOW_NODES = "workflow nodes"
    TASKS = "tasks"
    USER_TASKS = "user tasks"
    TASK = "task"
    LOG = "activity log"
    EVENTS = "events"
    TOOL_APPROVAL = "tool approval"
    CREATE = "create"
    STOP = "stop"
    APPROVE = "approve"
    REJECT = "reject"
    ANSWER = "answer"
    CONFIRM = "confirm"
    UPDATE = "update"


ACTION_OPERATIONS = frozenset(
    {
        Operation.CREATE,
        Operation.STOP,
        Operation.APPROVE,
        Operation.REJECT,
        Operation.ANSWER,
        Operation.CONFIRM,
        Operation.UPDATE,
    }
)
"""Operations that change something: each is sent once and never retried."""


class Route(Struct, frozen=True):
    """A route: the request that performs an operation on one surface."""

    surface: Surface
    method: str
    path: str

    def fill(self, **parts: str) -> str:
        """Fill the path, each part quoted as one segment; raise BadAddress for a part that would change the path."""
        for name, part in parts.items():
            if part.strip() in {"", ".", ".."}:
                raise BadAddress(f"{part!r} is no id of {name}")
        try:
            return self.path.format_map({name: quote(part, safe="") for name, part in parts.items()})
        except UnicodeEncodeError as error:
            raise BadAddress("an id has half of a character: it cannot be asked for") from error


def _rest(method: str, path: str) -> Route:
    return Route(Surface.REST, method, f"/v1{path}")


def _controller(method: str, path: str) -> Route:
    return Route(Surface.CONTROLLER, method, path)


ROUTES: MappingProxyType[Operation, tuple[Route, ...]] = MappingProxyType(
    {
        Operation.AGENTS: (_rest("GET", "/agents"), _controller("GET", "/agents/list")),
        Operation.AGENT: (_rest("GET", "/agents/{agent}"), _controller("GET", "/agents/{agent}")),
        Operation.AGENT_DEFINITION: (_controller("GET", "/agents/{agent}"), _rest("GET", "/agents/{agent}")),
        Operation.WORKFLOW_NODES: (_rest("GET", "/workflows/{workflow}/nodes"),),
        Operation.TASKS: (
            _rest("GET", "/tasks"),
            _controller("GET", "/agent-execution/executions/history/{agent}"),
        ),
        Operation.USER_TASKS: (
            _rest("GET", "/tasks"),
            _controller("GET", "/agent-execution/executions/history/user/{user}"),
        ),
        Operation.TASK: (
            _rest("GET", "/tasks/{task}"),
            _controller("GET", "/agent-execution/{task}/status"),
        ),
        Operation.LOG: (
            _controller("GET", "/activity/{agent}/{task}"),
            _rest("GET", "/tasks/{task}/thread/full"),
        ),
        Operation.EVENTS: (Route(Surface.EVENTS, "GET", "/agent-execution/{task}/events"),),
        Operation.TOOL_APPROVAL: (_controller("GET", "/agents/{agent}/tool-approvals/{request}"),),
        Operation.CREATE: (
            _rest("POST", "/agents/{agent}/invoke/async"),
            _controller("POST", "/agent-execution/{agent}"),
        ),
        Operation.STOP: (
            _rest("POST", "/tasks/{task}/stop"),
            _controller("DELETE", "/agent-execution/{task}"),
        ),
        Operation.APPROVE: (_controller("POST", "/hitl/{task}/approve"),),
        Operation.REJECT: (_controller("POST", "/hitl/{task}/reject"),),
        Operation.ANSWER: (_rest("POST", "/agents/{agent}/conversations/{conversation}/answers"),),
        Operation.CONFIRM: (_rest("POST", "/agents/{agent}/conversations/{conversation}/confirm"),),
        Operation.UPDATE: (_controller("PATCH", "/agent-execution/{task}/update"),),
    }
)
"""The routes of each operation, the preferred one first. A DELETE under /v1 destroys history: there is none here."""


class Surfaces(Struct, frozen=True):
    """The URLs of the platform's surfaces, and the organization that some of them need in the path."""

    controller: str | None
    rest: str | None
    organization: str | None = None

    def root(self, surface: Surface) -> str | None:
        """Return the root URL of a surface, or None if it is not configured or its organization is not known yet."""
        if surface is Surface.REST:
            return self.rest
        if self.controller is None:
            return None
        if surface is Surface.CONTROLLER:
            if not _needs_organization(self.controller):
                return self.controller
            base = self.controller
        else:
            base = _events_url(self.controller)
        if not self.organization:
            return None
        return f"{base}/{self.organization}"

    def supports(self, operation: Operation) -> bool:
        """Return whether a surface that has this operation is configured."""
        return any(self.root(route.surface) for route in ROUTES[operation])

    @property
    def host(self) -> str:
        """The host to show: `local`, `cloud`, `staging`, or the name of another host, with its port if it has one."""
        url = self.controller or self.rest or ""
        if self.organization == LOCAL_ORGANIZATION and is_loopback(url):
            return "local"
        if _host(url) in _CLOUD_HOSTS:
            return "cloud"
        if _host(url) in _STAGING_HOSTS:
            return "staging"
        return urlsplit(url).netloc.lower()

    @property
    def platform_ids(self) -> list[str]:
        """An id of the platform for each of its addresses, however spelled; a shared id means the same platform."""
        return [_platform_id(url) for url in (self.controller, self.rest) if url]

    @property
    def origins(self) -> frozenset[str]:
        """The only origins that the key may be sent to."""
        urls = [self.rest, self.controller]
        if self.controller:
            urls.append(_events_url(self.controller))
        return frozenset(origin(url) for url in urls if url)

    def with_organization(self, organization: str) -> Surfaces:
        """Return these surfaces with an organization, unchanged if its id cannot be part of a path."""
        if not _PATH_SEGMENT.fullmatch(organization):
            return self
        return replace(self, organization=organization)


def surfaces_of(
    base_url: str | None,
    api_url: str | None,
    organization: str | None,
    *,
    staging: bool = False,
    insecure_http: bool = False,
) -> Surfaces:
    """Return the surfaces that the settings name, by the SDK's rules without its two bugs."""
    controller = _checked_url(base_url, "XPANDER_BASE_URL", insecure_http)
    rest = _checked_url(api_url, "XPANDER_API_URL", insecure_http)
    if organization is not None:
        _check_organization(organization)
    if controller is None:
        controller = _default_controller(rest, is_staging=staging)
    if controller is not None and _host(controller).startswith("api."):  # the REST address, given as the base URL
        rest = rest or controller
        controller = _CONTROLLER_URL_BY_HOST.get(_host(controller))
    if rest is None and controller is not None:
        rest = _REST_URL_BY_HOST.get(_host(controller))
    if controller is not None and _needs_organization(controller) and not organization:
        raise BadAddress(f"{_host(controller)} needs the organization in its path: set XPANDER_ORGANIZATION_ID")
    return Surfaces(controller, rest, organization)


def _check_organization(organization: str) -> None:
    if organization in INVALID_ORGANIZATIONS or not _PATH_SEGMENT.fullmatch(organization):
        raise BadAddress(f"XPANDER_ORGANIZATION_ID is no organization: {organization[:60]!r}")


def _default_controller(rest: str | None, *, is_staging: bool) -> str | None:
    """Return the cloud's controller that belongs to the REST address; None if that address is not the cloud's."""
    if rest is not None:
        return _CONTROLLER_URL_BY_HOST.get(_host(rest))
    if is_staging:
        return STAGING_URL
    return CLOUD_URL


def _platform_id(url: str) -> str:
    """Return a hash as the platform's id: it reveals neither the address nor a secret in it."""
    import hashlib

    path = "/".join(part for part in urlsplit(url).path.split("/") if part not in {"", "."})
    server = origin(url)
    if is_loopback(url):
        server = f"this machine, port {server.rpartition(':')[2]}"
    return hashlib.sha256(f"{server}/{path}".encode()).hexdigest()[:16]


def is_loopback(url: str) -> bool:
    """Return whether an address is a loopback address, which never leaves this machine."""
    host = _host(url)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """Return the origin of an address: scheme, host and port, the port always included."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = _host(url)
    if ":" in host:
        host = f"[{host}]"  # an IPv6 address
    return f"{parts.scheme}://{host}:{port}"


def is_host(host: str) -> bool:
    """Return whether a text can be a host: a name or an IP address."""
    try:
        if ":" in host:
            return bool(ipaddress.IPv6Address(host.partition("%")[0]))
        name = host.lower().encode("idna").decode().removesuffix(".")
    except ValueError:
        return False
    return len(name) <= MAX_HOST_CHARACTERS and all(map(_HOST_LABEL.fullmatch, name.split(".")))


def url_parts(url: str) -> SplitResult:
    """Return the parts of a URL, all empty if it has no valid host, an invalid port or unprintable characters."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if url.isprintable() and is_host(parts.hostname or "") and parts.port != 0:
            return parts
    return urlsplit("")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _checked_url(value: str | None, variable: str, insecure_http: bool) -> str | None:
    """Return the URL in a setting, None if it is empty; raise BadAddress if it is not allowed."""
    if not value:
        return None
    url = value.strip().rstrip("/")
    if "://" not in url:
        url = f"https://{url}"
    parts = url_parts(url)
    has_extras = "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or has_extras:
        shown = repr(value) if len(value) <= MAX_HOST_CHARACTERS else "too long"
        raise BadAddress(f"{variable} is no address of a platform: {shown}. Write https://host, with a path if any")
    if parts.scheme == "http" and not is_loopback(url) and not insecure_http:
        raise BadAddress(
            f"{variable} would send the key unencrypted to {_host(url)}: use https, or say --insecure-http if you must"
        )
    return url


def _needs_organization(base: str) -> bool:
    parts = urlsplit(base)
    first_segment = parts.path.strip("/").split("/", 1)[0].lower()
    return "agent-controller" in _host(base) or parts.port == 9016 or first_segment == "agent-controller"


def _events_url(base: str) -> str:
    if urlsplit(base).port == 8085 and is_loopback(base):
        return "http://localhost:9016"
    return _EVENTS_URL_BY_HOST.get(_host(base), base)
