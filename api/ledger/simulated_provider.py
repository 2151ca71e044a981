"""A payment provider that is none: it accepts every payment, waits, and answers by a signed callback over HTTP.

It behaves like a real one: it remembers what it was asked (as jobs, its only memory), answers at least once until it is
acknowledged, and signs what it says. A few amounts are declared to fail or to be answered twice, so that a client can
see what it must be ready for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import httpx2

from api.resources import clock
from api.resources.database import Database
from domain.jobs import queue
from domain.kernel.errors import DomainError
from domain.kernel.quantities import format_micro, parse_micro
from domain.ledger.payments import Instruction
from domain.ledger.words import ANSWER_PAYMENT
from domain.notifications import signatures

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a payment is answered: why it fails, if it does, and how often that is told."""

    fails_for: str | None = None
    times: int = 1


# Amounts, EUR, with which the provider behaves differently.
DECLARED: Mapping[int, Behaviour] = MappingProxyType(
    {
        parse_micro("13.13"): Behaviour(fails_for="DECLINED"),
        parse_micro("13.14"): Behaviour(fails_for="ACCOUNT_CLOSED"),
        parse_micro("13.15"): Behaviour(times=2),
    }
)
USUAL = Behaviour()


class CallbackRefused(DomainError):
    """The platform understood a callback and does not want it: it would not help to send it again."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The callback was refused with status {status}.")


class SimulatedProvider:
    """Remembers payments as jobs that will answer them."""

    def __init__(self, database: Database, delay_s: float) -> None:
        self.database = database
        self.delay = timedelta(seconds=delay_s)

    async def submit(self, instruction: Instruction) -> None:
        given = {
            "payment": str(instruction.reference),
            "kind": instruction.kind.value,
            "amount_ueur": instruction.amount_ueur,
        }
        name = f"simulated:{instruction.reference}"
        async with self.database.transaction() as session:
            await queue.enqueue_again(session, ANSWER_PAYMENT, name, given, delay=self.delay)


async def call_back(client: httpx2.AsyncClient, url: str, secret: bytes, asked: Mapping[str, Any]) -> None:
    """Tell what became of a payment. Raises CallbackRefused, and ConnectionError where it is to be told again."""
    behaviour = DECLARED.get(asked["amount_ueur"], USUAL)
    body = _body(asked, behaviour)
    for _ in range(behaviour.times):
        # The same answer has the same id and body, however often it is sent; only its signature is new.
        headers = signatures.headers([secret], f"simulated-{asked['payment']}", body, now=clock.outside())
        try:
            answer = await client.post(url, content=body, headers=headers | {"content-type": "application/json"})
        except httpx2.HTTPError as error:
            raise ConnectionError("the platform cannot be reached") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise ConnectionError(f"the platform answered {answer.status_code}")
        if answer.status_code != 200:
            raise CallbackRefused(answer.status_code)


def _body(asked: Mapping[str, Any], behaviour: Behaviour) -> bytes:
    said = {"payment": asked["payment"], "amount": format_micro(asked["amount_ueur"]), "currency": "EUR"}
    if behaviour.fails_for is None:
        return json.dumps({"type": "payment.succeeded", **said}).encode()
    return json.dumps({"type": "payment.failed", **said, "reason": behaviour.fails_for}).encode()
