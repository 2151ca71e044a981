"""Runs of communities of 50 members."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "allocation_day.metered_ukwh": "'{1}'",
        "allocation_day.shared_ukwh": "'{1}'",
        "allocation_day.traded_ukwh": "NULL",
        "member_allocation.member_id": "pg_temp.key(n)",
        "allocation_run.traded_in_ukwh": "0",
        "allocation_run.traded_out_ukwh": "0",
        "member_allocation.traded_in_ukwh": "0",
        "member_allocation.traded_out_ukwh": "0",
        "key_share.metering_point_id": "pg_temp.key(n)",
    },
    below={
        "key_share.key_id": 50,
        "key_share.community_id": 50,
        "member_allocation.run_id": 50,
        "member_allocation.community_id": 50,
        "allocation_difference.run_id": 1_000,
        "allocation_difference.community_id": 1_000,
    },
)
