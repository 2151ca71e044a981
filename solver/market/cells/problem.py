"""The question a clearing answers: orders, links between zones, and how prices are chosen.

Units inside the solver: energy in lots of 1 Wh, prices in ticks of 0.0001 EUR/kWh, both int64, so that
their product (one tick x one Wh is 0.1 micro-EUR) stays exact. `from_micro_units` is the one place where
the product's micro-units become lots and ticks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import LOT_UKWH, TICK_UEUR_PER_KWH

Indices: TypeAlias = NDArray[np.int64]
Wh: TypeAlias = NDArray[np.int64]
Ticks: TypeAlias = NDArray[np.int64]  # 0.0001 EUR/kWh
Mask: TypeAlias = NDArray[np.bool_]


# Together these keep every sum of price x energy in the solver inside 64 bits.
ORDERS_MAX = 2**22
PRICE_TICKS_MAX = 2**24  # 1,677 EUR/kWh
TOTAL_ENERGY_WH_MAX = 2**52
CELLS_MAX = 2**24  # intervals x zones
ZONES_MAX = 2**12


# Columns of orders that may be left out.
OPTIONAL = ("minimum_fill_wh", "shared")


class Side(IntEnum):
    """Which way an order trades. The value is its rank among orders of one price: sells come first."""

    SELL = 0
    BUY = 1


class UniformPrice(Enum):
    """Where in the range of market-clearing prices the uniform price lies, in halves from lowest to highest."""

    LOWEST = 0
    MIDPOINT = 1
    HIGHEST = 2

    def price_ueur_per_kwh(self, lowest_ticks: Ticks, highest_ticks: Ticks) -> NDArray[np.int64]:
        """Uniform price in micro-EUR/kWh, exact: half a tick is 50."""
        halves = self.value
        half_tick = TICK_UEUR_PER_KWH // 2
        price: NDArray[np.int64] = half_tick * ((2 - halves) * lowest_ticks + halves * highest_ticks)
        return price


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders as columns, all of one length.

    interval, zone: index from 0; side: `Side`; limit_price_ticks: may be negative; energy_wh: positive;
    sequence: order of arrival, unique; owner: who must not trade with itself.

    minimum_fill_wh: an order is filled at least so far or not at all; 0 where any fill will do.
    shared: entries with the same number are one order that trades its energy in any of their intervals, together
    no more than the largest of them; -1 where an entry stands alone. None stands for a column of 0 and of -1.
    """

    interval: Indices
    zone: Indices
    side: NDArray[np.int8]
    limit_price_ticks: Ticks
    energy_wh: Wh
    sequence: Indices
    owner: Indices
    minimum_fill_wh: Wh | None = None
    shared: Indices | None = None

    def __post_init__(self) -> None:
        _freeze(self, "interval", np.int64)
        _freeze(self, "zone", np.int64)
        _freeze(self, "side", np.int8)
        _freeze(self, "limit_price_ticks", np.int64)
        _freeze(self, "energy_wh", np.int64)
        _freeze(self, "sequence", np.int64)
        _freeze(self, "owner", np.int64)
        given = [name for name in OPTIONAL if getattr(self, name) is not None]
        for name in given:
            _freeze(self, name, np.int64)
        for name in ("zone", "side", "limit_price_ticks", "energy_wh", "sequence", "owner", *given):
            if len(getattr(self, name)) != len(self.interval):
                raise refusal(f"orders.{name}", f"has {len(getattr(self, name))} entries, orders.interval {len(self)}")

    def __len__(self) -> int:
        return len(self.interval)

    def at(self, chosen: Indices | Mask) -> "Orders":
        """The chosen orders, in the given sequence."""
        return Orders(
            interval=self.interval[chosen],
            zone=self.zone[chosen],
            side=self.side[chosen],
            limit_price_ticks=self.limit_price_ticks[chosen],
            energy_wh=self.energy_wh[chosen],
            sequence=self.sequence[chosen],
            owner=self.owner[chosen],
            minimum_fill_wh=None if self.minimum_fill_wh is None else self.minimum_fill_wh[chosen],
            shared=None if self.shared is None else self.shared[chosen],
        )


@dataclass(frozen=True, slots=True)
class Links:
    """Directed transfer limits between zones.

    capacity_wh: per link, or shape (intervals, links); cost_ticks: loss and proximity per kWh, never negative.
    """

    from_zone: Indices
    to_zone: Indices
    capacity_wh: Wh
    cost_ticks: Ticks

    def __post_init__(self) -> None:
        _freeze(self, "from_zone", np.int64)
        _freeze(self, "to_zone", np.int64)
        _freeze(self, "capacity_wh", np.int64, dimensions=(1, 2))
        _freeze(self, "cost_ticks", np.int64)
        for name in ("to_zone", "cost_ticks"):
            if len(getattr(self, name)) != len(self):
                raise refusal(f"links.{name}", f"has {len(getattr(self, name))} entries, links.from_zone {len(self)}")

    def __len__(self) -> int:
        return len(self.from_zone)


def no_links() -> Links:
    """Zones that stand alone."""
    empty = np.zeros(0, np.int64)
    return Links(from_zone=empty, to_zone=empty, capacity_wh=empty, cost_ticks=empty)


@dataclass(frozen=True)
class ClearingProblem:
    """One batch: every order of some delivery intervals, to be cleared together. Validated when made."""

    intervals: int
    zones: int
    orders: Orders
    links: Links = field(default_factory=no_links)
    pricing: UniformPrice = UniformPrice.MIDPOINT

    def __post_init__(self) -> None:
        _check_shape(self)
        _check_orders(self)
        _check_links(self)

    @cached_property
    def cell(self) -> Indices:
        """Interval and zone of each order as one index, interval x zones + zone."""
        cell: Indices = self.orders.interval * self.zones + self.orders.zone
        return cell

    @cached_property
    def capacity_wh(self) -> Wh:
        """Transfer limits, shape (intervals, links)."""
        return np.broadcast_to(self.links.capacity_wh, (self.intervals, len(self.links)))


@dataclass(frozen=True)
class Derived(ClearingProblem):
    """A problem made from a checked one, so not checked again; its prices and zones may be beyond those of markets."""

    def __post_init__(self) -> None:
        """Leave everything as it is."""


def derived(problem: ClearingProblem, **changes: Any) -> Derived:
    """The problem with some of its parts exchanged, not checked again."""
    parts = {name: getattr(problem, name) for name in ("intervals", "zones", "orders", "links", "pricing")}
    return Derived(**(parts | changes))


def from_micro_units(
    *,
    limit_price_ueur_per_kwh: ArrayLike,
    energy_ukwh: ArrayLike,
    **columns: Any,
) -> Orders:
    """Orders given in micro-EUR/kWh and micro-kWh. Nothing is rounded: what is not a whole tick or lot is refused."""
    return Orders(
        limit_price_ticks=_whole(limit_price_ueur_per_kwh, TICK_UEUR_PER_KWH, "limit_price_ueur_per_kwh", "tick"),
        energy_wh=_whole(energy_ukwh, LOT_UKWH, "energy_ukwh", "lot"),
        **columns,
    )


def _whole(values: ArrayLike, unit: int, name: str, unit_name: str) -> NDArray[np.int64]:
    whole, rest = np.divmod(_integers(values, name, np.int64), unit)
    _refuse_where(rest != 0, f"orders.{name}", f"is not a whole {unit_name} of {unit}")
    return whole


def _integers(values: ArrayLike, name: str, dtype: type[np.signedinteger[Any]]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(dtype)
    if array.dtype.kind not in "iu":
        raise refusal(name, f"must hold integers, not {array.dtype}")
    if array.dtype != dtype:
        bounds = np.iinfo(dtype)
        _refuse_where((array > bounds.max) | (array < bounds.min), name, f"does not fit {np.dtype(dtype)}")
    return array.astype(dtype, copy=False)


def _freeze(
    columns: Orders | Links, name: str, dtype: type[np.signedinteger[Any]], dimensions: tuple[int, ...] = (1,)
) -> None:
    where = f"{type(columns).__name__.lower()}.{name}"
    array = _integers(getattr(columns, name), where, dtype)
    if array.ndim not in dimensions:
        raise refusal(where, f"has {array.ndim} dimensions, expected {dimensions}")
    object.__setattr__(columns, name, np.ascontiguousarray(array) if array.ndim == 1 else array)


def refusal(name: str, reason: str) -> InvalidValue:
    """The input does not describe a market; the message says which array, where in it, and why."""
    return InvalidValue(tuple(name.partition("[")[0].split(".")), f"{name} {reason}")


def _refuse_where(is_wrong: Mask, name: str, reason: str) -> None:
    if is_wrong.any():
        position = ", ".join(str(index) for index in np.argwhere(is_wrong)[0])
        raise refusal(f"{name}[{position}]", reason)


def _outside(values: NDArray[Any], count: int) -> Mask:
    """True where an index is not in 0..count-1."""
    is_outside: Mask = (values < 0) | (values >= count)
    return is_outside


def _check_shape(problem: ClearingProblem) -> None:
    if not 0 <= problem.zones <= ZONES_MAX:
        raise refusal("zones", f"is {problem.zones}, not 0..{ZONES_MAX}")
    if not 0 <= problem.intervals * max(problem.zones, 1) <= CELLS_MAX:
        raise refusal("intervals", f"is {problem.intervals}; intervals x zones must be 0..{CELLS_MAX}")
    if len(problem.orders) > ORDERS_MAX:
        raise refusal("orders", f"are {len(problem.orders)}; one clearing takes at most {ORDERS_MAX}")


def _check_orders(problem: ClearingProblem) -> None:
    orders = problem.orders
    faults: dict[str, tuple[Callable[[NDArray[Any]], Mask], str]] = {
        "interval": (lambda a: _outside(a, problem.intervals), f"is not an interval of 0..{problem.intervals - 1}"),
        "zone": (lambda a: _outside(a, problem.zones), f"is not a zone of 0..{problem.zones - 1}"),
        "side": (lambda a: _outside(a, len(Side)), "is neither SELL nor BUY"),
        "limit_price_ticks": (lambda a: abs(a) > PRICE_TICKS_MAX, f"is beyond +-{PRICE_TICKS_MAX} ticks"),
        "energy_wh": (lambda a: (a <= 0) | (a > TOTAL_ENERGY_WH_MAX), f"is not in 1..{TOTAL_ENERGY_WH_MAX} Wh"),
    }
    for name, (is_wrong, reason) in faults.items():
        _refuse_where(is_wrong(getattr(orders, name)), f"orders.{name}", reason)
    if orders.energy_wh.sum(dtype=np.float64) > TOTAL_ENERGY_WH_MAX:
        raise refusal("orders.energy_wh", f"adds up to more than {TOTAL_ENERGY_WH_MAX} Wh")
    if orders.minimum_fill_wh is not None:
        is_beyond = (orders.minimum_fill_wh < 0) | (orders.minimum_fill_wh > orders.energy_wh)
        _refuse_where(is_beyond, "orders.minimum_fill_wh", "is not in 0..energy_wh")
    if orders.shared is not None:
        _check_shared(orders, orders.shared)


def _check_shared(orders: Orders, shared: Indices) -> None:
    """Entries of one order agree, and it has no minimum: that would be one over several intervals."""
    chosen = np.flatnonzero(shared >= 0)
    _, first, number = np.unique(shared[chosen], return_index=True, return_inverse=True)
    for name in ("zone", "side", "limit_price_ticks", "owner"):
        column = getattr(orders, name)[chosen]
        differs = np.zeros(len(orders), np.bool_)
        differs[chosen] = column != column[first][number]
        _refuse_where(differs, f"orders.{name}", "differs within one shared order")
    if orders.minimum_fill_wh is not None:
        is_both = (orders.minimum_fill_wh > 0) & (shared >= 0)
        _refuse_where(is_both, "orders.minimum_fill_wh", "is for one interval, not for a shared order")


def _check_links(problem: ClearingProblem) -> None:
    links = problem.links
    _refuse_where(_outside(links.from_zone, problem.zones), "links.from_zone", "is not a zone")
    _refuse_where(_outside(links.to_zone, problem.zones), "links.to_zone", "is not a zone")
    _refuse_where(links.from_zone == links.to_zone, "links.to_zone", "leads back to the zone it comes from")
    _refuse_where(links.capacity_wh < 0, "links.capacity_wh", "is negative")
    _refuse_where(
        _outside(links.cost_ticks, PRICE_TICKS_MAX + 1), "links.cost_ticks", f"is not in 0..{PRICE_TICKS_MAX} ticks"
    )
    if links.capacity_wh.shape not in ((len(links),), (problem.intervals, len(links))):
        expected = f"({len(links)},) or ({problem.intervals}, {len(links)})"
        raise refusal("links.capacity_wh", f"has shape {links.capacity_wh.shape}, expected {expected}")
