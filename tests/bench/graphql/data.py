"""The benches' data, straight into our schema: the same rows at every run, with every rule of the tables kept.

500 substation areas, 2,000 communities with boundaries of 61 points, 100,000 members with their memberships, 1,000,000
trades with orders, intervals and clearings, and sessions whose tokens are known. An administrator holds the first
hundred communities: enough to see the members of a page of fifty, and no administrator of the platform.

The filled cluster is kept stopped in `.local/bench` until migrations or this file change; every run takes a copy.
"""

import asyncio
import contextlib
import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from bin.devstack import migrated, postgres
from bin.devstack.installation import STATE, Installation, require_postgis
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel import tables as _all_tables  # noqa: F401 (foreign keys name tables of other contexts)
from tests.factories.market import fund

KEPT = STATE / "bench"
ADMINISTRATOR, FUNDS_EUR = "administrator@example.org", "1000000000"  # An order of the bench holds 0.075 EUR.
ADMIN_TOKEN = "cwa_bench-administrator"
HOLDERS = ("user_account", "market", "community")
INTERVALS, SIDE = 20, 5  # A group of SIDE buy and SIDE sell orders trades in every pair, in each of INTERVALS.
TRADES_OF_GROUP = INTERVALS * SIDE * SIDE


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each; `followers` are users that only subscribe. Markets divide the groups of trades."""

    areas: int = 500
    communities: int = 2_000
    members: int = 100_000
    trades: int = 1_000_000
    markets: int = 7
    administered: int = 100
    followers: int = 100


FULL = Sizes()
SMALL = Sizes(areas=4, communities=20, members=200, trades=2_000, markets=2, administered=10, followers=100)


def follower_token(number: int) -> str:
    """The access token of one of the users that subscribe, counted from 1."""
    return f"cwa_bench-follower-{number}"


# UUIDs of version 7 with a given instant: they sort as ids do that were made one after another.
FUNCTIONS = """
CREATE FUNCTION pg_temp.id_at(ms bigint, seed text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$$$
  SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(seed), 1, 3) || '8' || substr(md5(seed), 4, 15))::uuid $$$$;
CREATE FUNCTION pg_temp.ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$$$
  SELECT (extract(epoch FROM at) * 1000)::bigint $$$$;
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$$$
  SELECT pg_temp.id_at(pg_temp.ms('2025-06-01Z') + n, kind || n) $$$$;
CREATE FUNCTION pg_temp.shape(lon float8, lat float8, radius float8, corners int) RETURNS geometry
LANGUAGE sql IMMUTABLE AS $$$$
  SELECT ST_ForcePolygonCCW(ST_Multi(ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY(
    SELECT ST_MakePoint(lon + r * cos(turn), lat + r * sin(turn))
    FROM generate_series(0, corners) AS i,
      LATERAL (SELECT 2 * pi() * (i % corners) / corners AS turn) AS t,
      LATERAL (SELECT radius * (1 + 0.15 * sin(7 * turn)) AS r) AS w
    ORDER BY i))), 4326))) $$$$;
"""

# Accounts come with what they belong to, by triggers: also where others rest while the tables are filled.
OPENING = "".join(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER open_accounts;\n" for table in HOLDERS)
AS_BEFORE = OPENING.replace(" ALWAYS", "")

PLACES = """
INSERT INTO market_zone (id, code, name, country)
  SELECT pg_temp.id('zone', n), 'BENCH' || n, 'Zone ' || n, 'IT' FROM generate_series(1, $markets) AS n;
INSERT INTO substation_area (id, code, name, country, market_zone_id, boundary)
  SELECT pg_temp.id('area', n), 'AC' || lpad(n::text, 8, '0'), 'Substation ' || n, 'IT',
    pg_temp.id('zone', 1 + n % $markets), pg_temp.shape(7 + n % 25 * 0.4, 38 + n / 25 * 0.4, 0.18, 60)
  FROM generate_series(1, $areas) AS n;
INSERT INTO community (id, name, description, framework_code, kind, country, timezone, substation_area_id, boundary)
  SELECT pg_temp.id('community', n), 'Comunità "' || n || '"', 'Shares the energy of place ' || n || '.', 'IT_CER',
    'VILLAGE', 'IT', 'Europe/Rome', pg_temp.id('area', 1 + n % $areas),
    pg_temp.shape(7 + n % 50 * 0.2, 38 + n / 50 * 0.2, 0.08, 60)
  FROM generate_series(1, $communities) AS n;
"""

# Users 1 to 1,000 buy and the next thousand sell, so that nobody trades with himself.
PEOPLE = """
INSERT INTO user_account (id, email, name, password_hash)
  SELECT pg_temp.id('user', n), 'user' || n || '@example.org', 'User ' || n, '-' FROM generate_series(1, 2000) AS n
  UNION ALL SELECT pg_temp.id('follower', n), 'follower' || n || '@example.org', 'Follower ' || n, '-'
  FROM generate_series(1, $followers) AS n
  UNION ALL SELECT pg_temp.id('administrator', 1), 'administrator@example.org', 'Administrator', '-';
INSERT INTO session (id, user_id, family_id, access_hash, refresh_hash, access_expires_at, refresh_expires_at)
  SELECT pg_temp.id(kind || ' session', n), pg_temp.id(kind, n), pg_temp.id(kind || ' family', n),
    sha256(token::bytea), sha256(('refresh ' || token)::bytea), '2026-01-01Z', '2026-02-01Z'
  FROM (SELECT 'administrator' AS kind, 1 AS n, '$admin_token' AS token
    UNION ALL SELECT 'follower', n, 'cwa_bench-follower-' || n FROM generate_series(1, $followers) AS n) AS opened;
INSERT INTO member (id, user_id, name, legal_form)
  SELECT pg_temp.id('member', n), CASE WHEN n <= 2000 THEN pg_temp.id('user', n) END, 'Member ' || n,
    CASE n % 5 WHEN 0 THEN 'SME' ELSE 'NATURAL_PERSON' END FROM generate_series(1, $members) AS n
  UNION ALL SELECT pg_temp.id('staff', 1), pg_temp.id('administrator', 1), 'Administrator', 'NATURAL_PERSON';
INSERT INTO membership (id, community_id, member_id, roles, kind, valid_from, valid_to)
  SELECT pg_temp.id('membership', n), pg_temp.id('community', 1 + n * 7919::bigint % $communities),
    pg_temp.id('member', n), '{MEMBER}'::text[], CASE n % 3 WHEN 0 THEN 'PROSUMER' ELSE 'CONSUMER' END,
    '2025-06-01'::date, NULL::date
  FROM generate_series(1, $members) AS n
  UNION ALL SELECT pg_temp.id('past membership', n),
    pg_temp.id('community', 1 + (n * 7919::bigint + 1) % $communities), pg_temp.id('member', n), '{MEMBER}'::text[],
    'CONSUMER', '2024-01-01', '2025-06-01'
  FROM generate_series(25, $members, 25) AS n
  UNION ALL SELECT pg_temp.id('administration', n), pg_temp.id('community', n), pg_temp.id('staff', 1),
    '{ADMIN}'::text[], 'CONSUMER', '2025-06-01', NULL FROM generate_series(1, $administered) AS n;
"""

# Group g trades in market 1 + g % markets; each pair of its orders in each of its intervals, the same energy each time.
TRADING = """
INSERT INTO market (id, zone_id, name, pricing, last_price_ueur_per_kwh)
  SELECT pg_temp.id('market', n), pg_temp.id('zone', n), 'Market ' || n, 'UNIFORM', 150000
  FROM generate_series(1, $markets) AS n;
CREATE TEMP TABLE pair AS
  SELECT g, b, s, 1000 * (1 + (g * 101 + b * 31 + s * 17) % 4000) AS energy,
    pg_temp.id('market', 1 + g % $markets) AS market_id,
    pg_temp.id('order', g * 100 + b) AS buy_order_id, pg_temp.id('order', g * 100 + 50 + s) AS sell_order_id,
    pg_temp.id('user', 1 + (g * 7 + b) % 1000) AS buyer_id, pg_temp.id('user', 1001 + (g * 7 + s) % 1000) AS seller_id,
    timestamptz '2026-01-01Z' + interval '15 min' * $intervals * (g / $markets) AS start,
    (ARRAY['SOLAR', 'WIND', NULL])[1 + s % 3] AS source
  FROM generate_series(0, $groups - 1) AS g, generate_series(1, $side) AS b, generate_series(1, $side) AS s;
INSERT INTO market_order (id, market_id, owner_id, side, status, energy_ukwh, filled_ukwh, limit_price_ueur_per_kwh,
    delivery_start, delivery_end, source, placed_at, closed_at)
  SELECT id, market_id, owner_id, side, 'FILLED', sum(energy), $intervals * sum(energy), limit_price, start,
    start + interval '15 min' * $intervals, source, start - interval '1 day', start + interval '4 hours'
  FROM (SELECT buy_order_id AS id, market_id, buyer_id AS owner_id, 'BUY' AS side, energy, 300000 AS limit_price,
      start, NULL AS source FROM pair
    UNION ALL SELECT sell_order_id, market_id, seller_id, 'SELL', energy, 50000, start, source FROM pair) AS sides
  GROUP BY id, market_id, owner_id, side, limit_price, start, source ORDER BY id;
INSERT INTO order_interval (order_id, delivery_start, market_id, energy_ukwh, filled_ukwh, is_open)
  SELECT id, delivery_start + k * interval '15 min', market_id, energy_ukwh, energy_ukwh, false
  FROM market_order, generate_series(0, $intervals - 1) AS k;
CREATE TEMP TABLE cleared AS
  SELECT DISTINCT g, k, market_id, start + k * interval '15 min' AS delivery_start,
    pg_temp.ms(start) + k * 900000 - 3600000 + g % $markets * $side * $side AS ms,
    100000 + 100 * ((g * 13 + k * 7) % 1000) AS price FROM pair, generate_series(0, $intervals - 1) AS k;
INSERT INTO clearing (id, market_id, delivery_start, batch, price_ueur_per_kwh, price_low_ueur_per_kwh,
    price_high_ueur_per_kwh, bought_ukwh, sold_ukwh, welfare_ueur, orders_count, input_digest, created_at)
  SELECT pg_temp.id_at(ms, 'clearing' || ms), market_id, delivery_start, g / $markets * $intervals + k, price,
    price - 100, price + 100, traded.energy, traded.energy, 0, 2 * $side, md5(ms::text), to_timestamp(ms / 1000.0)
  FROM cleared JOIN (SELECT g, sum(energy) AS energy FROM pair GROUP BY g) AS traded USING (g) ORDER BY ms;
INSERT INTO trade (id, market_id, seller_market_id, clearing_id, delivery_start, delivery_end, energy_ukwh,
    price_ueur_per_kwh, seller_price_ueur_per_kwh, buy_order_id, sell_order_id, buyer_id, seller_id, source, created_at)
  SELECT pg_temp.id_at(ms + (b - 1) * $side + s - 1, 'trade' || ms || '/' || b || '/' || s), pair.market_id,
    pair.market_id, pg_temp.id_at(ms, 'clearing' || ms), delivery_start, delivery_start + interval '15 min', energy,
    price, price, buy_order_id, sell_order_id, buyer_id, seller_id, source, to_timestamp(ms / 1000.0)
  FROM cleared JOIN pair USING (g) ORDER BY ms, b, s;
"""


def script(sizes: Sizes) -> str:
    """The SQL that fills an empty, migrated database."""
    values = {name: getattr(sizes, name) for name in sizes.__dataclass_fields__} | {
        "admin_token": ADMIN_TOKEN,
        "groups": max(sizes.trades // TRADES_OF_GROUP, 1),
        "intervals": INTERVALS,
        "side": SIDE,
    }
    return Template(OPENING + FUNCTIONS + PLACES + PEOPLE + TRADING + AS_BEFORE).substitute(values)


async def fill(url: str, sizes: Sizes, *, checks_keys: bool = False) -> None:
    """Fill a migrated database; foreign keys are checked row by row only on request, for it takes minutes."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        if not checks_keys:
            await connection.execute("SET session_replication_role = replica")
        await connection.execute(script(sizes))
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


async def open_sessions(url: str) -> None:
    """Let the tokens of the data work for a day from now, and the administrator's money suffice for any orders."""
    engine = create_async_engine(url)
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("UPDATE session SET access_expires_at = now() + interval '1 day'"))
        user_id = await session.scalar(select(User.id).where(User.email == ADMINISTRATOR))
        await fund(session, Viewer(user_id=user_id), funds=FUNDS_EUR)
    await engine.dispose()


@contextlib.contextmanager
def filled_cluster(sizes: Sizes = FULL) -> Iterator[tuple[Installation, Path]]:
    """A durable, running cluster with the data, on a unix socket in the directory that is given with it."""
    installation = require_postgis()
    with migrated.socket_directory() as sockets:
        data = sockets / "data"
        subprocess.run(["cp", "-a", "--reflink=auto", str(_kept(installation, sizes)), str(data)], check=True)
        with postgres.running(installation, data, postgres.DURABLE, sockets):
            asyncio.run(open_sessions(migrated.url_on_socket(sockets)))
            yield installation, sockets


def _kept(installation: Installation, sizes: Sizes) -> Path:
    """The filled, stopped cluster, made on first use."""
    made_by = f"{installation.programs} {installation.version} {script(sizes)}"
    kept = KEPT / f"data-{sizes.trades}-{migrated.digest_of_migrations(made_by)}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Another bench may be filling the same one.
        if not kept.exists():
            for outdated in KEPT.glob(f"data-{sizes.trades}-*"):
                shutil.rmtree(outdated)
            _fill_cluster(installation, sizes, KEPT / "part")
            (KEPT / "part").rename(kept)
    return kept


def _fill_cluster(installation: Installation, sizes: Sizes, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    migrated.copy_migrated_cluster(data, installation)
    with migrated.socket_directory() as sockets, postgres.running(installation, data, postgres.FORGETFUL, sockets):
        asyncio.run(fill(migrated.url_on_socket(sockets), sizes))
