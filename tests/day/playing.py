"""The day: every hour the meters report, rules and people place orders, and batches are cleared; then it is settled."""

from datetime import timedelta
from random import Random
from typing import Any

from tests.day.caller import Caller, Refused
from tests.day.founding import MIDNIGHT, Place
from tests.day.world import Person, readings

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
ORDERS_PER_HOUR = 40


async def play(place: Place, seed: int) -> dict[str, int]:
    """Play all hours and what follows; gives counts of what people did themselves."""
    chance = Random(seed)
    done: dict[str, int] = {}

    def count(what: str) -> None:
        done[what] = done.get(what, 0) + 1

    for hour in range(24):
        now = MIDNIGHT + HOUR * hour + timedelta(minutes=2)
        place.site.move_clock(now)
        if hour:
            await _report(place, now - timedelta(minutes=2) - HOUR, now - timedelta(minutes=2))
        await place.site.work()
        for number in range(ORDERS_PER_HOUR):
            count(await _order(place, chance, hour, number))
        if hour == 9:
            count(await _auction(place, chance))
        place.site.move_clock(now + timedelta(minutes=5))
        await place.site.work()
    place.site.move_clock(MIDNIGHT + 24 * HOUR + timedelta(minutes=2))
    await _report(place, MIDNIGHT + 23 * HOUR, MIDNIGHT + 24 * HOUR)
    for days in (1, 3, 16):  # Gates close, deliveries settle, and the month ends.
        place.site.move_clock(MIDNIGHT + timedelta(days=days, hours=1))
        await place.site.work()
    await place.admin.act("makeStatements", "job { id }", month="2026-06-01")
    await _share(place)
    await place.site.work()
    return done


async def _share(place: Place) -> None:
    """What trades left of the day is shared among all."""
    since, day = MIDNIGHT - timedelta(days=15), {"start": MIDNIGHT, "end": MIDNIGHT + 24 * HOUR}
    community = {"communityId": place.community_id}
    await place.coordinator.act(
        "setSharingKey", "sharingKey { id }", **community, kind="PRO_RATA", validFrom=since.isoformat()
    )
    period = {name: at.isoformat() for name, at in day.items()}
    await place.coordinator.act("allocatePeriod", "job { id }", **community, period=period)


async def _report(place: Place, start: Any, end: Any) -> None:
    """The gateway posts what the meters counted, some members at a time."""
    waiting: list[dict[str, Any]] = []
    for person, _ in place.members:
        waiting += readings(person, start, end)
    for at in range(0, len(waiting), 400):
        await place.gateway.post("/v1/readings", {"readings": waiting[at : at + 400]})


async def _order(place: Place, chance: Random, hour: int, number: int) -> str:
    """Someone asks for energy, or offers it where the roof may have some; now and then thinks better of it."""
    person, caller = chance.choice(place.members)
    begins = MIDNIGHT + HOUR * (hour + 1) + QUARTER * chance.randrange(4)
    is_sell = person.pv_kwp > 0 and 6 <= hour <= 17 and chance.random() < 0.7
    given: dict[str, Any] = {
        "idempotencyKey": f"{hour}:{number}",
        "marketId": place.market_ids[person.zone],
        "side": "SELL" if is_sell else "BUY",
        "energyKwh": f"{chance.randrange(50, 600) / 1000:.3f}",
        "limitPrice": f"0.{chance.randrange(500, 1_200) if is_sell else chance.randrange(900, 2_400):04d}",
        "delivery": {"start": begins.isoformat(), "end": (begins + QUARTER * chance.randrange(1, 5)).isoformat()},
    }
    if is_sell:
        given["source"] = "SOLAR"
    else:
        given |= chance.choice([{}, {}, {"accepts": "GREEN"}, {"filling": "FLEXIBLE"}, {"accepts": "LOCAL"}])
    if given.get("filling") is None and chance.random() < 0.2:
        given["minimumFillKwh"] = "0.050"
    try:
        placed = await caller.act("placeOrder", "order { id }", **given)
    except Refused as refused:
        return str(refused.codes[0])
    return await _think_again(caller, chance, placed["order"]["id"], given)


async def _think_again(caller: Caller, chance: Random, order_id: str, given: dict[str, Any]) -> str:
    thought = chance.random()
    if thought < 0.05:
        await caller.act("cancelOrder", "order { id }", id=order_id)
        return "cancelled"
    if thought < 0.10:
        key = f"{given['idempotencyKey']}:amended"
        await caller.act("amendOrder", "order { id }", idempotencyKey=key, id=order_id, energyKwh="0.050")
        return "amended"
    return "placed"


async def _auction(place: Place, chance: Random) -> str:
    """A member with a roof auctions noon; a neighbour takes some when the clock has come down."""
    seller, offering = next((person, caller) for person, caller in place.members if person.pv_kwp >= 6)
    noon = MIDNIGHT + 12 * HOUR
    opened = await offering.act(
        "openAuction",
        "auction { id price }",
        idempotencyKey="noon",
        marketId=place.market_ids[seller.zone],
        energyKwh="0.400",
        delivery={"start": noon.isoformat(), "end": (noon + 2 * QUARTER).isoformat()},
        startPrice="0.25",
        floorPrice="0.10",
        step="0.05",
        stepSeconds=60,
        source="SOLAR",
    )
    place.site.move_clock(MIDNIGHT + 9 * HOUR + timedelta(minutes=4))
    await place.site.work()
    _, bidder = chance.choice([each for each in place.members if _may_bid(each[0], seller)])
    auction_id = opened["auction"]["id"]
    await bidder.act(
        "bidInAuction",
        "bid { price }",
        idempotencyKey="noon",
        auctionId=auction_id,
        energyKwh="0.250",
        limitPrice="0.2",
    )
    return "bid"


def _may_bid(person: Person, seller: Person) -> bool:
    return person.number != seller.number and person.zone == seller.zone
