"""What shared energy is worth to those who shared it; integers in, integers out, each amount rounded once.

Prices inside a group are a private agreement, not law (`regulation.md` section 3.3).

Nothing settles by it yet: it waits for a community's prices, and is held to published cases by the tests until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import MICRO, amount_ueur, largest_remainder, round_half_even

UEUR_PER_CENT = 10_000


@dataclass(frozen=True, slots=True)
class GroupPrices:
    """Energy prices around a sharing group, micro-EUR per kWh."""

    retail_ueur_per_kwh: int  # What a consumer pays its supplier.
    internal_buy_ueur_per_kwh: int  # What a consumer pays for shared energy.
    internal_sell_ueur_per_kwh: int  # What a producer gets for shared energy.
    feed_in_ueur_per_kwh: int  # What a producer gets for the rest.
    network_on_shared_ueur_per_kwh: int = 0  # 0 in a Luxembourg local energy community (CEL).


@dataclass(frozen=True, slots=True)
class GroupSettlement:
    """Gain of sharing over not sharing, micro-EUR; negative where the prices make it a loss."""

    consumer_savings_ueur: int
    producer_gains_ueur: int
    group_fee_ueur: int


def settle_group(shared_ukwh: int, prices: GroupPrices) -> GroupSettlement:
    """Gains of consumers, producers and group fund on shared energy.

    saving = shared * (retail - internal buy - network), gain = shared * (internal sell - feed-in), each half-even;
    the group's fee is the rest of shared * (retail - network - feed-in), so the three add up to it exactly.
    The remaining purchase at retail and sale at feed-in are the same with and without sharing and cancel out.
    Source: `regulation.md` section 3.3.
    """
    supplier_side = prices.retail_ueur_per_kwh - prices.network_on_shared_ueur_per_kwh
    savings = amount_ueur(shared_ukwh, supplier_side - prices.internal_buy_ueur_per_kwh)
    gains = amount_ueur(shared_ukwh, prices.internal_sell_ueur_per_kwh - prices.feed_in_ueur_per_kwh)
    whole = amount_ueur(shared_ukwh, supplier_side - prices.feed_in_ueur_per_kwh)
    return GroupSettlement(savings, gains, whole - savings - gains)


def split_by_energy(amount_ueur: int, energy_ukwh: Sequence[int]) -> list[int]:
    """Members' parts of an amount in proportion to their energy, micro-EUR, by largest remainder; a loss splits alike.

    Ties go to the earlier member: sort by id first.
    """
    sign = -1 if amount_ueur < 0 else 1
    return [sign * part for part in largest_remainder(abs(amount_ueur), energy_ukwh)]


def self_sufficiency_ppm(shared_ukwh: int, withdrawn_ukwh: int) -> int:
    """Part of the withdrawn energy that the community covered, ppm, half-even; 0 when nothing was withdrawn."""
    return round_half_even(shared_ukwh * MICRO, withdrawn_ukwh) if withdrawn_ukwh else 0


def reduced_network_price_ueur_per_kwh(price_ueur_per_kwh: int, reduction_ppm: int) -> int:
    """Network price on shared energy after a statutory reduction, micro-EUR per kWh, half-even. Raises InvalidValue.

    Austria: energy price only, local 57 % and regional 28 % at levels 6-7, regional 64 % at levels 4-5
    (`regulation.md` section 4.3 [AT5]). Switzerland: 40 % behind one transformer station, else 20 % (4.7 [CH1]).
    """
    _check_reduction(reduction_ppm)
    return round_half_even(price_ueur_per_kwh * (MICRO - reduction_ppm), MICRO)


def network_saving_ueur(shared_ukwh: int, price_ueur_per_kwh: int, reduction_ppm: int) -> int:
    """Network charge that shared energy is spared, micro-units of the price's currency, half-even once."""
    _check_reduction(reduction_ppm)
    return round_half_even(shared_ukwh * price_ueur_per_kwh * reduction_ppm, MICRO * MICRO)


def billed_line_ueur(energy_ukwh: int, price_ueur_per_kwh: int) -> int:
    """One line of a bill, micro-EUR, rounded half-up to the cent as invoices are (eegfaktura-billing)."""
    return _half_up_to_cent(energy_ukwh * price_ueur_per_kwh, MICRO)


def value_added_tax_ueur(net_ueur: int, rate_ppm: int) -> int:
    """Value added tax on one line, micro-EUR, rounded half-up to the cent (eegfaktura-billing)."""
    return _half_up_to_cent(net_ueur * rate_ppm, MICRO)


def _half_up_to_cent(numerator: int, denominator: int) -> int:
    """To whole cents, halves away from zero: a credit note mirrors its invoice."""
    cent = denominator * UEUR_PER_CENT
    cents = (2 * abs(numerator) + cent) // (2 * cent)
    return (-cents if numerator < 0 else cents) * UEUR_PER_CENT


def _check_reduction(reduction_ppm: int) -> None:
    if not 0 <= reduction_ppm <= MICRO:
        raise InvalidValue(("reduction_ppm",), f"{reduction_ppm} ppm is not between 0 and {MICRO}")
