"""Certificates: whole Wh of delivered renewable energy, each with one owner, cancelled once, true after corrections."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import new_id
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.idempotency import IdempotencyKeyReused
from domain.market.delivery import certificates, emissions, verification
from domain.market.delivery.certificates import Certificate, NothingToCancel, due_wh
from domain.market.delivery.tables import CertificateAct, CertificateHolding, CertificateIssue
from domain.market.places.tables import EnergySource
from tests.factories.deliveries import AFTER, NOON, Party, a_party, a_trade, injected, look, withdrew
from tests.factories.market import a_market

IDS = sorted(new_id() for _ in range(4))


async def the_parties(session: AsyncSession, sold: str, *bought: str) -> tuple[Party, list[Party]]:
    """A seller, and buyers with what they withdrew."""
    seller = await a_party(session)
    await injected(session, seller, sold)
    buyers = []
    for kwh in bought:
        buyer = await a_party(session)
        await withdrew(session, buyer, kwh)
        buyers.append(buyer)
    return seller, buyers


async def certified(session: AsyncSession, *, days: int = 0) -> int:
    """Settle what there is, and certify it; gives the number of acts."""
    now = AFTER + timedelta(days=days)
    await look(session, now=now)
    return await certificates.certify(session, NOON, actor="test", now=now)


async def held(session: AsyncSession, party: Party) -> list[tuple[int, int]]:
    """Owned and cancelled Wh of each holding."""
    query = select(CertificateHolding.owned_wh, CertificateHolding.cancelled_wh)
    rows = await session.execute(query.where(CertificateHolding.owner_id == party.user_id))
    return [(owned, cancelled) for owned, cancelled in rows]


async def the_holding(session: AsyncSession, party: Party) -> UUID:
    query = select(CertificateHolding.id).where(CertificateHolding.owner_id == party.user_id)
    return (await session.scalars(query)).one()


async def test_buyers_own_whole_wh_of_their_trades_and_the_seller_what_rounding_leaves(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (first, second) = await the_parties(session, "2.0009", "0.9995", "1.0014")
    for buyer, kwh in ((first, "1"), (second, "1.001")):
        await a_trade(session, market, seller, buyer, kwh, source=EnergySource.SOLAR)

    await certified(session)

    issue = (await session.scalars(select(CertificateIssue))).one()
    assert (issue.seller_id, issue.delivery_start, issue.source) == (seller.user_id, NOON, EnergySource.SOLAR)
    assert [await held(session, party) for party in (first, second, seller)] == [[(999, 0)], [(1_001, 0)], [(0, 0)]]


async def test_what_rounding_leaves_of_several_trades_stays_with_the_seller(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (first, second) = await the_parties(session, "2", "0.0006", "0.0006")
    for buyer in (first, second):
        await a_trade(session, market, seller, buyer, "0.001", source=EnergySource.WIND)

    await certified(session)

    assert [await held(session, party) for party in (first, second, seller)] == [[], [], [(1, 0)]]


@pytest.mark.parametrize("source", [None, EnergySource.STORAGE])
async def test_only_renewable_energy_is_certified(session: AsyncSession, source: EnergySource | None) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=source)

    acts = await certified(session)

    assert (acts, await held(session, seller), await held(session, buyer)) == (0, [], [])


async def test_to_certify_once_more_changes_nothing(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=EnergySource.HYDRO)
    first = await certified(session)

    again = await certified(session)

    assert (first, again) == (2, 0)
    assert await held(session, buyer) == [(1_000, 0)]


async def test_a_certificate_is_cancelled_once(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=EnergySource.SOLAR)
    await certified(session)
    holding = await the_holding(session, buyer)

    await certificates.cancel(session, buyer.viewer, "key", holding, " For my report ", now=AFTER)
    repeated = await certificates.cancel(session, buyer.viewer, "key", holding, "For my report", now=AFTER)

    with pytest.raises(NothingToCancel):
        await certificates.cancel(session, buyer.viewer, "other", holding, "Again", now=AFTER)
    with pytest.raises(IdempotencyKeyReused):
        await certificates.cancel(session, buyer.viewer, "key", holding, "Another", now=AFTER)
    assert repeated == holding
    assert await held(session, buyer) == [(1_000, 1_000)]
    kinds = [act.kind.value for act in await session.scalars(select(CertificateAct).order_by(CertificateAct.id))]
    assert kinds == ["ISSUED", "TRANSFERRED", "CANCELLED"]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "\x00"])
async def test_a_cancellation_states_a_purpose(session: AsyncSession, reason: str) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=EnergySource.SOLAR)
    await certified(session)

    with pytest.raises(InvalidValue):
        await certificates.cancel(session, buyer.viewer, "key", await the_holding(session, buyer), reason, now=AFTER)

    assert await held(session, buyer) == [(1_000, 0)]


async def test_nobody_cancels_what_another_owns(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=EnergySource.SOLAR)
    await certified(session)

    with pytest.raises(NotFound):
        await certificates.cancel(session, seller.viewer, "key", await the_holding(session, buyer), "Mine", now=AFTER)

    assert await held(session, buyer) == [(1_000, 0)]


async def test_corrections_lower_and_raise_certificates(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=EnergySource.SOLAR)
    await certified(session)

    await injected(session, seller, "0.4")
    await certified(session, days=1)
    lowered = await held(session, buyer)
    await injected(session, seller, "0.7")
    await certified(session, days=2)

    assert (lowered, await held(session, buyer)) == ([(400, 0)], [(700, 0)])
    assert not [breach async for breach in verification.breaches(session)]


async def test_what_was_cancelled_is_not_taken_back(session: AsyncSession) -> None:
    market = await a_market(session)
    seller, (first, second) = await the_parties(session, "2", "1", "1")
    for buyer in (first, second):
        await a_trade(session, market, seller, buyer, source=EnergySource.SOLAR)
    await certified(session)
    await certificates.cancel(session, first.viewer, "key", await the_holding(session, first), "Report", now=AFTER)

    await withdrew(session, first, "0.4")
    await certified(session, days=1)

    assert await held(session, first) == [(1_000, 1_000)]
    assert await held(session, second) == [(400, 0)]
    assert not [breach async for breach in verification.breaches(session)]


@pytest.mark.parametrize(
    ("kind", "giver", "taker"), [("TRANSFERRED", 1, 0), ("WITHDRAWN", 1, None), ("CANCELLED", 1, None)]
)
async def test_the_database_refuses_to_move_what_is_not_there(
    session: AsyncSession, kind: str, giver: int, taker: int | None
) -> None:
    market = await a_market(session)
    seller, (buyer,) = await the_parties(session, "1", "1")
    await a_trade(session, market, seller, buyer, source=EnergySource.SOLAR)
    await certified(session)
    issue = (await session.scalars(select(CertificateIssue.id))).one()
    parties = [seller.user_id, buyer.user_id]

    with pytest.raises(DBAPIError, match="ck_certificate_holding_energy"):
        async with session.begin_nested():
            await session.execute(
                text("""
                    INSERT INTO certificate_act (id, issue_id, kind, from_id, to_id, energy_wh, reason, actor, made_at)
                    VALUES (gen_random_uuid(), :issue, :kind, :giver, :taker, 1001, :reason, 'test', now())"""),
                {
                    "issue": issue,
                    "kind": kind,
                    "giver": parties[giver],
                    "taker": None if taker is None else parties[taker],
                    "reason": "r" if kind == "CANCELLED" else None,
                },
            )

    assert await held(session, buyer) == [(1_000, 0)]


@given(
    st.lists(st.integers(0, 3_500), max_size=3),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=4),
)
def test_no_wh_is_given_twice_and_none_that_was_cancelled_is_taken(
    bought_ukwh: list[int], standing: list[tuple[int, int]]
) -> None:
    seller, *buyers = IDS
    certificate = Certificate((seller, NOON, NOON, "SOLAR"), "LU", delivered_ukwh=sum(bought_ukwh))
    for buyer, ukwh in zip(buyers, bought_ukwh, strict=False):
        certificate.of_buyers_wh[buyer] += ukwh // 1_000
    for owner, (owned, cancelled) in zip(IDS, standing, strict=True):
        certificate.owned_wh[owner], certificate.cancelled_wh[owner] = owned, min(owned, cancelled)

    due = due_wh(certificate)

    cancelled_wh = sum(certificate.cancelled_wh.values())
    assert sum(due.values()) == max(sum(bought_ukwh) // 1_000, cancelled_wh)
    assert all(due[owner] >= certificate.cancelled_wh[owner] for owner in IDS)


async def test_avoided_carbon_is_by_the_newest_factor_that_is_not_after_the_energy(session: AsyncSession) -> None:
    known = await emissions.factors(await session.connection(), {"IT", "XX"})

    factor = emissions.factor_for(known, "IT", NOON)

    assert factor is not None
    assert (factor.year, factor.mg_per_kwh, factor.is_example) == (2014, 229_200, True)
    assert factor.avoided_mg(1_500) == 343_800
    assert emissions.factor_for(known, "XX", NOON) is None
    assert emissions.factor_for(known, "IT", NOON.replace(year=2013)) is None
