"""The verbs journal and config."""

from __future__ import annotations

import json
import re
import tomllib

import jsonschema
import pytest

from tests.cli.conftest import Shell
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server
from tui.storage.options import OPTIONS, schema


def test_an_empty_journal_is_reported(shell: Shell) -> None:
    assert shell("journal") == (0, "", "nothing was done from here yet\n")
    said = shell("journal", "-o", "json")
    assert (said.code, said.json["items"]) == (0, [])
    assert shell("journal", "-o", "ndjson").out == ""
    assert shell("journal", "verify") == (0, "0 lines, none changed or missing\n", "")


def test_journal_lists_actions_with_their_outcomes(shell: Shell) -> None:
    shell.journal.write("sent", deed="d1", verb="approve", target="t1", comment="looks right")
    shell.journal.write("done", deed="d1", verb="approve", target="t1", words="approved by you", comment="looks right")
    shell.journal.write("noted")
    said = shell("journal", "--utc")
    head, *rows = said.out.splitlines()
    assert said.code == 0
    assert head.split() == ["WHEN", "WHAT", "VERB", "TITLE", "REASON", "WORDS", "PROFILE", "TASK"]
    assert [row.split()[2:] for row in rows] == [
        ["sent", "approve", "looks", "right", "t1"],
        ["done", "approve", "looks", "right", "approved", "by", "you", "t1"],
        ["noted"],
    ]
    assert all(row.split()[1].endswith("Z") for row in rows)


def test_journal_has_title_profile_clock_and_reason_of_each_decision(shell: Shell) -> None:
    action = {"deed": "d1", "verb": "reject", "target": "t1", "profile": "prod · agent-controller.acme.example"}
    shell.journal.write("held", **action, comment="wrong supplier", summary='reject "wrong supplier"')
    shell.journal.write("done", **action, comment="wrong supplier", title="Pay invoice 7", words="rejected by you")
    shell.journal.write("sent", deed="d2", verb="answer", target="t2", summary='answer "eu-west-1"', title="Roll out")
    shell.journal.write("sent", deed="d3", verb="create", target="a1", title="One")
    shell.journal.write("sent", deed="d4", verb="create", target="a1")
    said = shell("journal")
    rows = said.out.splitlines()[1:]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row) for row in rows)
    for row in rows[:2]:
        assert {"Pay invoice 7", "wrong supplier", "prod · agent-controller.acme.example"} <= set(
            re.split(" {2,}", row)
        )
    items = shell("journal", "-o", "json").json["items"]
    assert [(item["title"], item["reason"]) for item in items] == [
        ("Pay invoice 7", "wrong supplier"),
        ("Pay invoice 7", "wrong supplier"),
        ("Roll out", '"eu-west-1"'),
        ("One", None),
        (None, None),
    ]
    assert items[0]["profile"] == "prod · agent-controller.acme.example"
    assert [row["title"] for row in shell("journal", "-o", "ndjson").rows] == [item["title"] for item in items]


def test_a_foreign_journal_prints_neither_control_characters_nor_the_key(shell: Shell) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    shell.journal.write("done", verb="stop", target="\x1b[31mred\x1b[0m", words=f"two\nlines with {KEY}", at="never")
    said = shell("journal")  # that neither of them is printed, the shell looks itself
    assert len(said.out.splitlines()) == 2
    assert "two lines with ••••" in said.out


@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_a_journal_with_odd_lines_is_listed(shell: Shell, form: str) -> None:
    shell.journal.write("sent", verb="stop", target="t1")
    deep = '{"at":[5],"kind":{},"verb":[],"target":3,"words":' + "[" * 900 + "]" * 900 + "}"
    with shell.journal.path.open("a") as file:
        file.write("[" * 100_000 + "\n" + deep + "\n")
    shell.journal.write("done", verb="stop", target="t1")
    said = shell("journal", "-o", form)
    assert said.code == 0
    assert said.out.index("sent") < said.out.index("nested too deep") < said.out.index("done")
    assert shell("journal", "verify").code == 1


async def test_a_journaled_decision_is_masked_and_the_sent_one_is_not(
    shell: Shell, platform: Platform, server: Server
) -> None:
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})
    comment = f"asked with {KEY} and password=hunter2-hunter2"
    await shell.on(server, "reject", "w", "--yes-unseen", "--comment", comment)
    (sent,) = [request for request in server.requests if request.method == "POST"]
    assert comment in sent.json.values()
    told = shell.journal.path.read_text()
    assert "asked with" in told
    assert KEY not in told
    assert "hunter2-hunter2" not in told
    assert shell.journal.verify().faults == ()


def test_journal_prints_json_or_one_line_for_each_entry(shell: Shell) -> None:
    for number in range(3):
        shell.journal.write("sent", number=number)
    whole = shell("journal", "-o", "json").json
    assert (whole["kind"], [line["number"] for line in whole["items"]]) == ("journal", [0, 1, 2])
    assert [(row["v"], row["number"]) for row in shell("journal", "list", "-o", "ndjson").rows] == [
        (1, 0),
        (1, 1),
        (1, 2),
    ]


def test_journal_verify_fails_on_a_changed_line(shell: Shell) -> None:
    for number in range(3):
        shell.journal.write("sent", number=number)
    assert shell("journal", "verify") == (0, "3 lines, none changed or missing\n", "")
    verdict = shell("journal", "verify", "-o", "json")
    assert (verdict.code, verdict.json) == (0, {"v": 1, "kind": "verdict", "lines": 3, "faults": []})
    path = shell.journal.path
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":7'))
    assert shell("journal", "verify") == (1, "line 2: it was changed\n", "")
    verdict = shell("journal", "verify", "-o", "ndjson")
    assert (verdict.code, verdict.json["faults"]) == (1, [{"line": 2, "what": "it was changed"}])


def test_config_shows_the_source_of_each_setting(shell: Shell) -> None:
    path = shell.configure('read_only = true\nhold = 9\n[profiles.prod]\norganization = "o-\\u001b[31m1"\n')
    shell.export(XPANDER_API_KEY=KEY, XP_TUI_PROFILE="prod")
    said = shell("config", "--agent", "a1")
    rows = {row.split()[0]: row.split()[1:] for row in said.out.splitlines()}
    assert said.code == 0
    assert list(rows) == ["SETTING", *(option.name for option in OPTIONS)]
    assert rows["agent"] == ["a1", "command", "line"]
    assert rows["api_key"] == ["set", "XPANDER_API_KEY"]
    assert rows["read_only"] == ["true", "file", str(path)]
    assert rows["hold"] == ["9.0", "file", str(path)]
    assert rows["organization"][-2:] == ["profile", "prod"]
    assert rows["ascii"] == ["false", "default"]
    assert rows["theme"] == ["default"]
    told = shell("config", "show", "-o", "json").json
    assert (told["kind"], told["profile"]) == ("settings", "prod")
    assert told["items"]["hold"] == {"value": 9.0, "from": f"file {path}"}
    assert told["items"]["api_key"] == {"value": "set", "from": "XPANDER_API_KEY"}


def test_config_path_is_printed_without_a_settings_file(shell: Shell) -> None:
    assert shell("config", "path") == (0, f"{shell.home}/.config/xp-tui/config.toml\n", "")


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        ('hold = 0.5\nprofile = "prod"\n[profiles.prod]\ntime = "utc"\nread_only = true\n', True),
        ('[keys]\n"tasks.stop" = "ctrl+x"\n', True),
        ('base_ulr = "https://x"\n', False),
        ('time = "soon"\n', False),
        ("[profiles.prod]\nhold = -1\n", False),
    ],
)
def test_config_schema_describes_the_settings_file(shell: Shell, text: str, is_good: bool) -> None:
    said = shell("config", "schema")
    told = json.loads(said.out)
    assert (said.code, told) == (0, schema())
    jsonschema.Draft202012Validator.check_schema(told)
    assert jsonschema.Draft202012Validator(told).is_valid(tomllib.loads(text)) == is_good
