"""The same house as in tests/e2e."""

from tests.e2e.conftest import events, house, simulator

__all__ = ["events", "house", "simulator"]
