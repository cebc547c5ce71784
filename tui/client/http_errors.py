"""What httpx, TLS and the machine raise when a request goes wrong, as errors in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, ConnectionLost, TimedOut, Unreachable

CLIENT_CERTIFICATE = "a certificate of its clients, and xp-tui has none to show"


@contextmanager
def map_errors(url: str) -> Iterator[None]:
    """Turn what httpx raises, often without a word, into errors that say what happened."""
    import httpx

    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _unconnected(error, url) from error
    except httpx.PoolTimeout as error:
        raise TimedOut(f"too many connections to {_host(url)} at once", maybe_done=False) from error
    except httpx.ProxyError as error:
        raise Unreachable(f"{_host(url)} cannot be reached{_way(url)}: {error}") from error
    except httpx.TimeoutException as error:
        raise TimedOut(f"{_host(url)} did not answer in time") from error
    except TimeoutError as error:
        raise TimedOut(f"{_host(url)} did not answer whole in time") from error
    except httpx.LocalProtocolError as error:  # part of the request may have left
        raise ConnectionLost(f"the request to {_host(url)} could not be sent whole: {error}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise BadAddress(f"the request to {_host(url)} cannot be made: {error}") from error
    except (httpx.TransportError, OSError) as error:  # what a damaged TLS record raises comes through as it is
        raise _broken(error, url) from error


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _way(url: str) -> str:
    """The proxy on the way to an address, in words."""
    from tui.client.network import BadNetworkSettings, proxy_for

    try:
        proxy = proxy_for(url)
    except BadNetworkSettings:
        return ""
    return f" through the proxy that {proxy.variable} names" if proxy else ""


def _unconnected(error: Exception, url: str) -> Unreachable:
    from httpx import ConnectTimeout

    host = _host(url)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the certificate of {host} is not trusted: {cause.verify_message}",
                hint="If it is your own authority's, name it with --ca or SSL_CERT_FILE",
                wait=0.0,
            )
        if _has_reason(cause, "HANDSHAKE_FAILURE"):
            hint = f"It may want {CLIENT_CERTIFICATE}"
            return Unreachable(f"{host} refused the TLS handshake", hint=hint, wait=0.0)
    words = "it did not answer" if isinstance(error, ConnectTimeout) else str(error) or "the connection failed"
    return Unreachable(f"{host} cannot be reached{_way(url)}: {words}")


def _broken(error: Exception, url: str) -> ApiError:
    """What a connection that broke is told as."""
    host = _host(url)
    if any(_has_reason(cause, "CERTIFICATE_REQUIRED") for cause in _causes(error)):
        hint = "Set an address of the platform that asks for the key alone"
        return Unreachable(f"{host} wants {CLIENT_CERTIFICATE}", hint=hint, wait=0.0, maybe_done=True)
    why = str(getattr(error, "reason", None) or error)
    return ConnectionLost(f"the connection to {host} broke{': ' if why else ''}{why}")


def _has_reason(error: BaseException, reason: str) -> bool:
    """Whether an error is a TLS alert for this reason."""
    return isinstance(error, ssl.SSLError) and reason in (error.reason or "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
