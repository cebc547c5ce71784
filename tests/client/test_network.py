"""Invalid proxies and certificates: errors that say what to do."""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.reads import READS, RUNNING_RECORD
from tests.conftest import FastClock, make_client
from tests.wire.server import Connection, Request, Server, free_port
from tui.client.errors import Unreachable
from tui.client.network import BadNetworkSettings, check_certificates, proxy_for

# Proxies


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set variables, in an environment without proxy variables."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)

    def export(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return export


ODD = ["http://[::1", "http://", "http://x:99999", "ftp://x", "http://a b", "://", "http://x:y", "socks4://x:1"]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("read", READS)
async def test_an_invalid_proxy_is_reported_by_its_variable(
    environ: Callable[..., None], variable: str, value: str, read: str
) -> None:
    environ(**{variable: value})
    async with make_client("https://platform.example") as client:
        for _ in range(2):
            with pytest.raises(
                BadNetworkSettings, match=f"^{variable} is no address of a proxy: write http://host:port"
            ):
                await READS[read](client)
        with pytest.raises(BadNetworkSettings, match=variable):
            client.transport.check_network(client.surfaces.origins)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_is_reported_with_advice(environ: Callable[..., None], scheme: str) -> None:
    environ(ALL_PROXY=f"{scheme}://user:secret@127.0.0.1:1080")
    async with make_client("https://platform.example") as client:
        with pytest.raises(
            BadNetworkSettings, match=r"^ALL_PROXY names a SOCKS proxy: write http://host:port"
        ) as caught:
            await client.task("t1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("read", READS)
async def test_an_invalid_proxy_that_is_not_used_does_not_matter(
    environ: Callable[..., None], read: str, platform: Any, server: Server
) -> None:
    platform.task("t1")
    environ(ALL_PROXY="socks5://x", HTTP_PROXY="http://[::1", HTTPS_PROXY="foo", NO_PROXY="[,://,*")
    async with make_client(server.url) as client:
        client.transport.check_network(client.surfaces.origins)
        assert await READS[read](client)
    assert proxy_for("https://platform.example") is None
    environ(NO_PROXY="platform.example", HTTP_PROXY="http://127.0.0.1:1")
    assert proxy_for("https://platform.example") is None
    assert proxy_for("http://other.example") == ("http://127.0.0.1:1", "HTTP_PROXY")
    assert proxy_for("https://other.example") == ("http://foo", "HTTPS_PROXY")


@pytest.mark.parametrize("read", READS)
async def test_an_unreachable_or_refusing_proxy_is_named(environ: Callable[..., None], read: str) -> None:
    async def refuse(request: Request, connection: Connection) -> None:
        await connection.reply(407, b"")

    async with Server(refuse) as server:
        for port in (free_port(), server.port):
            environ(HTTPS_PROXY=f"127.0.0.1:{port}")
            async with make_client("https://platform.example") as client:
                with pytest.raises(Unreachable, match=r"reached through the proxy that HTTPS_PROXY names: \S"):
                    await READS[read](client)


def test_the_effective_of_two_proxy_variables_is_named(
    environ: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    environ(HTTPS_PROXY="http://a", https_proxy="http://b")
    assert proxy_for("https://platform.example") == ("http://b", "https_proxy")
    monkeypatch.delenv("https_proxy")
    monkeypatch.delenv("HTTPS_PROXY")
    environ(Https_Proxy="http://c")
    assert proxy_for("https://platform.example") == ("http://c", "Https_Proxy")
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"http": "http://[::1"})
    with pytest.raises(BadNetworkSettings, match=r"^the proxy setting of this system is no address of a proxy"):
        proxy_for("http://platform.example")


@settings(max_examples=200)
@given(value=st.text(max_size=30), scheme=st.sampled_from(["", "http://", "https://", "socks5://", "//"]))
def test_any_proxy_is_usable_or_reported(value: str, scheme: str) -> None:
    # Private: a client is made without any request.
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        patch.setattr("urllib.request.getproxies", lambda: {"https": scheme + value, "no": value})
        client = make_client("https://platform.example")
        problem = ""
        try:
            client.transport._client("https://platform.example", is_page=False)
        except BadNetworkSettings as error:
            problem = str(error)
        assert not problem or "write http://host:port" in problem


# Certificates


def damaged(pem: str) -> str:
    lines = pem.splitlines()
    return "\n".join([lines[0], "A" * 64, lines[-1]])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def bad_certificates(directory: Path, kind: str, authority: trustme.CA) -> Iterator[tuple[Path, str]]:
    """Make a path without usable certificates; yield it with the expected reason."""
    path = directory / "ca.pem"
    certificate = authority.issue_cert("127.0.0.1")
    pem = authority.cert_pem.bytes()
    match kind:
        case "missing":
            words = "No such file or directory"
        case "directory":
            path.mkdir()
            words = "it is a directory"
        case "pipe":
            os.mkfifo(path)
            words = "it is a device or a pipe"
        case "device":
            path.symlink_to("/dev/zero")
            words = "it is a device or a pipe"
        case "empty":
            path.write_bytes(b" \n")
            words = "it is empty"
        case "not PEM":
            path.write_bytes(ssl.PEM_cert_to_DER_cert(pem.decode()))
            words = "it has no certificate in PEM form"
        case "key":
            path.write_bytes(certificate.private_key_pem.bytes())
            words = "it has a private key and no certificate"
        case "damaged":
            path.write_text(damaged(pem.decode()))
            words = "a certificate in it is damaged"
        case _:
            path.write_bytes(b"x" * (16 * 1024 * 1024 + 1))
            words = "it is larger than 16 MiB"
    yield path, words


BAD_CERTIFICATES = ["missing", "directory", "pipe", "device", "empty", "not PEM", "key", "damaged", "large"]


@pytest.mark.parametrize("kind", BAD_CERTIFICATES)
async def test_invalid_certificates_are_reported_each_time_and_nothing_is_sent(
    tmp_path: Path, kind: str, authority: trustme.CA
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, RUNNING_RECORD)

    with bad_certificates(tmp_path, kind, authority) as (path, words):
        told = re.escape(f"--ca {path} cannot be used: {words}; name a file of PEM certificates, or leave it out")
        async with Server(serve, context) as server, make_client(server.url, ca=str(path)) as client:
            for _ in range(3):
                with pytest.raises(BadNetworkSettings, match=told):
                    client.transport.check_network(client.surfaces.origins)
                with pytest.raises(BadNetworkSettings, match=told):
                    await client.task("t1")
            assert server.requests == []


def test_an_invalid_path_of_certificates_is_reported() -> None:
    with pytest.raises(BadNetworkSettings, match=r"cannot be used: .*embedded null"):
        check_certificates("--ca", "/tmp/\0")


async def test_a_device_in_place_of_the_system_certificates_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/zero")
    async with make_client("https://127.0.0.1:1") as client:
        with pytest.raises(BadNetworkSettings, match=r"^SSL_CERT_FILE names /dev/zero, which is no file"):
            await client.task("t1")


@contextmanager
def wanting_certificates(authority: trustme.CA, version: ssl.TLSVersion) -> Iterator[str]:
    """Serve TLS that demands a client certificate, as OpenSSL does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # until it is closed
            while True:
                begun, _ = listener.accept()
                with socket.socket(fileno=os.dup(begun.fileno())) as raw:
                    with suppress(ssl.SSLError):
                        context.wrap_socket(begun, server_side=True)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65_536):
                        pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (ssl.TLSVersion.TLSv1_2, r"127\.0\.0\.1 refused the TLS handshake"),
        (ssl.TLSVersion.TLSv1_3, r"127\.0\.0\.1 wants a certificate of its clients, and xp-tui has none to show"),
    ],
)
@pytest.mark.parametrize("operation", [*READS, "stop"])
async def test_a_server_that_demands_client_certificates_is_reported_without_retry(
    authority: trustme.CA, version: ssl.TLSVersion, words: str, operation: str
) -> None:
    operations = READS | {"stop": lambda client: client.stop("t1")}
    clock = FastClock()
    with authority.cert_pem.tempfile() as ca, wanting_certificates(authority, version) as url:
        async with make_client(url, ca=ca, clock=clock) as client:
            with pytest.raises(Unreachable, match=words) as caught:
                await operations[operation](client)
    assert "ertificate of its clients" in caught.value.sentence
    assert clock.slept == [], "it is not tried again"
