"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(not_compiled={"ApiKey.scopes": "[String!] has no form in SQL", "Session.isCurrent": IN_PYTHON})
