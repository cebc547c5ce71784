"""The wheel works in a clean virtual environment, stylesheets included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
UV = Path(sys.executable).parent / "uv"


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Run a command that must succeed, and return its output."""
    told = {**os.environ, "VIRTUAL_ENV": "", **environ}
    return subprocess.run(command, check=True, cwd=cwd, env=told, capture_output=True, text=True).stdout


def test_the_wheel_starts_in_a_clean_environment(tmp_path: Path) -> None:
    bare = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path)
    command = tmp_path / "venv" / "bin" / "xp-tui"
    assert run(command, "--version", cwd=tmp_path).startswith("xp-tui 0.")
    doctor = subprocess.run(
        [command, "doctor", "--json"],
        check=False,
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
    )
    assert doctor.returncode == 3  # no key
    findings = {item["what"]: item for item in json.loads(doctor.stdout)["items"]}
    assert findings["styles"]["grade"] == "ok"
    assert str(tmp_path / "venv") in findings["styles"]["words"]
    lacking = subprocess.run([command, "local"], check=False, env=bare, capture_output=True, text=True)
    assert (lacking.returncode, lacking.stderr.count("\n")) == (3, 1)
    assert "pip install 'xp-tui[local]'" in lacking.stderr
    run(UV, "pip", "install", "--quiet", "--python", python, f"{wheel}[local]", cwd=tmp_path)
    with subprocess.Popen([command, "local", "--port", "0", "--quiet"], env=bare, stdout=subprocess.PIPE) as local:
        try:
            assert local.stdout
            assert local.stdout.readline().startswith(b"http://127.0.0.1:")
            tasks = subprocess.run([command, "tasks"], check=True, env=bare, capture_output=True, text=True)
            assert "Pay overdue invoice" in tasks.stdout
        finally:
            local.terminate()
