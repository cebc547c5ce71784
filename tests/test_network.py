"""Networks that are set up wrongly, and answers that would do harm: words that say what to do, and bounded memory."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import re
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import FastClock, make_client
from tests.wire.server import Connection, Request, Server, free_port
from tui.client.client import Client
from tui.client.endpoints import BadAddress, surfaces_of
from tui.client.errors import ConnectionLost, Invalid, Redirected, UnexpectedAnswer, Unreachable
from tui.client.inflate import MAX_INFLATE_RATIO, MAX_PIECE_BYTES, MAX_PLAIN_BYTES, CompressedBody
from tui.client.network import BadNetworkSettings, check_certificates, proxy_for
from tui.client.session import MAX_ERROR_BYTES
from tui.client.task_rows import TaskQuery

RECORD = {"id": "t1", "agent_id": "a1", "status": "executing"}
Operation = Callable[[Client], Awaitable[Any]]


async def pages(client: Client) -> list[Any]:
    return [page async for page in client.tasks(TaskQuery())]


async def events(client: Client) -> int:
    async with client.open_events(await client.events_url("t1"), "") as response:
        return response.status_code


READS: dict[str, Operation] = {"record": lambda client: client.task("t1"), "pages": pages, "events": events}


# Redirects


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:99999/", "http://[::1", "//:0:0/", "http://x:y/", "/\x01", "http://a..b/"]
)
@pytest.mark.parametrize("read", READS)
async def test_a_redirect_to_no_address_is_told(read: str, location: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(307, b"", {"Location": location})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(
            (Redirected, ConnectionLost), match=r"the platform points to|in circles|Invalid URL in location header"
        ):
            await READS[read](client)


async def test_no_cookie_is_taken() -> None:
    """What reads this one prints a traceback, as a warning; warnings are errors here."""
    odd = f"a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age={'9' * 400}"

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, RECORD, {"Set-Cookie": odd if len(server.requests) == 1 else "a=b"})

    async with Server(serve) as server, make_client(server.url) as client:
        for _ in range(3):
            await client.task("t1")
    assert not any("cookie" in request.headers for request in server.requests)


# Proxies


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets variables, in an environment that names no proxy."""
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
async def test_an_odd_proxy_is_told_by_its_variable(
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
async def test_a_socks_proxy_is_told_with_what_to_do(environ: Callable[..., None], scheme: str) -> None:
    environ(ALL_PROXY=f"{scheme}://user:secret@127.0.0.1:1080")
    async with make_client("https://platform.example") as client:
        with pytest.raises(
            BadNetworkSettings, match=r"^ALL_PROXY names a SOCKS proxy: write http://host:port"
        ) as caught:
            await client.task("t1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("read", READS)
async def test_a_proxy_that_is_not_on_the_way_does_not_matter(
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
async def test_a_proxy_that_is_not_there_or_refuses_is_named(environ: Callable[..., None], read: str) -> None:
    async def refuse(request: Request, connection: Connection) -> None:
        await connection.reply(407, b"")

    async with Server(refuse) as server:
        for port in (free_port(), server.port):
            environ(HTTPS_PROXY=f"127.0.0.1:{port}")
            async with make_client("https://platform.example") as client:
                with pytest.raises(Unreachable, match=r"reached through the proxy that HTTPS_PROXY names: \S"):
                    await READS[read](client)


def test_of_two_variables_the_one_that_counts_is_named(
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
def test_any_proxy_is_one_or_told(value: str, scheme: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        patch.setattr("urllib.request.getproxies", lambda: {"https": scheme + value, "no": value})
        client = make_client("https://platform.example")
        try:
            client.transport._client("https://platform.example", is_page=False)
        except BadNetworkSettings as error:
            assert "write http://host:port" in str(error)


# Certificates


def damaged(pem: str) -> str:
    lines = pem.splitlines()
    return "\n".join([lines[0], "A" * 64, lines[-1]])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def bad_certificates(directory: Path, kind: str, authority: trustme.CA) -> Iterator[tuple[Path, str]]:
    """A path that names no certificates, and what is said of it."""
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
async def test_certificates_that_are_none_are_told_every_time_and_nothing_is_sent(
    tmp_path: Path, kind: str, authority: trustme.CA
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, RECORD)

    with bad_certificates(tmp_path, kind, authority) as (path, words):
        told = re.escape(f"--ca {path} cannot be used: {words}; name a file of PEM certificates, or leave it out")
        async with Server(serve, context) as server, make_client(server.url, ca=str(path)) as client:
            for _ in range(3):
                with pytest.raises(BadNetworkSettings, match=told):
                    client.transport.check_network(client.surfaces.origins)
                with pytest.raises(BadNetworkSettings, match=told):
                    await client.task("t1")
            assert server.requests == []


def test_a_path_that_is_none_is_told() -> None:
    with pytest.raises(BadNetworkSettings, match="cannot be used: embedded null byte"):
        check_certificates("--ca", "/tmp/\0")


async def test_a_device_in_place_of_the_systems_certificates_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/zero")
    async with make_client("https://127.0.0.1:1") as client:
        with pytest.raises(BadNetworkSettings, match=r"^SSL_CERT_FILE names /dev/zero, which is no file"):
            await client.task("t1")


@contextmanager
def wanting_certificates(authority: trustme.CA, version: ssl.TLSVersion) -> Iterator[str]:
    """A server that wants a certificate of its clients; it says so in the way that OpenSSL does."""
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
async def test_a_server_that_wants_a_certificate_of_its_clients_is_told_once(
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


# Compressed answers


def bomb(size: int, wbits: int = 31) -> bytes:
    """So many MiB of blanks, compressed; its end is missing."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, wbits)
    begin = squeeze.compress(b" " * (1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(b" " * (1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return begin + block * (size - 1)


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """The most memory that was taken at once, in MiB."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] / (1 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("read", ["record", "log", "pages"])
async def test_a_compressed_answer_that_swells_takes_little_memory(coding: str, read: str) -> None:
    content = bomb(256, 31 if coding == "gzip" else 15)
    assert len(content) < 300_000

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, content, {"Content-Type": "application/json", "Content-Encoding": coding})

    async with Server(serve) as server, make_client(server.url) as client:
        task = await _task()
        operations = READS | {"log": lambda client: client.log(task)}
        with peak() as taken:
            with pytest.raises(UnexpectedAnswer, match="the answer swells beyond all measure when it is unpacked"):
                await operations[read](client)
            assert taken() < 100


async def _task() -> Any:
    from tui.client.models import Task

    return Task.from_value(RECORD)


def test_a_step_of_decoding_takes_no_more_than_a_piece() -> None:
    for piece in CompressedBody().feed(bomb(15)):
        assert len(piece) <= MAX_PIECE_BYTES


def test_what_is_compressed_well_is_taken_up_to_a_bound() -> None:
    dice = random.Random(1)
    content = gzip.compress(b"".join(dice.randbytes(500) + b" " * 15_000 for _ in range(1_200)), 1)
    assert MAX_PLAIN_BYTES < sum(map(len, CompressedBody().feed(content))) < MAX_INFLATE_RATIO * len(content)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip, br", "deflate, gzip", "compress", "x" * 500])
async def test_an_encoding_that_was_not_asked_for_is_not_decoded(coding: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": coding})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match=f"the answer is encoded as {coding[:80]}, which was not asked for"):
            await client.task("t1")
        with pytest.raises(UnexpectedAnswer, match="which was not asked for"):
            await pages(client)
    assert {request.headers["accept-encoding"] for request in server.requests} == {"gzip"}


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "identity", "", "identity, gzip"])
async def test_a_compressed_answer_is_read(coding: str) -> None:
    plain = (
        b'{"id": "t1", "agent_id": "a1", "status": "executing", "result": "%b"}'
        % random.Random(1).randbytes(50_000).hex().encode()
    )
    content = {"deflate": zlib.compress(plain), "identity": plain, "": plain}.get(coding, gzip.compress(plain))

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, content, {"Content-Encoding": coding})

    async with Server(serve) as server, make_client(server.url) as client:
        assert len((await client.task("t1")).raw["result"]) == 100_000


@pytest.mark.parametrize("size", [1, 20, -1])
async def test_a_compressed_answer_that_ends_too_early_is_not_understood(size: int) -> None:
    content = gzip.compress(b'{"id": "t1"}')[:size]

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, content, {"Content-Encoding": "gzip"})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="compressed and damaged: it ends too early"):
            await client.task("t1")


async def test_an_error_is_not_read_to_its_end() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start(400)
        sent = 0
        while sent < 64 * MAX_ERROR_BYTES:
            await connection.chunk(b"x" * 65_536)
            sent += 65_536
        await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client, asyncio.timeout(5):
        with peak() as taken:
            with pytest.raises(Invalid):
                await client.task("t1")
            assert taken() < 16


# Addresses


@settings(max_examples=300)
@given(
    base=st.none() | st.text(max_size=30) | st.builds("https://{}".format, st.text(max_size=20)),
    organization=st.none() | st.text(max_size=10),
)
def test_any_address_is_one_or_told(base: str | None, organization: str | None) -> None:
    try:
        surfaces = surfaces_of(base, None, organization)
    except BadAddress as error:
        assert "XPANDER_" in str(error)
        return
    for origin in surfaces.origins:
        with suppress(*() if origin.isascii() else (httpx.InvalidURL,)):  # told when it is asked
            assert httpx.URL(f"{origin}/x").host


async def test_a_name_that_is_no_name_of_a_host_is_told_when_it_is_asked() -> None:
    async with make_client("https://¡.example") as client:
        with pytest.raises(BadAddress, match=r"the request to ¡\.example cannot be made"):
            await client.task("t1")


@pytest.mark.parametrize("organization", ["a?b", "a#b", "..", "a b", "a%2Fb", "a\x00", "\ud800", "x" * 300])
async def test_an_organization_that_cannot_stand_in_a_path_is_told(organization: str) -> None:
    with pytest.raises(BadAddress, match=r"^XPANDER_ORGANIZATION_ID is no organization: "):
        surfaces_of("https://agent-controller.example", None, organization)


async def test_an_organization_that_a_row_tells_is_not_taken_if_it_cannot_stand_in_a_path(
    platform: Any, server: Server
) -> None:
    platform.task("t1", organization_id="../x")
    async with make_client(server.url, organization=None) as client:
        await client.task("t1")
        assert client.surfaces.organization is None


@pytest.mark.parametrize("host", ["a..b", "-a", "a" * 64, "a" * 60 + ".a" * 100, "ex ample", "exa\u200bmple", "a\x01"])
def test_a_host_that_is_none_is_told(host: str) -> None:
    with pytest.raises(BadAddress, match=r"^XPANDER_BASE_URL is no address of a platform: "):
        surfaces_of(f"https://{host}", None, None)


async def test_half_of_a_character_in_an_id_is_told(platform: Any, server: Server) -> None:
    async with make_client(server.url) as client:
        for operation in (client.task, client.stop):
            with pytest.raises(BadAddress, match="half of a character"):
                await operation("\ud800")
        with pytest.raises(BadAddress, match="cannot be made"):
            await client.update("t1", {"result": "\ud800"})
        with pytest.raises(BadAddress, match="cannot be made"):
            _ = [page async for page in client.tasks(TaskQuery(agent_id="\ud800"))]
