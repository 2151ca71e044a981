"""seed frameworks: the rule sets in force, each with its source

Revision ID: frameworks
Revises: history
Create Date: 2026-11-20 10:20:00
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision: str = "frameworks"
down_revision: str | None = "history"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ALL_KEYS = ["EQUAL", "STATIC", "STATIC_ROUNDS", "PRO_RATA", "PRIORITY", "HYBRID"]

# code, name, country, interval, keys, area needed, parameters, source, valid from
FRAMEWORKS: list[tuple[str, str, str | None, int, list[str], bool, dict[str, Any], str, date]] = [
    (
        "LU_SHARING",
        "Luxembourg: energy sharing group",
        "LU",
        15,
        ALL_KEYS,
        False,
        {"local_community_distance_m_max": 300, "all_covered_when_enough": True},
        "Law of 1 August 2007 as amended 9 June 2023, art. 8ter and 8quater; ILR E21/32",
        date(2023, 6, 1),
    ),
    (
        "IT_CER",
        "Italy: comunita energetica rinnovabile",
        "IT",
        60,
        ALL_KEYS,
        True,
        {"plant_power_kw_max": 1000, "old_plant_share_max": 0.30, "old_plant_cutoff": "2021-12-16"},
        "D.Lgs. 199/2021 art. 31; ARERA 727/2022/R/eel (TIAD); MASE decree 414/2023",
        date(2024, 1, 24),
    ),
    (
        "AT_EEG",
        "Austria: Erneuerbare-Energie-Gemeinschaft",
        "AT",
        15,
        ["STATIC", "PRO_RATA"],
        False,
        {"communities_per_point_max": 5},
        "ElWOG 2010 par. 16a-16e",
        date(2021, 7, 28),
    ),
    (
        "EU_TRADING",
        "Peer-to-peer trading community",
        None,
        15,
        ALL_KEYS,
        False,
        {},
        "Directive (EU) 2019/944 art. 15a, 16",
        date(2019, 7, 4),
    ),
    (
        "MICROGRID",
        "Micro-grid with its own operator",
        None,
        15,
        ALL_KEYS,
        False,
        {},
        "Agreement of the members",
        date(2019, 7, 4),
    ),
    (
        "COMPANY_GROUP",
        "Companies that pool energy data",
        None,
        15,
        ALL_KEYS,
        False,
        {},
        "Agreement of the members",
        date(2019, 7, 4),
    ),
]


def upgrade() -> None:
    table = sa.table(
        "framework",
        *(sa.column(name) for name in ("id", "code", "name", "country", "interval_minutes", "allowed_keys")),
        *(sa.column(name) for name in ("needs_substation_area", "parameters", "source", "valid_from")),
    )
    for number, (code, name, country, minutes, keys, needs_area, parameters, source, valid_from) in enumerate(
        FRAMEWORKS, 1
    ):
        op.execute(
            table.insert().values(
                id=sa.cast(str(UUID(int=number)), sa.Uuid()),
                code=code,
                name=name,
                country=country,
                interval_minutes=minutes,
                allowed_keys=sa.cast(keys, sa.ARRAY(sa.Text())),
                needs_substation_area=needs_area,
                parameters=sa.text(":parameters ::jsonb").bindparams(parameters=json.dumps(parameters)),
                source=source,
                valid_from=valid_from,
            )
        )


def downgrade() -> None:
    op.execute("DELETE FROM framework")
