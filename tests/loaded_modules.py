"""The modules that some code loads in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.repository import ROOT


def loaded_modules(code: str) -> set[str]:
    """Return the modules that are loaded after some code has run in a process of its own."""
    whole = f"import sys\n{code}\nprint('\\n', *(name for name in sys.modules if sys.modules[name]))"
    done = subprocess.run([sys.executable, "-c", whole], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(done.stdout.rpartition("\n ")[2].split())


def loaded_packages(code: str) -> set[str]:
    """Return the top-level packages that are loaded after some code."""
    return {name.split(".")[0] for name in loaded_modules(code)}
