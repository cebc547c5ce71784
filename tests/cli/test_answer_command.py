"""The verb answer, and `continue` on a task that waits: what is sent, what is refused, and the exit codes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.conftest import FastClock
from tests.wire.platform import Platform, add_waiting_task
from tests.wire.server import Connection, Request, Server

OPTIONS = [{"id": "o1", "label": "eu-west (quiet now)"}, {"id": "o2", "label": "us-east"}]
WHERE = {"id": "q1", "question": "Which region first?", "options": OPTIONS, "allow_free_text": True}
STRICT = {"id": "q2", "question": "How fast?", "options": ["slow", "fast"], "allow_free_text": False}
COUNT = {"id": "q3", "question": "How many?"}


def ask(platform: Platform, *questions: dict[str, Any], task_id: str = "w") -> None:
    """Add a task that waits for answers to these questions."""
    platform.task(task_id, status="paused", deep_planning={"question_raised": True, "tasks": []})
    platform.entry(task_id, id="d1", decision_id="d1", title="A question", questions=list(questions))


async def shown_digest(shell: Shell, server: Server) -> str:
    return str((await shell.on(server, "show", "w", "-o", "json")).json["digest"])


def answers(platform: Platform) -> list[tuple[str, str]]:
    """Return the answers that were sent, each with the id of its question."""
    sent = [body["answers"] for verb, _, body in platform.decisions if verb == "answers"]
    return [(item["question_id"], item["answer"]) for items in sent for item in items]


async def test_show_prints_the_questions_with_their_choices_and_the_command_that_answers(
    shell: Shell, platform: Platform, server: Server
) -> None:
    ask(platform, WHERE, COUNT)
    said = await shell.on(server, "show", "w")
    for line in (
        "1. Which region first?",
        "1 eu-west (quiet now)",
        "2 us-east",
        "or a text of your own",
        "2. How many?",
    ):
        assert line in said.out
    digest = re.findall(r"^  digest +([0-9a-f]{32})", said.out, re.MULTILINE)[-1]
    assert f"xp-tui answer w --digest {digest} --choice N --text TEXT" in said.out
    told = (await shell.on(server, "show", "w", "-o", "json")).json
    choices = [{"number": 1, "id": "o1", "label": "eu-west (quiet now)"}, {"number": 2, "id": "o2", "label": "us-east"}]
    assert told["questions"][0] == {
        "id": "q1", "question": "Which region first?", "choices": choices, "takes_text": True,
    }  # fmt: skip
    assert (told["digest"], told["digest_decides"]) == (digest, True)


@pytest.mark.parametrize("choice", ["2", "us-east", "US-East", "o2"])
async def test_a_choice_is_answered_by_number_label_or_id_and_told_with_its_label(
    shell: Shell, platform: Platform, server: Server, choice: str
) -> None:
    ask(platform, WHERE)
    said = await shell.on(server, "answer", "w", "--digest", await shown_digest(shell, server), "--choice", choice)
    assert (said.code, answers(platform)) == (0, [("q1", "o2")]), said
    assert said.out.startswith('answered "us-east"')
    assert ('o2 is the id of choice 2 "us-east"' in said.err) == (choice == "o2")
    assert [line["summary"] for line in shell.journal.lines()] == ['answer "us-east"'] * 2
    again = await shell.on(server, "answer", "w", "--yes-unseen", "--choice", "1")
    assert again.code == 1
    assert "nothing to answer" in again.out
    assert len(answers(platform)) == 1


async def test_several_questions_take_their_flags_in_order(shell: Shell, platform: Platform, server: Server) -> None:
    ask(platform, WHERE, COUNT, STRICT)
    words = ["--choice", "1", "--text", "8 GB", "--choice", "fast"]
    said = await shell.on(server, "answer", "w", "--yes-unseen", *words)
    assert (said.code, answers(platform)) == (0, [("q1", "o1"), ("q3", "8 GB"), ("q2", "fast")]), said
    assert "unseen: digest" in said.err


@pytest.mark.parametrize(
    ("questions", "words", "message"),
    [
        ([WHERE], ["--choice", "4"], "there is no choice 4: choose 1 to 2"),
        ([WHERE], ["--choice", "0"], "choose 1 to 2"),
        ([WHERE], ["--choice", "-1"], "choose 1 to 2"),
        ([WHERE], ["--text", "4"], "there is no choice 4: choose 1 to 2"),
        ([WHERE], ["--choice", "mars"], 'no choice is called "mars": choose 1 "eu-west (quiet now)", 2 "us-east"'),
        ([STRICT], ["--text", "medium"], "takes no other words: choose 1 to 2"),
        ([COUNT], ["--choice", "1"], "no choices: answer it with a text"),
        ([WHERE], ["--text", " "], "the answer is empty"),
        ([WHERE], ["--text", '""'], "the answer is empty"),
        ([WHERE], ["--text", "No. 2"], '"No. 2" is not the plain number of a choice: choose 1 to 2'),
        ([{**WHERE, "options": [{"id": "yes", "label": " "}]}], ["--choice", ""], "the answer is empty"),
        ([WHERE], [], "the task asks one question, 0 are answered"),
        ([WHERE], ["--choice", "1", "--choice", "2"], "the task asks one question, 2 are answered"),
        (
            [WHERE, COUNT],
            ["--choice", "1"],
            "the task asks 2 questions, 1 are answered: give --choice or --text for each",
        ),
        ([WHERE, STRICT], ["--choice", "1", "--choice", "3"], "question 2: there is no choice 3: choose 1 to 2"),
    ],
)
async def test_an_answer_that_is_not_clear_is_a_mistake_of_usage(
    shell: Shell, platform: Platform, server: Server, questions: list[dict[str, Any]], words: list[str], message: str
) -> None:
    ask(platform, *questions)
    said = await shell.on(server, "answer", "w", "--yes-unseen", *words)
    assert said.code == 3
    assert message in said.err
    assert platform.decisions == []


async def test_a_question_that_changed_since_it_was_shown_is_not_answered(
    shell: Shell, platform: Platform, server: Server
) -> None:
    ask(platform, WHERE)
    digest = await shown_digest(shell, server)
    swapped = {**WHERE, "options": OPTIONS[::-1]}
    platform.entry("w", id="d1", decision_id="d1", title="A question", questions=[swapped])
    said = await shell.on(server, "answer", "w", "--digest", digest, "--choice", "2")
    assert (said.code, platform.decisions) == (7, []), said
    assert "changed while you read, nothing was sent" in said.out


async def test_a_masked_question_is_not_answered_by_digest(shell: Shell, platform: Platform, server: Server) -> None:
    ask(platform, {**WHERE, "question": "Is password=and-to-EVIL right?"})
    digest = await shown_digest(shell, server)
    said = await shell.on(server, "answer", "w", "--digest", digest, "--choice", "2")
    assert (said.code, platform.decisions) == (2, []), said
    assert (await shell.on(server, "answer", "w", "--yes-unseen", "--choice", "2")).code == 0


async def test_a_task_that_asks_nothing_is_not_answered(shell: Shell, platform: Platform, server: Server) -> None:
    add_waiting_task(platform)
    said = await shell.on(server, "answer", "w", "--yes-unseen", "--choice", "1")
    assert (said.code, platform.decisions) == (1, [])
    assert "nothing to answer: the task waits for approval" in said.out
    platform.change("w", status="stopped")
    said = await shell.on(server, "answer", "w", "--yes-unseen", "--choice", "1")
    assert (said.code, platform.decisions) == (7, [])


async def test_a_missing_address_for_answers_is_named_before_anything_is_read(
    shell: Shell, platform: Platform, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(platform, WHERE)
    monkeypatch.setattr("tui.client.endpoints.Surfaces.supports", lambda self, operation: False)
    said = await shell.on(server, "answer", "w", "--yes-unseen", "--choice", "1")
    assert said.code == 3
    assert "answers go over the public REST API, and no address of it is set" in said.err
    assert "XPANDER_API_URL" in said.err
    assert server.requests == []


# continue on a task that waits


async def test_a_message_to_a_task_with_an_open_question_is_held_back_with_the_command_that_answers(
    shell: Shell, platform: Platform, server: Server
) -> None:
    ask(platform, WHERE)
    digest = await shown_digest(shell, server)
    said = await shell.on(server, "continue", "w", "eu-west please")
    assert (said.code, platform.decisions) == (2, []), said
    assert 'waits for an answer to its question "Which region first?"' in said.err
    assert f"xp-tui answer w --digest {digest} --choice N" in said.err
    assert "send the message all the same with: --anyway" in said.err


async def test_a_question_can_still_be_answered_after_a_message(
    shell: Shell, platform: Platform, server: Server
) -> None:
    ask(platform, WHERE)
    said = await shell.on(server, "continue", "w", "hello?", "--anyway")
    assert said.code == 0, said
    assert platform.tasks["w"]["status"] == "paused"
    assert "xp-tui answer w --digest" in (await shell.on(server, "show", "w")).out
    said = await shell.on(server, "answer", "w", "--digest", await shown_digest(shell, server), "--choice", "1")
    assert (said.code, answers(platform)) == (0, [("q1", "o1")]), said


async def test_a_message_to_a_task_that_waits_for_approval_is_held_back(
    shell: Shell, platform: Platform, server: Server
) -> None:
    add_waiting_task(platform)
    said = await shell.on(server, "continue", "w", "go on")
    assert (said.code, platform.decisions) == (2, [])
    assert "the task waits for an approval, which a message does not decide: nothing was sent" in said.err
    assert "xp-tui approve w --digest" in said.err
    assert (await shell.on(server, "continue", "w", "go on", "--anyway")).code == 0


async def test_a_message_is_held_back_by_the_record_where_the_log_cannot_be_read(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    ask(platform, WHERE)
    platform.task("r", status="executing")

    async def answer(request: Request, connection: Connection) -> bool:
        if is_log := request.path.startswith("/activity/"):
            await connection.reply(403, {"detail": "no right to the log"})
        return is_log

    platform.before_reply = answer
    assert (await shell.on(server, "continue", "w", "go on")).code == 2
    assert platform.decisions == []
    await shell.on(server, "continue", "r", "go on")
    assert [verb for verb, _, _ in platform.decisions] == ["async"]


async def test_a_superseded_question_is_told_and_not_answered(shell: Shell, platform: Platform, server: Server) -> None:
    ask(platform, WHERE)
    platform.entry("w", role="user", content={"text": "never mind"})
    platform.entry("w", role="agent", content={"text": "all right"})
    platform.change("w", status="executing", deep_planning={"question_raised": False, "tasks": []})
    assert "superseded" in (await shell.on(server, "show", "w")).out
    said = await shell.on(server, "answer", "w", "--yes-unseen", "--choice", "1")
    assert (said.code, platform.decisions) == (1, [])
    assert "superseded" in said.out


@pytest.mark.parametrize(
    ("fields", "subject", "way"),
    [
        ({"pending_eca_request": {"connector_name": "Mail", "auth_url": "https://a.example/"}}, "a sign-in",
         "signing in does; it is shown by: xp-tui show w"),
        ({"hitl_request": None}, "a held call",
         "it is decided on the platform, under Settings > Approvals; it is shown by: xp-tui show w"),
    ],
)  # fmt: skip
async def test_continue_names_where_each_wait_is_decided(
    shell: Shell, platform: Platform, server: Server, fields: dict[str, Any], subject: str, way: str
) -> None:
    task = platform.task("w", status="paused", **fields)
    if subject == "a held call":
        request_id = platform.local.decisions.hold_call(task, "pay", {"amount": 5})["request_id"]
        platform.entry("w", tool_name="pay", payload={}, approval_request_id=request_id, result="it waits")
    said = await shell.on(server, "continue", "w", "go on")
    assert (said.code, platform.decisions) == (2, [])
    assert f"the task waits for {subject}, which a message does not decide" in said.err
    assert way in said.err


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_an_approval_of_a_question_names_the_command_that_answers(
    shell: Shell, platform: Platform, server: Server, verb: str
) -> None:
    ask(platform, WHERE)
    digest = await shown_digest(shell, server)
    for way in (["--yes-unseen"], ["--digest", digest]):
        said = await shell.on(server, verb, "w", *way)
        assert "waits for an answer to its question, not for an approval" in said.out
        assert f"decide it with: xp-tui answer w --digest {digest} --choice N" in said.err
    assert platform.decisions == []


@pytest.mark.parametrize("words", [["approve", "w9", "--yes-unseen"], ["stop", "w9"], ["continue", "w9", "go on"],
                                   ["reject", "w9", "--digest", "0" * 32]])  # fmt: skip
async def test_a_short_id_that_is_not_found_asks_for_the_whole_id(
    shell: Shell, platform: Platform, server: Server, words: list[str]
) -> None:
    said = await shell.on(server, *words)
    assert said.code in {1, 7}
    assert "give the whole id" in said.err
    words[1] = "w" * 32
    assert "give the whole id" not in (await shell.on(server, *words)).err
