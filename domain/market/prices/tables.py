"""Tables of what prices are watched by: price models, grid tariffs, forecasts and price alerts."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum, text_enums
from domain.kernel.personal import Personal
from domain.market.prices.calendars import DayKind

TIER_CHECKS = (
    ("months", "first_month BETWEEN 1 AND 12 AND last_month BETWEEN 1 AND 12"),
    ("minutes", "from_minute BETWEEN 0 AND 1439 AND to_minute BETWEEN 1 AND 1440 AND from_minute <> to_minute"),
)


class GridDirection(StrEnum):
    """Whether energy comes from the grid or goes to it, seen by a member."""

    IMPORT = "IMPORT"
    EXPORT = "EXPORT"


class ForecastMethod(StrEnum):
    """How prices were forecast."""

    SEASONAL_NAIVE = "SEASONAL_NAIVE"
    RIDGE = "RIDGE"


class NaiveReason(StrEnum):
    """Why a forecast is the naive one."""

    NO_PRICES = "NO_PRICES"
    TOO_LITTLE_HISTORY = "TOO_LITTLE_HISTORY"
    TOO_FEW_PRICES = "TOO_FEW_PRICES"
    NAIVE_WAS_BETTER = "NAIVE_WAS_BETTER"


class AlertDirection(StrEnum):
    """From which side a price reaches the threshold of an alert."""

    ABOVE = "ABOVE"
    BELOW = "BELOW"


class PriceModel(Base):
    """How a market's model price is made from an instant on; the newest row of the latest instant holds. Append-only.

    The weights add up to one. Congestion counts from `congestion_from_ppm` of the links' capacity on.
    """

    __tablename__ = "price_model"
    __table_args__ = (
        CheckConstraint(
            "ratio_weight_ppm >= 0 AND mid_market_weight_ppm >= 0 AND crossing_weight_ppm >= 0 "
            "AND ratio_weight_ppm + mid_market_weight_ppm + crossing_weight_ppm = 1000000",
            name="weights",
        ),
        CheckConstraint("compensation_ppm BETWEEN 0 AND 1000000", name="compensation"),
        CheckConstraint("divider_ppm BETWEEN 0 AND 1000000", name="divider"),
        CheckConstraint("congestion_ueur_per_kwh >= 0 AND congestion_from_ppm BETWEEN 0 AND 999999", name="congestion"),
        Index("ix_price_model_market_id", "market_id", "valid_from", "id"),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    valid_from: Mapped[datetime]
    ratio_weight_ppm: Mapped[int] = mapped_column(Integer)
    mid_market_weight_ppm: Mapped[int] = mapped_column(Integer)
    crossing_weight_ppm: Mapped[int] = mapped_column(Integer)
    compensation_ppm: Mapped[int] = mapped_column(Integer)
    divider_ppm: Mapped[int] = mapped_column(Integer)
    congestion_ueur_per_kwh: Mapped[Micro]
    congestion_from_ppm: Mapped[int] = mapped_column(Integer)
    has_floor: Mapped[bool]
    has_cap: Mapped[bool]
    timezone: Mapped[str] = mapped_column(Text)
    holidays: Mapped[list[date]] = mapped_column(ARRAY(Date))
    created_at: Mapped[CreatedAt]


def _tier_checks() -> tuple[CheckConstraint, ...]:
    """Of a table of tiers; a check belongs to one table only."""
    return text_enums("days", DayKind), *(CheckConstraint(condition, name=name) for name, condition in TIER_CHECKS)


class TierColumns:
    """When a tier holds, and what it says of those hours."""

    rank: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    days: Mapped[list[str]] = mapped_column(ARRAY(Text))
    first_month: Mapped[int] = mapped_column(Integer)
    last_month: Mapped[int] = mapped_column(Integer)
    from_minute: Mapped[int] = mapped_column(Integer)
    to_minute: Mapped[int] = mapped_column(Integer)
    value_ueur_per_kwh: Mapped[Micro]


class PriceTier(TierColumns, Base):
    """What a price model adds to the price at some hours; of the tiers that hold the first one counts. Append-only."""

    __tablename__ = "price_tier"
    __table_args__ = _tier_checks()

    price_model_id: Mapped[UUID] = mapped_column(ForeignKey("price_model.id"), primary_key=True)


class GridTariff(Base):
    """What a kWh from the grid costs in a zone, or one to it earns, from an instant on. Append-only."""

    __tablename__ = "grid_tariff"
    __table_args__ = (Index("ix_grid_tariff_zone_id", "zone_id", "direction", "valid_from", "id"),)

    id: Mapped[Id]
    zone_id: Mapped[UUID] = mapped_column(ForeignKey("market_zone.id"))
    direction: Mapped[GridDirection] = mapped_column(text_enum(GridDirection))
    price_ueur_per_kwh: Mapped[Micro]
    timezone: Mapped[str] = mapped_column(Text)
    holidays: Mapped[list[date]] = mapped_column(ARRAY(Date))
    valid_from: Mapped[datetime]
    created_at: Mapped[CreatedAt]


class TariffTier(TierColumns, Base):
    """The price of a grid tariff at some hours, instead of its own; the first tier that holds counts. Append-only."""

    __tablename__ = "tariff_tier"
    __table_args__ = _tier_checks()

    grid_tariff_id: Mapped[UUID] = mapped_column(ForeignKey("grid_tariff.id"), primary_key=True)


class PriceForecast(Base):
    """Prices expected at an instant for the intervals that follow it, and how good the method had been. Append-only.

    A price is null where nothing is known to forecast it by. The errors are those of a backtest over the last days, of
    the ridge regression and of the naive forecast for the same prices; null where there was none: `reason` says why.
    """

    __tablename__ = "price_forecast"
    __table_args__ = (
        UniqueConstraint("market_id", "made_at"),
        CheckConstraint("(method = 'SEASONAL_NAIVE') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint(
            "num_nulls(mae_ueur_per_kwh, rmse_ueur_per_kwh, naive_mae_ueur_per_kwh, "
            "naive_rmse_ueur_per_kwh, backtest_prices) IN (0, 5)",
            name="backtest",
        ),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    made_at: Mapped[datetime]
    method: Mapped[ForecastMethod] = mapped_column(text_enum(ForecastMethod))
    reason: Mapped[NaiveReason | None] = mapped_column(text_enum(NaiveReason))
    interval_minutes: Mapped[int] = mapped_column(Integer)
    prices_ueur_per_kwh: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    mae_ueur_per_kwh: Mapped[Micro | None]
    rmse_ueur_per_kwh: Mapped[Micro | None]
    naive_mae_ueur_per_kwh: Mapped[Micro | None]
    naive_rmse_ueur_per_kwh: Mapped[Micro | None]
    backtest_days: Mapped[int] = mapped_column(Integer)
    backtest_prices: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[CreatedAt]


class PriceAlert(Base):
    """A price that a user wants to hear of: once, or again after a cool-down where that is given.

    Ticks after `after_sequence` of the market's prices count.
    """

    __tablename__ = "price_alert"
    __table_args__ = (
        CheckConstraint("cool_down_minutes BETWEEN 1 AND 10080", name="cool_down"),
        CheckConstraint("times_fired >= 0 AND (times_fired > 0) = (last_fired_at IS NOT NULL)", name="fired"),
        Index("ix_price_alert_owner_id", "owner_id", "id"),
        Index("ix_price_alert_active", "market_id", postgresql_where=text("is_active")),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    direction: Mapped[AlertDirection] = mapped_column(text_enum(AlertDirection))
    threshold_ueur_per_kwh: Mapped[Micro]
    cool_down_minutes: Mapped[int | None] = mapped_column(Integer)
    is_active: Mapped[bool] = mapped_column(server_default="true")
    after_sequence: Mapped[int] = mapped_column(BigInteger)
    times_fired: Mapped[int] = mapped_column(Integer, server_default="0")
    last_fired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[CreatedAt]


class WatchedMarket(Base):
    """How far a market's price ticks were compared with alerts."""

    __tablename__ = "watched_market"

    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)


class WatchedPrice(Base):
    """The last tick of a coming delivery interval that was compared with alerts."""

    __tablename__ = "watched_price"

    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"), primary_key=True)
    delivery_start: Mapped[datetime] = mapped_column(primary_key=True)
    price_ueur_per_kwh: Mapped[Micro]


PERSONAL = {
    PriceAlert: Personal(of=("owner_id",)),
}
