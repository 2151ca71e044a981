"""Have the provider asked for payments, and let the simulated one answer."""

from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.ledger import providers, simulated_provider
from api.resources import clock
from api.resources.settings import settings
from domain.ledger import payments
from domain.ledger.words import ANSWER_PAYMENT, SUBMIT_PAYMENT

NO_PROVIDER = "NO_PROVIDER"


@periodic
async def ask_neglected_payments(session: AsyncSession) -> None:
    """Ask again for payments of which nothing was heard; an index tells at once that there are none."""
    await payments.ask_neglected(session, now=clock.outside())


@job(SUBMIT_PAYMENT)
async def submit_payment(work: Work) -> None:
    """Say that the provider is being asked, then ask: after a crash in between it is asked again."""
    payment_id = UUID(work.arguments["payment_id"])
    provider = providers.provider_of(work.database)
    if provider is not None:
        async with work.database.transaction() as session:
            instruction = await payments.submit(session, payment_id, now=clock.outside())
        if instruction is not None:
            await provider.submit(instruction)
    async with work.recording() as recording:
        if provider is None:
            await payments.refuse(recording.session, payment_id, NO_PROVIDER, now=clock.outside())


@job(ANSWER_PAYMENT)
async def answer_payment(work: Work) -> None:
    """The simulated provider answers; until it is acknowledged it answers again."""
    configured = settings()
    assert configured.payment_secret is not None
    secret = configured.payment_secret.get_secret_value().encode()
    async with _client() as client:
        await simulated_provider.call_back(client, str(configured.payment_callback_url), secret, work.arguments)
    async with work.recording():
        pass


def _client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=simulated_provider.TIMEOUT_S, trust_env=False)
