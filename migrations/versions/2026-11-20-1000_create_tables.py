"""create tables

Revision ID: tables
Revises:
Create Date: 2026-11-20 10:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "tables"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "audit_entry",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("chain", "sequence", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "event",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("stream", "sequence", name=op.f("pk_event")),
    )
    op.create_table(
        "event_stream",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("announced", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_event_stream")),
    )
    op.create_table(
        "framework",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "code",
            sa.Enum(
                "LU_SHARING",
                "IT_CER",
                "AT_EEG",
                "EU_TRADING",
                "MICROGRID",
                "COMPANY_GROUP",
                name="frameworkcode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("interval_minutes", sa.Integer(), nullable=False),
        sa.Column("allowed_keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("needs_substation_area", sa.Boolean(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_framework_code_valid_from")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.LargeBinary(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ALLOCATE_PERIOD", "CLEAR_MARKET", name="jobkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "QUEUED",
                "RUNNING",
                "SUCCEEDED",
                "FAILED",
                "CANCELLED",
                name="jobstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="QUEUED",
            nullable=False,
        ),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("result_type", sa.Text(), nullable=True),
        sa.Column("result_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_max", sa.Integer(), server_default="5", nullable=False),
        sa.Column("time_limit_s", sa.Integer(), server_default="300", nullable=False),
        sa.Column("dispatch_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("progress BETWEEN 0 AND 1", name=op.f("ck_job_progress")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    op.create_index(
        "ix_job_open", "job", ["created_at"], unique=False, postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING')")
    )
    op.create_index("ix_job_owner", "job", ["owner_id", "id"], unique=False)
    op.create_geospatial_table(
        "market_zone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column(
            "boundary",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "boundary_geojson", sa.Text(), sa.Computed("ST_AsGeoJSON(boundary, 6, 0)", persisted=True), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "ST_IsValid(boundary) AND NOT ST_IsEmpty(boundary)", name=op.f("ck_market_zone_valid_boundary")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_zone")),
        sa.UniqueConstraint("code", name=op.f("uq_market_zone_code")),
    )
    op.create_geospatial_index(
        "idx_market_zone_boundary",
        "market_zone",
        ["boundary"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_table(
        "municipality",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("population_year", sa.Integer(), nullable=True),
        sa.Column(
            "boundary",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "boundary_geojson", sa.Text(), sa.Computed("ST_AsGeoJSON(boundary, 6, 0)", persisted=True), nullable=False
        ),
        sa.Column("area_m2", sa.Double(), sa.Computed("ST_Area(boundary::geography)", persisted=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "ST_IsValid(boundary) AND NOT ST_IsEmpty(boundary)", name=op.f("ck_municipality_valid_boundary")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_municipality")),
        sa.UniqueConstraint("country", "code", name=op.f("uq_municipality_country_code")),
    )
    op.create_geospatial_index(
        "idx_municipality_boundary",
        "municipality",
        ["boundary"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(op.f("ix_municipality_name"), "municipality", ["name"], unique=False)
    op.create_table(
        "reading",
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("INJECTED", "WITHDRAWN", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("resolution_minutes", sa.SmallInteger(), nullable=False),
        sa.Column(
            "quality",
            sa.Enum(
                "MEASURED",
                "ESTIMATED",
                "SUBSTITUTED",
                "SIMULATED",
                name="quality",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("total_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("values_ukwh", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column(
            "is_complete",
            sa.Boolean(),
            sa.Computed("array_position(values_ukwh, NULL) IS NULL", persisted=True),
            nullable=False,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("0 <= ALL (values_ukwh)", name=op.f("ck_reading_not_negative")),
        sa.CheckConstraint(
            "cardinality(values_ukwh) IN (92, 96, 100, 46, 48, 50, 23, 24, 25)", name=op.f("ck_reading_whole_day")
        ),
        sa.PrimaryKeyConstraint("metering_point_id", "direction", "day", "version", name=op.f("pk_reading")),
        postgresql_partition_by="RANGE (day)",
    )
    op.create_index(
        "uq_reading_current",
        "reading",
        ["metering_point_id", "direction", "day"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "reading_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("values_count", sa.Integer(), nullable=False),
        sa.Column("corrected_days", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_import")),
    )
    op.create_index(op.f("ix_reading_import_digest"), "reading_import", ["digest"], unique=False)
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
    )
    op.create_index("uq_user_account_email", "user_account", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("PARTNER", "METER", name="apikeykind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_api_key_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_key_key_hash")),
    )
    op.create_index(op.f("ix_api_key_owner_id"), "api_key", ["owner_id"], unique=False)
    op.create_table(
        "market",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "pricing",
            sa.Enum("UNIFORM", name="pricingrule", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("batch_seconds", sa.Integer(), server_default="5", nullable=False),
        sa.Column("delivery_minutes", sa.Integer(), server_default="15", nullable=False),
        sa.Column("horizon_hours", sa.Integer(), server_default="48", nullable=False),
        sa.Column("last_price_ueur_per_kwh", sa.BigInteger(), nullable=True),
        sa.Column("last_batch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("batch_seconds BETWEEN 1 AND 900", name=op.f("ck_market_batch")),
        sa.CheckConstraint("delivery_minutes IN (15, 30, 60)", name=op.f("ck_market_delivery")),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"], name=op.f("fk_market_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market")),
        sa.UniqueConstraint("zone_id", name=op.f("uq_market_zone_id")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "legal_form",
            sa.Enum(
                "NATURAL_PERSON",
                "SME",
                "LARGE_ENTERPRISE",
                "PUBLIC_BODY",
                "RELIGIOUS_BODY",
                "THIRD_SECTOR",
                name="legalform",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_member_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_index(op.f("ix_member_user_id"), "member", ["user_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("access_hash", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("access_hash", name=op.f("uq_session_access_hash")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_session_refresh_hash")),
    )
    op.create_index("ix_session_family_id", "session", ["family_id"], unique=False)
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_geospatial_table(
        "substation_area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("market_zone_id", sa.Uuid(), nullable=True),
        sa.Column(
            "boundary",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "boundary_geojson", sa.Text(), sa.Computed("ST_AsGeoJSON(boundary, 6, 0)", persisted=True), nullable=False
        ),
        sa.Column("area_m2", sa.Double(), sa.Computed("ST_Area(boundary::geography)", persisted=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "ST_IsValid(boundary) AND NOT ST_IsEmpty(boundary)", name=op.f("ck_substation_area_valid_boundary")
        ),
        sa.ForeignKeyConstraint(["market_zone_id"], ["market_zone.id"], name=op.f("fk_substation_area_market_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substation_area")),
        sa.UniqueConstraint("code", name=op.f("uq_substation_area_code")),
    )
    op.create_geospatial_index(
        "idx_substation_area_boundary",
        "substation_area",
        ["boundary"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index("ix_substation_area_market_zone_id", "substation_area", ["market_zone_id"], unique=False)
    op.create_index(op.f("ix_substation_area_name"), "substation_area", ["name"], unique=False)
    op.create_table(
        "user_role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "ADMIN", "GRID_OPERATOR", name="platformrole", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("zone_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(role = 'GRID_OPERATOR') = (zone_id IS NOT NULL)", name=op.f("ck_user_role_zone_of_operator")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_role_user_id")),
        sa.ForeignKeyConstraint(["zone_id"], ["market_zone.id"], name=op.f("fk_user_role_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_role")),
        sa.UniqueConstraint(
            "user_id",
            "role",
            "zone_id",
            name=op.f("uq_user_role_user_id_role_zone_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "zone_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_zone_id", sa.Uuid(), nullable=False),
        sa.Column("to_zone_id", sa.Uuid(), nullable=False),
        sa.Column("capacity_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("cost_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("capacity_ukwh >= 0 AND cost_ueur_per_kwh >= 0", name=op.f("ck_zone_link_not_negative")),
        sa.CheckConstraint("from_zone_id <> to_zone_id", name=op.f("ck_zone_link_two_zones")),
        sa.ForeignKeyConstraint(["from_zone_id"], ["market_zone.id"], name=op.f("fk_zone_link_from_zone_id")),
        sa.ForeignKeyConstraint(["to_zone_id"], ["market_zone.id"], name=op.f("fk_zone_link_to_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_link")),
        sa.UniqueConstraint("from_zone_id", "to_zone_id", name=op.f("uq_zone_link_from_zone_id_to_zone_id")),
    )
    op.create_table(
        "clearing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("price_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("price_low_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("price_high_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("bought_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("sold_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("welfare_ueur", sa.BigInteger(), nullable=False),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_clearing_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clearing")),
        sa.UniqueConstraint(
            "market_id", "delivery_start", "batch", name=op.f("uq_clearing_market_id_delivery_start_batch")
        ),
    )
    op.create_index("ix_clearing_market_id", "clearing", ["market_id", "id"], unique=False)
    op.create_geospatial_table(
        "community",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "framework_code",
            sa.Enum(
                "LU_SHARING",
                "IT_CER",
                "AT_EEG",
                "EU_TRADING",
                "MICROGRID",
                "COMPANY_GROUP",
                name="frameworkcode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "LANE",
                "BUILDING",
                "VILLAGE",
                "SUBSTATION",
                "REGION",
                "COMPANIES",
                "CUSTOM",
                name="communitykind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("ACTIVE", "CLOSED", name="communitystatus", native_enum=False, create_constraint=True, length=40),
            server_default="ACTIVE",
            nullable=False,
        ),
        sa.Column("is_listed", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("substation_area_id", sa.Uuid(), nullable=True),
        sa.Column(
            "boundary",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "boundary_geojson", sa.Text(), sa.Computed("ST_AsGeoJSON(boundary, 6, 0)", persisted=True), nullable=True
        ),
        sa.Column(
            "location",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "location_geojson", sa.Text(), sa.Computed("ST_AsGeoJSON(location, 6, 0)", persisted=True), nullable=True
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "boundary IS NULL OR (ST_IsValid(boundary) AND NOT ST_IsEmpty(boundary))",
            name=op.f("ck_community_valid_boundary"),
        ),
        sa.ForeignKeyConstraint(
            ["substation_area_id"], ["substation_area.id"], name=op.f("fk_community_substation_area_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community")),
    )
    op.create_geospatial_index(
        "idx_community_boundary", "community", ["boundary"], unique=False, postgresql_using="gist", postgresql_ops={}
    )
    op.create_index("ix_community_name", "community", ["name", "id"], unique=False)
    op.create_index(op.f("ix_community_substation_area_id"), "community", ["substation_area_id"], unique=False)
    op.create_table(
        "market_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("BUY", "SELL", name="orderside", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "OPEN",
                "PARTIALLY_FILLED",
                "FILLED",
                "CANCELLED",
                "EXPIRED",
                name="orderstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="OPEN",
            nullable=False,
        ),
        sa.Column("energy_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("filled_ukwh", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("limit_price_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "SOLAR",
                "WIND",
                "HYDRO",
                "BIOMASS",
                "STORAGE",
                name="energysource",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("delivery_start < delivery_end", name=op.f("ck_market_order_delivery")),
        sa.CheckConstraint("energy_ukwh > 0 AND energy_ukwh % 1000 = 0", name=op.f("ck_market_order_lot")),
        sa.CheckConstraint("filled_ukwh >= 0", name=op.f("ck_market_order_filled")),
        sa.CheckConstraint("limit_price_ueur_per_kwh % 100 = 0", name=op.f("ck_market_order_tick")),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_market_order_market_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_market_order_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_order")),
        sa.UniqueConstraint("sequence", name=op.f("uq_market_order_sequence")),
    )
    op.create_index(
        "ix_market_order_expiry",
        "market_order",
        ["delivery_end"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_market_order_market_id", "market_order", ["market_id", "id"], unique=False)
    op.create_index("ix_market_order_owner_id", "market_order", ["owner_id", "id"], unique=False)
    op.create_geospatial_table(
        "metering_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "code_kind",
            sa.Enum(
                "IT_POD",
                "LU_POD",
                "AT_METERING_POINT",
                "GENERIC",
                name="codekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("directions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column(
            "location",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "location_geojson", sa.Text(), sa.Computed("ST_AsGeoJSON(location, 6, 0)", persisted=True), nullable=True
        ),
        sa.Column("substation_area_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cardinality(directions) > 0", name=op.f("ck_metering_point_some_direction")),
        sa.ForeignKeyConstraint(
            ["substation_area_id"], ["substation_area.id"], name=op.f("fk_metering_point_substation_area_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metering_point")),
        sa.UniqueConstraint("code", name=op.f("uq_metering_point_code")),
    )
    op.create_geospatial_index(
        "ix_metering_point_location",
        "metering_point",
        ["location"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_index(
        op.f("ix_metering_point_substation_area_id"), "metering_point", ["substation_area_id"], unique=False
    )
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PV",
                "WIND",
                "STORAGE",
                "HYDRO",
                "BIOMASS",
                name="assetkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("power_w", sa.BigInteger(), nullable=False),
        sa.Column("capacity_ukwh", sa.BigInteger(), nullable=True),
        sa.Column("commissioned_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'STORAGE') = (capacity_ukwh IS NOT NULL) AND coalesce(capacity_ukwh, 1) > 0",
            name=op.f("ck_asset_capacity"),
        ),
        sa.CheckConstraint("power_w > 0", name=op.f("ck_asset_power")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_asset_community_id")),
        sa.ForeignKeyConstraint(["metering_point_id"], ["metering_point.id"], name=op.f("fk_asset_metering_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
    )
    op.create_index("ix_asset_community_id", "asset", ["community_id", "id"], unique=False)
    op.create_index("ix_asset_metering_point_id", "asset", ["metering_point_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PROSUMER",
                "CONSUMER",
                "PRODUCER",
                "STORAGE_PROVIDER",
                name="memberkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("community_id"), "="),
            (sa.column("member_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_membership_overlap",
        ),
        sa.CheckConstraint("cardinality(roles) > 0", name=op.f("ck_membership_some_role")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_membership_community_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_membership_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_community_id", "membership", ["community_id", "id"], unique=False)
    op.create_index("ix_membership_member_id", "membership", ["member_id", "id"], unique=False)
    op.create_table(
        "operator_figure",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("INJECTED", "WITHDRAWN", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("resolution_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("shared_ukwh", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_operator_figure_community_id")),
        sa.ForeignKeyConstraint(
            ["metering_point_id"], ["metering_point.id"], name=op.f("fk_operator_figure_metering_point_id")
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "metering_point_id", "direction", "day", "version", name=op.f("pk_operator_figure")
        ),
    )
    op.create_table(
        "order_interval",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("energy_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("filled_ukwh", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default="true", nullable=False),
        sa.CheckConstraint("filled_ukwh BETWEEN 0 AND energy_ukwh", name=op.f("ck_order_interval_filled")),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_order_interval_market_id")),
        sa.ForeignKeyConstraint(["order_id"], ["market_order.id"], name=op.f("fk_order_interval_order_id")),
        sa.PrimaryKeyConstraint("order_id", "delivery_start", name=op.f("pk_order_interval")),
    )
    op.create_index(
        "ix_order_interval_open",
        "order_interval",
        ["market_id", "delivery_start"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "sharing_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "EQUAL",
                "STATIC",
                "STATIC_ROUNDS",
                "PRO_RATA",
                "PRIORITY",
                "HYBRID",
                name="keykind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "production_kind",
            sa.Enum(
                "EQUAL",
                "STATIC",
                "STATIC_ROUNDS",
                "PRO_RATA",
                "PRIORITY",
                "HYBRID",
                name="production_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_sharing_key_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_key")),
        sa.UniqueConstraint("community_id", "valid_from", name=op.f("uq_sharing_key_community_id_valid_from")),
    )
    op.create_table(
        "trade",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("seller_market_id", sa.Uuid(), nullable=False),
        sa.Column("clearing_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("energy_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("price_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("seller_price_ueur_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("buy_order_id", sa.Uuid(), nullable=False),
        sa.Column("sell_order_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "SOLAR",
                "WIND",
                "HYDRO",
                "BIOMASS",
                "STORAGE",
                name="energysource",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("energy_ukwh > 0", name=op.f("ck_trade_energy")),
        sa.ForeignKeyConstraint(["buy_order_id"], ["market_order.id"], name=op.f("fk_trade_buy_order_id")),
        sa.ForeignKeyConstraint(["buyer_id"], ["user_account.id"], name=op.f("fk_trade_buyer_id")),
        sa.ForeignKeyConstraint(["clearing_id"], ["clearing.id"], name=op.f("fk_trade_clearing_id")),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_trade_market_id")),
        sa.ForeignKeyConstraint(["sell_order_id"], ["market_order.id"], name=op.f("fk_trade_sell_order_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["user_account.id"], name=op.f("fk_trade_seller_id")),
        sa.ForeignKeyConstraint(["seller_market_id"], ["market.id"], name=op.f("fk_trade_seller_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trade")),
    )
    op.create_index("ix_trade_buy_order_id", "trade", ["buy_order_id", "id"], unique=False)
    op.create_index("ix_trade_buyer_id", "trade", ["buyer_id", "id"], unique=False)
    op.create_index("ix_trade_market_id", "trade", ["market_id", "id"], unique=False)
    op.create_index("ix_trade_sell_order_id", "trade", ["sell_order_id", "id"], unique=False)
    op.create_index("ix_trade_seller_id", "trade", ["seller_id", "id"], unique=False)
    op.create_index("ix_trade_seller_market_id", "trade", ["seller_market_id", "id"], unique=False)
    op.create_table(
        "allocation_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("interval_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("injected_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("shared_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("members_min", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "shared_ukwh <= injected_ukwh AND shared_ukwh <= withdrawn_ukwh", name=op.f("ck_allocation_run_shared")
        ),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_allocation_run_community_id")),
        sa.ForeignKeyConstraint(["key_id"], ["sharing_key.id"], name=op.f("fk_allocation_run_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_run")),
        sa.UniqueConstraint(
            "community_id",
            "period_start",
            "period_end",
            "version",
            name=op.f("uq_allocation_run_community_id_period_start_period_end_version"),
        ),
    )
    op.create_table(
        "key_share",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("INJECTED", "WITHDRAWN", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("share_ppm", sa.Integer(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_key_share_rank")),
        sa.CheckConstraint("share_ppm BETWEEN 0 AND 1000000", name=op.f("ck_key_share_share")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_key_share_community_id")),
        sa.ForeignKeyConstraint(["key_id"], ["sharing_key.id"], name=op.f("fk_key_share_key_id")),
        sa.ForeignKeyConstraint(
            ["metering_point_id"], ["metering_point.id"], name=op.f("fk_key_share_metering_point_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_share")),
        sa.UniqueConstraint(
            "key_id", "metering_point_id", "direction", name=op.f("uq_key_share_key_id_metering_point_id_direction")
        ),
    )
    op.create_table(
        "participation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column("factor_ppm", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("community_id"), "="),
            (sa.column("metering_point_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_participation_overlap",
        ),
        sa.CheckConstraint("factor_ppm BETWEEN 1 AND 1000000", name=op.f("ck_participation_factor")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_participation_community_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_participation_member_id")),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name=op.f("fk_participation_membership_id")),
        sa.ForeignKeyConstraint(
            ["metering_point_id"], ["metering_point.id"], name=op.f("fk_participation_metering_point_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participation")),
    )
    op.create_index(
        "ix_participation_community_id", "participation", ["community_id", "metering_point_id"], unique=False
    )
    op.create_index("ix_participation_member_id", "participation", ["member_id"], unique=False)
    op.create_index("ix_participation_metering_point_id", "participation", ["metering_point_id"], unique=False)
    op.create_table(
        "allocation_day",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("INJECTED", "WITHDRAWN", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("metered_ukwh", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("shared_ukwh", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_allocation_day_member_id")),
        sa.ForeignKeyConstraint(
            ["metering_point_id"], ["metering_point.id"], name=op.f("fk_allocation_day_metering_point_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["allocation_run.id"], name=op.f("fk_allocation_day_run_id")),
        sa.PrimaryKeyConstraint("run_id", "metering_point_id", "direction", "day", name=op.f("pk_allocation_day")),
    )
    op.create_table(
        "allocation_difference",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("metering_point_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("INJECTED", "WITHDRAWN", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("interval_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ours_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("operator_ukwh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_allocation_difference_community_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_allocation_difference_member_id")),
        sa.ForeignKeyConstraint(
            ["metering_point_id"], ["metering_point.id"], name=op.f("fk_allocation_difference_metering_point_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["allocation_run.id"], name=op.f("fk_allocation_difference_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_difference")),
    )
    op.create_index("ix_allocation_difference_run_id", "allocation_difference", ["run_id", "id"], unique=False)
    op.create_table(
        "member_allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("injected_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("shared_out_ukwh", sa.BigInteger(), nullable=False),
        sa.Column("shared_in_ukwh", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("shared_in_ukwh BETWEEN 0 AND withdrawn_ukwh", name=op.f("ck_member_allocation_withdrawn")),
        sa.CheckConstraint("shared_out_ukwh BETWEEN 0 AND injected_ukwh", name=op.f("ck_member_allocation_injected")),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name=op.f("fk_member_allocation_community_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_allocation_member_id")),
        sa.ForeignKeyConstraint(["run_id"], ["allocation_run.id"], name=op.f("fk_member_allocation_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_allocation")),
        sa.UniqueConstraint("run_id", "member_id", name=op.f("uq_member_allocation_run_id_member_id")),
    )
    op.create_index("ix_member_allocation_member_id", "member_allocation", ["member_id"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_member_allocation_member_id", table_name="member_allocation")
    op.drop_table("member_allocation")
    op.drop_index("ix_allocation_difference_run_id", table_name="allocation_difference")
    op.drop_table("allocation_difference")
    op.drop_table("allocation_day")
    op.drop_index("ix_participation_metering_point_id", table_name="participation")
    op.drop_index("ix_participation_member_id", table_name="participation")
    op.drop_index("ix_participation_community_id", table_name="participation")
    op.drop_table("participation")
    op.drop_table("key_share")
    op.drop_table("allocation_run")
    op.drop_index("ix_trade_seller_market_id", table_name="trade")
    op.drop_index("ix_trade_seller_id", table_name="trade")
    op.drop_index("ix_trade_sell_order_id", table_name="trade")
    op.drop_index("ix_trade_market_id", table_name="trade")
    op.drop_index("ix_trade_buyer_id", table_name="trade")
    op.drop_index("ix_trade_buy_order_id", table_name="trade")
    op.drop_table("trade")
    op.drop_table("sharing_key")
    op.drop_index("ix_order_interval_open", table_name="order_interval", postgresql_where=sa.text("is_open"))
    op.drop_table("order_interval")
    op.drop_table("operator_figure")
    op.drop_index("ix_membership_member_id", table_name="membership")
    op.drop_index("ix_membership_community_id", table_name="membership")
    op.drop_table("membership")
    op.drop_index("ix_asset_metering_point_id", table_name="asset")
    op.drop_index("ix_asset_community_id", table_name="asset")
    op.drop_table("asset")
    op.drop_index(op.f("ix_metering_point_substation_area_id"), table_name="metering_point")
    op.drop_geospatial_index(
        "ix_metering_point_location", table_name="metering_point", postgresql_using="gist", column_name="location"
    )
    op.drop_geospatial_table("metering_point")
    op.drop_index("ix_market_order_owner_id", table_name="market_order")
    op.drop_index("ix_market_order_market_id", table_name="market_order")
    op.drop_index("ix_market_order_expiry", table_name="market_order", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_table("market_order")
    op.drop_index(op.f("ix_community_substation_area_id"), table_name="community")
    op.drop_index("ix_community_name", table_name="community")
    op.drop_geospatial_index(
        "idx_community_boundary", table_name="community", postgresql_using="gist", column_name="boundary"
    )
    op.drop_geospatial_table("community")
    op.drop_index("ix_clearing_market_id", table_name="clearing")
    op.drop_table("clearing")
    op.drop_table("zone_link")
    op.drop_table("user_role")
    op.drop_index(op.f("ix_substation_area_name"), table_name="substation_area")
    op.drop_index("ix_substation_area_market_zone_id", table_name="substation_area")
    op.drop_geospatial_index(
        "idx_substation_area_boundary", table_name="substation_area", postgresql_using="gist", column_name="boundary"
    )
    op.drop_geospatial_table("substation_area")
    op.drop_index(op.f("ix_session_user_id"), table_name="session")
    op.drop_index("ix_session_family_id", table_name="session")
    op.drop_table("session")
    op.drop_index(op.f("ix_member_user_id"), table_name="member")
    op.drop_table("member")
    op.drop_table("market")
    op.drop_index(op.f("ix_api_key_owner_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_index("uq_user_account_email", table_name="user_account")
    op.drop_table("user_account")
    op.drop_index(op.f("ix_reading_import_digest"), table_name="reading_import")
    op.drop_table("reading_import")
    op.drop_index("uq_reading_current", table_name="reading", postgresql_where=sa.text("superseded_at IS NULL"))
    op.drop_table("reading")
    op.drop_index(op.f("ix_municipality_name"), table_name="municipality")
    op.drop_geospatial_index(
        "idx_municipality_boundary", table_name="municipality", postgresql_using="gist", column_name="boundary"
    )
    op.drop_geospatial_table("municipality")
    op.drop_geospatial_index(
        "idx_market_zone_boundary", table_name="market_zone", postgresql_using="gist", column_name="boundary"
    )
    op.drop_geospatial_table("market_zone")
    op.drop_index("ix_job_owner", table_name="job")
    op.drop_index("ix_job_open", table_name="job", postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING')"))
    op.drop_table("job")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_table("framework")
    op.drop_table("event_stream")
    op.drop_table("event")
    op.drop_table("audit_head")
    op.drop_table("audit_entry")
