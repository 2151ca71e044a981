"""Payment providers: who carries payments out, and answers later by `api.ledger.callbacks`.

Where users' bank accounts are is the provider's to know: it is asked by a reference of ours, never by an account.
"""

from typing import Protocol

from api.ledger.simulated_provider import SimulatedProvider
from api.resources.database import Database
from api.resources.settings import settings
from domain.ledger.payments import Instruction


class PaymentProvider(Protocol):
    """Carries payments out. It knows each by its reference: asked again, it does nothing twice."""

    async def submit(self, instruction: Instruction) -> None:
        """Ask for a payment; the answer comes later. Raises OSError where the provider cannot be reached."""
        ...


def provider_of(database: Database) -> PaymentProvider | None:
    """The provider of this installation; None where there is none, so that nothing can be paid."""
    configured = settings()
    if configured.payment_secret is None or configured.payment_callback_url is None:
        return None
    return SimulatedProvider(database, configured.payment_delay_s)
