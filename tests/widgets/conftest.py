"""The local platform, for tests of widgets in the running dashboard."""

from tests.local.conftest import serve

__all__ = ["serve"]
