"""A day's surplus and deficit in two linked markets: every fill explained, every trade accounted for, prices live."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest

from tests.acceptance import explained
from tests.acceptance.arithmetic import micro
from tests.acceptance.conftest import People, Traded
from tests.acceptance.explained import Cell, Share, Trade
from tests.acceptance.traded_day import CAPACITY_UKWH, COST_UEUR

PAGE = "pageInfo { hasNextPage endCursor }"
TRADES = f"""query($id: ID!, $after: String) {{ node(id: $id) {{ ... on Market {{
    trades(first: 100, after: $after) {{ edges {{ node {{ id deliveryStart energyKwh price sellerPrice source
        buyOrder {{ id }} sellOrder {{ id }} }} }} {PAGE} }} }} }} }}"""
CLEARINGS = f"""query($id: ID!, $after: String) {{ node(id: $id) {{ ... on Market {{
    clearings(first: 100, after: $after) {{ edges {{ node {{
        deliveryStart price boughtKwh soldKwh batchOpenedAt }} }} {PAGE} }} }} }} }}"""
ORDERS = f"""query($after: String) {{ viewer {{ orders(first: 50, after: $after) {{ edges {{ node {{
    id status filledKwh explanation {{ deliveryStart filledKwh price reason }} }} }} {PAGE} }} }} }}"""


@pytest.fixture(scope="session")
def trades_by_zone(people: People, traded: Traded) -> dict[str, list[Trade]]:
    """Trades with a buyer or a seller in the zone, as the platform's administrator sees them."""
    return {
        code: [explained.trade_of(node) for node in people.admin.pages(TRADES, "node", "trades", id=id)]
        for code, id in traded.markets.ids.items()
    }


@pytest.fixture(scope="session")
def trades(trades_by_zone: Mapping[str, list[Trade]]) -> list[Trade]:
    return list({trade.id: trade for found in trades_by_zone.values() for trade in found}.values())


@pytest.fixture(scope="session")
def cells(people: People, traded: Traded) -> list[Cell]:
    return [
        explained.cell_of(code, node)
        for code, id in traded.markets.ids.items()
        for node in people.admin.pages(CLEARINGS, "node", "clearings", id=id)
    ]


@pytest.fixture(scope="session")
def shares(traded: Traded, trades: Sequence[Trade]) -> dict[datetime, list[Share]]:
    return explained.shares_by_start(traded.orders, trades)


@pytest.fixture(scope="session")
def flows(cells: Sequence[Cell], traded: Traded) -> dict[datetime, int]:
    """Energy sent from the north to the south in each quarter-hour, micro-kWh; negative the other way."""
    exported: dict[datetime, dict[str, int]] = defaultdict(lambda: dict.fromkeys(traded.markets.codes, 0))
    for cell in cells:
        exported[cell.start][cell.zone] += cell.exported_ukwh
    assert all(sum(zones.values()) == 0 for zones in exported.values())
    return {start: zones[traded.markets.codes[0]] for start, zones in exported.items()}


def test_all_were_cleared_in_one_batch(cells: Sequence[Cell], traded: Traded) -> None:
    assert len({cell.batch for cell in cells}) == 1
    assert len(cells) == len({(cell.zone, cell.start) for cell in cells})
    assert {order.side for order in traded.orders} == {"BUY", "SELL"}
    assert {order.owner for order in traded.orders} == {0, 1, 2, 3}


def test_every_fill_is_explained_by_price_and_time(
    cells: Sequence[Cell], shares: Mapping[datetime, list[Share]]
) -> None:
    unexplained = [
        (cell, share)
        for cell in cells
        for share in explained.passed_over(cell, shares[cell.start])
        if not explained.is_on_both_sides(share, shares[cell.start])
    ]
    beyond_limit = [share for cell in cells for share in explained.outpriced_and_filled(cell, shares[cell.start])]

    assert (unexplained, beyond_limit) == ([], [])


def test_who_is_passed_over_for_being_on_both_sides_is_rare(
    cells: Sequence[Cell], shares: Mapping[datetime, list[Share]]
) -> None:
    """Otherwise the test above would excuse too much."""
    excused = sum(len(explained.passed_over(cell, shares[cell.start])) for cell in cells)

    assert 0 < excused <= 0.02 * sum(map(len, shares.values()))


def test_where_no_clearing_is_nothing_was_traded(cells: Sequence[Cell], shares: Mapping[datetime, list[Share]]) -> None:
    cleared = {(cell.zone, cell.start) for cell in cells}

    elsewhere = [
        share
        for start, found in shares.items()
        for share in found
        if share.filled_ukwh and (share.order.zone, start) not in cleared
    ]

    assert elsewhere == []


def test_no_two_open_orders_could_still_gain(
    shares: Mapping[datetime, list[Share]], flows: Mapping[datetime, int], traded: Traded
) -> None:
    north, south = traded.markets.codes
    for start, found in shares.items():
        flow = flows.get(start, 0)
        left = {(north, south): CAPACITY_UKWH - flow, (south, north): CAPACITY_UKWH + flow}
        missed = explained.could_still_trade(found, left, COST_UEUR)
        assert missed == [], start


def test_prices_of_the_zones_differ_by_the_link_alone(
    cells: Sequence[Cell], flows: Mapping[datetime, int], traded: Traded
) -> None:
    north, south = traded.markets.codes
    price = {(cell.zone, cell.start): cell.price_ueur for cell in cells}
    met = set()
    for start, flow in flows.items():
        if (north, start) in price and (south, start) in price:
            lead = price[south, start] - price[north, start]
            lead, sent = (lead, flow) if flow >= 0 else (-lead, -flow)
            assert 0 <= sent <= CAPACITY_UKWH
            if sent == CAPACITY_UKWH:
                assert lead >= COST_UEUR, start
                met.add("full")
            elif sent:
                assert lead == COST_UEUR, start
                met.add("used")
            else:
                assert abs(lead) <= COST_UEUR, start
                met.add("idle")
    assert {"full", "used"} <= met


def test_trades_add_up(cells: Sequence[Cell], trades: Sequence[Trade], traded: Traded) -> None:
    zone = {order.id: order.zone for order in traded.orders}
    bought: dict[tuple[str, datetime], int] = defaultdict(int)
    sold: dict[tuple[str, datetime], int] = defaultdict(int)
    for trade in trades:
        bought[zone[trade.buy_id], trade.start] += trade.energy_ukwh
        sold[zone[trade.sell_id], trade.start] += trade.energy_ukwh

    assert {(cell.zone, cell.start): (cell.bought_ukwh, cell.sold_ukwh) for cell in cells} == {
        key: (bought[key], sold[key]) for key in {(cell.zone, cell.start) for cell in cells}
    }
    assert sum(bought.values()) == sum(sold.values()) == sum(trade.energy_ukwh for trade in trades) > 0


def test_both_sides_trade_at_the_price_of_their_zone(
    cells: Sequence[Cell], trades: Sequence[Trade], traded: Traded
) -> None:
    price = {(cell.zone, cell.start): cell.price_ueur for cell in cells}
    zone = {order.id: order.zone for order in traded.orders}

    wrong = [
        trade
        for trade in trades
        if (trade.price_ueur, trade.seller_price_ueur)
        != (price[zone[trade.buy_id], trade.start], price[zone[trade.sell_id], trade.start])
    ]

    assert wrong == []


def test_nobody_trades_with_itself(trades: Sequence[Trade], traded: Traded) -> None:
    owner = {order.id: order.owner for order in traded.orders}

    assert [trade for trade in trades if owner[trade.buy_id] == owner[trade.sell_id]] == []


def test_the_platform_explains_each_fill_as_it_was(
    people: People, traded: Traded, shares: Mapping[datetime, list[Share]]
) -> None:
    """Asked by the traders themselves, of all of their orders."""
    got = {(share.order.id, start): share for start, found in shares.items() for share in found}
    asked = 0
    for trader in people.traders:
        for order in trader.pages(ORDERS, "viewer", "orders"):
            fills = 0
            for told in order["explanation"]:
                share = got[order["id"], datetime.fromisoformat(told["deliveryStart"])]
                assert micro(told["filledKwh"]) == share.filled_ukwh
                assert (told["reason"] == "FILLED") == share.is_full, told
                assert told["reason"] != "PARTLY_FILLED" or 0 < share.filled_ukwh < share.order.energy_ukwh
                assert told["reason"] != "OUTPRICED" or share.filled_ukwh == 0
                fills += share.filled_ukwh
                asked += 1
            assert micro(order["filledKwh"]) == fills
    assert asked == len(got)


def test_both_transports_tick_alike(traded: Traded) -> None:
    assert traded.ticks_over_socket == traded.ticks_over_event_stream
    assert len(traded.ticks_over_socket) == len({tick["cursor"] for tick in traded.ticks_over_socket})


def test_each_clearing_ticked_with_its_price(traded: Traded, cells: Sequence[Cell]) -> None:
    """In the north, which was followed."""
    ticked = {
        datetime.fromisoformat(tick["deliveryStart"]): (micro(tick["price"]), micro(tick["volumeKwh"]))
        for tick in traded.ticks_over_socket
        if tick["kind"] == "CLEARED"
    }

    assert ticked == {
        cell.start: (cell.price_ueur, max(cell.bought_ukwh, cell.sold_ukwh))
        for cell in cells
        if cell.zone == traded.markets.codes[0]
    }


def test_trades_resume_without_a_gap_after_a_lost_connection(
    traded: Traded, trades_by_zone: Mapping[str, list[Trade]]
) -> None:
    """Some were read over a socket, which was then lost, the others over an event stream that resumed after them."""
    followed = [event["trade"]["id"] for event in (*traded.before_loss, *traded.after_loss)]

    assert len(traded.before_loss) > 0 < len(traded.after_loss)
    assert followed == [trade.id for trade in trades_by_zone[traded.markets.codes[0]]]
