"""The five operations, as each server spells them, and what must be equal in all their answers."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

OURS, POSTGRAPHILE, NAIVE = "commonwatt", "postgraphile", "naive"
COMMUNITIES_ASKED = 200
PAGE_INFO = "pageInfo { hasNextPage endCursor }"
MEMBERS = "{ edges { node { %s name legalForm } } " + PAGE_INFO + " }"


@dataclass(frozen=True, slots=True)
class World:
    """Ids that operations name."""

    community_ids: list[str]
    market_id: str
    owner_id: str


Variables = Callable[[World, str], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `variables` makes those of each request, which are sent in turn."""

    name: str
    title: str
    documents: Mapping[str, str]
    variables: Variables
    is_compared: bool = True

    def bodies(self, server: str, world: World, run: str) -> list[str]:
        """Bodies of requests to a server; `run` keeps the keys of one run apart from others'."""
        query = re.sub(r"\s+", " ", self.documents[server]).strip()
        every = self.variables(world, server)
        return [json.dumps({"query": query, "variables": one}).replace("RUN", run) for one in every]


def _typed(server: str, kind: str, key: str) -> str:
    return f"{kind}:{key}" if server == OURS else key


def _nothing(world: World, server: str) -> list[dict[str, Any]]:
    return [{}]


def _communities(world: World, server: str) -> list[dict[str, Any]]:
    return [{"id": _typed(server, "Community", key)} for key in world.community_ids]


def _market(world: World, server: str) -> list[dict[str, Any]]:
    return [{"id": _typed(server, "Market", world.market_id)}]


def _order(world: World, server: str) -> list[dict[str, Any]]:
    """Half a kilowatt-hour in one quarter of an hour, a day from now; each with a key of its own."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=24)
    delivery = {"start": start.isoformat(), "end": (start + timedelta(minutes=15)).isoformat()}
    if server == OURS:
        key = {"idempotencyKey": "RUN-NNNNNNNN", "marketId": _typed(server, "Market", world.market_id)}
        return [{"input": key | {"side": "BUY", "energyKwh": "0.5", "limitPrice": "0.15", "delivery": delivery}}]
    owner = {"marketId": world.market_id, "ownerId": world.owner_id, "side": "BUY"}
    order = owner | {"energyUkwh": "500000", "limitPriceUeurPerKwh": "150000"}
    order |= {"deliveryStart": delivery["start"], "deliveryEnd": delivery["end"]}
    return [{"input": {"placedOrder": order} if server == POSTGRAPHILE else order}]


def _by_id(field: str, key: str, selection: str, kind: str = "UUID!") -> str:
    return f"query ($id: {kind}) {{ node: {field}({key}: $id) {{ {selection} }} }}"


COMMUNITY = "name kind status country"
TRADE = "edges { node { %s deliveryStart %s source } }"
TRADES_OF_PEERS = TRADE % ("id: rowId", "energyUkwh priceUeurPerKwh sellerPriceUeurPerKwh")

OPERATIONS = (
    Operation(
        "by_id",
        "one community by id, 5 scalars",
        {
            OURS: f"query ($id: ID!) {{ node(id: $id) {{ ... on Community {{ id {COMMUNITY} }} }} }}",
            POSTGRAPHILE: _by_id("communityByRowId", "rowId", f"id: rowId {COMMUNITY}"),
            NAIVE: _by_id("community", "id", f"id {COMMUNITY}", "ID!"),
        },
        _communities,
    ),
    Operation(
        "nested",
        "50 communities, each with its area and its first 10 members, page info at both levels",
        {
            OURS: f"""{{ communities(first: 50) {{ edges {{ node {{ id name substationArea {{ id code name }}
                members(first: 10) {MEMBERS % "id"} }} }} {PAGE_INFO} }} }}""",
            POSTGRAPHILE: f"""{{ communities: allCommunities(first: 50) {{ edges {{ node {{ id: rowId name
                substationArea: substationAreaBySubstationAreaId {{ id: rowId code name }}
                members: membersByCommunityId(first: 10) {MEMBERS % "id: rowId"} }} }} {PAGE_INFO} }} }}""",
            NAIVE: f"""{{ communities(first: 50) {{ edges {{ node {{ id name substationArea {{ id code name }}
                members(first: 10) {MEMBERS % "id"} }} }} {PAGE_INFO} }} }}""",
        },
        _nothing,
    ),
    Operation(
        "rows",
        "1,000 trades of a market, 6 fields",
        {
            OURS: f"""query ($id: ID!) {{ node(id: $id) {{ ... on Market {{
                trades(first: 1000) {{ {TRADE % ("id", "energyKwh price sellerPrice")} }} }} }} }}""",
            POSTGRAPHILE: _by_id(
                "marketByRowId", "rowId", f"trades: tradesByMarketId(first: 1000) {{ {TRADES_OF_PEERS} }}"
            ),
            NAIVE: _by_id("market", "id", f"trades(first: 1000) {{ {TRADES_OF_PEERS} }}", "ID!").replace("rowId", "id"),
        },
        _market,
    ),
    Operation(
        "boundaries",
        "200 communities with their boundary as GeoJSON",
        {
            OURS: "{ communities(first: 200) { edges { node { id boundary } } } }",
            POSTGRAPHILE: "{ communities: allCommunities(first: 200) { edges { node { id: rowId boundary } } } }",
            NAIVE: "{ communities(first: 200) { edges { node { id boundary } } } }",
        },
        _nothing,
    ),
    Operation(
        "place_order",
        "place an order (ours with idempotency key, rules, audit and events; theirs a plain insert)",
        {
            OURS: """mutation ($input: PlaceOrderInput!) {
                placeOrder(input: $input) { order { id status } errors { code } } }""",
            POSTGRAPHILE: """mutation ($input: CreatePlacedOrderInput!) {
                createPlacedOrder(input: $input) { placedOrder { id: rowId status } } }""",
            NAIVE: "mutation ($input: PlacedOrderInput!) { createPlacedOrder(input: $input) { id status } }",
        },
        _order,
        is_compared=False,
    ),
)


def comparable(answer: Any) -> Any:
    """An answer without what each server may spell in its own way: ids' types, units, cursors, zeros of instants."""
    if isinstance(answer, list):
        return [comparable(one) for one in answer]
    if isinstance(answer, dict):
        named = (_field(name, value) for name, value in answer.items())
        return {name: comparable(value) for name, value in named}
    if isinstance(answer, str):
        return _plain(answer)
    return answer


MICRO = {
    "energyKwh": "energyUkwh",
    "price": "priceUeurPerKwh",
    "sellerPrice": "sellerPriceUeurPerKwh",
}


def _field(name: str, value: Any) -> tuple[str, Any]:
    if name == "endCursor":
        return name, value is not None
    if name in MICRO:
        return MICRO[name], str(round(float(value) * 1_000_000))
    return name, value


def _plain(text: str) -> str:
    typed = re.fullmatch(r"[A-Za-z]+:([0-9a-f-]{36})", text)
    if typed:
        return typed[1]
    if re.match(r"\d{4}-\d\d-\d\dT\d\d:", text):
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    return text
