"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when
from domain.jobs.tables import JobKind

SUBMIT_PAYMENT = JobKind("SUBMIT_PAYMENT", "Asks the payment provider to carry out a payment.", lane="payments")
ANSWER_PAYMENT = JobKind("ANSWER_PAYMENT", "Answers for the simulated payment provider.", lane="payments")
PAYMENT = NoticeKind(
    "PAYMENT",
    "A deposit or withdrawal went on.",
    wording=Wording(
        (
            when("Deposit received: {amount_ueur}", kind="DEPOSIT", status="SUCCEEDED"),
            when("Withdrawal paid out: {amount_ueur}", kind="WITHDRAWAL", status="SUCCEEDED"),
            when("Your deposit of {payment_ueur} failed", kind="DEPOSIT", status="FAILED"),
            when("Your withdrawal of {payment_ueur} failed", kind="WITHDRAWAL", status="FAILED"),
            "News of a payment",
        ),
        [
            (
                when("Your deposit of {payment_ueur} has arrived in your wallet.", kind="DEPOSIT", status="SUCCEEDED"),
                when(
                    "Your withdrawal of {payment_ueur} was paid out from your wallet.",
                    kind="WITHDRAWAL",
                    status="SUCCEEDED",
                ),
                when(
                    "Your deposit of {payment_ueur} failed; your wallet is unchanged.", kind="DEPOSIT", status="FAILED"
                ),
                when(
                    "Your withdrawal of {payment_ueur} failed; the amount is available in your wallet again.",
                    kind="WITHDRAWAL",
                    status="FAILED",
                ),
                "There is news of a payment.",
            ),
            (when("Reason: {reason}.", status="FAILED"), ""),
        ],
        names={
            "reason": {
                "DECLINED": "the payment provider declined it",
                "EXPIRED": "it was not confirmed in time",
                "INSUFFICIENT_FUNDS": "the account that was to pay does not cover it",
                "LIMIT_EXCEEDED": "it exceeds a limit of the account that was to pay",
                "NO_PROVIDER": "no payment provider is connected at the moment",
                "UNKNOWN": "the payment provider gave no reason",
            }
        },
    ),
    is_mailed=True,
    about=(("payment_id", "Payment"),),
)
