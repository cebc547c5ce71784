"""Runs the tests on every Python of this machine from 3.11 up, with the newest and with the oldest dependencies.

python -m tests.matrix UV          the whole matrix: as long as `make test` takes, for each Python twice
python -m tests.matrix UV --quick  a part of the tests on the newest Python, with the newest dependencies: what CI runs
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ENVIRONMENTS = Path(".venv-matrix")
RESOLUTIONS = {"newest": "highest", "oldest": "lowest-direct"}
QUICK_TESTS = ["tests/client", "tests/domain", "tests/security", "tests/storage"]
WHOLE_TESTS = [
    "tests",
    # These build packages and look at this machine's own tools: one Python is enough for them.
    "--ignore=tests/test_wheel.py",
    "--ignore=tests/trust/test_supply.py",
]


def installed_pythons() -> dict[tuple[int, int], str]:
    """Return an interpreter for each minor version that is installed, on the path or by pyenv, by (major, minor)."""
    candidates = [sys.executable]
    for folder in os.get_exec_path():
        candidates += sorted(map(str, Path(folder).glob("python3.*[0-9]")))
    candidates += sorted(map(str, Path.home().glob(".pyenv/versions/*/bin/python3")))
    found: dict[tuple[int, int], str] = {}
    for python in candidates:
        version = version_of(python)
        if version is not None and version >= OLDEST:
            found.setdefault(version, python)
    return dict(sorted(found.items()))


def version_of(python: str) -> tuple[int, int] | None:
    """Return the version that an interpreter says it has; None where it does not run."""
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True, timeout=20)
        major, minor = map(int, answer.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return major, minor


def make_environment(uv: str, python: str, name: str, resolution: str) -> Path:
    """Make a virtual environment with xp-tui and the tools of its tests; return its interpreter."""
    place = ENVIRONMENTS / name
    interpreter = place / "bin/python"
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(interpreter)]
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python, str(place)], check=True)
    subprocess.run([*install, "--resolution", resolution, "--editable", ".[local]"], check=True)
    subprocess.run([*install, "--group", "dev"], check=True)
    return interpreter


def run_tests(uv: str, python: str, name: str, resolution: str, tests: list[str]) -> bool:
    """Run tests in an environment of their own; return whether all of them passed."""
    print(f"== {name}", flush=True)
    interpreter = make_environment(uv, python, name, resolution)
    return subprocess.run([interpreter, "-m", "pytest", "--quiet", "-n", "auto", *tests], check=False).returncode == 0


def main(uv: str, *, is_quick: bool) -> int:
    """Run the matrix; the exit code is 1 where a test has failed."""
    pythons = installed_pythons()
    names = {version: ".".join(map(str, version)) for version in pythons}
    if is_quick:
        newest = max(pythons)
        return not run_tests(uv, pythons[newest], f"{names[newest]}-newest", "highest", QUICK_TESTS)
    passed = {
        f"{names[version]}-{dependencies}": run_tests(
            uv, python, f"{names[version]}-{dependencies}", resolution, WHOLE_TESTS
        )
        for version, python in pythons.items()
        for dependencies, resolution in RESOLUTIONS.items()
    }
    for name, is_good in passed.items():
        print(f"{name}: {'passed' if is_good else 'FAILED'}")
    return not all(passed.values())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], is_quick="--quick" in sys.argv[2:]))
