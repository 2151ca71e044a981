"""The sets of persons whose sums were decided upon: who may see what, and since when."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, Integer
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Uuid

from domain.kernel.database import Base, CreatedAt, Id, text_enum
from domain.kernel.personal import PROOF, Personal
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction


class SetKind(StrEnum):
    """Whose sum it is; sets are admitted in this order."""

    ZONE = "ZONE"
    COMMUNITY = "COMMUNITY"
    RUN = "RUN"


class Audience(StrEnum):
    """Who is told the sum: everybody, or those who are in the community."""

    OUTSIDERS = "OUTSIDERS"
    MEMBERS = "MEMBERS"


class PublishedSet(Base):
    """Points whose sum an audience was told on the local days [first_day, end_day), or why it was not.

    `points` are sorted; `persons` are behind them, null for nobody, and `factors_ppm` how much of each is in the sum. A
    set that was told stays, whatever becomes of memberships: what was seen is seen. A refusal is asked again in a day.
    """

    __tablename__ = "published_set"
    __table_args__ = (
        CheckConstraint("end_day > first_day", name="days"),
        CheckConstraint(
            "cardinality(points) = cardinality(persons) AND cardinality(points) = cardinality(factors_ppm)",
            name="points",
        ),
        Index("ix_published_set_subject_id", "subject_id", "direction", "audience", "first_day"),
        Index("ix_published_set_days", "first_day", "end_day"),
    )

    id: Mapped[Id]
    kind: Mapped[SetKind] = mapped_column(text_enum(SetKind))
    subject_id: Mapped[UUID]
    direction: Mapped[Direction] = mapped_column(text_enum(Direction))
    audience: Mapped[Audience] = mapped_column(text_enum(Audience))
    first_day: Mapped[date] = mapped_column(Date)
    end_day: Mapped[date] = mapped_column(Date)
    points: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    persons: Mapped[list[UUID | None]] = mapped_column(ARRAY(Uuid()))
    factors_ppm: Mapped[list[int]] = mapped_column(ARRAY(Integer()))
    withheld: Mapped[Suppression | None] = mapped_column(text_enum(Suppression))
    decided_at: Mapped[CreatedAt]


PERSONAL = {PublishedSet: Personal(of=("points", "persons"), kept=PROOF)}
