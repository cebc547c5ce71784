"""Dependencies: each is needed, bounded and pinned by hash, and builds are reproducible."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.trust.audit import CANARY, ROOT, locked, main

UV = Path(sys.executable).parent / "uv"
TEXT = (ROOT / "pyproject.toml").read_text()
PROJECT = tomllib.loads(TEXT)
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
BASE = PROJECT["project"]["dependencies"]
LOCAL = PROJECT["project"]["optional-dependencies"]["local"]
BOUNDED = re.compile(r"(?P<name>[a-z0-9-]+)>=(?P<lowest>\d+(\.\d+)*),<(?P<beyond>\d+(\.\d+)*)")


def names(requirements: Iterable[str]) -> set[str]:
    """Return the distributions that requirements name."""
    return {one.split(">=")[0] for one in requirements}


def imported(files: Iterable[Path]) -> set[str]:
    """Return the distributions that files import."""
    modules = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Import(names=found):
                    modules |= {one.name.split(".")[0] for one in found}
                case ast.ImportFrom(module=str(module), level=0):
                    modules.add(module.split(".")[0])
    known = packages_distributions()
    return {known[module][0].lower() for module in modules - sys.stdlib_module_names - {"tui"}}


@pytest.mark.parametrize("requirement", [*PROJECT["build-system"]["requires"], *BASE, *LOCAL])
def test_each_dependency_has_bounds_and_a_reason(requirement: str) -> None:
    assert BOUNDED.fullmatch(requirement)
    assert re.search(rf'^ *# [A-Z].+\.\n.*"{re.escape(requirement)}"', TEXT, re.MULTILINE)


def test_the_next_minor_version_of_textual_is_excluded() -> None:
    (requirement,) = (match for one in BASE if (match := BOUNDED.fullmatch(one)) and match["name"] == "textual")
    major, minor, _ = map(int, requirement["lowest"].split("."))
    assert requirement["beyond"] == f"{major}.{minor + 1}"


def test_declared_and_imported_packages_are_the_same() -> None:
    ours, local = set((ROOT / "tui").rglob("*.py")), set((ROOT / "tui/local").rglob("*.py"))
    assert imported(ours - local) | {"pydantic"} == names(BASE)  # that one is fixed as a part, wherever it is used
    assert imported(local) - names(BASE) == names(LOCAL)
    assert "pydantic" in imported(local)


def test_the_lock_has_a_hash_for_every_file_and_is_up_to_date() -> None:
    files = [
        (package["name"], file)
        for package in LOCK["package"]
        if package["source"] != {"editable": "."}
        for file in [*package.get("wheels", ()), package.get("sdist", {})]
        if file or not package.get("wheels")
    ]
    assert len({name for name, _ in files}) == len(locked()) == len(LOCK["package"]) - 1
    assert not [name for name, file in files if not re.fullmatch("sha256:[0-9a-f]{64}", file.get("hash", ""))]
    subprocess.run([UV, "lock", "--check", "--offline", "--quiet"], cwd=ROOT, check=True)


def built(place: Path, when: int, umask: int, *kinds: str) -> dict[str, str]:
    """Build a copy with files of this time and mode, and return the digests of the results."""
    copy = place / "tree"
    copy.mkdir(parents=True)
    for name in ("tui", "styles", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".gitignore", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for path in copy.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
        os.utime(path, (when, when))
    environ = {**os.environ, "PYTHONHASHSEED": str(umask)}
    command: list[str | Path] = [UV, "build", "--quiet", *kinds, "--python", sys.executable, "--out-dir", "../dist"]
    subprocess.run(command, check=True, env=environ, umask=umask, cwd=copy)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (place / "dist").glob("xp_tui*")}


def test_two_builds_are_identical_to_the_byte(tmp_path: Path) -> None:
    through_the_sdist = built(tmp_path / "here", 1_000_000_000, 0o022)
    from_the_tree = built(tmp_path / "there and deeper", 1_700_000_001, 0o077, "--wheel", "--sdist")
    assert {Path(name).suffix for name in from_the_tree} == {".whl", ".gz"}
    assert through_the_sdist == from_the_tree


def told(pin: str, *ids: str) -> dict[str, Any]:
    """Return a pip-audit report of a version."""
    name, version = pin.split("==")
    return {"name": name, "version": version, "vulns": [{"id": one, "fix_versions": ["9.9"]} for one in ids]}


GOOD = [told(pin) for pin in locked()]
NOT_FOUND = {"name": CANARY.split("==")[0], "skip_reason": "not found"}
BAD = locked()[0]


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        ([*GOOD, told(CANARY, "PYSEC-2021-108")], 0, f"{len(GOOD)} versions audited by pypi, advisories: 0\n"),
        ([*GOOD, told(CANARY)], 1, f"the audit could not look: pypi: it has nothing against {CANARY}; osv: "),
        ([*GOOD, NOT_FOUND], 1, f"the audit could not look: pypi: it has nothing against {CANARY}; osv: "),
        ([], 1, f"the audit could not look: pypi: it has nothing against {CANARY}; osv: "),
        (None, 1, "the audit could not look: pypi: nobody answers; osv: nobody answers\n"),
        ([*GOOD[1:], told(CANARY, "X")], 1, f"the audit could not look: pypi: it says nothing of {BAD}; osv: "),
        ([told(BAD, "PYSEC-1", "PYSEC-2"), *GOOD[1:], told(CANARY, "X")], 1,
         f"{BAD} is vulnerable: PYSEC-1, fixed in 9.9\n{BAD} is vulnerable: PYSEC-2, fixed in 9.9\n"),
    ],
    ids=["good", "nothing known of the canary", "canary skipped", "empty", "crashed", "one not looked at", "vulnerable"],
)  # fmt: skip
def test_an_audit_counts_only_if_it_finds_the_canary(
    report: list[Any] | None, code: int, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report").write_text("" if report is None else json.dumps({"dependencies": report}))
    uv = tmp_path / "uv"  # it ends well whatever it says, as pip-audit does that was answered by the wrong source
    uv.write_text(f"#!/bin/sh\necho nobody answers >&2\ncat '{tmp_path}/report'\n")
    uv.chmod(0o700)
    assert main(str(uv)) == code
    assert capfd.readouterr().out.startswith(words)
