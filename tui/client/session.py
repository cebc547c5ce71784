"""Requests to the platform, one at a time: the key, the origins it may go to, tries, and errors in words.

httpx is imported by the first request: a screen that is to be seen at once has not asked anything yet.
"""

from __future__ import annotations

import asyncio
import math
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from tui.client.endpoints import BadAddress, origin
from tui.client.errors import ApiError, ConnectionLost, Redirected, TimedOut, UnexpectedAnswer, Unreachable
from tui.client.http_errors import map_errors
from tui.client.inflate import ACCEPT_ENCODING, body_decoder
from tui.client.responses import MAX_ANSWER_BYTES, error_of_answer, json_of_answer
from tui.client.retry import Backoff, Clock, RateBudget, SystemClock, parse_http_date, retry_after
from tui.client.secret import Secret

if TYPE_CHECKING:
    import httpx

GOOD_ACTION_STATUSES = frozenset({200, 201, 202, 204})
"""Statuses of an action's answer that may mean that it was carried out; any other of 2xx says nothing."""
MAX_TRIES = 5
"""How often a read is tried before its error is told."""
MAX_REDIRECTS = 5
MIN_REQUEST_GAP_SECONDS = 0.25
"""Seconds between two questions to a platform that fails."""
TROUBLE_SECONDS = 5.0
"""Seconds for which it is taken to fail after a failure; a stream that ends sooner is one."""
MAX_ERROR_BYTES = 1024 * 1024
"""Bytes of an answer that is an error beyond which it is not read."""
MAX_SKEW_SECONDS = 10 * 365 * 86_400.0
"""A clock of the platform that is farther off than this is no clock."""
ANSWER_TIME_FACTOR = 2.0
"""An answer that comes in pieces has to be whole within so many times the time that its first piece may take."""
MAX_SILENCE_SECONDS = 45.0
"""Seconds without a byte after which a stream is taken for dead."""


class KeyAuth:
    """Puts the key on requests to the platform's own origins, and lets no other request leave."""

    def __init__(self, key: Secret, origins: Callable[[], frozenset[str]]) -> None:
        self._key = key
        self._origins = origins

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Called by httpx for every request."""
        if origin(str(request.url)) not in self._origins():
            raise Redirected(f"the key is not sent to {request.url.host}, which is none of the platform's addresses")
        request.headers["x-api-key"] = self._key.get_secret_value()
        return request


class PlatformSession(Struct):
    """One HTTP client for each origin and another for its pages, opened when first needed; a stream gets its own."""

    key: Secret
    origins: Callable[[], frozenset[str]]
    ca: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    backoff: Backoff = field(default_factory=Backoff)
    on_wait: Callable[[str, float], None] = lambda why, seconds: None
    """Told why and how long a read waits before it is tried again."""
    timeout: float = 30.0
    silence: float = MAX_SILENCE_SECONDS
    budget: RateBudget = field(default_factory=RateBudget)
    skew: float = 0.0
    """Seconds that the platform's clock is ahead of ours, where that is worth a word."""
    _clients: dict[tuple[str, bool], httpx.AsyncClient] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _trouble_until: float = 0.0
    _next_turn: float = 0.0
    _context: ssl.SSLContext | None = None

    def check_network(self, urls: Iterable[str]) -> None:
        """Raise BadNetworkSettings, before any request, where certificates or the proxy on the way cannot be used."""
        if self.ca:
            self._ssl()
        if any(name.lower().endswith("_proxy") for name in os.environ):
            from tui.client.network import proxy_for

            for url in urls:
                proxy_for(url)

    async def close(self) -> None:
        """Close every connection."""
        self._clients.clear()
        await self._stack.aclose()

    async def read(
        self,
        url: str,
        params: dict[str, str] | None = None,
        *,
        apart: Callable[[bytearray], Any] | None = None,
        is_log: bool = False,
    ) -> Any:
        """GET and decode, tried again where that can help; or taken apart in the way that is given, where it can.

        A log may take as long as it comes: it may be very large. What is taken apart and is no log is a page.
        """
        attempt = 1
        while True:
            if pause := self.budget.pause(self.clock.time()):
                self.on_wait("the platform's rate limit is used up", pause)
                await self.clock.sleep(pause)
            await self._turn()
            try:
                return await self._send("GET", url, apart=apart, is_log=is_log, params=params)
            except ApiError as error:
                if not is_retryable(error):
                    raise
                self._has_failed(error.wait or 0.0)
                if attempt == MAX_TRIES:
                    raise
                delay = self.backoff.delay(attempt, error.wait or 0.0)
                self.on_wait(error.message, delay)
                await self.clock.sleep(delay)
                attempt += 1

    async def act(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send an action, exactly once; where a good answer is a stream, it goes on without us."""
        return await self._send(method, url, json=body, headers=headers)

    @asynccontextmanager
    async def stream(self, url: str, last_id: str = "") -> AsyncGenerator[httpx.Response, None]:
        """Open an event stream in a client of its own; whoever reads it checks the status, and ends a silent one."""
        import httpx
        from httpx_sse import aconnect_sse

        headers = httpx.Headers({"Accept-Encoding": "identity"})
        if last_id and len(last_id) <= 4096 and last_id.isprintable():
            headers = httpx.Headers([*headers.raw, (b"Last-Event-ID", last_id.encode())])
        async with AsyncExitStack() as stack:
            stack.enter_context(map_errors(url))
            client = await stack.enter_async_context(self._new_client(url, self.silence))
            timeouts = client.timeout.as_dict()
            await self._turn()
            begun = self.clock.monotonic()

            def ended(kind: type[BaseException] | None, *_: object) -> None:
                is_left = kind is not None and not issubclass(kind, Exception)  # by us: that is no trouble
                if not is_left and self.clock.monotonic() - begun < TROUBLE_SECONDS:
                    self._has_failed(0.0)

            stack.push(ended)
            for _ in range(MAX_REDIRECTS + 1):
                opening = aconnect_sse(client, "GET", url, headers=headers, extensions={"timeout": timeouts})
                source = await stack.enter_async_context(opening)
                if 400 <= source.response.status_code < 500:
                    begun = -math.inf  # that is an answer, and no trouble
                if not 300 <= source.response.status_code < 400:
                    timeouts["read"] = None  # a deadline for each read costs a tenth: the reader has one for all
                    yield source.response
                    return
                url = _next(url, source.response)
            raise Redirected("the address of the stream goes round in circles")

    async def _turn(self) -> None:
        """While there is trouble, whatever asks waits for its turn: they come one by one, a while apart."""
        now = self.clock.monotonic()
        if now < self._trouble_until:
            self._next_turn = max(now, self._next_turn + MIN_REQUEST_GAP_SECONDS)
            if (pause := self._next_turn - now) > TROUBLE_SECONDS:
                self.on_wait("the platform asked to be left alone for a while", pause)
            await self.clock.sleep(pause)

    def _has_failed(self, wait: float) -> None:
        """It failed, and wishes to be asked nothing for so long."""
        now = self.clock.monotonic()
        self._trouble_until = max(self._trouble_until, now + wait + TROUBLE_SECONDS)
        self._next_turn = max(self._next_turn, now + wait - MIN_REQUEST_GAP_SECONDS)

    async def _send(
        self,
        method: str,
        url: str,
        *,
        apart: Callable[[bytearray], Any] | None = None,
        is_log: bool = False,
        params: dict[str, str] | None = None,
        **rest: Any,
    ) -> Any:
        import httpx

        if method == "DELETE" and "/v1/" in httpx.URL(url).path:
            raise BadAddress("a DELETE under /v1 destroys a task and its history: it is never sent")
        if rest.get("json") is None:
            rest.pop("json", None)
        for _ in range(MAX_REDIRECTS + 1):
            limit = None if is_log else self.timeout * ANSWER_TIME_FACTOR
            with map_errors(url):
                client = self._client(url, is_page=apart is not None and not is_log)
                async with asyncio.timeout(limit), client.stream(method, url, params=params, **rest) as response:
                    self._learn(response.headers)
                    if not 300 <= response.status_code < 400:
                        if method != "GET":
                            _check_action_status(response.status_code)
                        return await self._answer(response, apart)
                    if method != "GET":
                        raise Redirected(
                            f"the platform answered an action with a redirect ({response.status_code}), not followed",
                            status=response.status_code,
                        )
                    url, params = _next(url, response), None
        raise Redirected("the address goes round in circles")

    def _learn(self, headers: httpx.Headers) -> None:
        self.budget.learn(headers)
        if told := parse_http_date(headers.get("date", "")):
            ahead = told - self.clock.time()
            self.skew = ahead if 2.0 < abs(ahead) < MAX_SKEW_SECONDS else 0.0

    async def _answer(self, response: httpx.Response, apart: Callable[[bytearray], Any] | None) -> Any:
        """The decoded body of a good answer; of any other, the error it is."""
        if response.is_success and "text/event-stream" in response.headers.get("content-type", ""):
            return None
        content = bytearray()
        async with aclosing(_decoded(response)) as pieces:
            async for piece in pieces:
                content += piece
                if len(content) > MAX_ANSWER_BYTES:
                    raise UnexpectedAnswer(f"the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
                if not response.is_success and len(content) > MAX_ERROR_BYTES:
                    break
        if response.is_success and apart and (parts := apart(content)) is not None:
            return parts
        if response.is_success:
            if response.request.method != "GET" and content.strip() == b"null":
                raise UnexpectedAnswer("the platform's answer is null", status=response.status_code)
            return json_of_answer(bytes(content), response.status_code)
        wait = retry_after(response.headers, self.clock.time())
        raise error_of_answer(response.status_code, bytes(content), wait)

    def _client(self, url: str, *, is_page: bool) -> httpx.AsyncClient:
        place = origin(url), is_page
        if place not in self._clients:
            self._clients[place] = client = self._new_client(url, self.timeout, is_page=is_page)
            self._stack.push_async_callback(client.aclose)
        return self._clients[place]

    def _new_client(self, url: str, silence: float, *, is_page: bool = False) -> httpx.AsyncClient:
        """A client for this origin, through the proxy that the environment names for it."""
        import httpx

        from tui import __version__
        from tui.client.network import NoCookies, bad_proxy, proxy_for

        context = self._ssl() if url.startswith("https") else None
        proxy = proxy_for(url)
        # Bytes that follow an answer on a kept connection would be taken for the next answer: only list pages, whose
        # rows decide nothing, may come over one.
        limits = httpx.Limits(max_keepalive_connections=None if is_page else 0)
        try:
            return httpx.AsyncClient(
                cookies=NoCookies(),
                auth=KeyAuth(self.key, self.origins),
                headers={"User-Agent": f"xp-tui/{__version__}", "Accept-Encoding": ACCEPT_ENCODING},
                timeout=httpx.Timeout(self.timeout, connect=min(10.0, self.timeout), read=silence),
                verify=context or False,
                trust_env=False,
                proxy=proxy.url if proxy else None,
                limits=limits,
                follow_redirects=False,
            )
        except httpx.InvalidURL as error:
            raise bad_proxy(proxy.variable if proxy else "the proxy") from error

    def _ssl(self) -> ssl.SSLContext:
        if self._context is None:
            from tui.client.network import tls_context

            self._context = tls_context(self.ca)
        return self._context


async def _decoded(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the decoded body as it comes."""
    decoder = body_decoder(response.headers)
    if response.is_stream_consumed:  # by a transport that has it whole
        yield response.content
        return
    async with aclosing(response.aiter_raw()) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            for piece in decoder.feed(chunk):
                yield piece
    decoder.finish()


def _check_action_status(status: int) -> None:
    """Raise NotUnderstood for a status of 2xx that no platform has a reason to answer an action with."""
    if 200 <= status < 300 and status not in GOOD_ACTION_STATUSES:
        raise UnexpectedAnswer(f"the platform answered an action with status {status}", status=status)


def is_retryable(error: ApiError) -> bool:
    """Whether what failed so may go well in a moment."""
    if error.status is not None:
        return error.status in {408, 425, 429} or error.status >= 500
    return isinstance(error, ConnectionLost | TimedOut) or (isinstance(error, Unreachable) and error.wait is None)


def _next(url: str, response: httpx.Response) -> str:
    """Where a redirect leads, if the key may go there."""
    import httpx

    location = response.headers.get("location", "").strip()
    if not location:
        raise Redirected(f"the platform answered {response.status_code} without saying where to go")
    try:
        target = httpx.URL(url).join(location)
        is_same = origin(str(target)) == origin(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Redirected("the platform points to an address that is none") from error
    if not is_same:
        raise Redirected(f"the platform points to {target.host}, where the key must not go")
    return str(target)
