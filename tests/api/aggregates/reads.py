"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(not_compiled={"Community.balance": IN_PYTHON}, seldom=frozenset({"Community.balance"}))
