"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

SUBMIT_PAYMENT = JobKind("SUBMIT_PAYMENT", "Asks the payment provider to carry out a payment.", lane="payments")
ANSWER_PAYMENT = JobKind("ANSWER_PAYMENT", "Answers for the simulated payment provider.", lane="payments")
PAYMENT = NoticeKind(
    "PAYMENT",
    "A deposit or withdrawal went on.",
    wording=Wording(
        ("{kind}: {status}", "News of a payment"),
        [
            ("Your {kind} of {amount_ueur} is {status}.", "Your {kind} is {status}.", "There is news of a payment."),
        ],
    ),
    is_mailed=True,
)
