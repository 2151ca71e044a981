"""Table of jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, text_enum
from domain.kernel.personal import Personal
from domain.kernel.vocabularies import Word, WordType, word_check

OF_OWNERS_OPEN = "status IN ('QUEUED', 'RUNNING') AND owner_id IS NOT NULL"


class JobKind(Word):
    """What a job does. Each kind has a `lane`: jobs of one lane never wait for those of another."""

    lane: str = "long"  # For those that somebody asked for, `queue.ASKED`.


class JobStatus(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Job(Base):
    """Work to be done once. `key` names the work, so that asking twice makes one job."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
        word_check("kind"),
        Index("ix_job_open", "created_at", postgresql_where=text("status IN ('QUEUED', 'RUNNING')")),
        Index("ix_job_owner", "owner_id", "id"),
        Index("ix_job_turn", "owner_id", "created_at", postgresql_where=text(OF_OWNERS_OPEN)),
        Index("ix_job_community_id", "community_id", "id"),
        Index("ix_job_failed", "finished_at", "id", postgresql_where=text("status = 'FAILED'")),
    )

    id: Mapped[Id]
    kind: Mapped[JobKind] = mapped_column(WordType(JobKind))
    key: Mapped[str] = mapped_column(Text, unique=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[JobStatus] = mapped_column(text_enum(JobStatus), server_default=JobStatus.QUEUED.value)
    progress: Mapped[float] = mapped_column(server_default="0")
    message: Mapped[str | None] = mapped_column(Text)
    result_type: Mapped[str | None] = mapped_column(Text)
    result_id: Mapped[UUID | None]
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    owner_id: Mapped[UUID | None]
    community_id: Mapped[UUID | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts_max: Mapped[int] = mapped_column(Integer, server_default="5")
    time_limit_s: Mapped[int] = mapped_column(Integer, server_default="300")
    dispatch_after: Mapped[CreatedAt]
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


PERSONAL = {
    Job: Personal(by=("owner_id",)),
}
