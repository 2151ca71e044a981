"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when
from domain.jobs.tables import JobKind

MAKE_STATEMENTS = JobKind("MAKE_STATEMENTS", "Makes the monthly statements of members.")
STATEMENT_READY = NoticeKind(
    "STATEMENT_READY",
    "A monthly statement is ready.",
    wording=Wording(
        (
            when("Credit note for {month}: {amount_ueur}", document="CREDIT_NOTE"),
            when("Your statement for {month} is ready: {amount_ueur}", document="STATEMENT"),
            "Your statement for {month} is ready",
            "Your statement is ready",
        ),
        [
            (
                when("A credit note corrects your statement for {month}.", document="CREDIT_NOTE"),
                "Your statement for {month} is ready.",
                "A new statement is ready.",
            ),
            (
                when("Total with VAT: {amount_ueur}, which was paid to your wallet.", money="in"),
                when("Total with VAT: {amount_ueur}, which was paid from your wallet.", money="out"),
                "Total with VAT: {amount_ueur}.",
                "",
            ),
        ],
    ),
    is_mailed=True,
    about=(("statement_id", "AccountStatement"),),
)
