"""What the settings and the environment say of the network: certificates to trust, and the proxy on the way."""

from __future__ import annotations

import os
import ssl
import stat
from http.cookiejar import CookieJar
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib import request
from urllib.parse import urlsplit

from tui.client.endpoints import BadAddress, is_loopback, url_parts

MAX_CERTIFICATES_BYTES = 16 * 1024 * 1024
PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


class BadNetworkSettings(BadAddress):
    """Certificates or a proxy that cannot be used; the message says where they are named, and what to do."""


class NoCookies(CookieJar):
    """A jar that takes no cookies: the key is all that is asked for, and reading some prints a traceback."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Called with every answer."""


class Proxy(NamedTuple):
    """A proxy, and the environment variable that names it."""

    url: str
    variable: str


def tls_context(ca: str | None) -> ssl.SSLContext:
    """A TLS context that trusts the system's authorities, and those of a file beside them."""
    import truststore

    named = os.environ.get("SSL_CERT_FILE")
    if named and Path(named).exists() and not Path(named).is_file():
        raise BadNetworkSettings(f"SSL_CERT_FILE names {named}, which is no file: name a file of PEM certificates")
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        check_certificates("--ca", ca)
        context.load_verify_locations(ca)
    return context


def check_certificates(source: str, path: str) -> None:
    """Raise BadNetworkSettings where a file that is named by a setting has no certificates in PEM form."""
    try:
        why = _fault_of_certificates(Path(path))
    except ssl.SSLError:
        why = "a certificate in it is damaged"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    if why:
        raise BadNetworkSettings(
            f"{source} {path} cannot be used: {why}; name a file of PEM certificates, or leave it out"
        )


def _fault_of_certificates(path: Path) -> str:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        return "it is a directory" if stat.S_ISDIR(mode) else "it is a device or a pipe"
    with path.open("rb") as file:
        content = file.read(MAX_CERTIFICATES_BYTES + 1)
    if len(content) > MAX_CERTIFICATES_BYTES:
        return "it is larger than 16 MiB"
    if not content.strip():
        return "it is empty"
    if b"CERTIFICATE-----" not in content:
        has_key = b"PRIVATE KEY-----" in content
        return "it has a private key and no certificate" if has_key else "it has no certificate in PEM form"
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    return ""


def proxy_for(url: str) -> Proxy | None:
    """The proxy that the environment names for an address; None where the way is direct."""
    parts = urlsplit(url)
    proxies = request.getproxies()
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    value = proxies.get(kind, "").strip()
    if not value or is_loopback(url) or _is_exempt(parts.netloc, proxies.get("no", "")):
        return None
    variable = _variable(kind)
    return Proxy(_checked_proxy(value, variable), variable)


def _is_exempt(place: str, exempt: str) -> bool:
    return "*" in map(str.strip, exempt.split(",")) or bool(request.proxy_bypass(place))


def _variable(kind: str) -> str:
    """What names a proxy: the environment variable as it is spelled there, of several the one that counts."""
    names = [name for name, value in os.environ.items() if value and name.lower() == f"{kind}_proxy"]
    return max(names, default="the proxy setting of this system")  # small letters sort last, and count


def _checked_proxy(value: str, variable: str) -> str:
    """The address of a proxy, with its scheme."""
    url = value if "://" in value else f"http://{value}"
    parts = url_parts(url)
    if parts.scheme in {"socks5", "socks5h"} and find_spec("socksio") is None:
        raise BadNetworkSettings(
            f"{variable} names a SOCKS proxy: write http://host:port of an HTTP proxy there, or install socksio as well"
        )
    if parts.scheme not in PROXY_SCHEMES:
        raise bad_proxy(variable)
    return url


def bad_proxy(variable: str) -> BadNetworkSettings:
    """The error that a variable names no proxy; its value is not told, as it may hold a password."""
    return BadNetworkSettings(f"{variable} is no address of a proxy: write http://host:port, or unset it")
