"""All tables together: importing this module fills `Base.metadata`, as foreign keys name tables of other rooms."""

from domain.kernel import idempotency
from domain.kernel.database import Base
from domain.kernel.rooms import modules_named

TABLES = (idempotency, *modules_named("tables", beside="Base"))

__all__ = ["TABLES", "Base"]
