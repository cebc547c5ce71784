"""Invalid network settings on the command line: a sentence, the exit code of settings, and no request."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import Shell
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server

VERBS = [("show", "t1"), ("tasks",), ("log", "t1"), ("watch", "t1"), ("stop", "t1"), ("agents",)]
SETTINGS, NETWORK = 3, 5


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    return path


@pytest.mark.parametrize("words", VERBS)
async def test_invalid_certificates_are_a_settings_error_for_every_verb(
    shell: Shell, platform: Platform, pem: Path, words: tuple[str, ...]
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with Server(platform.handle, context) as server:
        shell.export(XPANDER_API_KEY=KEY, XPANDER_BASE_URL=server.url, XPANDER_API_URL=server.url)
        for told in [await asyncio.to_thread(shell, *words, "--ca", str(pem)) for _ in range(2)]:
            assert told.code == SETTINGS
            assert told.err == (
                f"xp-tui: --ca {pem} cannot be used: it has no certificate in PEM form; "
                "name a file of PEM certificates, or leave it out\n"
            )
        assert server.requests == []
    assert list(shell.journal.lines()) == []


@pytest.mark.parametrize("words", VERBS)
@pytest.mark.parametrize("proxy", ["http://[::1", "socks5://user:secret@x:1", "http://x:99999"])
def test_an_unusable_proxy_is_a_settings_error_for_every_verb(shell: Shell, proxy: str, words: tuple[str, ...]) -> None:
    shell.export(XPANDER_API_KEY=KEY, XPANDER_API_URL="https://platform.example", HTTPS_PROXY=proxy)
    told = shell(*words)
    assert told.code == SETTINGS
    assert told.err.startswith("xp-tui: HTTPS_PROXY ")
    assert "write http://host:port" in told.err
    assert "secret" not in told.err
    assert list(shell.journal.lines()) == []


@pytest.mark.parametrize("proxy", ["http://[::1", "socks5://x:1", ""])
def test_doctor_reports_network_settings_that_are_wrong(shell: Shell, pem: Path, proxy: str) -> None:
    shell.export(XPANDER_API_KEY=KEY, XPANDER_API_URL="https://platform.example")
    if proxy:
        shell.export(ALL_PROXY=proxy)
    told = shell("doctor", "--json", *([] if proxy else ["--ca", str(pem)]))
    (found,) = [item for item in told.json["items"] if item["what"] == "network"]
    assert (told.code, found["grade"]) == (SETTINGS, "bad")
    assert found["words"].startswith("ALL_PROXY " if proxy else f"--ca {pem} cannot be used: ")


def test_a_settings_file_that_is_no_text_is_reported(shell: Shell) -> None:
    shell.configure("x = [" + "[\n" * 30_000)
    told = shell("agents")
    assert told.code == SETTINGS
    assert told.err.endswith("config.toml cannot be read: it is nested too deep\n")
