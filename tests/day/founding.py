"""Before the day: markets with charges, a community of members with meters and plants, money, and trading rules."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2

from tests.day.caller import Caller
from tests.day.site import Site
from tests.day.world import DAY, ESCH, HISTORY_DAYS, Accounts, Person, readings

MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) - timedelta(hours=2)  # Local: summer time.
FOUNDED = "2026-06-01"
VALUES_MAX = 9_000


@dataclass(frozen=True, slots=True)
class Place:
    """Everybody who takes part, and where they trade."""

    site: Site
    admin: Caller
    coordinator: Caller
    gateway: Caller
    members: list[tuple[Person, Caller]]
    market_ids: list[str]
    community_id: str


async def found(site: Site, client: httpx2.AsyncClient, accounts: Accounts, members: int) -> Place:
    """Do all that has to be done before trading can begin."""
    admin, coordinator = (Caller(client, accounts.tokens[f"{who}@day.example"]) for who in ("admin", "coordinator"))
    community_id = await _community(coordinator)
    market_ids = await _markets(admin, accounts.zone_ids, community_id)
    expires = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    gateway = await coordinator.act(
        "createApiKey", "token", kind="METER", name="Gateway", scopes=["readings:write"], expiresAt=expires
    )
    people = []
    for person in map(Person, range(members)):
        await _admit(coordinator, community_id, person)
        people.append((person, Caller(client, accounts.tokens[person.email])))
    place = Place(site, admin, coordinator, Caller(client, gateway["token"]), people, market_ids, community_id)
    await _history(place)
    await _money_and_rules(place)
    return place


async def _community(coordinator: Caller) -> str:
    made = await coordinator.act(
        "createCommunity",
        "community { id }",
        name="Belval Peer Trading",
        framework="EU_TRADING",
        kind="REGION",
        country="LU",
        timezone=ESCH.timezone,
    )
    community_id: str = made["community"]["id"]
    return community_id


async def _markets(admin: Caller, zone_ids: list[str], community_id: str) -> list[str]:
    ids = []
    for number, zone_id in enumerate(zone_ids):
        made = await admin.act(
            "createMarket",
            "market { id }",
            zoneId=zone_id,
            name=f"Market {number + 1}",
            batchSeconds=60,
            horizonHours=48,
            pricing=("UNIFORM", "MIDPOINT")[number],
            penalty="0.03",
            energyVatRate="0.08",
        )
        market_id = made["market"]["id"]
        charges = (("NETWORK", "BUY", "0.0312", None), ("FEE", "BUY", "0.0025", None), ("FEE", "SELL", "0.001", None))
        for kind, payer, rate, fund in (*charges, ("COMMUNITY_FUND", "BUY", "0.002", community_id)):
            await admin.act(
                "setMarketCharge",
                "charge { id }",
                marketId=market_id,
                kind=kind,
                payer=payer,
                rate=rate,
                vatRate="0.17" if fund is None else "0",
                communityId=fund,
                validFrom="2026-06-01T00:00:00Z",
            )
        ids.append(market_id)
    for here, there in (zone_ids, zone_ids[::-1]):
        await admin.act("linkZones", "link { id }", fromZoneId=here, toZoneId=there, capacityKwh="5", cost="0.004")
    return ids


async def _admit(coordinator: Caller, community_id: str, person: Person) -> None:
    admitted = await coordinator.act(
        "addMember",
        "membership { id }",
        communityId=community_id,
        email=person.email,
        name=f"Member {person.number}",
        legalForm="NATURAL_PERSON",
        kind="PROSUMER" if person.pv_kwp else "CONSUMER",
        validFrom=FOUNDED,
    )
    registered = await coordinator.act(
        "registerMeteringPoint",
        "meteringPoint { id }",
        communityId=community_id,
        membershipId=admitted["membership"]["id"],
        code=person.code,
        codeKind="LU_POD",
        directions=["WITHDRAWN", "INJECTED"] if person.pv_kwp else ["WITHDRAWN"],
        validFrom=FOUNDED,
    )
    plants: list[tuple[str, str, str | None]] = [("PV", f"{person.pv_kwp:g}", None)] if person.pv_kwp else []
    plants += [("STORAGE", "5", "10")] if person.has_battery else []
    for kind, power, capacity in plants:
        await coordinator.act(
            "addAsset",
            "asset { id }",
            communityId=community_id,
            meteringPointId=registered["meteringPoint"]["id"],
            kind=kind,
            name=kind,
            powerKw=power,
            capacityKwh=capacity,
        )


async def _history(place: Place) -> None:
    """What the meters counted on the days before."""
    start = MIDNIGHT - timedelta(days=HISTORY_DAYS)
    for person, _ in place.members:
        await place.gateway.post("/v1/readings", {"readings": readings(person, start, MIDNIGHT)})


async def _money_and_rules(place: Place) -> None:
    """Everybody pays in; half of the members with a roof sell by rule, a third of the others buy by rule."""
    for person, caller in place.members:
        await caller.act("requestDeposit", "payment { id }", idempotencyKey="first", amount="50.00")
        kind = _rule_of(person)
        if kind is not None:
            terms = {
                "name": kind,
                "timezone": ESCH.timezone,
                "lookaheadHours": 2,
                "price": "0.06" if kind == "SELL_SURPLUS_ABOVE" else f"0.{140 + person.number % 60}",
            }
            terms |= {"source": "SOLAR"} if kind == "SELL_SURPLUS_ABOVE" else {"dailyMaxKwh": "6"}
            rule = await caller.act(
                "createTradingRule",
                "rule { id version }",
                kind=kind,
                marketId=place.market_ids[person.zone],
                terms=terms,
            )
            made = rule["rule"]
            await caller.act("activateTradingRule", "rule { id }", id=made["id"], expectedVersion=made["version"])
    await place.site.work()


def _rule_of(person: Person) -> str | None:
    if person.pv_kwp:
        return "SELL_SURPLUS_ABOVE" if person.number % 2 else None
    return "BUY_BELOW" if person.number % 3 == 0 else None
