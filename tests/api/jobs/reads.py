"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={"Job.error": IN_PYTHON, "Job.result": IN_PYTHON},
    kept=frozenset(
        {
            "job.error_code",  # A failed job has a code and a message.
            "job.result_type",
        }
    ),
)
