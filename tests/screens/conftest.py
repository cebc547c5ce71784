"""The local platform, for tests of screens."""

from tests.local.conftest import serve

__all__ = ["serve"]
