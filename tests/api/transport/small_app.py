"""The transport around the small schema, as an app to send requests to. `uvicorn` can serve `app` for the runners."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from api.transport.http.app import GraphQLApp, build_graphql_app
from api.transport.http.graphiql import Example, LogIn
from api.transport.limits.live import Live
from api.transport.terms.settings import TransportSettings
from tests.api.transport import small_schema

LOG_IN = LogIn(
    query="mutation L($email: String!, $password: String!) "
    "{ logIn(input: {email: $email, password: $password}) { accessToken errors } }",
    log_out="mutation { logOut }",
    token_path=("logIn", "accessToken"),
    errors_path=("logIn", "errors"),
)


def build(settings: TransportSettings | None = None, **options: Any) -> GraphQLApp:
    live: list[Live] = []

    def make_context(connection: HTTPConnection, viewer: small_schema.Viewer) -> small_schema.Context:
        return small_schema.Context(viewer, live)

    built = build_graphql_app(
        small_schema.schema,
        authenticate=small_schema.authenticate,
        make_context=make_context,
        settings=settings or TransportSettings(),
        refresh=small_schema.Context.refresh,
        log_in=LOG_IN,
        examples=[Example("Houses", "query Houses($n: Int) { houses(first: $n) { edges { node { id } } } }", {"n": 3})],
        **options,
    )
    live.append(built.live)
    return built


def app() -> Starlette:
    built = build()
    return Starlette(routes=built.routes, middleware=built.middleware)
