"""Words that this room declares: kinds of job and of notice."""

from domain.jobs.tables import JobKind

RATE_MEMBERS = JobKind("RATE_MEMBERS", "Rates reliability by what was delivered.")
