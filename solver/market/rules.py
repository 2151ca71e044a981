"""What the trading rules of one owner offer, and what one of them would have got for it in the past.

    offers     energy per rule and interval: forecast, less what is bound, less the reserve, within the daily limit
    simulate   offers of one rule, filled at the prices of the past and delivered as far as was metered

Energies are micro-kWh, integers. Rules take their turn in the order given: what one of them offers the next one does
not have. Offers are rounded down to the lot.

A reserve is filled first: of each local day the first surplus that is forecast in the reserve's hours goes into the
storage, until it holds the reserve. Of several reserves the one that keeps most of an interval counts there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.kernel.quantities import LOT_UKWH

NOTHING: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reserve:
    """Energy to keep of each local day; `covers` and `days` are one per interval."""

    energy_ukwh: int
    days: Sequence[int]
    covers: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that sells what is left over or buys what is needed.

    days: the local day of each interval, by the rule's clock; covers: whether it is to decide on it; used_ukwh: what it
    has bound already, by day.
    """

    is_sale: bool
    price_ueur_per_kwh: int
    days: Sequence[int]
    covers: Sequence[bool]
    daily_ukwh_max: int | None = None
    used_ukwh: Mapping[int, int] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an owner is expected to inject and withdraw in each interval, and what of it is bound by orders."""

    injected_ukwh: Sequence[int]
    withdrawn_ukwh: Sequence[int]
    sold_ukwh: Sequence[int]
    bought_ukwh: Sequence[int]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a rule offers in an interval, by number, and why: forecast - bound - kept, within what the day leaves."""

    interval: int
    energy_ukwh: int
    forecast_ukwh: int
    bound_ukwh: int
    kept_ukwh: int
    left_on_day_ukwh: int | None


@dataclass(frozen=True, slots=True)
class Past:
    """What came of intervals: the price that was cleared (None where nothing was), energy traded, energy metered."""

    price_ueur_per_kwh: Sequence[int | None]
    traded_ukwh: Sequence[int]
    metered_ukwh: Sequence[int]


@dataclass(frozen=True, slots=True)
class Fill:
    """An offer as the past would have taken it: nothing where the price was worse than the limit."""

    offer: Offer
    price_ueur_per_kwh: int | None
    filled_ukwh: int
    delivered_ukwh: int


def offers(rules: Sequence[Rule], reserves: Sequence[Reserve], outlook: Outlook) -> list[list[Offer]]:
    """What each rule offers in the intervals that it covers, in their order; an offer may be of nothing."""
    kept = _kept(reserves, outlook.injected_ukwh)
    sold, bought = list(outlook.sold_ukwh), list(outlook.bought_ukwh)
    made = []
    for rule in rules:
        forecast, bound = (outlook.injected_ukwh, sold) if rule.is_sale else (outlook.withdrawn_ukwh, bought)
        of_rule = _offers(rule, forecast, bound, kept if rule.is_sale else [0] * len(kept))
        for offer in of_rule:
            bound[offer.interval] += offer.energy_ukwh
        made.append(of_rule)
    return made


def simulate(rule: Rule, reserves: Sequence[Reserve], outlook: Outlook, past: Past) -> list[Fill]:
    """What a rule would have offered, and got where the price reached its limit; only offers of something."""
    [made] = offers([rule], reserves, outlook)
    return [_filled(rule, offer, past) for offer in made if offer.energy_ukwh]


def _kept(reserves: Sequence[Reserve], injected_ukwh: Sequence[int]) -> list[int]:
    """What reserves keep of each interval."""
    kept = [0] * len(injected_ukwh)
    for reserve in reserves:
        stored: dict[int, int] = {}
        for place, (day, is_covered) in enumerate(zip(reserve.days, reserve.covers, strict=True)):
            if is_covered:
                taken = min(injected_ukwh[place], reserve.energy_ukwh - stored.get(day, 0))
                stored[day] = stored.get(day, 0) + taken
                kept[place] = max(kept[place], taken)
    return kept


def _offers(rule: Rule, forecast: Sequence[int], bound: Sequence[int], kept: Sequence[int]) -> list[Offer]:
    used = dict(rule.used_ukwh)
    made = []
    for place, (day, is_covered) in enumerate(zip(rule.days, rule.covers, strict=True)):
        if is_covered:
            left = None if rule.daily_ukwh_max is None else max(0, rule.daily_ukwh_max - used.get(day, 0))
            free = max(0, forecast[place] - bound[place] - kept[place])
            energy = (free if left is None else min(free, left)) // LOT_UKWH * LOT_UKWH
            used[day] = used.get(day, 0) + energy
            made.append(Offer(place, energy, forecast[place], bound[place], kept[place], left))
    return made


def _filled(rule: Rule, offer: Offer, past: Past) -> Fill:
    price = past.price_ueur_per_kwh[offer.interval]
    if price is None or not _is_good(rule, price):
        return Fill(offer, price, 0, 0)
    filled = min(offer.energy_ukwh, past.traded_ukwh[offer.interval])
    return Fill(offer, price, filled, min(filled, past.metered_ukwh[offer.interval]))


def _is_good(rule: Rule, price_ueur_per_kwh: int) -> bool:
    sign = 1 if rule.is_sale else -1
    return sign * (price_ueur_per_kwh - rule.price_ueur_per_kwh) >= 0
