"""Loads as a viewer is told them: by the quarter-hour who operates the zone, others by the hour what is not withheld.

Rows are those of `ZoneLoad`, as mappings by column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from domain.kernel.quantities import WHOLE_PPM, round_half_even
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction

Row = Mapping[str, Any]
WITHHELD = {Direction.INJECTED: "injected_withheld", Direction.WITHDRAWN: "withdrawn_withheld"}
ENERGY = {Direction.INJECTED: "injected_ukwh", Direction.WITHDRAWN: "withdrawn_ukwh"}


@dataclass(frozen=True, slots=True)
class Load:
    """The load of an interval; None where nothing is known or it is withheld. Columns are those of `ZoneLoad`."""

    injected_ukwh: int | None = None
    withdrawn_ukwh: int | None = None
    net_export_ukwh: int | None = None
    direction: Direction | None = None
    load_w: int | None = None
    capacity_w: int | None = None
    utilisation_ppm: int | None = None
    injected_withheld: Suppression | None = None
    withdrawn_withheld: Suppression | None = None

    @classmethod
    def of_quarter(cls, row: Row | None) -> Self:
        """All that is known of a quarter-hour."""
        if row is None:
            return cls()
        names = ("injected_ukwh", "withdrawn_ukwh", "net_export_ukwh", "direction", "load_w", "capacity_w")
        return cls(**{name: row[name] for name in names}, utilisation_ppm=row["utilisation_ppm"])

    @classmethod
    def of_hour(cls, rows: Sequence[Row | None]) -> Self:
        """What is told of an hour: null as a whole where a quarter of it is not known."""
        known = [row for row in rows if row is not None]
        if not known:
            return cls()
        withheld = {way: _reason(known, column) for way, column in WITHHELD.items()}
        reasons: dict[str, Any] = {WITHHELD[way]: reason for way, reason in withheld.items()}
        if len(known) < len(rows):
            return cls(**reasons)
        energies: dict[str, Any] = {
            column: None if withheld[way] else _sum(known, column) for way, column in ENERGY.items()
        }
        load = {} if any(withheld.values()) else _load(known)
        return cls(net_export_ukwh=_sum(known, "net_export_ukwh"), **energies, **load, **reasons)


def _reason(rows: Sequence[Row], column: str) -> Suppression | None:
    found = {row[column] for row in rows}
    return next((reason for reason in Suppression if reason in found), None)


def _sum(rows: Sequence[Row], column: str) -> int | None:
    values = [row[column] for row in rows]
    return None if None in values else sum(values)


def _load(rows: Sequence[Row]) -> dict[str, Any]:
    """The mean excess of an hour, with the least capacity that there was in its direction. Rounded half-even."""
    excess_w = sum(row["load_w"] if row["direction"] == Direction.WITHDRAWN else -row["load_w"] for row in rows)
    direction = Direction.INJECTED if excess_w < 0 else Direction.WITHDRAWN
    load_w = round_half_even(abs(excess_w), len(rows))
    capacities = [row["capacity_w"] for row in rows if row["direction"] == direction and row["capacity_w"] is not None]
    capacity_w = min(capacities, default=None)
    used = None if capacity_w is None else round_half_even(load_w * WHOLE_PPM, capacity_w)
    return {"direction": direction, "load_w": load_w, "capacity_w": capacity_w, "utilisation_ppm": used}
