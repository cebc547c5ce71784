"""The options of a request: each text, and each file, becomes what is sent, or a mistake in words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.cli.parser import build_parser
from tui.cli.request_body import read_request_body
from tui.domain.task_options import FILE_KINDS, TASK_OPTIONS, OptionError, OptionKind
from tui.services.option_files import MAX_FILE_BYTES, read_options

TEXT_OPTIONS = [option for option in TASK_OPTIONS if option.kind not in FILE_KINDS]
VALUES: dict[OptionKind, st.SearchStrategy[str]] = {
    OptionKind.TEXT: st.sampled_from(["T", "a b", "Zürich, 8001", "1", "null", "[red]"]),
    OptionKind.TEXTS: st.just("https://x/1"),
    OptionKind.NUMBER: st.integers(1, 10**9).map(str),
    OptionKind.FLAG: st.just("yes"),
}


@given(st.data())
def test_the_editor_sends_what_the_command_line_sends(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(TEXT_OPTIONS), max_size=8, unique_by=lambda option: option.name))
    texts = {"user_email": "dana@example.com"}
    for option in chosen:
        texts[option.name] = data.draw(VALUES.get(option.kind, st.sampled_from(option.choices or ("",))))
    words = ["run", "agent", "prompt"]
    for option in TEXT_OPTIONS:
        if option.name in texts:
            words += [option.flag] if option.kind is OptionKind.FLAG else [option.flag, texts[option.name]]
    assert {"source": "xp-tui"} | read_options(texts) == read_request_body(build_parser(words).parse_args(words))


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("output_schema", '{"type": "object"}', {"output_schema": {"type": "object"}}),
        ("mcp", '[{"url": "https://x"}]', {"mcp_servers": [{"url": "https://x"}]}),
        ("oidc_token_file", " abc \n", {"user_oidc_token": "abc"}),
        ("user_tokens", '{"a": "b"}', {"user_tokens": {"a": "b"}}),
        ("principal", '{"kind": "user"}', {"input": {"principal": {"kind": "user"}}}),
        ("attachments", "[]", {"input": {"attachments": []}}),
        ("mcp", "{}", "HOME holds no JSON list"),
        ("output_schema", "[]", "HOME holds no JSON object"),
        ("output_schema", "{", "HOME: not JSON: "),
        ("oidc_token_file", " ", "the file of the OIDC token is empty"),
        ("user_tokens", "s3cret", "the file of the user tokens: not JSON: "),
        ("user_tokens", b"\xff", "the file of the user tokens is no text in UTF-8"),
        ("output_schema", b"x" * (MAX_FILE_BYTES + 1), "HOME is larger than 16 MiB"),
        ("user_attributes", "{}", "a user needs an e-mail address"),
    ],
)
def test_a_file_becomes_its_value_or_a_mistake_in_words(
    tmp_path: Path, name: str, content: str | bytes, wanted: Any
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if isinstance(wanted, dict):
        assert read_options({name: str(path)}) == wanted
        return
    with pytest.raises(OptionError) as caught:
        read_options({name: str(path)})
    assert str(caught.value).startswith(wanted.replace("HOME", str(path)))
    assert "s3cret" not in str(caught.value)


def test_a_pipe_or_an_odd_name_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (str(tmp_path / "pipe"), "/dev/zero", str(tmp_path), "~nobody-of-this-name/x", "\0", "x" * 5000):
        with pytest.raises(OptionError):
            read_options({"output_schema": name})
