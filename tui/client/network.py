"""Network settings from the environment: trusted certificates and proxies."""

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
    """Network settings that cannot be used: the message names the bad certificates or proxy, and says what to do."""


class NoCookies(CookieJar):
    """A jar that stores no cookies: only the key authenticates, and parsing some cookies prints a traceback."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Extract no cookies from an answer."""


class Proxy(NamedTuple):
    """A proxy, and the environment variable that names it."""

    url: str
    variable: str


def tls_context(ca: str | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's certificate authorities and those in the file `ca`."""
    import truststore

    cert_file = os.environ.get("SSL_CERT_FILE")
    if cert_file and Path(cert_file).exists() and not Path(cert_file).is_file():
        raise BadNetworkSettings(f"SSL_CERT_FILE names {cert_file}, which is no file: name a file of PEM certificates")
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it trusts what the system trusts
    if ca:
        check_certificates("--ca", ca)
        context.load_verify_locations(ca)
    return context


def check_certificates(source: str, path: str) -> None:
    """Check a file of PEM certificates; raise BadNetworkSettings, which names the setting `source`, for a bad one."""
    try:
        problem = _find_certificates_problem(Path(path))
    except ssl.SSLError:
        problem = "a certificate in it is damaged"
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
    if problem:
        raise BadNetworkSettings(
            f"{source} {path} cannot be used: {problem}; name a file of PEM certificates, or leave it out"
        )


def _find_certificates_problem(path: Path) -> str:
    """Return the problem with a file of certificates, or an empty text."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return "it is a directory"
    if not stat.S_ISREG(mode):
        return "it is a device or a pipe"
    with path.open("rb") as file:
        content = file.read(MAX_CERTIFICATES_BYTES + 1)
    if len(content) > MAX_CERTIFICATES_BYTES:
        return "it is larger than 16 MiB"
    if not content.strip():
        return "it is empty"
    if b"CERTIFICATE-----" not in content:
        if b"PRIVATE KEY-----" in content:
            return "it has a private key and no certificate"
        return "it has no certificate in PEM form"
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    return ""


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy that the environment names for a URL, or None for a direct connection."""
    parts = urlsplit(url)
    proxies = request.getproxies()
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    proxy_url = proxies.get(kind, "").strip()
    if not proxy_url or is_loopback(url) or _is_exempt(parts.netloc, proxies.get("no", "")):
        return None
    variable = _variable_name(kind)
    return Proxy(_checked_proxy(proxy_url, variable), variable)


def _is_exempt(host: str, no_proxy: str) -> bool:
    """Return whether a host is exempt from proxies: `*` exempts all, also in a list, which urllib ignores."""
    return "*" in map(str.strip, no_proxy.split(",")) or bool(request.proxy_bypass(host))


def _variable_name(kind: str) -> str:
    """Return the name of the environment variable for this kind of proxy, spelled as it is set."""
    names = [name for name, value in os.environ.items() if value and name.lower() == f"{kind}_proxy"]
    # The lowercase name has precedence, and sorts last.
    return max(names, default="the proxy setting of this system")


def _checked_proxy(address: str, variable: str) -> str:
    """Return the URL of a proxy with its scheme; raise BadNetworkSettings if it cannot be used."""
    url = address if "://" in address else f"http://{address}"
    parts = url_parts(url)
    if parts.scheme in {"socks5", "socks5h"} and find_spec("socksio") is None:
        raise BadNetworkSettings(
            f"{variable} names a SOCKS proxy: write http://host:port of an HTTP proxy there, or install socksio as well"
        )
    if parts.scheme not in PROXY_SCHEMES:
        raise bad_proxy(variable)
    return url


def bad_proxy(variable: str) -> BadNetworkSettings:
    """Return the error for a bad proxy in this variable, without its value, which may contain a password."""
    return BadNetworkSettings(f"{variable} is no address of a proxy: write http://host:port, or unset it")
