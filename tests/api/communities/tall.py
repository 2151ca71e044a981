"""Communities of 50 members, each with a plant."""

from tests.api.engine.declared import EVERYBODY, Tall

TALL = Tall(
    fixed={"framework": 20},
    values={
        "asset.kind": "'PV'",
        "asset.capacity_ukwh": "NULL",
        "community.is_listed": "n % 2 = 0",
        "community.boundary": "NULL",
        "framework.code": "'MICROGRID'",
        "member.user_id": "pg_temp.key(n)",
        "member.awaited_email": "NULL",
        "membership.member_id": "pg_temp.key(n)",
        "participation.membership_id": "pg_temp.key(n)",
        "participation.metering_point_id": "pg_temp.key(n)",
    },
    below={"membership.community_id": 50, "participation.community_id": 50, "asset.community_id": 50},
    walked={"Query.communities": EVERYBODY},
)
