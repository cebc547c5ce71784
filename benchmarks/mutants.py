"""Our own code changed in one place at a time, and whether a test notices: python -m benchmarks.mutants [--sample N] [file ...]"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import multiprocessing
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path

FORK = multiprocessing.get_context("fork")
ACTIVITY = ["tests/domain/test_activity_log.py", "tests/domain/test_state.py"]
ACTIONS = [
    "tests/services/test_actions.py",
    "tests/services/test_confirmation.py",
    "tests/services/test_earlier_actions.py",
]
TESTS = {
    "tui/client/sse.py": ["tests/client/test_sse.py"],
    "tui/domain/activity_log.py": ACTIVITY,
    "tui/domain/open_entries.py": ACTIVITY,
    "tui/domain/waits.py": [*ACTIVITY, "tests/domain/test_waits.py"],
    "tui/domain/tree_rows.py": ACTIVITY,
    "tui/domain/state.py": ACTIVITY,
    "tui/domain/observations.py": ACTIVITY,
    "tui/security/sanitize.py": ["tests/security/test_sanitize.py"],
    "tui/security/redact.py": ["tests/security/test_redact.py"],
    "tui/security/known_secrets.py": ["tests/security/test_redact.py"],
    "tui/services/actions.py": ACTIONS,
    "tui/services/action_checks.py": ACTIONS,
    "tui/services/action_requests.py": ACTIONS,
    "tui/domain/evidence.py": [*ACTIONS, "tests/client/test_models.py"],
    "tui/services/confirmation.py": ACTIONS,
    "tui/services/earlier_actions.py": ACTIONS,
}
"""The quick tests of each file."""
MARKS = ("key", "secret", "passw", "token", "credential", "bearer", "basic", "://", "eyj",
         "sk-", "glpat-", "xox", "akia", "asia", "aiza", "pypi-")  # fmt: skip
"""Those of redact.py that are a text there once."""
EQUIVALENT: dict[tuple[str, str], str] = {
    ("tui/domain/activity_log.py", "31 → 32"): "any number beyond every place in a log",
    ("tui/domain/activity_log.py", "20 → 21"): "any width beyond every number of an event",
    ("tui/security/redact.py", "'' → 'XX'"): "no name is no secret's, nor is XX; and an X is never quoted",
    (
        "tui/security/redact.py",
        "len(text) > MAX_CACHED_CHARS → len(text) >= MAX_CACHED_CHARS",
    ): "remembered or made again, it is the same",
    **{("tui/security/redact.py", f"{mark!r} → ''"): "only searches more" for mark in MARKS},
    (
        "tui/security/sanitize.py",
        "len(text) <= longest → len(text) < longest",
    ): "what is just long enough has no line that is cut",
    ("tui/security/sanitize.py", "'\u02ff' → ''"): "only a short cut: the category is asked for after it",
    ("tui/security/sanitize.py", "char > '\u02ff' → char >= '\u02ff'"): "it is no mark",
    ("tui/client/sse.py", "12 → 13"): "every number of so many digits is beyond the longest time",
}
"""What cannot be noticed, by file and change, and why."""
MEMORY = 4 << 30
REWRITTEN = "ignore::pytest.PytestAssertRewriteWarning"  # of hypothesis, which is loaded before
SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.LShift: ast.RShift, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A file with one change."""

    file: str
    line: int
    change: str
    number: int

    @property
    def module(self) -> str:
        """The name it is imported by."""
        return self.file.removesuffix(".py").replace("/", ".")


class Finder(SourceFileLoader):
    """Brings a mutant where its module is imported; no file is touched."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(Path(mutant.file).resolve()))
        self.mutant = mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Its own module and no other."""
        return spec_from_loader(name, self, origin=self.path) if name == self.name else None

    def get_code(self, fullname: str) -> object:
        """The changed tree."""
        tree = ast.parse(Path(self.path).read_text())
        next(one for one in mutants_in(tree, self.mutant.file) if one.number == self.mutant.number)
        return compile(ast.fix_missing_locations(tree), self.path, "exec")


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                yield _with(node, ops=[*ops[:place], SWAPPED[type(op)](), *ops[place + 1 :]])
        case ast.BoolOp(op=op):
            yield _with(node, op=SWAPPED[type(op)]())
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            if type(op) in SWAPPED:
                yield _with(node, op=SWAPPED[type(op)]())
            if isinstance(node, ast.AugAssign):
                yield ast.Pass()
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.comprehension(ifs=[first, *rest]):
            yield _with(node, ifs=[ast.UnaryOp(ast.Not(), first), *rest])
        case ast.match_case(guard=ast.expr() as guard):
            yield _with(node, guard=ast.UnaryOp(ast.Not(), guard))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Break() | ast.Continue():
            yield SWAPPED[type(node)]()
        case ast.Expr() | ast.Delete() | ast.Raise():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant("" if value else "XX")
        case ast.Constant(value=bytes() as value):
            yield ast.Constant(b"" if value else b"XX")


def _with(node: ast.AST, **changed: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every place of a node below this one, but for docstrings, annotations and decorators: holder, field, number."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for number, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant):
                continue
            if isinstance(item, ast.AST):
                yield node, name, number
                yield from places(item)


def mutants_in(tree: ast.Module, file: str) -> Iterator[Mutant]:
    """Every mutant of a file; while one is looked at, the tree is changed so."""
    line = count = 0
    for holder, name, number in places(tree):
        held = getattr(holder, name)
        node = held if number is None else held[number]
        line = getattr(node, "lineno", line)
        for variant in variants(node):
            if "lineno" in node._attributes:
                ast.copy_location(variant, node)
            _put(holder, name, number, variant)
            yield Mutant(file, line, f"{_short(node)} → {_short(variant)}", count)
            _put(holder, name, number, node)
            count += 1


def _put(holder: ast.AST, name: str, number: int | None, node: ast.AST) -> None:
    if number is None:
        setattr(holder, name, node)
    else:
        getattr(holder, name)[number] = node


def _short(node: ast.AST) -> str:
    """The head of a node."""
    if isinstance(node, ast.match_case):
        return f"case if {ast.unparse(node.guard)}"  # type: ignore[arg-type]
    if isinstance(node, ast.If | ast.While):
        return f"if {ast.unparse(node.test)}"
    words = repr(node.value) if isinstance(node, ast.Constant) else ast.unparse(node).strip()
    return words[:100]


def attack(mutant: Mutant | None, tests: list[str]) -> None:
    """Run tests, in a process of its own, with the mutant in place of its module."""
    import pytest

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    if mutant:
        sys.meta_path.insert(0, Finder(mutant))  # type: ignore[arg-type]
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", REWRITTEN, *tests]))


def survives(mutant: Mutant | None, tests: list[str], seconds: float) -> bool:
    """Whether the tests pass within their time."""
    job = FORK.Process(target=attack, args=(mutant, tests))
    job.start()
    job.join(seconds)
    if job.is_alive():
        job.kill()
        job.join()
    return job.exitcode == 0


def row(name: str, count: int, alive: int) -> str:
    """A row of the table."""
    return f"{name:<20} {count:>8} {count - alive:>8} {alive:>8} {100 * (count - alive) / max(count, 1):>7.1f} %"


def main() -> int:
    """Print a row for each file, and every change that no test noticed."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--sample", type=int, default=0, help="so many mutants of each file, drawn by lot; 0 is all")
    words.add_argument("--jobs", type=int, default=2)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--least", type=float, default=90.0, help="fail when fewer percent of all are killed")
    words.add_argument("files", nargs="*", default=list(TESTS))
    asked = words.parse_args()
    os.environ["XP_RUNS"] = "40"
    from hypothesis import HealthCheck, Phase, settings

    quick = settings(max_examples=40, derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
                     suppress_health_check=list(HealthCheck))  # fmt: skip
    settings.register_profile("quick", quick)
    settings.load_profile("quick")
    for name in ("trustme", "tui.client.client", "tui.local.process"):  # what every attack loads and no mutant is of
        importlib.import_module(name)
    tried = killed = 0
    print(f"{'file':<20} {'mutants':>8} {'killed':>8} {'survived':>8}")
    for file in asked.files:
        begun = time.monotonic()
        if not survives(None, TESTS[file], 300):
            print(f"{file}: its tests fail without any mutant")
            return 1
        seconds = 5 + 4 * (time.monotonic() - begun)
        tree = ast.parse(Path(file).read_text())
        mutants = [one for one in mutants_in(tree, file) if (file, one.change) not in EQUIVALENT]
        if asked.sample and asked.sample < len(mutants):
            mutants = random.Random(asked.seed).sample(mutants, asked.sample)
        with ThreadPoolExecutor(asked.jobs) as pool:
            fates = list(pool.map(lambda one: survives(one, TESTS[file], seconds), mutants))
        survivors = [one for one, fate in zip(mutants, fates, strict=True) if fate]
        tried, killed = tried + len(mutants), killed + len(mutants) - len(survivors)
        print(row(file, len(mutants), len(survivors)), f"  {time.monotonic() - begun:.0f} s")
        for one in sorted(survivors, key=lambda one: one.line):
            print(f"    {one.line}: {one.change}", flush=True)
    print(row("all", tried, tried - killed))
    return int(100 * killed < asked.least * tried)


if __name__ == "__main__":
    sys.exit(main())
