"""Certificates of delivered renewable energy over GraphQL."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import strawberry
from sqlalchemy import select

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Context, Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from api.market.delivery.emissions import EmissionBasis, facts_of
from api.resources import clock
from domain.identity.keys import TRADE
from domain.kernel.database import among_rows
from domain.market.delivery import certificates, emissions, visibility
from domain.market.delivery.certificates import NothingToCancel
from domain.market.delivery.emissions import Factor
from domain.market.delivery.tables import CertificateAct, CertificateActKind, CertificateHolding
from domain.market.places.tables import EnergySource

CERTIFICATE_CANCELLED = ErrorCode(
    "CERTIFICATE_CANCELLED", "All of the certificate that is the caller's is cancelled already."
)

UKWH_PER_WH = 1_000


@strawberry.type(description="What certified energy avoids against the grid of its country, by a stated factor.")
class AvoidedCarbon(EmissionBasis):
    avoided_mg: Micro = strawberry.field(name="avoidedKg", description="CO2 equivalent avoided, kg.")


@strawberry.type(description="Energy of a certificate that its owner retired.")
class CertificateCancellation:
    energy_ukwh: Micro = strawberry.field(name="energyKwh", description="Energy, kWh.")
    reason: str = strawberry.field(description="For what purpose, as the owner said.")
    cancelled_at: DateTime = strawberry.field(description="When.")


@entity(
    CertificateHolding,
    visible=visibility.certificates,
    carries={
        "issue_key": CertificateHolding.issue_id,
        "owner_key": CertificateHolding.owner_id,
        "owned_wh": CertificateHolding.owned_wh,
        "cancelled_wh": CertificateHolding.cancelled_wh,
        "at": CertificateHolding.delivery_start,
    },
)
class Certificate(Node):
    """What one owner has of the certificate of a seller's renewable energy that was delivered in an interval.

    Whole Wh, each with one owner. It is the platform's own record, not a guarantee of origin, which only an issuing
    body issues. Visible to the owner. Corrected readings change it; what was cancelled stays cancelled.
    """

    source: EnergySource = column(CertificateHolding.source, "Where the energy comes from.")
    delivery_start: DateTime = column(CertificateHolding.delivery_start, "Start of the interval of delivery.")
    delivery_end: DateTime = column(CertificateHolding.delivery_end, "End of the interval of delivery.")
    country: str = column(CertificateHolding.country, "Country where it was injected, ISO 3166-1 alpha-2.")
    energy_ukwh: Micro = column(
        CertificateHolding.owned_wh * UKWH_PER_WH, "Energy that is the owner's, kWh, whole Wh.", name="energyKwh"
    )
    cancelled_ukwh: Micro = column(
        CertificateHolding.cancelled_wh * UKWH_PER_WH, "How much of it is cancelled, kWh.", name="cancelledKwh"
    )

    @strawberry.field(description="Number of the whole certificate, which its owners have in common.")
    def number(self) -> str:
        return str(self.__dict__["issue_key"])

    @strawberry.field(description="Whether all of it is cancelled.")
    def is_cancelled(self) -> bool:
        return bool(0 < self.__dict__["owned_wh"] <= self.__dict__["cancelled_wh"])

    @strawberry.field(description="What was cancelled and why, oldest first; more than one where corrections added.")
    async def cancellations(self, info: Info) -> list[CertificateCancellation]:
        return await _cancellations(info.context, self.__dict__["issue_key"], self.__dict__["owner_key"])

    @strawberry.field(description="Carbon that its energy avoids; null where no factor is known.")
    async def carbon(self, info: Info) -> AvoidedCarbon | None:
        factor = await _factor(info.context, self)
        return None if factor is None else _avoided(factor, self.__dict__["owned_wh"])

    @strawberry.field(description="Why there is no figure of avoided carbon; null where there is one.")
    async def carbon_unknown_because(self, info: Info) -> str | None:
        if await _factor(info.context, self) is not None:
            return None
        return f"No emission factor of {self.country} is known for the year of delivery or any before."


def _avoided(factor: Factor, energy_wh: int) -> AvoidedCarbon:
    return AvoidedCarbon(avoided_mg=Micro(factor.avoided_mg(energy_wh)), **facts_of(factor))


async def _factor(context: Context, certificate: Certificate) -> Factor | None:
    async def load(countries: list[str]) -> list[list[Factor]]:
        async with context.database.reading() as connection:
            found = await emissions.factors(connection, countries)
        return [[factor for factor in found if factor.country == country] for country in countries]

    known = await context.loaders.loader("emission factors", load).load(certificate.country)
    return emissions.factor_for(known, certificate.country, certificate.__dict__["at"])


class CancelledRow(NamedTuple):
    """Energy that an owner cancelled of an issue."""

    issue_id: UUID
    from_id: UUID
    energy_wh: int
    reason: str
    made_at: datetime


async def _cancellations(context: Context, issue_id: UUID, owner_id: UUID) -> list[CertificateCancellation]:
    async def load(keys: list[tuple[UUID, UUID]]) -> list[list[CertificateCancellation]]:
        query = (
            select(CertificateAct.issue_id, CertificateAct.from_id, CertificateAct.energy_wh, CertificateAct.reason)
            .add_columns(CertificateAct.made_at)
            .where(among_rows((CertificateAct.issue_id, CertificateAct.from_id), keys))
            .where(CertificateAct.kind == CertificateActKind.CANCELLED)
            .order_by(CertificateAct.id)
        )
        found: dict[tuple[UUID, UUID], list[CertificateCancellation]] = {key: [] for key in keys}
        async with context.database.reading() as connection:
            for row in map(CancelledRow._make, await connection.execute(query)):
                found[row.issue_id, row.from_id].append(_cancellation(row))
        return [found[key] for key in keys]

    loader = context.loaders.loader("cancellations of certificates", load)
    cancellations: list[CertificateCancellation] = await loader.load((issue_id, owner_id))
    return cancellations


def _cancellation(row: CancelledRow) -> CertificateCancellation:
    return CertificateCancellation(
        energy_ukwh=Micro(row.energy_wh * UKWH_PER_WH), reason=row.reason, cancelled_at=DateTime(row.made_at)
    )


@strawberry.type(description="All of the certificate that is the caller's is cancelled already.")
class CertificateCancelled(UserError):
    cancelled_ukwh: Micro = strawberry.field(name="cancelledKwh", description="How much is cancelled, kWh.")


@refusal(NothingToCancel)
def _nothing_to_cancel(error: NothingToCancel) -> UserError:
    return CertificateCancelled(
        code=CERTIFICATE_CANCELLED,
        message=error.message,
        path=["id"],
        cancelled_ukwh=Micro(error.cancelled_wh * UKWH_PER_WH),
    )


@strawberry.input(description="The certificate to retire, and for what.")
class CancelCertificateInput:
    idempotency_key: str = strawberry.field(
        description="Names the request, 1 to 200 characters: sent again, done once."
    )
    id: strawberry.ID = strawberry.field(description="Id of a certificate of the caller's.")
    reason: str = strawberry.field(description="For what purpose it is retired, 1 to 500 characters.")


@strawberry.type(description="The certificate, cancelled for good.")
class CancelCertificatePayload(Payload):
    certificate = edge(None, "Certificate", "The certificate.")


@strawberry.type
class CertificateViewer:
    certificates = many(
        "Certificate",
        "What the viewer owns of certificates of renewable energy, oldest first; they are not guarantees of origin.",
        visible=visibility.own_certificates,
    )


@strawberry.type
class CertificateMutations:
    @mutation("Retire all that is left of one's own part of a certificate; it cannot be undone.", scope=TRADE)
    async def cancel_certificate(self, info: Info, input: CancelCertificateInput) -> CancelCertificatePayload:
        holding_id = key_of(input.id, "Certificate", "id")
        async with info.context.transaction() as session:
            await certificates.cancel(
                session, info.context.caller, input.idempotency_key, holding_id, input.reason, now=clock.now()
            )
        return leading(CancelCertificatePayload(), certificate=holding_id)
