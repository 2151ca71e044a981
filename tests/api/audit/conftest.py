"""Jobs of the audit run on a database of their own, as those of markets do."""

from tests.api.market.conftest import live

__all__ = ["live"]
