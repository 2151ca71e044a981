"""Bodies of posts to web hooks: `type`, `timestamp` and `data`, as Standard Webhooks asks; ids are GraphQL's."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from api.engine.declarations import global_id
from api.graphql.cursors import cursor_of
from api.graphql.scalars import SCALARS, DateTime
from api.notifications import subjects
from domain.events.notices import NoticeKind
from domain.events.tables import Event
from domain.kernel.quantities import format_micro
from domain.market.clearing.tables import Trade
from domain.notifications.deliveries import Attempt
from domain.notifications.tables import Message

# What ids in the facts of notices lead to beside what the notice is about, by the name of the fact.
LEADS_TO = {
    "market_id": "Market",
    "zone_id": "MarketZone",
    "limit_id": "ZoneLimit",
    "run_id": "TradingRuleRun",
}
# Names as GraphQL has them, and the decimal text of micro-units; the longest ending first.
SHOWN_AS = (("_ueur_per_kwh", ""), ("_ueur", ""), ("_ukwh", "_kwh"))


def of(attempt: Attempt) -> bytes:
    """The body of a message, or of a test of a web hook."""
    if attempt.message is not None:
        return of_message(attempt.message)
    assert attempt.receiver is not None
    data = {"webhookId": global_id("Webhook", attempt.receiver.webhook_id)}
    return _body("test", attempt.asked_at, data)


def of_message(message: Message) -> bytes:
    """The body of a message, with the facts it was made of."""
    about = subjects.about(message.kind, message.facts)
    data = {
        "id": global_id("Notification", message.id),
        "kind": message.kind.value,
        "title": message.title,
        "body": message.body,
        "subject": None if about is None else global_id(*about),
        "link": subjects.link_to(about),
        "createdAt": _instant(message.created_at),
        "facts": shown_facts(message.kind, message.facts),
    }
    return _body(f"notification.{message.kind.value.lower()}", message.created_at, data)


def of_trade(event: Event, trade: Trade) -> bytes:
    """The body of a trade: what the subscription `trades` tells of it."""
    shown = {
        "id": global_id("Trade", trade.id),
        "market": {"id": global_id("Market", trade.market_id)},
        "sellerMarket": {"id": global_id("Market", trade.seller_market_id)},
        "clearing": {"id": global_id("Clearing", trade.clearing_id)},
        "deliveryStart": _instant(trade.delivery_start),
        "deliveryEnd": _instant(trade.delivery_end),
        "energyKwh": format_micro(trade.energy_ukwh),
        "price": format_micro(trade.price_ueur_per_kwh),
        "sellerPrice": format_micro(trade.seller_price_ueur_per_kwh),
        "source": trade.source and trade.source.value,
        "createdAt": _instant(trade.created_at),
    }
    return _body("trade", trade.created_at, {"cursor": cursor_of(event), "trade": shown})


def shown_facts(kind: NoticeKind, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts by names in camel case: ids as GraphQL has them, micro-units as decimals of kWh, EUR and EUR/kWh."""
    return dict(_shown(kind, name, value) for name, value in facts.items())


def _shown(kind: NoticeKind, name: str, value: Any) -> tuple[str, Any]:
    entity = dict(kind.about).get(name) or LEADS_TO.get(name)
    if entity is not None and isinstance(value, str):
        return _camel(name), f"{entity}:{value}"
    for ending, unit in SHOWN_AS:
        if name.endswith(ending) and type(value) is int:
            return _camel(name.removesuffix(ending) + unit), format_micro(value)
    return _camel(name), value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found.group(1).upper(), name)


def _instant(value: datetime) -> str:
    shown: str = SCALARS[DateTime].serialize(value)
    return shown


def _body(type_: str, timestamp: datetime, data: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"type": type_, "timestamp": _instant(timestamp), "data": data})
