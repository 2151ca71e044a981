"""All tables together: importing this module fills `Base.metadata`."""

from domain import idempotency
from domain.audit import tables as audit
from domain.communities import tables as communities
from domain.database import Base
from domain.engagement import tables as engagement
from domain.events import tables as events
from domain.geography import tables as geography
from domain.grid import tables as grid
from domain.identity import tables as identity
from domain.jobs import tables as jobs
from domain.ledger import tables as ledger
from domain.market import auction_tables as auctions
from domain.market import billing_tables as billing
from domain.market import delivery_tables as deliveries
from domain.market import price_tables as prices
from domain.market import rule_tables as rules
from domain.market import tables as market
from domain.metering import tables as metering
from domain.notifications import tables as notifications
from domain.sharing import tables as sharing

__all__ = [
    "Base",
    "auctions",
    "audit",
    "billing",
    "communities",
    "deliveries",
    "engagement",
    "events",
    "geography",
    "grid",
    "idempotency",
    "identity",
    "jobs",
    "ledger",
    "market",
    "metering",
    "notifications",
    "prices",
    "rules",
    "sharing",
]
