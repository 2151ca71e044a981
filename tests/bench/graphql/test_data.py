"""The data keeps every rule of the tables."""

import asyncpg

from tests.bench.graphql import data

COUNTS = """SELECT (SELECT count(*) FROM substation_area), (SELECT count(*) FROM community),
  (SELECT count(*) FROM member), (SELECT count(*) FROM trade), (SELECT count(*) FROM market)"""
UNFILLED = """SELECT count(*) FROM market_order WHERE filled_ukwh <> (
  SELECT sum(energy_ukwh) FROM trade WHERE market_order.id IN (buy_order_id, sell_order_id))"""


async def test_a_small_filling_passes_all_checks_and_keys(fresh_database: str) -> None:
    await data.fill(fresh_database, data.SMALL, checks_keys=True)
    connection = await asyncpg.connect(fresh_database.replace("+asyncpg", ""))
    counts, unfilled = await connection.fetchrow(COUNTS), await connection.fetchval(UNFILLED)
    corners = await connection.fetchval("SELECT max(ST_NPoints(boundary)) FROM community")
    await connection.close()

    small = data.SMALL
    assert tuple(counts) == (small.areas, small.communities, small.members + 1, small.trades, small.markets)
    assert unfilled == 0
    assert corners == 61


def test_the_same_sizes_give_the_same_script() -> None:
    assert data.script(data.FULL) == data.script(data.Sizes())
    assert data.script(data.FULL) != data.script(data.SMALL)
