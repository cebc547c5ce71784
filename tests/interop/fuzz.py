"""Runs schemathesis against the OpenAPI document of the local platform: no answer may be a 500.

python -m tests.interop.fuzz SCHEMATHESIS
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.interop.run import platform


def main(schemathesis: str) -> int:
    """Run schemathesis, and return its exit code."""
    with platform("--seed", "fuzz", "--no-arrivals", "--pace", "1000") as environ, TemporaryDirectory() as home:
        url, headers = environ["XPANDER_BASE_URL"], {"x-api-key": environ["XPANDER_API_KEY"]}
        made = httpx.post(f"{url}/agent-execution/writer", json={"input": {"text": "Write"}}, headers=headers).json()
        config = Path(home, "schemathesis.toml")
        config.write_text(f'[parameters]\nagent_id = "writer"\ntask_id = "{made["id"]}"\n')
        command = [
            schemathesis, "--config-file", str(config), "run", f"{url}/openapi.json",
            "--header", f"x-api-key: {headers['x-api-key']}", "--checks", "not_a_server_error", "--max-examples", "10",
            "--seed", "1", "--phases", "coverage,fuzzing", "--request-timeout", "1", "--exclude-operation-id-regex", "destroy",
            "--exclude-path-regex", "/events/{agent_id}/|invoke/stream",
            "--warnings", "off",
        ]  # fmt: skip
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
