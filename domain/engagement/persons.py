"""Who takes part in a community today: persons with a card who did not opt out, each once."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

PERSONS_MIN = 5  # Of fewer nothing is told (invariant I5).

# Several members of one person count once, by the oldest membership that holds.
IN_COMMUNITIES = """
    person AS MATERIALIZED (
        SELECT DISTINCT ON (membership.community_id, member.user_id)
               membership.community_id, member.user_id, card.membership_id, card.label
        FROM membership
        JOIN member ON member.id = membership.member_id AND member.user_id IS NOT NULL
        JOIN member_card AS card ON card.membership_id = membership.id
        LEFT JOIN engagement_preference AS preference ON preference.user_id = member.user_id
        WHERE membership.community_id = ANY(CAST(:community_ids AS uuid[]))
          AND membership.valid_from <= CAST(:today AS date)
          AND (membership.valid_to IS NULL OR membership.valid_to > CAST(:today AS date))
          AND preference.is_opted_out IS NOT TRUE
        ORDER BY membership.community_id, member.user_id, membership.id)"""
ALONE = "person AS (SELECT CAST(:user_id AS uuid) AS user_id)"


def given(community_ids: Collection[UUID], today: date) -> dict[str, Any]:
    """What IN_COMMUNITIES asks for."""
    return {"community_ids": sorted(community_ids), "today": today}
