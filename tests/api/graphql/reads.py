"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import Reads

READS = Reads(seldom=frozenset({"Query.rateLimit"}))
