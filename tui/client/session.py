"""HTTP requests to the platform: authentication, allowed origins, retries, redirects, and errors with clear messages.

httpx is imported by the first request, so that the dashboard's first frame does not wait for it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct, field

from tui.client.endpoints import BadAddress, origin
from tui.client.errors import ApiError, ConnectionLost, Redirected, TimedOut, UnexpectedAnswer, Unreachable
from tui.client.http_errors import map_errors
from tui.client.inflate import ACCEPT_ENCODING, body_decoder
from tui.client.responses import MAX_ANSWER_BYTES, RawAnswer, error_of_answer, json_of_answer
from tui.client.retry import Backoff, Clock, RateBudget, SystemClock, parse_http_date, retry_after
from tui.client.secret import Secret

if TYPE_CHECKING:
    import httpx

GOOD_ACTION_STATUSES = frozenset({200, 201, 202, 204})
"""Statuses that can mean that an action was carried out; any other 2xx status means nothing."""
MAX_TRIES = 5
"""Tries of a read before its error is raised."""
MAX_REDIRECTS = 5
MIN_REQUEST_GAP_SECONDS = 0.25
"""Seconds between two requests while they are throttled."""
THROTTLE_SECONDS = 5.0
"""Seconds for which requests are throttled after a failure; a stream that ends sooner than this counts as a failure."""
MAX_ERROR_BYTES = 1024 * 1024
"""Bytes that are read of the body of an error."""
MIN_SKEW_SECONDS = 2.0
"""Smaller differences between the platform's clock and ours are ignored."""
MAX_SKEW_SECONDS = 10 * 365 * 86_400.0
"""Larger differences between the platform's clock and ours mean that its clock is wrong, and are ignored."""
ANSWER_TIME_FACTOR = 2.0
"""The whole answer must arrive within this many times `timeout`, which limits the wait for each part of it."""
MAX_SILENCE_SECONDS = 45.0
"""Seconds without a byte after which a stream counts as dead."""
MAX_CONNECT_SECONDS = 10.0
"""Longest wait for a connection."""
MAX_LAST_ID_CHARS = 4096
"""Characters of the longest last id that is sent: a longer one might not fit into the server's headers."""


class KeyAuth:
    """An httpx auth that adds the key to requests for the platform's own origins and blocks all other requests."""

    def __init__(self, key: Secret, origins: Callable[[], frozenset[str]]) -> None:
        self._key = key
        self._origins = origins

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Add the key to a request; raise Redirected for a foreign origin."""
        if origin(str(request.url)) not in self._origins():
            raise Redirected(f"the key is not sent to {request.url.host}, which is none of the platform's addresses")
        request.headers["x-api-key"] = self._key.get_secret_value()
        return request


class PlatformSession(Struct):
    """A session with the platform: HTTP clients for each origin, opened on first use, and one more for each stream."""

    key: Secret
    origins: Callable[[], frozenset[str]]
    ca: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    backoff: Backoff = field(default_factory=Backoff)
    on_wait: Callable[[str, float], None] = lambda why, seconds: None
    """Called with the reason and the seconds before a read waits to be sent or retried."""
    timeout: float = 30.0
    silence: float = MAX_SILENCE_SECONDS
    budget: RateBudget = field(default_factory=RateBudget)
    skew: float = 0.0
    """Seconds that the platform's clock is ahead of ours; 0 if the difference is to be ignored."""
    _clients: dict[tuple[str, bool], httpx.AsyncClient] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _throttled_until: float = 0.0
    _next_request_at: float = 0.0
    _context: ssl.SSLContext | None = None

    def check_network(self, urls: Iterable[str]) -> None:
        """Check the network settings before any request; raise BadNetworkSettings for bad certificates or proxies."""
        if self.ca:
            self._tls_context()
        if any(name.lower().endswith("_proxy") for name in os.environ):
            from tui.client.network import proxy_for

            for url in urls:
                proxy_for(url)

    async def close(self) -> None:
        """Close all connections."""
        self._clients.clear()
        await self._stack.aclose()

    async def read(
        self,
        url: str,
        params: dict[str, str] | None = None,
        *,
        decode: Callable[[bytearray], Any] | None = None,
        is_log: bool = False,
    ) -> Any:
        """Read a URL with GET, retried after temporary errors; return what `decode` returns, or else the parsed JSON.

        `decode` gets the body of a good answer; where it returns None, the body is parsed as JSON. The whole answer
        must arrive in time, unless it is a log, which may be very large. An answer with `decode` that is not a log is a
        list page, which may come over a connection that is kept alive.
        """
        attempt = 1
        while True:
            await self._wait_for_rate_limit()
            await self._throttle()
            try:
                return await self._send("GET", url, decode=decode, is_log=is_log, params=params)
            except ApiError as error:
                if not is_retryable(error):
                    raise
                self.note_failure(error.wait or 0.0)
                if attempt == MAX_TRIES:
                    raise
                delay = self.backoff.delay(attempt, error.wait or 0.0)
                self.on_wait(error.message, delay)
                await self.clock.sleep(delay)
                attempt += 1

    async def read_raw(self, url: str, params: dict[str, str] | None = None) -> RawAnswer:
        """Read a URL with one GET and return the answer as it came, whatever its status; a redirect is not followed."""
        await self._wait_for_rate_limit()
        await self._throttle()
        with map_errors(url):
            client = self._client(url, is_page=False)
            async with (
                asyncio.timeout(self.timeout * ANSWER_TIME_FACTOR),
                client.stream("GET", url, params=params) as response,
            ):
                self._note_headers(response.headers)
                content = await _read_content(response)
                return RawAnswer(response.status_code, dict(response.headers), bytes(content))

    async def act(self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send an action exactly once; return its answer's JSON, or None for a stream, which is not read."""
        return await self._send(method, url, json=body, headers=headers)

    @asynccontextmanager
    async def stream(self, url: str, last_id: str = "") -> AsyncGenerator[httpx.Response, None]:
        """Open an event stream in its own HTTP client; the caller checks the status and limits the time of silence."""
        async with AsyncExitStack() as stack:
            stack.enter_context(map_errors(url))
            client = await stack.enter_async_context(self._new_client(url, self.silence))
            await self._throttle()
            guard = stack.enter_context(_EarlyEndGuard(self))
            response = await _open_stream(stack, client, url, last_id)
            guard.is_refused = 400 <= response.status_code < 500
            yield response

    async def _wait_for_rate_limit(self) -> None:
        """Wait until the platform's rate limit is reset if it is used up."""
        pause = self.budget.seconds_to_wait(self.clock.time())
        if pause:
            self.on_wait("the platform's rate limit is used up", pause)
            await self.clock.sleep(pause)

    async def _throttle(self) -> None:
        """Throttle requests after a failure: wait until the gap to the request before is long enough."""
        now = self.clock.monotonic()
        if now < self._throttled_until:
            self._next_request_at = max(now, self._next_request_at + MIN_REQUEST_GAP_SECONDS)
            pause = self._next_request_at - now
            if pause > THROTTLE_SECONDS:
                self.on_wait("the platform asked to be left alone for a while", pause)
            await self.clock.sleep(pause)

    def note_failure(self, wait: float) -> None:
        """Note a failure: send no request for `wait` seconds, and throttle those of the five seconds after."""
        now = self.clock.monotonic()
        self._throttled_until = max(self._throttled_until, now + wait + THROTTLE_SECONDS)
        self._next_request_at = max(self._next_request_at, now + wait - MIN_REQUEST_GAP_SECONDS)

    async def _send(
        self,
        method: str,
        url: str,
        *,
        decode: Callable[[bytearray], Any] | None = None,
        is_log: bool = False,
        params: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """Send a request, and follow the redirects of a read; return the decoded answer."""
        _refuse_to_delete_task(method, url)
        if options.get("json") is None:
            options.pop("json", None)
        time_limit = None if is_log else self.timeout * ANSWER_TIME_FACTOR
        is_page = decode is not None and not is_log
        for _ in range(MAX_REDIRECTS + 1):
            with map_errors(url):
                client = self._client(url, is_page=is_page)
                async with (
                    asyncio.timeout(time_limit),
                    client.stream(method, url, params=params, **options) as response,
                ):
                    self._note_headers(response.headers)
                    if method != "GET":
                        _check_action_status(response.status_code)
                    if not _is_redirect(response.status_code):
                        return await self._decode_answer(response, decode)
                    url = _redirect_target(url, response)
                    params = None  # the target has its own query
        raise Redirected("the address goes round in circles")

    def _note_headers(self, headers: httpx.Headers) -> None:
        """Note the rate limit and the platform's time from the headers of an answer."""
        self.budget.update(headers)
        platform_time = parse_http_date(headers.get("date", ""))
        if not platform_time:
            return
        difference = platform_time - self.clock.time()
        is_credible_skew = MIN_SKEW_SECONDS < abs(difference) < MAX_SKEW_SECONDS
        self.skew = difference if is_credible_skew else 0.0

    async def _decode_answer(self, response: httpx.Response, decode: Callable[[bytearray], Any] | None) -> Any:
        """Decode the body of a good answer; raise the ApiError that any other answer means."""
        if response.is_success and "text/event-stream" in response.headers.get("content-type", ""):
            return None
        content = await _read_content(response)
        if not response.is_success:
            wait = retry_after(response.headers, self.clock.time())
            raise error_of_answer(response.status_code, bytes(content), wait)
        decoded = decode(content) if decode else None
        if decoded is not None:
            return decoded
        if response.request.method != "GET" and content.strip() == b"null":
            raise UnexpectedAnswer("the platform's answer is null", status=response.status_code)
        return json_of_answer(bytes(content), response.status_code)

    def _client(self, url: str, *, is_page: bool) -> httpx.AsyncClient:
        """Return the client for the origin of this URL, a new one on first use."""
        key = (origin(url), is_page)
        if key not in self._clients:
            client = self._new_client(url, self.timeout, is_page=is_page)
            self._stack.push_async_callback(client.aclose)
            self._clients[key] = client
        return self._clients[key]

    def _new_client(self, url: str, silence: float, *, is_page: bool = False) -> httpx.AsyncClient:
        """Return a new HTTP client for the origin of this URL, with the proxy that the environment names for it."""
        import httpx

        from tui import __version__
        from tui.client.network import NoCookies, bad_proxy, proxy_for

        context = self._tls_context() if url.startswith("https") else None
        proxy = proxy_for(url)
        # Extra bytes after an answer on a kept-alive connection would be read as the next answer. Only list pages,
        # whose rows decide nothing, may use such a connection.
        limits = httpx.Limits(max_keepalive_connections=None if is_page else 0)
        try:
            return httpx.AsyncClient(
                cookies=NoCookies(),
                auth=KeyAuth(self.key, self.origins),
                headers={"User-Agent": f"xp-tui/{__version__}", "Accept-Encoding": ACCEPT_ENCODING},
                timeout=httpx.Timeout(self.timeout, connect=min(MAX_CONNECT_SECONDS, self.timeout), read=silence),
                verify=context or False,
                trust_env=False,
                proxy=proxy.url if proxy else None,
                limits=limits,
                follow_redirects=False,
            )
        except httpx.InvalidURL as error:
            raise bad_proxy(proxy.variable if proxy else "the proxy") from error

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            from tui.client.network import tls_context

            self._context = tls_context(self.ca)
        return self._context


class _EarlyEndGuard:
    """A context that notes the early end of a stream as a failure, unless the stream is refused or cancelled."""

    def __init__(self, session: PlatformSession) -> None:
        self.is_refused = False
        self._session = session
        self._opened_at = session.clock.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_cancelled = kind is not None and not issubclass(kind, Exception)
        is_early = self._session.clock.monotonic() - self._opened_at < THROTTLE_SECONDS
        if is_early and not self.is_refused and not is_cancelled:
            self._session.note_failure(0.0)


async def _read_content(response: httpx.Response) -> bytearray:
    """Read the decoded body; of an error, no more than MAX_ERROR_BYTES and the chunk that exceeds them."""
    content = bytearray()
    async with aclosing(_decoded_chunks(response)) as chunks:
        async for chunk in chunks:
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise UnexpectedAnswer(f"the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
            if not response.is_success and len(content) > MAX_ERROR_BYTES:
                break
    return content


async def _decoded_chunks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of the body as they arrive, decompressed."""
    decoder = body_decoder(response.headers)
    if response.is_stream_consumed:  # by a transport that has read the whole body
        yield response.content
        return
    async with aclosing(response.aiter_raw()) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            for piece in decoder.feed(chunk):
                yield piece
    decoder.finish()


async def _open_stream(stack: AsyncExitStack, client: httpx.AsyncClient, url: str, last_id: str) -> httpx.Response:
    """Open an event stream, following redirects; return its response, which `stack` closes."""
    import httpx
    from httpx_sse import aconnect_sse

    headers = httpx.Headers({"Accept-Encoding": "identity"})
    if last_id and len(last_id) <= MAX_LAST_ID_CHARS and last_id.isprintable():
        headers = httpx.Headers([*headers.raw, (b"Last-Event-ID", last_id.encode())])
    timeouts = client.timeout.as_dict()
    for _ in range(MAX_REDIRECTS + 1):
        opening = aconnect_sse(client, "GET", url, headers=headers, extensions={"timeout": timeouts})
        source = await stack.enter_async_context(opening)
        if not _is_redirect(source.response.status_code):
            timeouts["read"] = None  # a timeout for each read costs a tenth: the caller sets one for all
            return source.response
        url = _redirect_target(url, source.response)
    raise Redirected("the address of the stream goes round in circles")


def _refuse_to_delete_task(method: str, url: str) -> None:
    """Raise BadAddress for the request that would delete a task: no operation of this client needs it."""
    import httpx

    if method == "DELETE" and "/v1/" in httpx.URL(url).path:
        raise BadAddress("a DELETE under /v1 destroys a task and its history: it is never sent")


def _check_action_status(status: int) -> None:
    """Check the status of an action's answer; raise for a redirect, and for a 2xx status not in GOOD_ACTION_STATUSES.

    A redirect of an action is not followed: it may have been carried out already.
    """
    if _is_redirect(status):
        raise Redirected(f"the platform answered an action with a redirect ({status}), not followed", status=status)
    if 200 <= status < 300 and status not in GOOD_ACTION_STATUSES:
        raise UnexpectedAnswer(f"the platform answered an action with status {status}", status=status)


def _is_redirect(status: int) -> bool:
    return 300 <= status < 400


def is_retryable(error: ApiError) -> bool:
    """Return whether the error is retryable: a retry may succeed."""
    if error.status is not None:
        return error.status in {408, 425, 429} or error.status >= 500
    return isinstance(error, ConnectionLost | TimedOut) or (isinstance(error, Unreachable) and error.wait is None)


def _redirect_target(url: str, response: httpx.Response) -> str:
    """Return the target of a redirect; raise Redirected if the key must not be sent to it."""
    import httpx

    location = response.headers.get("location", "").strip()
    if not location:
        raise Redirected(f"the platform answered {response.status_code} without saying where to go")
    try:
        target = httpx.URL(url).join(location)
        is_same_origin = origin(str(target)) == origin(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Redirected("the platform points to an address that is none") from error
    if not is_same_origin:
        raise Redirected(f"the platform points to {target.host}, where the key must not go")
    return str(target)
