"""Words that this room declares: kinds of job and of notice."""

from domain.jobs.tables import JobKind

ALLOCATE_PERIOD = JobKind("ALLOCATE_PERIOD", "Allocates a community's shared energy in a period.")
