"""Maps the exceptions of httpx, TLS and the operating system to errors of the client, with clear messages."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, ConnectionLost, TimedOut, Unreachable

CLIENT_CERTIFICATE = "a certificate of its clients, and xp-tui has none to show"
"""Part of a message: the TLS client certificate that some servers want."""


@contextmanager
def map_errors(url: str) -> Iterator[None]:
    """Map the errors of httpx, often without a message, to client errors that say what happened."""
    import httpx

    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _connect_error(error, url) from error
    except httpx.PoolTimeout as error:
        raise TimedOut(f"too many connections to {_host(url)} at once", maybe_done=False) from error
    except httpx.ProxyError as error:
        raise Unreachable(f"{_host(url)} cannot be reached{_via_proxy(url)}: {error}") from error
    except httpx.TimeoutException as error:
        raise TimedOut(f"{_host(url)} did not answer in time") from error
    except TimeoutError as error:
        raise TimedOut(f"{_host(url)} did not answer whole in time") from error
    except httpx.LocalProtocolError as error:  # part of the request may have been sent
        raise ConnectionLost(f"the request to {_host(url)} could not be sent whole: {error}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise BadAddress(f"the request to {_host(url)} cannot be made: {error}") from error
    except (httpx.TransportError, OSError) as error:  # httpx does not wrap the ssl.SSLError of a damaged TLS record
        raise _broken_connection_error(error, url) from error


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _via_proxy(url: str) -> str:
    """Return the part of a message that names the proxy for this URL, or an empty text."""
    from tui.client.network import BadNetworkSettings, proxy_for

    try:
        proxy = proxy_for(url)
    except BadNetworkSettings:
        return ""
    if proxy is None:
        return ""
    return f" through the proxy that {proxy.variable} names"


def _connect_error(error: Exception, url: str) -> Unreachable:
    """Return the error for a connection that could not be made."""
    from httpx import ConnectTimeout

    host = _host(url)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the certificate of {host} is not trusted: {cause.verify_message}",
                hint="If it is your own authority's, name it with --ca or SSL_CERT_FILE",
                wait=0.0,
            )
        if _is_tls_alert(cause, "HANDSHAKE_FAILURE"):
            hint = f"It may want {CLIENT_CERTIFICATE}"
            return Unreachable(f"{host} refused the TLS handshake", hint=hint, wait=0.0)
    reason = str(error) or "the connection failed"
    if isinstance(error, ConnectTimeout):
        reason = "it did not answer"
    return Unreachable(f"{host} cannot be reached{_via_proxy(url)}: {reason}")


def _broken_connection_error(error: Exception, url: str) -> ApiError:
    """Return the error for a connection that broke."""
    host = _host(url)
    if any(_is_tls_alert(cause, "CERTIFICATE_REQUIRED") for cause in _causes(error)):
        hint = "Set an address of the platform that asks for the key alone"
        return Unreachable(f"{host} wants {CLIENT_CERTIFICATE}", hint=hint, wait=0.0, maybe_done=True)
    reason = str(getattr(error, "reason", None) or error)  # an ssl.SSLError has the shorter reason
    if not reason:
        return ConnectionLost(f"the connection to {host} broke")
    return ConnectionLost(f"the connection to {host} broke: {reason}")


def _is_tls_alert(error: BaseException, name: str) -> bool:
    """Return whether an error is the TLS alert of this name, or of one that contains it."""
    return isinstance(error, ssl.SSLError) and name in (error.reason or "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes: httpx hides the error of TLS or of the system behind its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
