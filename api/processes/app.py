"""The ASGI application; `api.processes.serving` serves it."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from api import house
from api.engine.connections import PageSize
from api.graphql import sights
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.identity import guesses, opening
from api.identity.guesses import Guesses
from api.market.orders import placing
from api.notifications.resolving import Reach
from api.notifications.subjects import Links
from api.processes import examples, gauges, platform
from api.processes.compiled import DocumentPlans
from api.processes.platform import Platform
from api.resources import clock, database, failures, writable
from api.resources.authentication import Authentication
from api.resources.connecting import redis_addresses
from api.resources.database import Database
from api.resources.events import Hub
from api.resources.settings import Caps, Settings, settings, trusted_documents
from api.transport.documents.plans import CompiledReads
from api.transport.http.app import GraphQLApp, build_graphql_app
from api.transport.http.compression import Compression
from api.transport.http.express import Express
from api.transport.http.proxies import Proxies
from api.transport.limits.devices import Devices
from api.transport.limits.leases import buckets_in
from api.transport.observing.telemetry import start_telemetry
from api.transport.terms.logs import configure_logs
from api.transport.terms.rates import Buckets
from api.transport.terms.settings import Rate, TransportSettings
from api.transport.terms.stopping import Stopping
from domain.identity.viewers import Viewer


class Application(Starlette):
    """A Starlette application with a lane around all of it, its own middleware included."""

    def __init__(self, lane: Callable[[ASGIApp], ASGIApp], **parts: Any) -> None:
        super().__init__(**parts)
        self.lane = lane

    def build_middleware_stack(self) -> ASGIApp:
        return self.lane(super().build_middleware_stack())


SCHEMA = Path(__file__).parents[2] / "schema.graphql"  # As .ci/run proves it to be.


def create_app(configured: Settings | None = None, stopping: Stopping | None = None) -> Starlette:
    """The application with its connections opened and closed by its lifespan."""
    configured, stopping = configured or settings(), stopping or Stopping()
    configure_logs(configured.log_level)
    if configured.telemetry_endpoint:
        start_telemetry(configured.telemetry_endpoint)
    PageSize.maximum = configured.page_max
    Reach.allowed = configured.webhook_networks
    Links.template = configured.link_template
    Caps.communities, Caps.keys = configured.communities_per_user, configured.keys_per_user
    connected = database.connect(
        str(configured.database_url),
        role=configured.database_role,
        pool=configured.database_pool,
        statement_seconds=configured.operation_seconds,
        heavy=configured.heavy_reads,
        pooled=configured.database_pooled,
        read_only=configured.read_only,
    )
    redis = redis_addresses.connect(str(configured.redis_url))
    hub, state = Hub(connected, redis), Platform(connected, redis)
    registry = CollectorRegistry()
    buckets = buckets_in(redis)
    authenticate = Authentication(connected, buckets)
    _prepare_log_ins(configured, buckets)
    graphql = _graphql(configured, connected, redis, buckets, hub, registry, authenticate, stopping, state)
    rest = [route for room in house.rooms() for part in room.routes for route in part.routes(connected, authenticate)]
    rest += [route for room in house.rooms() for part in room.signed for route in part.routes(connected, configured)]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await connected.prove()
        with contextlib.suppress(*failures.RAISED):
            await writable.look(connected)
        working = (
            *(hub.listen(), clock.keep(connected.fetch), writable.keep(connected)),
            *(gauges.watch(connected, registry, redis), platform.watch(state, registry)),
        )
        tasks = [asyncio.create_task(work) for work in working]
        with graphql.execution.observations.log.buffered():
            yield
        for task in tasks:
            task.cancel()
        await guesses.finish()
        await placing.queue_of(connected).finish()  # What a caller left behind who did not wait.
        await redis.aclose()
        await connected.close()

    return Application(
        lambda app: Proxies(Compression(Express(app, graphql.execution, authenticate)), configured.trusted_proxies),
        routes=[*graphql.routes, *rest],
        middleware=graphql.middleware,
        lifespan=lifespan,
    )


def _prepare_log_ins(configured: Settings, buckets: Buckets) -> None:
    Guesses.buckets = buckets
    opening.begin(configured)
    if configured.secret is not None:
        Devices.key = hashlib.sha256(b"devices:" + configured.secret.get_secret_value().encode()).digest()


def _graphql(
    configured: Settings,
    connected: Database,
    redis: Redis,
    buckets: Buckets,
    hub: Hub,
    registry: CollectorRegistry,
    authenticate: Authentication,
    stopping: Stopping,
    state: Platform,
) -> GraphQLApp:
    def make_context(connection: HTTPConnection, viewer: Viewer) -> Context:
        told = connection.headers
        return Context(connected, hub, viewer, told.get("accept-language", ""), told.get("user-agent", ""))

    async def database_answers() -> None:
        async with connected.reading() as connection:
            await connection.execute(text("SELECT 1 FROM alembic_version"))
        await connected.fetch("SELECT 1")

    async def redis_answers() -> None:
        await redis.ping()

    schema = make_schema()
    return build_graphql_app(
        schema,
        authenticate=authenticate,
        make_context=make_context,
        settings=TransportSettings(
            allowed_origins=configured.allowed_origins,
            operation_seconds_max=configured.operation_seconds,
            rate=Rate(configured.rate_capacity, configured.rate_refill_per_s),
            trusted_documents_only=configured.trusted_documents_only,
            connections_per_viewer=configured.connections_per_viewer,
            streams_per_viewer=configured.streams_per_viewer,
            graphiql=configured.graphiql,
        ),
        buckets=buckets,
        refresh=Context.refresh,
        ready_checks={
            "database": database_answers,
            "redis": redis_answers,
            "clock": clock.check,
        },
        trusted_documents=trusted_documents(configured.trusted_documents),
        registry=registry,
        metrics_token=configured.metrics_token.get_secret_value() if configured.metrics_token else None,
        known_exceptions=failures.KNOWN,
        known_operations=examples.OPERATIONS,
        examples=examples.EXAMPLES,
        published=SCHEMA,
        body_limits={part.PATH: part.BODY_LIMIT for room in house.rooms() for part in (*room.routes, *room.signed)},
        points={part.PATH: part.POINTS for room in house.rooms() for part in (*room.routes, *room.signed)},
        standing=authenticate,
        sharing=sights.sharing(schema._schema, connected),
        reads=CompiledReads(DocumentPlans(schema), connected),
        stopping=stopping,
        writing=connected.writing,
        platform=state.shown,
    )
