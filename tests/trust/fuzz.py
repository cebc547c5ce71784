"""Random command lines, environments, settings, files and standard streams.

python -m tests.trust.fuzz COUNT SEED
Each case is a process forked from one that has imported everything. It prints how often each exit code came, and what
went wrong: a code that is not in the README's table, a traceback, a crash file, a secret, a control character, silence.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

CODES = {0, 1, 2, 3, 4, 5, 6, 7, 129, 130, 143, -signal.SIGINT}
KEY = "the-fuzzed-key-0123456789"
MAX_SECONDS = 3.0
"""After this a case is interrupted with Ctrl+C; it has as long again to end."""
SEPARATE_PROCESS_EVERY = 40
"""One case of so many is a process of its own from its beginning."""
TEXTS = [
    b"", b"-", b"--", b"a1", b"w", b"none", b"x" * 9_000, b"\xff\xfe", b"\xed\xa0\x80", b"\x1b]0;owned\x07", b"\x00x", b"\r\n", b"\n",
    "\u202eabc".encode(), "\U0001f600".encode(), "\u0661".encode(), b"0", b"-1", b"1", b"99999", b"9" * 5_000, b"1e999", b"nan", b"inf",
    b"-inf", b"true", b"{}", b"[]", b"{" * 90_000, b"[" * 90_000, b'{"a": 1e999}', b'"\\ud800"', b"status:paused", b"age:<2d", b"re:/(/", b"re:/(a*)*b/",
    b"stat:x", b"http://127.0.0.1:1", b"http://[::1", b"https://x:99999", b"ftp://x", b"socks5://127.0.0.1:1", b"//", b"http://\xff",
    b"~nouser/x", b"~", b"/", b"/dev/null", b"/dev/full", b"/dev/zero", b"/proc/self/mem", b"../x", b"30m", b"0s", b"9999-12-31T23:59:59Z", b"0001-01-01",
    b"relative", b"utc", b"local", b"xp-dark", b"UTF-8", b"XXX-99:99", b"%s%n", b"$(id)", b"table", b"json", b"ndjson",
]  # fmt: skip
"""Odd values of arguments, variables and settings."""
VARIABLES = [
    "XPANDER_API_KEY", "XPANDER_ORGANIZATION_ID", "XPANDER_BASE_URL", "XPANDER_API_URL", "XPANDER_AGENT_ID", "IS_STG", "XP_TUI_READ_ONLY",
    "XP_TUI_PROFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME", "TZ", "COLUMNS", "LINES", "LANG", "LC_ALL", "TERM", "NO_COLOR", "TMUX",
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "EDITOR", "SSH_CONNECTION",
]  # fmt: skip
SETTINGS = [
    "api_key", "api_key_file", "organization", "base_url", "api_url", "agent", "staging", "insecure_http", "ca", "read_only", "hold", "time",
    "theme", "ascii", "reduced_motion", "keys", "timeout", "profile", "profiles", "frobnicate", "",
]  # fmt: skip
TOML_VALUES = [
    "1", "-1", "1.5", "nan", "inf", "true", '""', '"x"', "[1]", "{a = 1}", "{}", "[]", "9" * 5_000, "1e999", "2026-01-01", "'''x\n'''",
    '"\\u0000"', '"~nouser/x"', '"/dev/zero"', '"http://[::1"', "[" * 90_000, '"\\uD800"', '"socks5://x"', '"relative"', "0x1", "",
]  # fmt: skip
FILES = ["journal.jsonl", "drafts.json", "screens.json", "local", "runs", "reviews", "crashes"]
"""What is kept in the state folder, and may be something else."""


class Case(NamedTuple):
    """One command line with its environment, files and streams."""

    words: list[bytes]
    environ: dict[bytes, bytes]
    stdin: bytes | None
    """What can be read; None where it is closed."""
    stdout: str
    stderr: str


class Outcome(NamedTuple):
    """The result of a case."""

    code: int
    out: bytes
    err: bytes
    is_late: bool


COMMANDS = [
    "tasks", "tasks --all", "tasks -o json", "tasks status:paused", "show TASK", "show TASK -o json", "log TASK", "log TASK --tree", "log TASK -o ndjson",
    "agents", "agents -o json", "watch TASK --timeout 0.2s", "watch TASK -o ndjson --timeout 0.2s", "run invoice-bot words", "run invoice-bot -",
    "run --from -", "continue TASK more", "stop TASK", "approve TASK --yes-unseen", "reject TASK --yes-unseen --comment no",
    "approve TASK --digest 0123", "update TASK --status failed --yes", "reload TASK", "doctor", "doctor --json", "journal", "journal verify",
    "journal -o json", "config", "config path", "config schema", "config -o json", "--version", "--help", "tasks --help", "",
]  # fmt: skip
"""Command lines that are right."""


def words_of(chance: random.Random, tasks: Sequence[str]) -> list[bytes]:
    """Return a command line: half of them are valid, except for an odd argument now and then."""
    if chance.random() < 0.5:
        return odd_words(chance)
    words = [
        chance.choice(tasks).encode() if word == "TASK" else word.encode() for word in chance.choice(COMMANDS).split()
    ]
    if words and chance.random() < 0.2:
        words[chance.randrange(len(words))] = value(chance).replace(b"\x00", b"")
    if chance.random() < 0.1:
        words.append(value(chance).replace(b"\x00", b""))
    return words


def odd_words(chance: random.Random) -> list[bytes]:
    """Return a command line made of the arguments that its verb takes, with odd values."""
    from tui.cli.parser import VERBS, Parser

    verb = chance.choice([*VERBS, "frobnicate", ""])
    words: list[bytes] = []
    if verb in VERBS:
        parser = Parser(add_help=True)
        VERBS[verb][1](parser)
        actions = [action for action in parser._actions if action.option_strings]
        for action in chance.sample(actions, chance.randrange(min(5, len(actions) + 1))):
            words.append(chance.choice(action.option_strings).encode())
            if action.nargs != 0:
                words.append(str(chance.choice(list(action.choices))).encode() if action.choices else value(chance))
    words += [value(chance) for _ in range(chance.randrange(4))]
    if chance.random() < 0.3:
        chance.shuffle(words)
    before = [value(chance)] if chance.random() < 0.05 else []
    if verb == "local":
        words += [b"--end-with-stdin", b"--quiet"]
    if verb == "watch":
        words += [b"--timeout", b"0.2s"]
    return [word.replace(b"\x00", b"") for word in [*before, *([verb.encode()] if verb else []), *words]]


def value(chance: random.Random) -> bytes:
    """Return an odd value, or one made of random bytes."""
    if chance.random() < 0.15:
        return chance.randbytes(chance.randrange(1, 30))
    return chance.choice(TEXTS)


def settings_of(chance: random.Random) -> bytes:
    """Return a settings file."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(200))
    lines = []
    for _ in range(chance.randrange(4)):
        if chance.random() < 0.2:
            lines.append(f"[{chance.choice(['keys', 'profiles', 'profiles.x', 'x', '[x]'])}]")
        lines.append(f"{chance.choice(SETTINGS)} = {chance.choice(TOML_VALUES)}")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def lay_out(chance: random.Random, home: Path) -> None:
    """Put odd files into a home."""
    config, state = home / ".config/xp-tui", home / ".local/state/xp-tui"
    for folder in (config, state):
        folder.mkdir(parents=True)
    if chance.random() < 0.3:
        odd_file(chance, config / "config.toml", settings_of(chance))
    for name in FILES:
        if chance.random() < 0.08:
            odd_file(chance, state / name, value(chance))
    if chance.random() < 0.1:
        shutil.rmtree(state)
        odd_file(chance, state, value(chance))


def odd_file(chance: random.Random, path: Path, content: bytes) -> None:
    """Write an odd file, or put something else in its place."""
    match chance.randrange(8):
        case 0:
            path.mkdir()
        case 1:
            path.symlink_to(chance.choice(["/dev/zero", "/dev/null", "/nowhere/x", path.name, "/etc/passwd", "/"]))
        case 2:
            os.mkfifo(path)
        case _:
            path.write_bytes(content * chance.choice([1, 1, 1, 40]))
            path.chmod(chance.choice([0o600, 0o600, 0o644, 0o000, 0o666]))


def case_of(chance: random.Random, home: Path, url: str, tasks: Sequence[str]) -> Case:
    """Return a random case."""
    environ = {b"HOME": bytes(home), b"PATH": os.environb[b"PATH"], b"XPANDER_API_KEY": KEY.encode(),
               b"XPANDER_BASE_URL": url.encode(), b"XPANDER_API_URL": url.encode()}  # fmt: skip
    for name in chance.sample(VARIABLES, chance.choice([0, 0, 0, 0, 1, 2])):
        environ[name.encode()] = value(chance).replace(b"\x00", b"")
    stdin = None if chance.random() < 0.1 else chance.choice([b"", value(chance), value(chance) * 30])
    streams = [chance.choices(["read", "full", "closed", "gone"], [20, 1, 1, 1])[0] for _ in range(2)]
    return Case(words_of(chance, tasks), environ, stdin, *streams)


def opened(kind: str) -> tuple[int | None, int | None]:
    """Open a standard stream, and where it can be read; None if it is closed or not read."""
    if kind == "closed":
        return None, None
    if kind == "full":
        return os.open("/dev/full", os.O_WRONLY), None
    reader, writer = os.pipe()
    if kind == "gone":
        os.close(reader)
        return writer, None
    return writer, reader


def carried_out(case: Case, home: Path, *, is_forked: bool) -> Outcome:
    """Run a case, and read its output."""
    given = home / "stdin"
    given.write_bytes(case.stdin or b"")
    stdin = None if case.stdin is None else os.open(given, os.O_RDONLY)
    (stdout, out), (stderr, err) = opened(case.stdout), opened(case.stderr)
    if is_forked:
        if (pid := os.fork()) == 0:
            be(case, home, (stdin, stdout, stderr))
    else:
        pid = started(case, home, (stdin, stdout, stderr))
    for number in (stdin, stdout, stderr):
        if number is not None:
            os.close(number)
    return awaited(pid, out, err)


def placed(streams: Sequence[int | None]) -> None:
    """Install the standard streams, in the forked process."""
    high = [None if number is None else os.dup2(number, 200 + place) for place, number in enumerate(streams)]
    for place, number in enumerate(high):
        if number is None:
            with suppress(OSError):
                os.close(place)
        else:
            os.dup2(number, place)
    os.closerange(3, 256)


def started(case: Case, home: Path, streams: Sequence[int | None]) -> int:
    """Start a forked process."""
    if (pid := os.fork()) == 0:
        os.chdir(home)
        placed(streams)
        environ = {**case.environ, b"PYTHONPATH": bytes(Path(__file__).parents[2])}
        os.execve(sys.executable, [os.fsencode(sys.executable), b"-m", b"tui", *case.words], environ)
    return pid


def be(case: Case, home: Path, streams: Sequence[int | None]) -> None:
    """Run the command in the forked process; never returns."""
    os.chdir(home)
    placed(streams)
    os.environb.clear()
    os.environb.update(case.environ)
    time.tzset()
    sys.argv = ["xp-tui", *map(os.fsdecode, case.words)]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, _stream(number))
    from tui.__main__ import command

    code = 1
    try:
        code = command()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - the interpreter would write it so
        traceback.print_exc()
        with suppress(Exception):
            sys.stderr.flush()
    os._exit(code)


def _stream(number: int) -> IO[str] | None:
    """Return a standard stream as the interpreter opens it."""
    try:
        os.fstat(number)
    except OSError:
        return None
    mode = "r" if number == 0 else "w"
    errors = "backslashreplace" if number == 2 else "strict"
    return open(number, mode, encoding="utf-8", errors=errors, closefd=False)


def awaited(pid: int, out: int | None, err: int | None) -> Outcome:
    """Read the output of a process until it ends, and interrupt it if it takes too long."""
    told: dict[int | None, bytes] = {number: b"" for number in (out, err) if number is not None}
    left = [number for number in told if number is not None]
    begun, is_late, code = time.monotonic(), False, None
    while code is None or left:
        for number in select.select(left, [], [], 0.003)[0]:
            data = os.read(number, 65536)
            told[number] += data
            if not data:
                left.remove(number)
                os.close(number)
        seconds = time.monotonic() - begun
        if code is None:
            done, status = os.waitpid(pid, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if done else None
        if code is None and seconds > MAX_SECONDS:
            os.kill(pid, signal.SIGINT if not is_late else signal.SIGKILL if seconds > 3 * MAX_SECONDS else 0)
            is_late = True
        if code is not None and seconds > 4 * MAX_SECONDS:
            break  # somebody else has its streams still
    return Outcome(code or 0, told.get(out, b""), told.get(err, b""), is_late)


def wrong_with(case: Case, outcome: Outcome, home: Path) -> str:
    """Return what is wrong with an outcome; empty if nothing is."""
    both = outcome.out + outcome.err
    text = both.decode("utf-8", "replace")
    if outcome.code not in CODES:
        return f"exit code {outcome.code}"
    if found := re.search(r"Traceback|Exception ignored|has failed|never (?:awaited|retrieved)|Warning:", text):
        return found[0]
    if KEY in text:
        return "the key is printed"
    if odd := re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text):
        return f"a control character {odd[0]!r}"
    if not outcome.err and outcome.code not in {0, 130} and case.stderr == "read" and case.stdout == "read":
        return "silence" if not outcome.out else ""
    if any(home.rglob("crashes/*.txt")):
        return "a crash file"
    return ""


def fuzzed(count: int, seed: int, url: str) -> dict[str, Any]:
    """Run this many cases."""
    tasks = [*task_ids(url), "none"]
    codes: Counter[int] = Counter()
    wrong: list[str] = []
    late = 0
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            lay_out(chance, home)
            case = case_of(chance, home, url, tasks)
            outcome = carried_out(case, home, is_forked=number % SEPARATE_PROCESS_EVERY > 0)
            codes[outcome.code] += 1
            late += outcome.is_late
            if why := wrong_with(case, outcome, home):
                words = [os.fsdecode(word)[:80] for word in case.words]
                environ = {os.fsdecode(name): os.fsdecode(told)[:80] for name, told in case.environ.items()}
                wrong.append(f"{seed}:{number}: {why}: {words} {environ} {case[2:]!r:.300} {outcome.err[-1500:]!r}")
    return {"cases": count, "codes": dict(sorted(codes.items())), "interrupted": late, "wrong": wrong}


def task_ids(url: str) -> list[str]:
    """Return the ids of the newest tasks of the platform."""
    asked = urllib.request.Request(f"{url}/v1/tasks?per_page=20", headers={"x-api-key": KEY})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return [task["id"] for task in json.load(answer)["items"]]


def with_platform(work: Callable[[str], Any]) -> Any:
    """Run a function with the address of a local platform."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        (data / "key").write_text(KEY)
        (data / "key").chmod(0o600)
        command = [
            sys.executable,
            "-m",
            "tui",
            "local",
            "--port",
            "0",
            "--data",
            str(data),
            "--end-with-stdin",
            "--quiet",
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as local:
            assert local.stdin
            assert local.stdout
            try:
                return work(local.stdout.readline().split()[-1])
            finally:
                local.stdin.close()


def warm() -> None:
    """Import everything once, before processes are forked."""
    import importlib

    from tui.cli.dispatch import FUNCTION_OF_VERB

    for module in (
        *{f"tui.cli.{target.partition(':')[0]}" for target in FUNCTION_OF_VERB.values()},
        "tui.storage.settings",
        "httpx",
    ):
        importlib.import_module(module)


if __name__ == "__main__":
    warm()
    count, seed = map(int, sys.argv[1:])
    sys.stdout.write(json.dumps(with_platform(lambda url: fuzzed(count, seed, url))))
