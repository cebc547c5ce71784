"""The attacks run on the local platform."""

from tests.local.conftest import serve

__all__ = ["serve"]
