"""What a trade costs each side: the price of its energy, charges per kWh, VAT, and the penalty for falling short.

Every line is rounded half-even once, net and VAT apart. A positive line is paid by its side, a negative one is paid to
it: a buyer's ENERGY line is positive at a positive price, a seller's negative. VAT on energy is the buyer's to pay, and
goes to the tax account with the VAT on charges.

Decision, 2026-11-21: what a party pays beside the price are rows (`market_charge`): kind, payer, rate, VAT, from when.
A new rate takes effect after the market's horizon, so no open order is exposed to more than when it was placed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson

from domain.kernel.quantities import MICRO, amount_ueur, round_half_even
from domain.kernel.sql import Statement, Transaction
from domain.market.places.tables import ChargeKind, OrderSide


class LineKind(StrEnum):
    """What a line of a settlement is for."""

    ENERGY = "ENERGY"
    FEE = "FEE"
    NETWORK = "NETWORK"
    COMMUNITY_FUND = "COMMUNITY_FUND"
    PENALTY = "PENALTY"


# What rounding may come to: a side of a trade has net and VAT of five kinds of lines, each rounded by half a micro-EUR.
ROUNDED_OF_SIDE_UEUR = 10
ROUNDED_OF_TRADE_UEUR = 2 * ROUNDED_OF_SIDE_UEUR
LINE_OF = {kind: LineKind(kind.value) for kind in ChargeKind}


@dataclass(frozen=True, slots=True)
class Charge:
    """A rate per kWh delivered that one side pays, with VAT on top, from an instant on."""

    kind: ChargeKind
    payer: OrderSide
    rate_ueur_per_kwh: int
    vat_ppm: int
    valid_from: datetime
    community_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MoneyTerms:
    """What a market asks beside the price. `charges` holds all rates ever set; `at` picks those in force."""

    penalty_ueur_per_kwh: int = 0
    energy_vat_ppm: int = 0
    charges: tuple[Charge, ...] = ()

    def at(self, delivery_start: datetime) -> tuple[Charge, ...]:
        """The charge of each kind and payer that is in force for a delivery, sorted."""
        if not self.charges:
            return ()
        newest: dict[tuple[str, str], Charge] = {}
        for charge in sorted(self.charges, key=lambda charge: charge.valid_from):
            if charge.valid_from <= delivery_start:
                newest[charge.kind.value, charge.payer.value] = charge
        return tuple(newest[key] for key in sorted(newest))


class Line(NamedTuple):
    """What one side of a trade pays for one thing: net and VAT, micro-EUR; negative where it is paid."""

    kind: LineKind
    side: OrderSide
    rate_ueur_per_kwh: int
    energy_ukwh: int
    net_ueur: int
    vat_ppm: int
    vat_ueur: int
    community_id: UUID | None = None

    @property
    def gross_ueur(self) -> int:
        """Net and VAT together."""
        return self.net_ueur + self.vat_ueur


def lines(
    side: OrderSide, energy_ukwh: int, price_ueur_per_kwh: int, terms: MoneyTerms, delivery_start: datetime
) -> list[Line]:
    """What a side pays for energy delivered at a price: the energy, then its charges."""
    made = [_line(LineKind.ENERGY, side, energy_ukwh, *_of_energy(side, price_ueur_per_kwh, terms))]
    for charge in terms.at(delivery_start):
        if charge.payer is side:
            rate, vat_ppm = charge.rate_ueur_per_kwh, charge.vat_ppm
            made.append(_line(LINE_OF[charge.kind], side, energy_ukwh, rate, vat_ppm, charge.community_id))
    return [line for line in made if line.net_ueur or line.vat_ueur]


def penalty_lines(short: OrderSide, energy_ukwh: int, terms: MoneyTerms) -> list[Line]:
    """What a side that fell short pays for it, and the other one gets; without VAT, being damages."""
    rate = terms.penalty_ueur_per_kwh
    other = OrderSide.SELL if short is OrderSide.BUY else OrderSide.BUY
    made = [_line(LineKind.PENALTY, side, energy_ukwh, sign * rate, 0) for side, sign in ((short, 1), (other, -1))]
    return [line for line in made if line.net_ueur]


def cost_ueur(paid: Iterable[Line]) -> int:
    """What lines cost together, gross; negative where more is received."""
    return sum(line.gross_ueur for line in paid)


def exposure_ueur_per_kwh(
    side: OrderSide, limit_price_ueur_per_kwh: int, terms: MoneyTerms, starts: Sequence[datetime]
) -> int:
    """The most that a kWh may cost a side in deliveries that start so: all delivered at its limit, or all short.

    Rounded up to the micro-EUR per kWh; never negative.
    """
    return max(0, terms.penalty_ueur_per_kwh, *(_delivered(side, limit_price_ueur_per_kwh, terms, at) for at in starts))


def escrow_ueur(
    side: OrderSide, energy_ukwh: int, price_ueur_per_kwh: int, terms: MoneyTerms, delivery_start: datetime
) -> int:
    """The most that a trade may cost a side, each amount rounded as it will be posted: all delivered, or all short."""
    delivered = cost_ueur(lines(side, energy_ukwh, price_ueur_per_kwh, terms, delivery_start))
    return max(0, delivered, amount_ueur(energy_ukwh, terms.penalty_ueur_per_kwh))


def _delivered(side: OrderSide, price_ueur_per_kwh: int, terms: MoneyTerms, delivery_start: datetime) -> int:
    """What a kWh costs when it is delivered, in millionths of a micro-EUR rounded up to the whole one."""
    rate, vat_ppm = _of_energy(side, price_ueur_per_kwh, terms)
    exact = rate * (MICRO + vat_ppm)
    exact += sum(c.rate_ueur_per_kwh * (MICRO + c.vat_ppm) for c in terms.at(delivery_start) if c.payer is side)
    return -(-exact // MICRO)


def _of_energy(side: OrderSide, price_ueur_per_kwh: int, terms: MoneyTerms) -> tuple[int, int]:
    """What a kWh costs a side, and the VAT on it."""
    return (price_ueur_per_kwh, terms.energy_vat_ppm) if side is OrderSide.BUY else (-price_ueur_per_kwh, 0)


def _line(
    kind: LineKind,
    side: OrderSide,
    energy_ukwh: int,
    rate_ueur_per_kwh: int,
    vat_ppm: int,
    community_id: UUID | None = None,
) -> Line:
    net = amount_ueur(energy_ukwh, rate_ueur_per_kwh)
    vat = round_half_even(net * vat_ppm, MICRO) if vat_ppm else 0
    return Line(kind, side, rate_ueur_per_kwh, energy_ukwh, net, vat_ppm, vat, community_id)


@lru_cache(maxsize=256)
def terms_of(penalty_ueur_per_kwh: int, energy_vat_ppm: int, rows: str | None) -> MoneyTerms:
    """Terms from a market's columns and the JSON text of its charges (null where there are none)."""
    return MoneyTerms(
        penalty_ueur_per_kwh,
        energy_vat_ppm,
        tuple(
            Charge(
                ChargeKind(charge["kind"]),
                OrderSide(charge["payer"]),
                charge["rate_ueur_per_kwh"],
                charge["vat_ppm"],
                datetime.fromisoformat(charge["valid_from"]),
                charge["community_id"] and UUID(charge["community_id"]),
            )
            for charge in orjson.loads(rows or "[]")
        ),
    )


class TermsRow(NamedTuple):
    """What a market asks beside the price, its charges as JSON."""

    id: UUID
    penalty_ueur_per_kwh: int
    energy_vat_ppm: int
    charges: str | None


TERMS = Statement("""
    SELECT market.id, market.penalty_ueur_per_kwh, market.energy_vat_ppm,
           (SELECT json_agg(market_charge ORDER BY market_charge.id)::text FROM market_charge
            WHERE market_id = market.id) AS charges
    FROM market WHERE market.id = ANY(CAST(:market_ids AS uuid[]))
""").into(TermsRow)


async def terms(transaction: Transaction, market_ids: Collection[UUID]) -> dict[UUID, MoneyTerms]:
    """What markets ask beside the price."""
    rows = await TERMS.rows(transaction, {"market_ids": sorted(market_ids)})
    return {row.id: terms_of(row.penalty_ueur_per_kwh, row.energy_vat_ppm, row.charges) for row in rows}
