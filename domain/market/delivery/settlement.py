"""Settlement: what was delivered of a trade is paid out of its escrow; corrections move the difference.

    buyer gets back: its escrow - what its lines cost; seller gets: its escrow - what its lines cost (negative: a gain)
    fees, network charges and fund go to the accounts of the market, or community, whose terms ask for them; VAT to tax;
    what the buyer pays for energy beyond what the seller gets (another zone's price) pays for the transfer: GRID

An escrow is the most that a trade may cost its side, so it covers everything; of penalties and parts, each rounded, it
may be short by a few micro-EUR, which the buyer's market bears (ROUNDING). A trade without escrow moves no money.

A version is the whole of what a trade comes to; `recording` stores it, and moves what is new of it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.ledger.accounts import AccountIds
from domain.ledger.tables import AccountKind
from domain.market.delivery.hours import Hour, Traded
from domain.market.places import charges
from domain.market.places.charges import ROUNDED_OF_TRADE_UEUR, Charge, Line, LineKind, MoneyTerms
from domain.market.places.tables import OrderSide

ACCOUNT_OF = {
    LineKind.FEE: AccountKind.FEE,
    LineKind.NETWORK: AccountKind.GRID,
    LineKind.ENERGY: AccountKind.GRID,
    LineKind.COMMUNITY_FUND: AccountKind.COMMUNITY_FUND,
}


class Delivered(NamedTuple):
    """What was delivered of a trade, and what each side was short of; together the energy of the trade, micro-kWh."""

    delivered_ukwh: int
    seller_short_ukwh: int
    buyer_short_ukwh: int
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A new version of a trade's delivery: its lines, and by account where each micro-EUR of its escrow goes by it."""

    trade: Traded
    version: int
    delivered: Delivered
    lines: tuple[Line, ...]
    amounts_ueur: Mapping[UUID, int]
    buyer_paid_ueur: int  # Gross; negative where it is paid.
    seller_received_ueur: int  # Negative where it pays.

    @property
    def is_correction(self) -> bool:
        """Whether the trade was settled before."""
        return self.version > 1


@dataclass(frozen=True, slots=True)
class _InForce(MoneyTerms):
    """Terms with those charges alone that hold for a delivery."""

    def at(self, delivery_start: datetime) -> tuple[Charge, ...]:
        """All of its charges."""
        return self.charges


def settle(hour: Hour, delivered: Sequence[Delivered | None]) -> Iterator[Settled]:
    """New versions of the trades that came out otherwise than they were settled; None waits, and stays as it is."""
    terms = _Terms(hour)
    for trade, now in zip(hour.trades, delivered, strict=True):
        if now is not None and _as_settled(trade) != now:
            of_buyer = terms.in_force(trade.market_id, trade.delivery_start)
            of_seller = terms.in_force(trade.seller_market_id, trade.delivery_start)
            lines = lines_of(trade, now, of_buyer, of_seller)
            amounts = amounts_ueur(trade, lines, hour.accounts)
            yield Settled(trade, trade.version + 1, now, lines, amounts, *_totals(lines))


class _Terms:
    """Terms of an hour's markets by delivery."""

    def __init__(self, hour: Hour) -> None:
        self._terms = hour.terms
        self._found: dict[tuple[UUID, datetime], MoneyTerms] = {}

    def in_force(self, market_id: UUID, delivery_start: datetime) -> MoneyTerms:
        """The terms of a market for a delivery."""
        found = self._found.get((market_id, delivery_start))
        if found is None:
            terms = self._terms[market_id]
            found = _InForce(terms.penalty_ueur_per_kwh, terms.energy_vat_ppm, terms.at(delivery_start))
            self._found[market_id, delivery_start] = found
        return found


def _as_settled(trade: Traded) -> Delivered | None:
    if not trade.version:
        return None
    return Delivered(trade.delivered_ukwh, trade.seller_short_ukwh, trade.buyer_short_ukwh, trade.is_provisional)


def lines_of(trade: Traded, now: Delivered, of_buyer: MoneyTerms, of_seller: MoneyTerms) -> tuple[Line, ...]:
    """What both sides pay: energy and charges for what was delivered, and penalties by the terms of who was short."""
    if not trade.buyer_escrow_ueur + trade.seller_escrow_ueur:
        return ()
    start, made = trade.delivery_start, list[Line]()
    if now.delivered_ukwh:
        energy = now.delivered_ukwh
        made += charges.lines(OrderSide.BUY, energy, trade.price_ueur_per_kwh, of_buyer, start)
        made += charges.lines(OrderSide.SELL, energy, trade.seller_price_ueur_per_kwh, of_seller, start)
    if now.seller_short_ukwh:
        made += charges.penalty_lines(OrderSide.SELL, now.seller_short_ukwh, of_seller)
    if now.buyer_short_ukwh:
        made += charges.penalty_lines(OrderSide.BUY, now.buyer_short_ukwh, of_buyer)
    return tuple(made)


def _totals(lines: Iterable[Line]) -> tuple[int, int]:
    """What the buyer pays and what the seller receives, gross."""
    paid = received = 0
    for line in lines:
        if line.side is OrderSide.BUY:
            paid += line.net_ueur + line.vat_ueur
        else:
            received -= line.net_ueur + line.vat_ueur
    return paid, received


def amounts_ueur(trade: Traded, lines: Iterable[Line], accounts: AccountIds) -> dict[UUID, int]:
    """Where a trade's escrow goes by its lines: amounts by account, which add up to zero with the escrow's own."""
    escrow = trade.buyer_escrow_ueur + trade.seller_escrow_ueur
    if not escrow:
        return {}
    of_buyer, of_seller = accounts[trade.market_id], accounts[trade.seller_market_id]
    left_buyer, left_seller = trade.buyer_escrow_ueur, trade.seller_escrow_ueur
    amounts: dict[UUID, int] = defaultdict(int)
    amounts[of_buyer[AccountKind.ESCROW]] = -escrow
    for kind, side, _, _, net, _, vat, community_id in lines:
        if side is OrderSide.BUY:
            left_buyer -= net + vat
            of_side = of_buyer
        else:
            left_seller -= net + vat
            of_side = of_seller
        if vat:
            amounts[of_side[AccountKind.TAX]] += vat
        if kind is LineKind.ENERGY:
            amounts[of_buyer[AccountKind.GRID]] += net
        elif kind is not LineKind.PENALTY:
            amounts[(accounts[community_id] if community_id else of_side)[ACCOUNT_OF[kind]]] += net
    for user_id, left in ((trade.buyer_id, left_buyer), (trade.seller_id, left_seller)):
        beyond = min(0, left)
        assert beyond >= -ROUNDED_OF_TRADE_UEUR, f"trade {trade.id} costs {-beyond} micro-EUR beyond its escrow"
        amounts[accounts[user_id][AccountKind.AVAILABLE]] += left - beyond
        if beyond:
            amounts[of_buyer[AccountKind.ROUNDING]] += beyond
    return amounts


def digest(settled: Iterable[Settled]) -> str:
    """SHA-256 of what was settled, in the order of the trades' ids."""
    said = hashlib.sha256()
    for each in sorted(settled, key=lambda each: each.trade.id):
        now = each.delivered
        facts = (each.version, now.delivered_ukwh, now.seller_short_ukwh, now.buyer_short_ukwh)
        money = (each.buyer_paid_ueur, each.seller_received_ueur)
        said.update(f"{each.trade.id} {facts} {money}\n".encode())
    return said.hexdigest()
