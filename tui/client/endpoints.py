"""Where the platform is, and the one table that says which request does what on which of its surfaces."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

CLOUD_URL = "https://inbound.xpander.ai"
STAGING_URL = "https://inbound.stg.xpander.ai"
CLOUD_REST_URL = "https://api.xpander.ai"
STAGING_REST_URL = "https://api.stg.xpander.ai"
_REST_OF = MappingProxyType(
    {
        "inbound.xpander.ai": CLOUD_REST_URL,
        "agent-controller.xpander.ai": CLOUD_REST_URL,
        "inbound.stg.xpander.ai": STAGING_REST_URL,
        "agent-controller.stg.xpander.ai": STAGING_REST_URL,
    }
)
_CONTROLLER_OF = MappingProxyType({"api.xpander.ai": CLOUD_URL, "api.stg.xpander.ai": STAGING_URL})
_EVENTS_OF = MappingProxyType(
    {
        "inbound.xpander.ai": "https://agent-controller.xpander.ai",
        "inbound.stg.xpander.ai": "https://agent-controller.stg.xpander.ai",
    }
)

NO_ORGANIZATIONS = frozenset({"None", ".", ".."})
_SEGMENT = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")
"""What can stand between two slashes of a path as it is."""
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
"""A part of the name of a host, between two dots."""
MAX_HOST_CHARACTERS = 253


class BadAddress(ValueError):
    """An address that cannot be used; the message says what to set."""


class Surface(StrEnum):
    """The two APIs of the platform, and the root under which streams live."""

    REST = "rest"
    CONTROLLER = "controller"
    EVENTS = "events"


class Operation(StrEnum):
    """Everything the client can ask for."""

    AGENTS = "agents"
    AGENT = "agent"
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
"""What changes something: sent once, never again by itself."""


class Route(Struct, frozen=True):
    """One request of one surface."""

    surface: Surface
    method: str
    path: str

    def fill(self, **parts: str) -> str:
        """The path with its parts put in, each as one segment; a part that would change the path is refused."""
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
"""For each operation its routes, the preferred one first. A DELETE under /v1 destroys history: there is none."""


class Surfaces(Struct, frozen=True):
    """The addresses of the platform's surfaces, and the organization that some of them want in the path."""

    controller: str | None
    rest: str | None
    organization: str | None = None

    def root(self, surface: Surface) -> str | None:
        """Where a surface's paths begin; None where there is no such surface, or it waits for an organization."""
        if surface is Surface.REST:
            return self.rest
        if self.controller is None:
            return None
        if surface is Surface.CONTROLLER:
            if not _wants_organization(self.controller):
                return self.controller
            return f"{self.controller}/{self.organization}" if self.organization else None
        if not self.organization:
            return None
        return f"{_events_base(self.controller)}/{self.organization}"

    @property
    def platform_ids(self) -> list[str]:
        """A name for each address, the same however it is spelled: two that share one are the same platform."""
        return [_platform_id(url) for url in (self.controller, self.rest) if url]

    @property
    def origins(self) -> frozenset[str]:
        """The only origins the key may go to."""
        controllers = (self.controller, _events_base(self.controller)) if self.controller else ()
        return frozenset(origin(url) for url in (self.rest, *controllers) if url)

    def within(self, organization: str) -> Surfaces:
        """The same surfaces once the organization is known; what cannot stand in a path is none."""
        if not _SEGMENT.fullmatch(organization):
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
    """The surfaces that the settings mean, by the SDK's own rules with its two bugs mended."""
    base = _address(base_url, "XPANDER_BASE_URL", insecure_http) if base_url else None
    rest = _address(api_url, "XPANDER_API_URL", insecure_http) if api_url else None
    if organization is not None and (organization in NO_ORGANIZATIONS or not _SEGMENT.fullmatch(organization)):
        raise BadAddress(f"XPANDER_ORGANIZATION_ID is no organization: {organization[:60]!r}")
    if base is None and (rest is None or _host(rest) in _CONTROLLER_OF):
        base = _CONTROLLER_OF[_host(rest)] if rest else STAGING_URL if staging else CLOUD_URL
    if base is not None and _host(base).startswith("api."):
        rest = rest or base
        base = _CONTROLLER_OF.get(_host(base))
    if rest is None and base is not None:
        rest = _REST_OF.get(_host(base))
    found = Surfaces(base, rest, organization)
    if base is not None and _wants_organization(base) and not organization:
        raise BadAddress(f"{_host(base)} needs the organization in its path: set XPANDER_ORGANIZATION_ID")
    return found


def _platform_id(url: str) -> str:
    """A name for an address that holds nothing of it: neither its spelling nor a secret in it."""
    import hashlib

    path = "/".join(part for part in urlsplit(url).path.split("/") if part not in {"", "."})
    place = origin(url)
    if is_loopback(url):
        place = f"this machine, port {place.rpartition(':')[2]}"
    return hashlib.sha256(f"{place}/{path}".encode()).hexdigest()[:16]


def is_loopback(url: str) -> bool:
    """Whether an address never leaves this machine."""
    host = _host(url)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """Scheme, host and port of an address, the port always written out."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{_host(url)}:{port}"


def is_host(host: str) -> bool:
    """Whether a text can be the name or the number of a host."""
    try:
        if ":" in host:
            return bool(ipaddress.IPv6Address(host.partition("%")[0]))
        name = host.lower().encode("idna").decode().removesuffix(".")
    except ValueError:
        return False
    return len(name) <= MAX_HOST_CHARACTERS and all(map(_LABEL.fullmatch, name.split(".")))


def url_parts(url: str) -> SplitResult:
    """The parts of an address; all are empty where it names no host, or has a port or characters that cannot be."""
    try:
        parts = urlsplit(url)
        is_address = url.isprintable() and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        is_address = False
    return parts if is_address else urlsplit("")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _address(value: str, variable: str, insecure_http: bool) -> str:
    url = value.strip().rstrip("/")
    if "://" not in url:
        url = f"https://{url}"
    parts = url_parts(url)
    is_plain = "@" not in parts.netloc and not parts.query and not parts.fragment
    if parts.scheme not in {"http", "https"} or not is_plain:
        shown = repr(value) if len(value) <= MAX_HOST_CHARACTERS else "too long"
        raise BadAddress(f"{variable} is no address of a platform: {shown}. Write https://host, with a path if any")
    if parts.scheme == "http" and not is_loopback(url) and not insecure_http:
        raise BadAddress(
            f"{variable} would send the key unencrypted to {_host(url)}: use https, or say --insecure-http if you must"
        )
    return url


def _wants_organization(base: str) -> bool:
    parts = urlsplit(base)
    first = parts.path.strip("/").split("/", 1)[0].lower()
    return "agent-controller" in _host(base) or parts.port == 9016 or first == "agent-controller"


def _events_base(base: str) -> str:
    if urlsplit(base).port == 8085 and is_loopback(base):
        return "http://localhost:9016"
    return _EVENTS_OF.get(_host(base), base)
