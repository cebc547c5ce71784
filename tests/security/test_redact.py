"""Redactor: secrets are masked by field name, by form and by value, and ordinary text is not."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.trust.codings import CODINGS, OF_LONG_SECRETS
from tui.client.json_codec import dumps
from tui.security.redact import (
    MAX_CACHED_CHARS,
    MAX_CACHED_TEXTS,
    Redactor,
    _mask_match,
    _mask_patterns,
    _secret_pattern,
    mask_secret,
)
from tui.security.sanitize import sanitize_text

SECRET_NAMES = [
    "api_key",
    "apikey",
    "api-key",
    "api.key",
    "apiKey",
    "X-Api-Key",
    "x_api_key",
    "token",
    "access_token",
    "accessToken",
    "access-token",
    "refresh_token",
    "refreshtoken",
    "id_token",
    "id-token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "Authorization",
    "auth",
    "cookie",
    "Set-Cookie",
    "set_cookie",
    "signature",
    "sig",
    "private",
    "private_key",
    "private-key",
    "dsn",
    "connection_string",
    "connection-string",
    "connectionString",
    "credential",
    "credentials",
    "x-amz-security-token",
    "X-Amz-Meta_x",
    "x_amz_x",
    "client_secret",
    "client-secret",
    "clientSecret",
    "signing_secret",
    "signing-secret",
    "otp",
    "pin",
    "session_key",
    "session-key",
    "sessionkey",
    "oidc_token",
    "oidc-token",
    "user_tokens",
    "user-tokens",
    "bearer",
    "webhook_url",
    "webhook-url",
    "my.token",
    "token_2",
    "DB_PASSWORD",
    "SMTP-PWD",
]
OPEN_NAMES = [
    "author",
    "tokens",
    "total_tokens",
    "keyboard",
    "monkey",
    "pinned",
    "signal",
    "authored",
    "pathauthor",
    "secretary",
    "key",
    "code",
    "state",
    "id",
    "headers2",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_is_known_by_the_name_of_its_field(name: str) -> None:
    assert Redactor().json({name: "abcdefgh1234", "other": "abcdefgh1234"}) == {
        name: "••••1234",
        "other": "abcdefgh1234",
    }
    assert Redactor().json({name: ["abcdefgh1234", 5]}) == {name: ["••••1234", 5]}


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_a_name_that_only_sounds_secret_hides_nothing(name: str) -> None:
    assert Redactor().json({name: "abcdefgh1234"}) == {name: "abcdefgh1234"}


def test_only_the_end_of_a_long_secret_is_shown() -> None:
    assert (mask_secret("abcdefghijkl"), mask_secret("abcdefghijk"), mask_secret("x")) == ("••••ijkl", "••••", "••••")


@pytest.mark.parametrize(
    "holder", ["env_vars", "env", "headers", "Headers", "user_tokens", "secrets", "cookies", "credentials"]
)
def test_values_within_a_holder_of_secrets_are_masked_whatever_their_name(holder: str) -> None:
    value = {
        holder: {
            "X": "hidden",
            "deep": {"y": "hidden", "Accept": "json"},
            "list": [{"z": "hidden"}],
            "n": 5,
            "none": "",
        }
    }
    assert Redactor().json(value) == {
        holder: {"X": "••••", "deep": {"y": "••••", "Accept": "json"}, "list": [{"z": "••••"}], "n": 5, "none": ""}
    }


@pytest.mark.parametrize(
    "name",
    [
        "Accept",
        "accept-encoding",
        "Content-Type",
        "content-length",
        "User-Agent",
        "Host",
        "Date",
        "Cache-Control",
        "toolcallid",
    ],
)
def test_a_header_without_secrets_is_shown(name: str) -> None:
    assert Redactor().json({"headers": {name: "abcdefgh1234"}}) == {"headers": {name: "abcdefgh1234"}}


@pytest.mark.parametrize("name", ["x-accept", "hosts", "xhost", "dated", "x-date", "cache-controls"])
def test_a_header_that_only_sounds_harmless_is_masked(name: str) -> None:
    assert Redactor().json({"headers": {name: "abcdefgh1234"}}) == {"headers": {name: "••••1234"}}


LOOKS = [
    ("-----BEGIN PRIVATE KEY-----\nMIIx\n-----END PRIVATE KEY----- after", "••••---- after"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIx\nand no end", "•••• end"),
    ("eyJhbGciOiJ.eyJzdWIiOiI.c2ln and", "••••c2ln and"),
    ("sk-abcdefghij123456 x", "••••3456 x"), ("sk-abcdefghij12345 x", None), ("task-abcdefghij123456", None),
    ("ghp_abcdefghijklmnop1234", "••••1234"), ("gho_abcdefghijklmnop1234", "••••1234"), ("ghu_abcdefghijklmnop1234", "••••1234"),
    ("ghs_abcdefghijklmnop1234", "••••1234"), ("ghr_abcdefghijklmnop1234", "••••1234"), ("ghx_abcdefghijklmnop1234", None),
    ("github_pat_abcdefghijklmnop1234", "••••1234"), ("glpat-abcdefghijkl1234", "••••1234"),
    *((f"xox{kind}-abcdef1234", "••••1234") for kind in "abeoprs"),
    ("AKIAABCDEFGHIJKL1234", "••••1234"), ("ASIAABCDEFGHIJKL1234", "••••1234"),
    ("AIzaabcdefghijklmnopqrstuvwxyz1234", "••••1234"), ("npm_abcdefghijklmnopqrstuvwxyz1234", "••••1234"),
    ("pypi-abcdefghijklmnopqrstuvwxyz1234", "••••1234"),
    *((f"{kind}_{mode}_abcdefghijkl1234", "••••1234") for kind in ("rk", "sk") for mode in ("live", "test")),
    ("Bearer abcdefgh1234", "Bearer ••••1234"), ("basic  dXNlcjpwdw==", "basic  ••••dw=="),
    ("Basic dXNlcjpwdw12", "Basic ••••dw12"), ("bearer abcdefg", None),
    ("postgres://me:hunter@db/x", "postgres://me:••••@db/x"), ("https://:hunter@db/x", "https://:••••@db/x"),
    *((f"https://h/?a=b&{name}=abc;x", f"https://h/?a=b&{name}=••••;x") for name in
      ["access_token", "my.secret", "password", "x-signature", "credential", "api_key", "apikey", "sig", "key", "code", "state", "auth", "pwd"]),
    ("https://h/?code=a;key=b", "https://h/?code=••••;key=••••"), ("https://h/?barcode=a&keys=b", None),
    *((f"{name}{sign}abc123, x", f"{name}{sign}••••, x") for sign in ("=", ": ", " = ", "\": \"", "'='") for name in
      ["api_key", "apikey", "API-KEY", "secret", "password", "passwd", "token", "credentials", "my_token"]),
    ("password=abcdefgh1234", "password=••••1234"), ("?sig=abcdefgh1234", "?sig=••••1234"), ("password=abc12", None), ("total: abc123", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), LOOKS)
def test_a_secret_is_known_by_its_form(text: str, shown: str | None) -> None:
    assert Redactor().text(text) == (shown or text)
    assert Redactor().text(f"see {text}") == f"see {shown or text}"
    assert Redactor().text(Redactor().text(text)) == (shown or text)


def test_secrets_in_json_text_are_masked_and_other_json_text_is_unchanged() -> None:
    redactor, dots = Redactor(), r"\u2022" * 4
    assert redactor.text('{"pin":"1234","a":[1]}') == f'{{"pin":"{dots}","a":[1]}}'
    assert redactor.text('[{"pin": "1234"}]') == f'[{{"pin":"{dots}"}}]'
    assert redactor.text('{"a": "b"}') == '{"a": "b"}'
    assert redactor.text('{"password": "abc123"') == '{"password": "••••"'
    assert redactor.json({"payload": '{"pin":"1234"}'}) == {"payload": f'{{"pin":"{dots}"}}'}


def test_a_name_may_be_a_secret_and_values_that_are_no_text_stay() -> None:
    value = {"ghp_abcdefghijklmnop1234": 1, 5: None, "t": (1.5, True), "pin": 1234, "": "abc", "sig": ""}
    assert Redactor().json(value) == {"••••1234": 1, 5: None, "t": [1.5, True], "pin": 1234, "": "abc", "sig": ""}


def test_a_value_is_not_shown_below_a_maximum_depth() -> None:
    value: Any = "Bearer abcdefgh1234"
    for _ in range(200):
        value = [value]
    shown = Redactor().json(value)
    assert json.dumps(shown, ensure_ascii=False).strip("[]") == '"Bearer ••••1234"'
    assert json.dumps(Redactor().json([value]), ensure_ascii=False).strip("[]") == '"… nested too deep to show"'
    for name, depth in (
        ("headers", 202),
        ("other", 201),
    ):  # what is held in a place for secrets is masked before it is looked into
        deep: Any = "Bearer abcdefgh1234"
        for number in range(1, depth + 1):
            deep = {name: deep}
            shown = json.dumps(Redactor().json(deep), ensure_ascii=False)
            assert ("too deep" in shown) == (number == depth)
            assert "abcdefgh" not in shown


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\U000e0041", "\u034f"])
@pytest.mark.parametrize(
    "secret",
    ["ghp_abcdefghijklmnopqrst1234", "xp-0123456789abcdef", "password: correct-horse", "Bearer abcdefgh12345678"],
)
def test_zero_width_characters_hide_no_secret(secret: str, hidden: str) -> None:
    redactor = Redactor(["xp-0123456789abcdef"])
    for at in range(1, len(secret)):
        shown = sanitize_text(redactor.text(f"it is {secret[:at]}{hidden}{secret[at:]} and {secret}"))
        assert secret not in shown
        assert "••••" in shown


def test_zero_width_characters_hide_no_secret_name_and_stay_elsewhere() -> None:
    assert Redactor().json({"pass\u200bword": "correct horse battery"}) == {"pass\u200bword": "••••tery"}
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert Redactor(["xp-0123456789abcdef"]).text(family) == family


def test_a_text_that_is_too_short_for_a_key_is_not_searched_for() -> None:
    redactor = Redactor(["abcde", "", "ábcdéf"])
    assert redactor.text("abcde") == redactor.mask_known("abcde") == "abcde"
    assert redactor.mask_known("my ábcdéf") == "my ••••"
    assert Redactor(["abcde"]).mask_known("abcde YWJjZGU=") == "abcde YWJjZGU="
    assert Redactor(["sixsix"]).mask_known("sixsix") == "••••"


@given(st.text(min_size=6, max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_a_known_secret_is_found_in_every_encoding(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor([secret, "another-one"])
    raw = before + secret.encode() + after
    whole = (secret, quote(secret), quote(secret, safe=""))
    for text in (*whole, base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        assert "••••" in redactor.mask_known(f"x {text} y")
    assert redactor.mask_known(f"x {secret} y {secret}") == "x •••• y ••••"
    assert redactor.json([secret, {"a": f" {secret}"}]) == ["••••", {"a": " ••••"}]


@pytest.mark.parametrize(("before", "begin", "end"), [(b"", 0, 8), (b"-", 2, 9), (b"--", 3, 10)])
def test_a_known_secret_in_base64_is_masked_to_its_last_own_character(before: bytes, begin: int, end: int) -> None:
    for after in (b"", b"~", b"~~", b"~~~"):
        text = base64.b64encode(before + b"sixsix" + after).decode()
        assert Redactor(["sixsix"]).mask_known(text) == f"{text[:begin]}••••{text[end:]}"


def test_the_longer_of_two_known_secrets_is_masked_whole() -> None:
    assert Redactor(["secret-one", "secret-one-and-more"]).mask_known("secret-one-and-more") == "••••"


def test_a_limited_number_of_short_texts_is_cached() -> None:
    # Private: the size of the cache is not visible from outside.
    redactor = Redactor()
    for number in range(10_050):
        assert redactor.text(f"id {number}") == f"id {number}"
    assert redactor.text("password=hunter22") == "password=••••"
    assert len(redactor._cached_texts) < 10_002


PIECES = ["=", ":", "://", "@", "?", "&", ";", "_", "-", ".", " ", '"', "key", "Api", "SECRET", "passwd", "token", "bearer",
          "basic", "eyJ", "-----BEGIN PRIVATE KEY-----", "sk-", "ghp_", "glpat-", "xoxb-", "AKIA", "ASIA", "AIza", "npm_",
          "pypi-", "rk_live_", "sig", "code", "pwd", "auth", "credential", "a1b2c3d4e5f6g7h8", "\u017f", "\u212a", "x"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=9).map("".join))
def test_text_that_is_skipped_holds_no_secret(text: str) -> None:
    # Private: the short cut has to agree with the pattern that it saves.
    assert _mask_patterns(text) == _secret_pattern().sub(_mask_match, text)


def test_the_cache_of_texts_is_limited() -> None:
    # Private: the size of the cache is not visible from outside.
    redactor = Redactor()
    for number in range(MAX_CACHED_TEXTS + 2):
        assert redactor.json({f"name {number}": f"value {number}"}) == {f"name {number}": f"value {number}"}
    assert 0 < len(redactor._cached_texts) < MAX_CACHED_TEXTS
    assert redactor.json({"token": "abcdefgh1234"}) == redactor.json({"token": "abcdefgh1234"}) == {"token": "••••1234"}


LONG_KEY = "xp-9fK3/a+Z7q_Wm2Lr8TbY=5c&dQ"
SURROUNDINGS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=80)


@pytest.mark.parametrize("name", [*CODINGS, *OF_LONG_SECRETS])
def test_the_configured_key_is_masked_in_each_coding(name: str) -> None:
    coded = {**CODINGS, **OF_LONG_SECRETS}[name](LONG_KEY)
    shown = Redactor([LONG_KEY]).text(f"it is {coded} and that")
    assert coded not in shown
    assert LONG_KEY not in shown
    assert re.fullmatch(r"it is .{0,8}••••.{0,8} and that", shown, re.DOTALL)


@settings(max_examples=400, deadline=None)
@given(KEYS, st.sampled_from(list(CODINGS)), SURROUNDINGS, SURROUNDINGS)
def test_a_random_key_is_masked_in_each_coding(key: str, name: str, before: str, after: str) -> None:
    assume("tags" not in name or not set(key + before) & set("<>"))
    assume("console" not in name or not set(key + before) & set("[]"))
    assume("written" not in name or "\\" not in key)
    coded = CODINGS[name](key)
    shown = Redactor([key]).text(f"{before} {coded} {after}")
    assert key not in shown
    assert coded not in shown
    assert "••••" in shown


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_key_within_longer_base64_is_masked(encoding: str, twice: bool, shift: int) -> None:
    coded = base64.b64encode(b"?" * shift + LONG_KEY.encode(encoding) + b"more")
    if twice and encoding != "utf-8":
        return
    for outer in range(3):
        text = base64.b64encode(b"~" * outer + coded).decode() if twice else coded.decode()
        assert len(Redactor([LONG_KEY]).mask_known(text)) < 24


@pytest.mark.parametrize("encode", [base64.a85encode, base64.b85encode])
@pytest.mark.parametrize("shift", range(4))
def test_a_key_within_longer_base85_is_masked(encode: Callable[[bytes], bytes], shift: int) -> None:
    text = encode(b"?" * shift + LONG_KEY.encode() + b"more").decode()
    assert len(Redactor([LONG_KEY]).mask_known(text)) < 24


def test_only_the_part_that_reveals_the_key_is_masked() -> None:
    redactor = Redactor(["xp-0123456789abcdef"])
    told = "".join(f"\\u{ord(char):04x}" for char in "xp-0123456789abcdef")
    assert (
        redactor.text(f"50 % of <b>{told}</b>, and xp-01234\n56789abcdef, too") == "50 % of <b>••••</b>, and ••••, too"
    )
    assert redactor.text("é xp-01<i>23456789abcd</i>ef é XP-0123456789ABCDEF") == "é •••• é ••••"


WORDS = [
    "the",
    "quarterly",
    "report",
    "0123",
    "456789",
    "abc",
    "DEF",
    "xp",
    "payment",
    "of",
    "1,000,000",
    "EUR",
    "secrets",
    "one",
]
PUNCTUATION = [
    " ",
    ", ",
    "\n",
    "-",
    ": ",
    "%20",
    "\\n",
    "&amp;",
    "=",
    "<b>",
    "</b>",
    "[1]",
    "é",
    "**",
    "/",
    "0x",
    "\\u00e9",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS + PUNCTUATION) | st.text(max_size=4), max_size=60).map("".join))
def test_no_ordinary_text_is_masked_as_a_key(text: str) -> None:
    keys = ["xp-9fK3a7Z7qWm2Lr8TbY5cdQ", "local-5f1e9c7d3b", "!!!!?!", "secrone", "0123-4567-89"]
    assume(not any(key.lower() in text.lower() for key in keys))
    hidden = "".join(char for char in text if char.isprintable())
    assume(not any(key.lower() in hidden.lower() for key in keys))
    assert Redactor(keys).mask_known(text) == text


def test_a_short_key_is_not_matched_across_words() -> None:
    text = "In secret one may say: on, ward; and 65 times 66 is more."
    assert Redactor(["secret-one", "onward", "sayon-ward"]).mask_known(text) == text


def test_no_text_slows_the_patterns_down() -> None:
    redactor = Redactor([LONG_KEY])
    for piece in ("\\", "%25", "&amp;", "&", "<", "[a", "\x1b[", "=", "&#0", "%", "<>", "0x", "\\u"):
        text = piece * (200_000 // len(piece))
        began = time.process_time()
        assert redactor.mask_known(text) == text
        assert time.process_time() - began < 2


SDK_SECRETS: list[Any] = [
    {"payload_extension": {"sso_fetch_key": "hidden"}},
    {"payload_extension": {"ssoFetchKey": "hidden"}},
    {"llm_credentials": {"value": "hidden", "name": "shown", "description": "shown"}},
    {"llm_credentials": [{"value": "hidden"}]},
    {"llm_credentials": {"value": {"deep": ["hidden"]}}},
    {"llm_extra_headers": {"X-Any": "hidden", "Accept": "shown"}},
    {"extra_headers": {"X-Any": "hidden"}},
    {"custom_headers": {"X-Any": "hidden"}},
    {"customHeaders": {"X-Any": ["hidden", {"deep": "hidden"}]}},
    {"curl_command": "hidden"},
    {"connectivity_details": {"auth_value": "hidden", "curlCommand": "hidden", "invoke_url": "shown"}},
    {"mcp_servers": [{"auth": {"type": "shown", "value": "hidden", "any": {"deep": "hidden"}}}]},
    {"mcp_servers": [{"auth": ["hidden"]}, {"auth": "hidden"}, {"sso_token": "hidden", "ssoToken": "hidden"}]},
    {"connection_uri": {"uri": "hidden"}},
    {"connection_uri": "hidden"},
    {"config": [{"path": "shown", "contents": "hidden"}], "contents": "shown"},
    {"on_error": {"webhook": [{"url": "hidden", "headers": {"any": "hidden"}}]}, "url": "shown"},
    {"headers": ["hidden"], "value": "shown"},
    {"authorization": {"any": "hidden", "scheme": "shown", "deep": {"value": "hidden"}}},
    {"properties": {"password": {"type": "shown", "description": "shown"}}},
]


@pytest.mark.parametrize("value", SDK_SECRETS, ids=str)
def test_fields_that_hold_secrets_in_the_sdk_are_masked(value: Any) -> None:
    shown = json.dumps(Redactor().json(value))
    assert "hidden" not in shown
    assert shown.count("shown") == json.dumps(value).count("shown")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://:hunter@host/x", "https://:••••@host/x"),
        ("https://:hun@ter@host/x", "https://:••••@host/x"),
        ("redis://:hunter@host:6379/0", "redis://:••••@host:6379/0"),
        ("https://abcdefgh1234@host/x", "https://••••1234@host/x"),
        ("ssh://git@github.com/x", None),
        ("https://dana@host/x", None),
        ("https://host/@scope/name", None),
        ('["http://host:8080","dana@host.example"]', None),
        ('see "http://host:8080","dana@host.example"', None),
        ('see "https://u:hunter@host","dana@host.example"', 'see "https://u:••••@host","dana@host.example"'),
        ("https://host/x mail a@b.example", None),
        ('answered {"password": "correct horse battery"}', 'answered {"password": "••••tery"}'),
        ("answered {'password': 'correct horse battery'}", "answered {'password': '••••tery'}"),
        (r"answered {\"password\": \"correct horse battery\"}", r"answered {\"password\": \"••••tery\"}"),
        (r"answered {\\\"api_key\\\":\\\"abcdefgh\\\"}", r"answered {\\\"api_key\\\":\\\"••••\\\"}"),
    ],
)
def test_a_password_in_an_address_or_in_quotes_is_masked_whole(text: str, shown: str | None) -> None:
    assert Redactor().text(text) == (shown or text)


SPELLINGS = [
    "{}",
    "%{:02x}",
    "\\x{:02X}",
    "\\u{:04x}",
    "\\\\u{:04x}",
    "\\{:03o}",
    "&#{};",
    "&#x{:x};",
    "&amp;#{};",
    "%u{:04x}",
]


@given(st.lists(st.tuples(st.integers(33, 126), st.sampled_from(SPELLINGS)), min_size=6, max_size=40), SURROUNDINGS)
def test_a_key_with_differently_escaped_characters_is_masked(characters: list[tuple[int, str]], before: str) -> None:
    key = "".join(chr(code) for code, _ in characters)
    assume(not set(key) & set("%\\&;#"))
    text = "".join(form.format(chr(code) if form == "{}" else code) for code, form in characters)
    shown = Redactor([key]).mask_known(f"{before} {text} after")
    assert text not in shown
    assert "••••" in shown


def test_odd_escapes_are_left_and_long_holder_names_are_masked() -> None:
    redactor = Redactor([LONG_KEY])
    for text in ("\\U00110000 of &#9999999; and \\u{ffffff}, &nosuch; and é%41", "\ud800 50%"):
        assert redactor.mask_known(text) == text
    long_name = "custom_headers" + "\u200b" * MAX_CACHED_CHARS
    assert redactor.json({long_name: {"any": "hidden", "list": ["hidden", "", 5]}}) == {
        long_name: {"any": "••••", "list": ["••••", "", 5]}
    }
    assert redactor.json({"a" * 50: {"value": "shown"}}) == {"a" * 50: {"value": "shown"}}


def test_secrets_are_masked_by_name_by_look_and_by_value() -> None:
    redactor = Redactor(["the-configured-key-123"])
    value = {"api_key": "abcdefghijklmnop", "tokens": {"total_tokens": 5}, "headers": {"X": "hidden", "Accept": "json"},
             "note": "Bearer abcdefghijk123 the-configured-key-123", "author": "me"}  # fmt: skip
    shown = dumps(redactor.json(value))
    for secret in ("abcdefghijklm", "hidden", "abcdefghijk123", "the-configured-key-123"):
        assert secret not in shown
    assert '"author":"me"' in shown
    assert '"total_tokens":5' in shown
