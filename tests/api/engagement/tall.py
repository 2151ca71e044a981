"""A card for each membership."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={"member_card.label": "'House A' || n + 1", "member_card.membership_id": "pg_temp.key(n)"},
    below={"member_card.community_id": 50},
)
