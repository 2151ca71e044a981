"""Tables of Dutch auctions."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum
from domain.kernel.personal import BOOKS, Personal


class AuctionStatus(StrEnum):
    """Where a Dutch auction stands; the last three are final."""

    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    SOLD = "SOLD"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


class DutchAuction(Base):
    """Energy offered under a descending clock: the first bid at the clock's price takes it.

    The energy is that of each delivery interval of the seller's order, which bears the delivery, source and hold.
    price(t) = max(floor, start - step x whole steps since it opened).
    """

    __tablename__ = "dutch_auction"
    __table_args__ = (
        CheckConstraint("energy_ukwh > 0 AND sold_ukwh BETWEEN 0 AND energy_ukwh", name="energy"),
        CheckConstraint("floor_price_ueur_per_kwh <= start_price_ueur_per_kwh", name="prices"),
        CheckConstraint("step_ueur_per_kwh > 0 AND step_seconds BETWEEN 1 AND 3600", name="step"),
        CheckConstraint("opens_at < ends_at", name="clock"),
        Index("ix_dutch_auction_market_id", "market_id", "id"),
        Index("ix_dutch_auction_seller_id", "seller_id", "id"),
        Index("ix_dutch_auction_next_tick", "next_tick_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[Id]
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("market_order.id"), unique=True)
    status: Mapped[AuctionStatus] = mapped_column(text_enum(AuctionStatus))
    energy_ukwh: Mapped[Micro]
    sold_ukwh: Mapped[Micro] = mapped_column(server_default="0")
    start_price_ueur_per_kwh: Mapped[Micro]
    floor_price_ueur_per_kwh: Mapped[Micro]
    step_ueur_per_kwh: Mapped[Micro]
    step_seconds: Mapped[int] = mapped_column(Integer)
    opens_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    next_tick_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class AuctionBid(Base):
    """A bid that took energy at the clock's price. Append-only."""

    __tablename__ = "auction_bid"
    __table_args__ = (
        CheckConstraint("energy_ukwh > 0", name="energy"),
        Index("ix_auction_bid_auction_id", "auction_id", "id"),
        Index("ix_auction_bid_bidder_id", "bidder_id", "id"),
    )

    id: Mapped[Id]
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    auction_id: Mapped[UUID] = mapped_column(ForeignKey("dutch_auction.id"))
    bidder_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("market_order.id"), unique=True)
    energy_ukwh: Mapped[Micro]
    price_ueur_per_kwh: Mapped[Micro]
    placed_at: Mapped[datetime]


PERSONAL = {
    DutchAuction: Personal(of=("seller_id",), kept=BOOKS),
    AuctionBid: Personal(of=("bidder_id",), kept=BOOKS),
}
