"""Tables of engagement."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Micro
from domain.kernel.personal import Personal


class MemberCard(Base):
    """The label by which a membership is known to others of its community, drawn at random. Append-only.

    Its id is random, too: one that told the time would tell who came first.
    """

    __tablename__ = "member_card"
    __table_args__ = (
        UniqueConstraint("membership_id"),
        UniqueConstraint("community_id", "label"),
        CheckConstraint("label ~ '^House [A-HJ-NP-Z][1-9][0-9]*$'", name="label"),
        Index("ix_member_card_community_id", "community_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    community_id: Mapped[UUID] = mapped_column(ForeignKey("community.id"))
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("membership.id"))
    label: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


class EngagementPreference(Base):
    """Whether a user takes part in ratings, leaderboards and means that others see; who said nothing does."""

    __tablename__ = "engagement_preference"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    is_opted_out: Mapped[bool]
    changed_at: Mapped[datetime]


class MemberRating(Base):
    """What a user traded for the 90 days of UTC before a day, as far as it is settled, and how much was kept.

    Append-only; users who traded nothing have none of that day.
    """

    __tablename__ = "member_rating"
    __table_args__ = (
        CheckConstraint("sales_count >= 0 AND purchases_count >= 0 AND sales_count + purchases_count > 0", name="some"),
        CheckConstraint(
            "sold_kept_ukwh BETWEEN 0 AND sold_ukwh AND bought_kept_ukwh BETWEEN 0 AND bought_ukwh", name="kept"
        ),
    )

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    sales_count: Mapped[int] = mapped_column(Integer)
    sold_ukwh: Mapped[Micro]
    sold_kept_ukwh: Mapped[Micro]
    purchases_count: Mapped[int] = mapped_column(Integer)
    bought_ukwh: Mapped[Micro]
    bought_kept_ukwh: Mapped[Micro]
    created_at: Mapped[CreatedAt]


PERSONAL = {
    MemberCard: Personal(of=("membership_id",)),
    EngagementPreference: Personal(of=("user_id",)),
    MemberRating: Personal(of=("user_id",)),
}
