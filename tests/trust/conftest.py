"""The local platform, for the attacks."""

from tests.local.conftest import serve

__all__ = ["serve"]
