"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, MAYBE_NULL, Reads

READS = Reads(
    not_compiled={
        "Verification.breaches": IN_PYTHON,
        "Verification.checks": "[String!] has no form in SQL",
        "Verification.isIntact": MAYBE_NULL,
    }
)
