"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

MAKE_STATEMENTS = JobKind("MAKE_STATEMENTS", "Makes the monthly statements of members.")
STATEMENT_READY = NoticeKind(
    "STATEMENT_READY",
    "A monthly statement is ready.",
    wording=Wording(
        ("Your statement for {month} is ready", "Your statement is ready"),
        [
            (
                "Your statement for {month} is ready; its total is {total_cents}.",
                "Your statement for {month} is ready.",
                "A new statement is ready.",
            )
        ],
    ),
    is_mailed=True,
)
