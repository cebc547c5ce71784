"""Asks pip-audit for known vulnerabilities in uv.lock, and trusts it only if it also finds a known bad version.

python -m tests.trust.audit UV

Where its source of advisories answers for another one, pip-audit leaves out what it does not find there, says that there is no
known vulnerability, and ends well. So a version that everybody knows to be bad is asked for in the same run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
TOOL = "pip-audit==2.10.1"
SOURCES = ("pypi", "osv")
CANARY = "urllib3==1.26.4"
"""A version with advisories since 2021."""


class Blind(Exception):
    """A source of advisories that cannot be trusted."""


def locked() -> list[str]:
    """Return the pins that uv.lock takes from a registry."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return [f"{one['name']}=={one['version']}" for one in packages if "registry" in one["source"]]


def asked(uv: str, source: str, pins: list[str]) -> Any:
    """Return what pip-audit reports of these versions and the known bad one, in an environment of its own."""
    with TemporaryDirectory() as place:
        wanted = Path(place, "requirements.txt")
        wanted.write_text("\n".join([*pins, CANARY]))
        command = [uv, "tool", "run", "--quiet", "--python", sys.executable, TOOL, "--vulnerability-service", source]
        command += ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json", "-r", str(wanted)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        *_, last = done.stderr.strip().splitlines() or [f"pip-audit ended with {done.returncode}"]
        raise Blind(last) from None


def advisories(report: Any, pins: list[str]) -> list[str]:
    """Return a line for each advisory of a locked version."""
    found = {f"{one['name']}=={one['version']}": one["vulns"] for one in report["dependencies"] if "vulns" in one}
    if not found.get(CANARY):
        raise Blind(f"it has nothing against {CANARY}")
    if unseen := [pin for pin in pins if pin not in found]:
        raise Blind(f"it says nothing of {', '.join(unseen)}")
    return [
        f"{pin} is vulnerable: {one['id']}, fixed in {', '.join(one['fix_versions']) or 'no version'}"
        for pin in pins
        for one in found[pin]
    ]


def main(uv: str) -> int:
    """Print the advisories of the first source that can be trusted; return 0 only if there are none."""
    pins, reasons = locked(), []
    for source in SOURCES:
        try:
            lines = advisories(asked(uv, source, pins), pins)
        except Blind as blind:
            reasons.append(f"{source}: {blind}")
        else:
            lines.append(f"{len(pins)} versions audited by {source}, advisories: {len(lines)}")
            sys.stdout.write("\n".join([*lines, ""]))
            return int(len(lines) > 1)
    sys.stdout.write(f"the audit could not look: {'; '.join(reasons)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
