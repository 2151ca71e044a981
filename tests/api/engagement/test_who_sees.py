"""Leaderboards and insights are for who is in a community."""

import pytest

from tests.api.authorization.people import IN_A, IN_B, ROLES, ROOT
from tests.api.authorization.site import Site

# Leaderboards of a community: who is told, and how many are ranked.
# Cyn opted out and Hal left; of B there are too few.
LEADERBOARDS = {"A": (IN_A | ROOT, 5), "B": (IN_B | ROOT, None)}
LEADERBOARD = """
query ($id: ID!) { node(id: $id) { ... on Community {
  leaderboard(kind: SELF_SUFFICIENCY, month: "2026-03-01", first: 100) {
    rankedCount emptyBecause entries { label isViewer } }
} } }
"""
INSIGHTS = '{ viewer { insights(month: "2026-03-01") { community { id } } rating { level } } }'


@pytest.mark.parametrize("role", ROLES)
async def test_leaderboards_are_for_who_is_in_a_community(site: Site, role: str) -> None:
    told: dict[str, bool] = {}
    for name, (_, ranked) in LEADERBOARDS.items():
        data, errors = await site.ask(role, LEADERBOARD, id=site.id_of("Community", name))
        assert errors == []
        board = data["node"] and data["node"]["leaderboard"]
        told[name] = bool(board) and board["emptyBecause"] != "MEMBERS_ONLY"
        if board:
            shown = ranked if told[name] else None
            assert (board["rankedCount"], len(board["entries"])) == (shown, shown or 0)

    assert told == {name: role in seen for name, (seen, _) in LEADERBOARDS.items()}


@pytest.mark.parametrize("role", ROLES)
async def test_insights_are_beside_communities_that_the_viewer_is_in(site: Site, role: str) -> None:
    data, errors = await site.ask(role, INSIGHTS)

    assert errors == []
    if role == "nobody":
        assert data["viewer"] is None
        return
    beside = {each["community"] and each["community"]["id"] for each in data["viewer"]["insights"]}
    held = {"A": IN_A, "B": IN_B}
    communities: set[str | None] = {site.id_of("Community", name) for name, roles in held.items() if role in roles}
    may_read = role not in {"partner that trades", "meter gateway"}
    assert beside == (communities or {None} if may_read else set())
