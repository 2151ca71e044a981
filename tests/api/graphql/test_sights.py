"""What subscriptions depend on of who asks: viewers that may see different things never share."""

from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
import strawberry
from graphql import parse

from api.graphql import sights
from api.graphql.schema import make_schema
from api.resources.database import Database
from api.transport.documents.documents import Document
from api.transport.limits import limits
from api.transport.terms.settings import DocumentLimits
from domain.identity.tables import ApiKeyKind, PlatformRole
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id

TICKS = 'subscription { priceTicks(marketId: "x") { cursor price kind } }'
BOOK = 'subscription { orderBook(marketId: "x", deliveryStart: "2026-01-01T00:00:00Z") { buy { price } } }'
TRADES = 'subscription { trades(marketId: "x") { cursor trade { id price energyKwh market { name } } } }'
OF_ORDERS = """
subscription { trades(marketId: "x") { ...Of } }
fragment Of on TradeEvent { trade { ... on Trade { buyOrder { id } } } }
"""
JOB = 'subscription { jobProgress(id: "x") { status } }'

ANNA, PETER = Viewer(user_id=new_id(), session_id=new_id()), Viewer(user_id=new_id(), session_id=new_id())
GATEWAY = Viewer(user_id=new_id(), api_key_id=new_id(), api_key_kind=ApiKeyKind.METER, scopes=frozenset({"meter"}))
ADMIN = Viewer(user_id=new_id(), session_id=new_id(), roles=frozenset({PlatformRole.ADMIN}))
OTHER_ADMIN = Viewer(user_id=new_id(), session_id=new_id(), roles=frozenset({PlatformRole.ADMIN}))


@pytest.fixture(scope="session")
def schema() -> strawberry.Schema:
    return make_schema()


def is_same(schema: strawberry.Schema, text: str, one: Viewer, other: Viewer) -> bool:
    """Whether the results of a document are the same for two viewers."""
    node = parse(text)
    analyses = limits.analyse(schema._schema, node, DocumentLimits())
    document = Document("", node, analyses)
    sight_of: Any = sights.sharing(schema._schema, cast(Database, None)).sight_of
    first, second = (sight_of(viewer, document, document.analysis(None)) for viewer in (one, other))
    return bool(first == second and hash(first) == hash(second))


@pytest.mark.parametrize(
    ("text", "one", "other", "expected"),
    [
        (TICKS, ANNA, PETER, True),
        (TICKS, ANNA, GATEWAY, True),
        (TICKS, ANNA, ANONYMOUS, False),
        (BOOK, ANNA, ADMIN, True),
        (TRADES, ANNA, PETER, True),
        (TRADES, ANNA, ADMIN, True),
        (TRADES, ANNA, GATEWAY, False),
        (OF_ORDERS, ANNA, PETER, False),
        (OF_ORDERS, ANNA, ADMIN, False),
        (OF_ORDERS, ADMIN, OTHER_ADMIN, True),
        (OF_ORDERS, GATEWAY, ANONYMOUS, True),
        (JOB, ANNA, PETER, False),
        (JOB, ADMIN, OTHER_ADMIN, False),
    ],
)
def test_viewers_share_what_is_the_same_for_both(
    schema: strawberry.Schema, text: str, one: Viewer, other: Viewer, expected: bool
) -> None:
    assert is_same(schema, text, one, one)
    assert is_same(schema, text, one, other) is expected


def test_a_viewer_shares_with_itself_of_another_day(schema: strawberry.Schema) -> None:
    before = Viewer(user_id=ANNA.user_id, session_id=ANNA.session_id, version=1, day=date(2026, 1, 1))
    later = Viewer(
        user_id=ANNA.user_id,
        session_id=ANNA.session_id,
        version=2,
        day=date(2026, 1, 2),
        expires_at=datetime(2026, 1, 3, tzinfo=UTC),
    )

    assert is_same(schema, JOB, before, later)


def test_every_subscription_without_a_sight_depends_on_the_whole_viewer(schema: strawberry.Schema) -> None:
    root = schema._schema.subscription_type
    assert root is not None
    declared = {
        name: sights.SIGHT in field.extensions["strawberry-definition"].metadata for name, field in root.fields.items()
    }

    assert declared == {
        "auctionTicks": True,
        "gridAlerts": True,
        "jobProgress": False,
        "notifications": False,
        "orderBook": True,
        "priceTicks": True,
        "trades": True,
    }
