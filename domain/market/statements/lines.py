"""Lines of statements: what something comes to in all, less what was stated of it, in exact sums and in cents."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from domain.kernel.quantities import MICRO
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide

UEUR_PER_CENT = 10_000
SIDES = tuple(OrderSide)
KINDS = tuple(LineKind)


class LineKey(NamedTuple):
    """What a line sums up."""

    market_id: UUID
    side: OrderSide
    kind: LineKind
    vat_ppm: int

    @property
    def place(self) -> tuple[str, int, int, int]:
        """Where the line stands: by market, what was bought before what was sold, energy first."""
        return str(self.market_id), SIDES.index(self.side), KINDS.index(self.kind), self.vat_ppm


@dataclass(frozen=True, slots=True)
class Sums:
    """Energy in micro-kWh, exact net and VAT in micro-EUR; positive is paid."""

    energy_ukwh: int = 0
    net_ueur: int = 0
    vat_ueur: int = 0

    def less(self, other: "Sums") -> "Sums":
        """What is left beyond another."""
        return Sums(
            self.energy_ukwh - other.energy_ukwh, self.net_ueur - other.net_ueur, self.vat_ueur - other.vat_ueur
        )

    @property
    def is_nothing(self) -> bool:
        """Whether no money is in it."""
        return not (self.net_ueur or self.vat_ueur)


@dataclass(frozen=True, slots=True)
class Stated:
    """What documents said of a line until now: exact sums, and the cents that were read."""

    sums: Sums = Sums()
    net_cents: int = 0
    vat_cents: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document: what something comes to in all, less what was stated of it before."""

    key: LineKey
    owed: Sums
    stated: Stated = Stated()

    @property
    def sums(self) -> Sums:
        """What the ledger moved since."""
        return self.owed.less(self.stated.sums)

    @property
    def net_cents(self) -> int:
        """Net, rounded half-up to the cent in all."""
        return self._owed_cents - self.stated.net_cents

    @property
    def vat_cents(self) -> int:
        """VAT on the rounded net, rounded half-up to the cent in all."""
        return half_up(self._owed_cents * self.key.vat_ppm, MICRO) - self.stated.vat_cents

    @property
    def _owed_cents(self) -> int:
        return half_up(self.owed.net_ueur, UEUR_PER_CENT)

    @property
    def is_news(self) -> bool:
        """Whether there is something to state: at first any money, afterwards a cent of it."""
        if self.stated == Stated():
            return not self.owed.is_nothing
        return bool(self.net_cents or self.vat_cents)


def half_up(numerator: int, denominator: int) -> int:
    """The nearest integer, ties away from zero, as bills are rounded."""
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return whole if numerator >= 0 else -whole
