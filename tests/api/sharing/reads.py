"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={"AllocationRun.series": IN_PYTHON, "Community.sharingKey": IN_PYTHON},
    kept=frozenset(
        {
            "allocation_run.interval_minutes",
            "allocation_run.period_start",  # A period ends after it starts.
            "allocation_run.period_end",
        }
    ),
    seldom=frozenset({"AllocationRun.series"}),
)
