"""The express lane: the same answers, sooner; and whatever is unusual is left to the ordinary way."""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from api.transport.documents.plans import NotStanding
from api.transport.terms.settings import DocumentLimits, Rate, RootFieldRate, TransportSettings
from tests.api.transport.lane import BODY, QUERY, Answer, Request, Site, a_site, ask

NEW = "application/graphql-response+json"
PAGE = "query Page($n: Int) { houses(first: $n) { edges { node { id } } } }"
TWO = "query A { hello } query B { again: hello }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()
SMALL = TransportSettings(
    limits=DocumentLimits(nodes=10),
    rate=Rate(capacity=10, refill_per_s=0.01),
    anonymous_rate=Rate(capacity=10, refill_per_s=0.01),
)


async def both(
    *requests: Request, settings: TransportSettings | None = None, **options: Any
) -> tuple[Site, list[Answer], list[Answer]]:
    """The same requests with the lane and without it."""
    fast, slow = a_site(settings, has_lane=True, **options), a_site(settings, has_lane=False, **options)
    by_lane, by_ordinary = [[await ask(site.app, request) for request in requests] for site in (fast, slow)]
    return fast, by_lane, by_ordinary


@pytest.mark.parametrize(
    "naming",
    [
        {"documentId": f"sha256:{HASH}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
        {"query": QUERY, "extensions": {"clientLibrary": {"name": "a client"}}},
    ],
)
async def test_answers_documents_by_their_id(naming: dict[str, Any]) -> None:
    body = {**naming, "variables": BODY["variables"]}

    site, by_lane, by_ordinary = await both(*[Request(body)] * 2, trusted_documents={HASH: QUERY})

    assert site.ordinary.requests == 1
    assert by_lane == by_ordinary


@pytest.mark.parametrize("accept", ["application/json", NEW, "*/*", None, f"{NEW}, application/json;q=0.9"])
@pytest.mark.parametrize("authorization", ["Bearer member-token", None])
async def test_answers_byte_for_byte_as_the_ordinary_way(accept: str | None, authorization: str | None) -> None:
    request = Request(headers={"accept": accept, "authorization": authorization})

    site, by_lane, by_ordinary = await both(request, request, request)

    assert site.ordinary.requests == 1  # The first, as the document was not known yet.
    assert by_lane == by_ordinary
    assert by_lane[2].body == b'{"data":{"hello":"hello Esch"},"extensions":{"cost":1}}'


@pytest.mark.parametrize(
    "body",
    [
        {"query": PAGE, "variables": {"n": 7}},
        {"query": PAGE, "variables": {"n": 100}},
        {"query": PAGE, "variables": {}},
        {"query": PAGE, "variables": None, "operationName": "Page"},
        {"query": PAGE, "operationName": ""},
        {"query": TWO, "operationName": "B"},
        {"query": '{ a: hello(name: "Ünï\\n") houses(first: 2) { edges { node { houses { edges { cursor } } } } } }'},
        {"query": "query Q($n: Int = 3) { houses(first: $n) { edges { cursor } } }", "unknownMember": [1]},
    ],
)
async def test_counts_and_answers_any_query_alike(body: dict[str, Any]) -> None:
    site, by_lane, by_ordinary = await both(*[Request(body)] * 3)

    assert site.ordinary.requests == 1
    assert by_lane == by_ordinary
    assert by_lane[2].status == 200


async def test_a_known_document_takes_the_lane_from_its_second_time_on() -> None:
    site = a_site()

    ways = []
    for _ in range(3):
        await ask(site.app, Request())
        ways.append((site.ordinary.requests, site.plans.answered))

    assert ways == [(1, 1), (1, 2), (1, 3)]


async def test_logs_and_counts_as_the_ordinary_way_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="commonwatt.operations")

    site, _, _ = await both(*[Request()] * 2, known_operations=frozenset({"Named"}))

    *_, first, by_lane, _, by_ordinary = [record.fields for record in caplog.records if hasattr(record, "fields")]
    for fields in (first, by_lane, by_ordinary):
        assert fields.pop("milliseconds") > 0
    assert by_lane == by_ordinary == first
    assert (by_lane["operation"], by_lane["requestId"], by_lane["ending"]) == ("Named", "request-1", "completed")
    (series,) = site.execution.observations.series
    assert series == ("Named", "query", "http", "OK")
    assert site.execution.observations.series[series].operations == 2


async def test_makes_a_request_id_of_its_own_when_none_is_well_formed() -> None:
    _, by_lane, _ = await both(*[Request(headers={"x-request-id": "?"})] * 2)

    first, second = (dict(answer.headers)[b"x-request-id"] for answer in by_lane)
    assert first != second
    assert len(second) == 32


@dataclass(frozen=True)
class Unusual:
    """What makes a request one for the ordinary way, and what is set up before it."""

    request: Request
    settings: TransportSettings | None = None
    prepare: Callable[[Site], None] = lambda site: None
    options: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


def of_headers(status: int = 200, **headers: str | None) -> Unusual:
    return Unusual(Request(headers={name.replace("_", "-"): value for name, value in headers.items()}), status=status)


def of_body(body: Any, status: int = 200, settings: TransportSettings | None = None, **options: Any) -> Unusual:
    return Unusual(Request(body), settings, options=options, status=status)


def failing(by: Exception | str, status: int = 200) -> Unusual:
    def prepare(site: Site) -> None:
        site.plans.fails_by = by

    return Unusual(Request(), prepare=prepare, status=status)


def without_plans(site: Site) -> None:
    site.plans.has_plans = False


def with_parts_only(site: Site) -> None:
    site.plans.is_whole = False


def knowing_nobody(site: Site) -> None:
    site.standing.tokens.clear()


INTROSPECTION = {"query": "{ __schema { queryType { name } } }"}
UNUSUAL: dict[str, Unusual] = {
    "a GET": Unusual(Request(scope={"method": "GET"}), status=400),
    "another path": Unusual(Request(scope={"path": "/healthz"}), status=405),
    "a root path": Unusual(Request(scope={"root_path": "/api", "path": "/api/graphql"})),
    "a charset": of_headers(content_type="application/json; charset=utf-8"),
    "text": of_headers(415, content_type="text/plain"),
    "no content type": of_headers(415, content_type=None),
    "an origin": of_headers(origin="https://app.example"),
    "a stream wanted": of_headers(accept="text/event-stream, application/json;q=0.5"),
    "no content length": of_headers(content_length=None),
    "a content length that is no number": of_headers(400, content_length="12a"),
    "a content length of 5,000 digits": of_headers(413, content_length="9" * 5_000),
    "a header twice": Unusual(Request(more=((b"accept", b"text/event-stream"),))),
    "a body above the limit": of_body(BODY, 413, TransportSettings(body_bytes_max=20)),
    "a body in pieces": Unusual(Request(pieces=3)),
    "no body": of_body(b"", 400),
    "not JSON": of_body(b"{query", 400),
    "invalid UTF-8": of_body(b'{"query": "\xff"}', 400),
    "a list": of_body([BODY], 400),
    "null": of_body(None, 400),
    "no query": of_body({}, 400),
    "a query that is a number": of_body({**BODY, "query": 1}, 400),
    "a query that is a list": of_body({**BODY, "query": [QUERY]}, 400),
    "an unknown document": of_body({"query": "{ again: hello }"}),
    "a document that is not valid": of_body({"query": "{ nothing }"}),
    "variables that are a list": of_body({**BODY, "variables": ["Esch"]}, 400),
    "variables that are text": of_body({**BODY, "variables": "Esch"}, 400),
    "variables that are an empty list": of_body({**BODY, "variables": []}, 400),
    "variables that are false": of_body({"query": PAGE, "variables": False}, 400),
    "an operation name that is zero": of_body({**BODY, "operationName": 0}, 400),
    "an operation name that is a number": of_body({**BODY, "operationName": 5}, 400),
    "an operation name that is a list": of_body({**BODY, "operationName": [5]}, 400),
    "an unknown operation name": of_body({**BODY, "operationName": "Other"}, 400),
    "an unknown id": of_body({"documentId": "0" * 64}),
    "an id that is not of the text": of_body({**BODY, "documentId": "0" * 64}, 400),
    "a password": of_headers(401, authorization="Basic YTpi"),
    "an empty token": of_headers(401, authorization="Bearer "),
    "a token nobody has": of_headers(401, authorization="Bearer unknown"),
    "a viewer not seen lately": Unusual(Request(), prepare=knowing_nobody),
    "a mutation": of_body({"query": 'mutation { rename(name: "x") }'}),
    "a subscription": of_body({"query": "subscription { count(to: 1) }"}, 400),
    "an introspection": of_body(INTROSPECTION),
    "an introspection by nobody": Unusual(Request(INTROSPECTION, {"authorization": None}), status=401),
    "too many nodes": of_body({"query": PAGE, "variables": {"n": 10_001}}),
    "a root field with a limit of its own": of_body(BODY, settings=TransportSettings(
        root_field_rates={"hello": RootFieldRate(("name",))}
    )),
    "no plan": Unusual(Request(), prepare=without_plans),
    "a plan of parts": Unusual(Request(), prepare=with_parts_only),
    "a plan that gives up": failing("none"),
    "a plan that fails": failing(ZeroDivisionError("secret detail"), 500),
    "a plan without its database": failing(ConnectionRefusedError(), 503),
    "a viewer who no longer stands": failing(NotStanding()),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL)
async def test_leaves_what_is_unusual_to_the_ordinary_way(name: str) -> None:
    unusual = UNUSUAL[name]
    fast, slow = (a_site(unusual.settings, has_lane=has, **unusual.options) for has in (True, False))
    for site in (fast, slow):
        for body in (BODY, {"query": TWO, "operationName": "A"}, {"query": PAGE}, INTROSPECTION):
            await ask(site.app, Request(body))
        unusual.prepare(site)
    before = fast.ordinary.requests

    by_lane, by_ordinary = [await ask(site.app, unusual.request) for site in (fast, slow)]

    assert comparable(by_lane) == comparable(by_ordinary)
    assert by_lane.status == unusual.status
    assert b"secret" not in by_lane.body
    assert fast.ordinary.requests == before + 1
    assert fast.buckets.levels == slow.buckets.levels  # Charged once on either way.


def comparable(answer: Answer) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Without the ids that are new each time."""
    return answer.status, answer.headers, re.sub(rb'"errorId":"[0-9a-f]+"', b"", answer.body)


async def test_refuses_as_the_ordinary_way_when_the_budget_is_spent() -> None:
    page = Request({"query": PAGE, "variables": {"n": 4}})

    site, by_lane, by_ordinary = await both(*[page] * 4, settings=SMALL)

    assert [answer.status for answer in by_lane] == [200, 200, 429, 429]
    assert by_lane == by_ordinary
    assert orjson.loads(by_lane[3].body)["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert site.plans.asked == 2


async def test_charges_nobody_twice_when_a_plan_gives_up_after_the_charge() -> None:
    site = a_site()
    for _ in range(2):
        await ask(site.app, Request())
    level_before, _ = site.buckets.levels["viewer:member-token"]

    site.plans.fails_by = "none"
    answer = await ask(site.app, Request())

    level_after, _ = site.buckets.levels["viewer:member-token"]
    assert level_before - level_after == 1
    assert orjson.loads(answer.body)["extensions"] == {"cost": 1}
    assert dict(answer.headers)[b"ratelimit"].startswith(b'"default";r=%d;' % level_after)


async def test_forgets_a_viewer_who_no_longer_stands() -> None:
    site = a_site()
    await ask(site.app, Request())
    site.plans.fails_by = NotStanding()

    await ask(site.app, Request())

    assert "member-token" not in site.standing.tokens


async def test_logs_a_plan_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    site = a_site()
    await ask(site.app, Request())
    site.plans.fails_by = ZeroDivisionError("a fault of the plan")

    await ask(site.app, Request())

    (record,) = [record for record in caplog.records if record.name == "commonwatt.express"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)
