"""Lists fields of the SDK's models whose names sound secret and that are neither masked nor known to be harmless.

Runs where the SDK is installed, and prints them; the answer is 1 where there are any.
python tests/interop/secret_fields.py
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import xpander_sdk
from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parents[2]))

from tui.security.redact import Redactor
from tui.security.secret_names import MEMBERS

SOUNDS_SECRET = re.compile(
    r"secret|token|passw|pwd|credential|key|auth|header|cookie|signature|private|uri|sso|cert|curl|env|command|bearer|contents"
)
HOLDS_TEXT = re.compile(r"\bstr\b|\bAny\b|dict|Dict|SecretStr|bytes")
HARMLESS = {
    "Agent.environment_id": "an id",
    "Agent.runtime_environment": "an object; its config[].contents is masked",
    "Agent.runtime_environment_id": "an id",
    "ClassificationGroup.data_extraction_keys": "names of what is extracted",
    "MCPServerDetails.command": "a command line; what looks like a secret in it is masked",
    "MCPServerDetails.sso_audience": "the name of an audience",
    "ResolvedRuntimeEnvironment.environment_id": "an id",
    "RuntimeContextLayer.environment_id": "an id",
    "RuntimeEnvironment.parent_environment_id": "an id",
    "RuntimeEnvironmentCreateRequest.parent_environment_id": "an id",
    "RuntimeEnvironmentPublicItem.parent_environment_id": "an id",
    "RuntimeEnvironmentUpdateRequest.parent_environment_id": "an id",
    "SlackCredentials.authed_user_id": "an id",
}


def models(above: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    """Yield every imported model of the SDK."""
    for model in above.__subclasses__():
        if model.__module__.startswith("xpander_sdk"):
            yield model
        yield from models(model)


def unmasked() -> Iterator[str]:
    """Yield the text fields that sound secret and are shown."""
    redactor = Redactor()
    members = {field for _, field in MEMBERS}
    for model in set(models()):
        for name, field in model.model_fields.items():
            told = f"{model.__name__}.{name}"
            if not SOUNDS_SECRET.search(name.lower()) or not HOLDS_TEXT.search(str(field.annotation)):
                continue
            is_masked = "hidden" not in str(redactor.json({name: "hidden"})) or "hidden" not in str(
                redactor.json({name: {"any": "hidden"}})
            )
            if not is_masked and name not in members and told not in HARMLESS:
                yield told


def main() -> int:
    """Print the fields, and return 1 if there are any."""
    for module in pkgutil.walk_packages(xpander_sdk.__path__, "xpander_sdk."):
        importlib.import_module(module.name)
    found = sorted(set(unmasked()))
    for told in found:
        sys.stdout.write(f"{told}  sounds secret, is not masked, and nobody has judged it\n")
    if not found:
        sys.stdout.write(f"{len(set(models()))} models: every field that sounds secret is masked or judged\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
