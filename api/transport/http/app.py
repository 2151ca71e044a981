"""Puts the transport together around a schema."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry import Schema

from api.transport.documents.documents import Documents
from api.transport.documents.lifecycle import Refresh
from api.transport.documents.plans import CompiledReads, Standing
from api.transport.documents.registered import operation_names
from api.transport.executing.execution import Execution
from api.transport.executing.shares import BY_VIEWER, Sharing
from api.transport.http import graphiql, health, pages
from api.transport.http.bodies import BodyLimit, BodyLimits
from api.transport.http.charges import Charges
from api.transport.http.graphiql import LOG_IN, Example, LogIn
from api.transport.http.reading import Reading
from api.transport.http.view import GraphQLEndpoint
from api.transport.limits.budgets import Budgets
from api.transport.limits.live import Live
from api.transport.observing.observations import Observations
from api.transport.terms.errors import KNOWN_EXCEPTIONS, Knowledge
from api.transport.terms.identity import Authenticate, MakeContext
from api.transport.terms.logs import HEADER, RequestIds
from api.transport.terms.origins import Origins
from api.transport.terms.rates import Buckets, LocalBuckets
from api.transport.terms.settings import TransportSettings
from api.transport.terms.stopping import Stopping
from api.transport.terms.writing import Writing

NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class GraphQLApp:
    """The parts of a Starlette app. `middleware` belongs around all routes, also those of others."""

    routes: list[BaseRoute]
    middleware: list[Middleware]
    execution: Execution
    live: Live


def build_graphql_app(
    schema: Schema,
    *,
    authenticate: Authenticate,
    make_context: MakeContext,
    settings: TransportSettings,
    buckets: Buckets | None = None,
    refresh: Refresh = lambda context: None,
    trusted_documents: Mapping[str, str] = NOTHING,
    known_exceptions: Knowledge = NOTHING,
    known_operations: frozenset[str] = frozenset(),
    ready_checks: Mapping[str, health.Check] = NOTHING,
    registry: CollectorRegistry | None = None,
    metrics_token: str | None = None,
    examples: Sequence[Example] = (),
    log_in: LogIn = LOG_IN,
    published: Path | None = None,
    body_limits: Mapping[str, BodyLimit] = NOTHING,
    points: Mapping[str, int] = NOTHING,
    standing: Standing | None = None,
    sharing: Sharing = BY_VIEWER,
    reads: CompiledReads | None = None,
    stopping: Stopping | None = None,
    writing: Writing | None = None,
    platform: health.Platform | None = None,
) -> GraphQLApp:
    """Routes and middleware that serve a schema.

    authenticate        token and address to viewer; raises Unauthenticated
    make_context        connection and viewer to the context of one operation
    refresh             called with the context after each event of a subscription: forget what it loaded
    trusted_documents   texts by their SHA-256 in hexadecimal
    known_exceptions    exceptions of other layers that callers may see, beside KNOWN_EXCEPTIONS
    known_operations    operation names of metrics, beside those of trusted documents; all others are "other"
    ready_checks        by name; each raises when what it looks at is not well
    examples, log_in    of the GraphiQL page
    published           file of the schema's text; with it there are pages that lead on
    body_limits         by path prefix, for routes that take larger bodies than GraphQL
    points              by path, what requests of other routes cost; one where it is not said
    standing            viewers seen lately, who pay for such requests; by default their addresses do
    sharing             which subscriptions are equal; by default only those of one viewer
    stopping, writing   tell that the process ends, and whether anything may be changed
    platform            what /healthz/platform tells; by default there is no such route
    reads               plans that answer whole queries, or parts of operations; by default nothing is compiled
    """
    registry = registry or CollectorRegistry()
    live = Live(settings.connections_per_viewer, settings.streams_per_viewer)
    budgets = Budgets(buckets or LocalBuckets(), settings)
    execution = Execution(
        schema,
        settings,
        authenticate=authenticate,
        make_context=make_context,
        refresh=refresh,
        budgets=budgets,
        documents=Documents(schema._schema, settings, trusted_documents),
        known_exceptions={**KNOWN_EXCEPTIONS, **known_exceptions},
        live=live,
        observations=Observations(registry, known_operations | operation_names(trusted_documents.values()), live),
        sharing=sharing,
        reads=reads,
        stopping=stopping,
        writing=writing,
    )
    probes = health.Probes(ready_checks, registry, metrics_token, execution.stopping, execution.writing, platform)
    for_people = _pages(settings, authenticate, examples, log_in, published)
    routes = [*_endpoint(execution), *health.routes(probes), *for_people]
    charges = Middleware(Charges, budgets=budgets, standing=standing, points=points, endpoint=settings.path)
    refusing = (charges, Middleware(Reading, writing=execution.writing, endpoint=settings.path))
    return GraphQLApp(routes, middleware(settings, refusing, body_limits), execution, live)


def _endpoint(execution: Execution) -> list[BaseRoute]:
    path, endpoint = execution.settings.path, GraphQLEndpoint(execution)
    return [Route(path, endpoint, methods=None), WebSocketRoute(path, endpoint)]


def _pages(
    settings: TransportSettings,
    authenticate: Authenticate,
    examples: Sequence[Example],
    log_in: LogIn,
    published: Path | None,
) -> Iterator[BaseRoute]:
    """What is for people with a browser."""
    if settings.graphiql:
        yield from graphiql.routes(authenticate, examples, log_in, settings.path)
    if published:
        yield from pages.routes(published, has_graphiql=settings.graphiql)


def middleware(
    settings: TransportSettings, before_bodies: Sequence[Middleware], body_limits: Mapping[str, BodyLimit]
) -> list[Middleware]:
    """Request ids outermost, then CORS (also on refusals), then what refuses before bodies, then limits of these."""
    default = BodyLimit(settings.body_bytes_max, settings.body_seconds_max)
    return [
        Middleware(RequestIds),
        Middleware(
            CORSMiddleware,
            allow_origins=Origins(settings.allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", HEADER],
            expose_headers=[HEADER, "ETag", "RateLimit", "RateLimit-Policy", "Retry-After"],
            max_age=600,
        ),
        *before_bodies,
        Middleware(BodyLimits, default=default, by_prefix=body_limits),
    ]
