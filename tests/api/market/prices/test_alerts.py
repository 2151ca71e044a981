"""Price alerts over GraphQL, and the relay's look for crossings."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.jobs import registry
from api.market.prices import jobs
from domain.events.tables import Notice
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.market.clearing import ticks
from domain.market.clearing.ticks import Tick, TickKind
from domain.market.prices import alerts
from domain.market.prices.alerts import ALERTS_MAX, Watch
from domain.market.prices.tables import AlertDirection, PriceAlert
from tests.api.conftest import Execute
from tests.api.market.conftest import Live
from tests.factories.market import ADMIN, a_market, a_trader, first_delivery

ALERT = "priceAlert { id direction threshold coolDownMinutes isActive timesFired lastFiredAt version market { id } }"
ERRORS = "errors { __typename code path ... on TooManyPriceAlerts { limit } ... on StaleVersion { currentVersion } }"
CREATE = f"mutation M($input: CreatePriceAlertInput!) {{ createPriceAlert(input: $input) {{ {ALERT} {ERRORS} }} }}"
UPDATE = f"mutation M($input: UpdatePriceAlertInput!) {{ updatePriceAlert(input: $input) {{ {ALERT} {ERRORS} }} }}"
REMOVE = f"mutation M($input: RemovePriceAlertInput!) {{ removePriceAlert(input: $input) {{ removedId {ERRORS} }} }}"
LIST = "{ viewer { priceAlerts { totalCount edges { node { threshold direction } } } } }"


async def listed(execute: Execute, viewer: Viewer) -> list[Any]:
    return [edge["node"] for edge in (await execute(LIST, viewer)).data["viewer"]["priceAlerts"]["edges"]]


async def test_a_person_makes_changes_and_forgets_an_alert(session: AsyncSession, execute: Execute) -> None:
    market, owner = global_id("Market", await a_market(session)), await a_trader(session)

    made = await execute(CREATE, owner, input={"marketId": market, "threshold": "0.1", "direction": "BELOW"})
    alert = made.data["createPriceAlert"]["priceAlert"]
    wish = {"id": alert["id"], "expectedVersion": 1, "threshold": "0.3", "direction": "ABOVE", "coolDownMinutes": 60}
    changed = await execute(UPDATE, owner, input=wish)
    kept = await listed(execute, owner)
    gone = await execute(REMOVE, owner, input={"id": alert["id"]})

    assert alert == {
        "id": alert["id"],
        "direction": "BELOW",
        "threshold": "0.1",
        "coolDownMinutes": None,
        "isActive": True,
        "timesFired": 0,
        "lastFiredAt": None,
        "version": 1,
        "market": {"id": market},
    }
    assert changed.data["updatePriceAlert"] == {
        "priceAlert": alert | {"direction": "ABOVE", "threshold": "0.3", "coolDownMinutes": 60, "version": 2},
        "errors": [],
    }
    assert kept == [{"threshold": "0.3", "direction": "ABOVE"}]
    assert gone.data["removePriceAlert"] == {"removedId": alert["id"], "errors": []}
    assert await listed(execute, owner) == []


async def test_alerts_are_their_owner_s_alone(session: AsyncSession, execute: Execute) -> None:
    market, owner, other = await a_market(session), await a_trader(session), await a_trader(session)
    alert_id = await alerts.create(session, owner, market, Watch(1, AlertDirection.ABOVE))
    id = global_id("PriceAlert", alert_id)
    wish = {"id": id, "expectedVersion": 1, "threshold": "1", "direction": "ABOVE"}

    for stranger in (other, ADMIN):
        assert await listed(execute, stranger) == []
        assert (await execute("query N($id: ID!) { node(id: $id) { id } }", stranger, id=id)).data == {"node": None}
        for document, name, given in (
            (UPDATE, "updatePriceAlert", wish),
            (REMOVE, "removePriceAlert", {"id": id}),
        ):
            refused = await execute(document, stranger, input=given)
            assert [error["code"] for error in refused.refusals(name)] == ["NOT_FOUND"]
    nobody = await execute(REMOVE, input={"id": id})
    assert [error["code"] for error in nobody.errors] == ["UNAUTHENTICATED"]
    assert await listed(execute, owner) == [{"threshold": "0.000001", "direction": "ABOVE"}]


async def test_refusals_have_a_type_and_change_nothing(session: AsyncSession, execute: Execute) -> None:
    market, owner = await a_market(session), await a_trader(session)
    first = await alerts.create(session, owner, market, Watch(1, AlertDirection.ABOVE))
    wish = {"threshold": "0.1", "direction": "BELOW"}
    here = {"marketId": global_id("Market", market)}

    async def refused(document: str, **given: Any) -> Any:
        name = document.split("{")[1].split("(", maxsplit=1)[0].strip()
        return (await execute(document, owner, input=wish | given)).refusals(name)

    dear = await refused(CREATE, **here, threshold="4.01")
    hasty = await refused(CREATE, **here, coolDownMinutes=0)
    nowhere = await refused(CREATE, marketId=global_id("Market", new_id()))
    stale = await refused(UPDATE, id=global_id("PriceAlert", first), expectedVersion=3)
    for number in range(1, ALERTS_MAX):
        await alerts.create(session, owner, market, Watch(number, AlertDirection.ABOVE))
    many = await refused(CREATE, **here)

    assert dear == [{"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["threshold"]}]
    assert hasty == [{"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["coolDownMinutes"]}]
    assert nowhere == [{"__typename": "NotFound", "code": "NOT_FOUND", "path": None}]
    assert stale == [
        {"__typename": "StaleVersion", "code": "STALE_VERSION", "path": ["expectedVersion"], "currentVersion": 1}
    ]
    assert many == [{"__typename": "TooManyPriceAlerts", "code": "REFUSED", "path": None, "limit": ALERTS_MAX}]
    assert await session.scalar(select(func.count()).select_from(PriceAlert)) == ALERTS_MAX


def test_the_relay_looks_for_crossings() -> None:
    assert jobs.fire_price_alerts in registry.PERIODIC


async def test_two_relays_tell_a_crossing_once(live: Live) -> None:
    async with live.database.transaction() as session:
        market, owner = await a_market(session), await a_trader(session)
        await alerts.create(session, owner, market, Watch(200_000, AlertDirection.ABOVE))
    async with live.database.transaction() as session:
        await ticks.announce(session, market, [Tick(first_delivery(), 250_000, TickKind.CLEARED)])

    async with live.database.transaction() as first, live.database.transaction() as second:
        await jobs.fire_price_alerts(first)
        await jobs.fire_price_alerts(second)  # Leaves the market to the first one, and waits for nobody.
    async with live.database.transaction() as session:
        await jobs.fire_price_alerts(session)

    async with live.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Notice)) == 1
