"""Words that this room declares: kinds of job and of notice."""

from domain.jobs.tables import JobKind

VERIFY = JobKind("VERIFY", "Recomputes the invariants over the whole database.")
