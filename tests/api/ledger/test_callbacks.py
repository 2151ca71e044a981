"""Callbacks of the payment provider, and the whole way of a payment through the simulated one."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from api.jobs import work
from api.ledger import callbacks, jobs, providers
from api.resources.database import Database, connect
from api.resources.settings import Settings
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobKind, JobStatus
from domain.kernel.tables import Base
from domain.ledger import payments
from domain.ledger.tables import Payment, PaymentKind, PaymentStatus
from domain.ledger.words import ANSWER_PAYMENT, SUBMIT_PAYMENT
from domain.notifications import signatures
from tests.api.conftest import OneTransaction
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_deposit, a_payment, a_submitted_payment, the_wallet
from tests.factories.market import now

SECRET = "the provider's and ours, as is known"
URL = f"http://commonwatt{callbacks.PATH}"


def client_of(database: Any, secret: str | None = SECRET) -> httpx2.AsyncClient:
    kept = SimpleNamespace(payment_secret=None if secret is None else SecretStr(secret))
    app = Starlette(routes=callbacks.routes(cast(Database, database), cast(Settings, kept)))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt")


@pytest.fixture
async def client(session: AsyncSession) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(OneTransaction(session)) as client:
        yield client


@pytest.fixture
async def payer(session: AsyncSession) -> Viewer:
    return Viewer(user_id=(await a_user(session)).id)


def a_body(payment_id: UUID, **changes: Any) -> bytes:
    said = {"type": "payment.succeeded", "payment": str(payment_id), "amount": "25.00", "currency": "EUR"}
    return json.dumps(said | changes).encode()


def signed(body: bytes, *, id: str = "event 1", secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    return signatures.headers([secret.encode()], id, body, now=at or now())


async def stored(session: AsyncSession) -> dict[str, Any]:
    await session.flush()
    return {
        name: (await session.execute(text(f"SELECT count(*), sum(hashtext(t::text)::bigint) FROM {name} t"))).one()
        for name in Base.metadata.tables
    }


async def available(session: AsyncSession, payer: Viewer) -> int:
    assert payer.user_id is not None
    return (await the_wallet(session, payer.user_id)).available_ueur


async def test_a_signed_callback_pays_in_once(session: AsyncSession, client: httpx2.AsyncClient, payer: Viewer) -> None:
    payment_id = await a_submitted_payment(session, payer)
    body = a_body(payment_id)

    first = await client.post(callbacks.PATH, content=body, headers=signed(body))
    after = await stored(session)
    again = await client.post(callbacks.PATH, content=body, headers=signed(body))

    assert (first.status_code, first.json()) == (200, {"payment": str(payment_id), "isRepeated": False})
    assert (again.status_code, again.json()) == (200, {"payment": str(payment_id), "isRepeated": True})
    assert await stored(session) == after
    assert await available(session, payer) == 25 * EUR


async def test_a_failure_is_told_with_its_reason(
    session: AsyncSession, client: httpx2.AsyncClient, payer: Viewer
) -> None:
    payment_id = await a_submitted_payment(session, payer)
    body = a_body(payment_id, type="payment.failed", reason="DECLINED")

    answer = await client.post(callbacks.PATH, content=body, headers=signed(body))

    payment = await session.get_one(Payment, payment_id)
    assert answer.status_code == 200
    assert (payment.status, payment.failure_reason) == (PaymentStatus.FAILED, "DECLINED")
    assert await available(session, payer) == 0


@dataclass(frozen=True)
class Bad:
    """What is wrong with a callback for one of three payments, and what it is told."""

    status: int
    code: str
    of: str = "processing"
    changes: Any = None
    headers: Any = None
    facts: Any = None
    body: bytes | None = None


LONG_AGO, SOON = timedelta(minutes=-6), timedelta(minutes=6)
FORGED = "SIGNATURE_INVALID"
BAD: dict[str, Bad] = {
    "no signature": Bad(401, FORGED, headers=lambda body: {}),
    "signed by another": Bad(401, FORGED, headers=lambda body: signed(body, secret="a guess")),
    "another body": Bad(401, FORGED, headers=lambda body: signed(body + b" ")),
    "another id": Bad(401, FORGED, headers=lambda body: signed(body) | {"webhook-id": "event 2"}),
    "another time": Bad(401, FORGED, headers=lambda body: signed(body) | {"webhook-timestamp": "1"}),
    "no number": Bad(401, FORGED, headers=lambda body: signed(body) | {"webhook-timestamp": "now"}),
    "no id": Bad(401, FORGED, headers=lambda body: signed(body, id="")),
    "an endless id": Bad(401, FORGED, headers=lambda body: signed(body, id="e" * 201)),
    "an overheard one": Bad(401, "CALLBACK_STALE", headers=lambda body: signed(body, at=now() + LONG_AGO)),
    "one of the future": Bad(401, "CALLBACK_STALE", headers=lambda body: signed(body, at=now() + SOON)),
    "no JSON": Bad(400, "BAD_USER_INPUT", body=b"{"),
    "nested too deep": Bad(400, "BAD_USER_INPUT", body=b"[" * 8_000),
    "a list": Bad(400, "BAD_USER_INPUT", body=b"[]"),
    "another type": Bad(400, "BAD_USER_INPUT", changes={"type": "payment.refunded"}),
    "no amount": Bad(400, "BAD_USER_INPUT", changes={"amount": None}),
    "an amount that is none": Bad(400, "BAD_USER_INPUT", changes={"amount": "NaN"}),
    "another currency": Bad(400, "BAD_USER_INPUT", changes={"currency": "CHF"}),
    "a failure without a reason": Bad(400, "BAD_USER_INPUT", changes={"type": "payment.failed"}),
    "an unknown payment": Bad(404, "PAYMENT_UNKNOWN", changes={"payment": str(UUID(int=7))}),
    "another amount": Bad(422, "WRONG_AMOUNT", changes={"amount": "25.01"}, facts={"expected": "25", "given": "25.01"}),
    "a negative amount": Bad(422, "WRONG_AMOUNT", changes={"amount": "-25"}, facts={"expected": "25", "given": "-25"}),
    "too early": Bad(409, "PAYMENT_NOT_ASKED", of="requested"),
    "too late": Bad(409, "PAYMENT_CLOSED", of="ended", facts={"status": "SUCCEEDED"}),
    "failed after all": Bad(
        409,
        "PAYMENT_CLOSED",
        of="ended",
        changes={"type": "payment.failed", "reason": "x"},
        facts={"status": "SUCCEEDED"},
    ),
    "the id of another answer": Bad(
        409, "EVENT_ID_REUSED", headers=lambda body: signed(body, id="used"), facts={"event": "used"}
    ),
    "an id with another body": Bad(
        409,
        "EVENT_ID_REUSED",
        of="ended",
        changes={"amount": "25.000"},
        headers=lambda body: signed(body, id="used"),
        facts={"event": "used"},
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_callback_is_told_why_and_changes_nothing(
    session: AsyncSession, client: httpx2.AsyncClient, payer: Viewer, what: str
) -> None:
    bad = BAD[what]
    ids = {
        "requested": await a_payment(session, payer),
        "processing": await a_submitted_payment(session, payer),
        "ended": await a_submitted_payment(session, payer),
    }
    done = a_body(ids["ended"])
    assert (await client.post(callbacks.PATH, content=done, headers=signed(done, id="used"))).status_code == 200
    before = await stored(session)
    body = a_body(ids[bad.of], **(bad.changes or {})) if bad.body is None else bad.body

    answer = await client.post(callbacks.PATH, content=body, headers=(bad.headers or signed)(body))

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (bad.status, bad.code), answer.text
    assert bad.facts is None or error["extensions"] == {"code": bad.code, **bad.facts}
    assert await stored(session) == before


async def test_a_body_that_is_too_large(client: httpx2.AsyncClient) -> None:
    body = b" " * 20_000

    answer = await client.post(callbacks.PATH, content=body, headers=signed(body))

    assert answer.status_code == 413


async def test_without_a_secret_nobody_is_believed(session: AsyncSession, payer: Viewer) -> None:
    payment_id = await a_submitted_payment(session, payer)
    body = a_body(payment_id)

    async with client_of(OneTransaction(session), None) as client:
        answers = [
            await client.post(callbacks.PATH, content=body, headers=signed(body, secret=s)) for s in ("", "None")
        ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert (await session.get_one(Payment, payment_id)).status is PaymentStatus.PROCESSING


# The whole way, through the simulated provider.


@dataclass
class Stage:
    """A database of the test's own, where jobs are carried out by hand."""

    database: Database
    payer: Viewer

    async def request(self, kind: PaymentKind, eur: str) -> UUID:
        async with self.database.transaction() as session:
            return await a_payment(session, self.payer, kind, eur)

    async def carry_out(self) -> list[tuple[JobKind, JobStatus, str | None]]:
        """Carry out all jobs that wait, and those that these ask for; how each ended."""
        ended: list[tuple[JobKind, JobStatus, str | None]] = []
        while True:
            async with self.database.transaction() as session:
                waiting = (await session.scalars(select(Job.id).where(Job.status == JobStatus.QUEUED))).first()
            if waiting is None:
                return ended
            await work.carry_out(self.database, waiting)
            async with self.database.transaction() as session:
                job = await session.get_one(Job, waiting)
                ended.append((job.kind, job.status, job.error_code))
                if job.status is JobStatus.QUEUED:
                    return ended

    async def stands(self, payment_id: UUID) -> tuple[PaymentStatus, str | None, int]:
        async with self.database.transaction() as session:
            payment = await session.get_one(Payment, payment_id)
            return payment.status, payment.failure_reason, await available(session, self.payer)


@pytest.fixture
async def stage(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    database = connect(fresh_database, role="commonwatt_app", pool=4)
    given = {"DATABASE_URL": fresh_database, "REDIS_URL": "redis://127.0.0.1:1", "payment_secret": SECRET}
    configured = Settings.model_validate({**given, "payment_callback_url": URL, "payment_delay_s": 0})
    for module in (jobs, providers):
        monkeypatch.setattr(module, "settings", lambda: configured)
    monkeypatch.setattr(jobs, "_client", lambda: client_of(database))
    async with database.transaction() as session:
        user = await a_user(session)
        await a_deposit(session, user.id, "100")
    yield Stage(database, Viewer(user_id=user.id))
    await database.close()


SUBMITTED = (SUBMIT_PAYMENT, JobStatus.SUCCEEDED, None)
ANSWERED = (ANSWER_PAYMENT, JobStatus.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("kind", "eur", "stands"),
    [
        (PaymentKind.DEPOSIT, "25", (PaymentStatus.SUCCEEDED, None, 125 * EUR)),
        (PaymentKind.WITHDRAWAL, "25", (PaymentStatus.SUCCEEDED, None, 75 * EUR)),
        (PaymentKind.DEPOSIT, "13.13", (PaymentStatus.FAILED, "DECLINED", 100 * EUR)),
        (PaymentKind.WITHDRAWAL, "13.14", (PaymentStatus.FAILED, "ACCOUNT_CLOSED", 100 * EUR)),
        (PaymentKind.DEPOSIT, "13.15", (PaymentStatus.SUCCEEDED, None, 113_150_000)),
    ],
)
async def test_the_simulated_provider_answers_as_it_declares(
    stage: Stage, kind: PaymentKind, eur: str, stands: tuple[PaymentStatus, str | None, int]
) -> None:
    payment_id = await stage.request(kind, eur)

    assert await stage.carry_out() == [SUBMITTED, ANSWERED]
    assert await stage.stands(payment_id) == stands


async def test_a_worker_that_dies_after_asking_asks_again_and_nothing_is_paid_twice(stage: Stage) -> None:
    payment_id = await stage.request(PaymentKind.DEPOSIT, "25")
    await stage.carry_out()
    async with stage.database.transaction() as session:
        await payments.ask(session, payment_id)
    lost = await stage.request(PaymentKind.DEPOSIT, "30")
    async with stage.database.transaction() as session:
        await payments.submit(session, lost, now=now())  # What the worker did before it died.

    ended = await stage.carry_out()

    assert sorted(ended) == sorted([SUBMITTED, SUBMITTED, ANSWERED])
    assert await stage.stands(payment_id) == (PaymentStatus.SUCCEEDED, None, 155 * EUR)
    assert await stage.stands(lost) == (PaymentStatus.SUCCEEDED, None, 155 * EUR)


async def test_an_answer_waits_for_a_platform_that_is_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("nobody listens")

    payment_id = await stage.request(PaymentKind.DEPOSIT, "25")
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_client", lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(away)))
        while_away = await stage.carry_out()

    afterwards = await stage.carry_out()

    assert while_away == [SUBMITTED, (ANSWER_PAYMENT, JobStatus.QUEUED, None)]
    assert afterwards == [ANSWERED]
    assert (await stage.stands(payment_id))[0] is PaymentStatus.SUCCEEDED


async def test_a_refused_answer_is_not_sent_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    payment_id = await stage.request(PaymentKind.DEPOSIT, "25")
    monkeypatch.setattr(jobs, "_client", lambda: client_of(stage.database, "another"))

    ended = await stage.carry_out()

    assert ended == [SUBMITTED, (ANSWER_PAYMENT, JobStatus.FAILED, "CallbackRefused")]
    assert await stage.stands(payment_id) == (PaymentStatus.PROCESSING, None, 100 * EUR)


async def test_without_a_provider_a_payment_fails_and_is_given_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "provider_of", lambda database: None)
    payment_id = await stage.request(PaymentKind.WITHDRAWAL, "25")

    assert await stage.carry_out() == [SUBMITTED]
    assert await stage.stands(payment_id) == (PaymentStatus.FAILED, "NO_PROVIDER", 100 * EUR)


async def test_a_key_of_a_callback_says_nothing_of_the_payment(stage: Stage) -> None:
    """What the provider is asked names neither the user nor an account."""
    await stage.request(PaymentKind.DEPOSIT, "25")
    await stage.carry_out()

    async with stage.database.transaction() as session:
        asked = (await session.scalars(select(Job.arguments).where(Job.kind == ANSWER_PAYMENT))).one()

    assert set(asked) == {"payment", "kind", "amount_ueur"}
    assert str(stage.payer.user_id) not in str(asked)
