"""What a browser and a code generator find: a page that leads on, and the contract."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.processes.app import SCHEMA
from api.transport.terms.settings import TransportSettings
from tests.api.transport.conftest import ClientOf


@pytest.fixture
def client(client_of: ClientOf) -> TestClient:
    return client_of(published=SCHEMA)


def test_the_page_loads_nothing_and_leads_on(client: TestClient) -> None:
    page = client.get("/")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert re.findall(r"<(?:script|style|img|link|iframe)|style=|\bon\w+=", page.text) == []
    links = re.findall(r'href="([^"]*)"', page.text)
    assert {"/schema.graphql", "/graphiql", "/healthz"} <= set(links)
    assert all(client.get(link).status_code != 404 for link in links)


def test_without_graphiql_nothing_of_it_is_there_and_the_page_leads_on(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(graphiql=False), published=SCHEMA)

    page = client.get("/")

    links = re.findall(r'href="([^"]*)"', page.text)
    assert {"/schema.graphql", "/healthz"} <= set(links)
    assert "graphiql" not in page.text.lower()
    assert all(client.get(link).status_code != 404 for link in links)
    paths = ("/graphiql", "/graphiql/access", "/graphiql/static/index.html", "/graphiql/static/graphiql.js")
    assert {client.get(path).status_code for path in paths} == {404}


def test_the_contract_is_there_as_it_is_in_the_repository(client: TestClient) -> None:
    schema = client.get("/schema.graphql")

    assert schema.text == SCHEMA.read_text()
    assert schema.headers["content-type"] == "text/plain; charset=utf-8"
    assert schema.headers["cache-control"] == "public, max-age=300"
    assert schema.headers["content-encoding"] == "gzip"  # As the client accepts it.
    plain = client.get("/schema.graphql", headers={"Accept-Encoding": "identity"})
    assert (plain.text, "content-encoding" in plain.headers) == (schema.text, False)
    assert client.head("/schema.graphql").status_code == 200


@pytest.mark.parametrize("path", ["/", "/schema.graphql"])
def test_who_has_it_is_not_sent_it_again(client: TestClient, path: str) -> None:
    tag = client.get(path).headers["etag"]

    again = client.get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


def test_without_a_schema_there_are_no_pages(client_of: ClientOf, tmp_path: Path) -> None:
    assert client_of().get("/schema.graphql").status_code == 404
    (tmp_path / "s").write_bytes(b"type Query { a: Int }")
    small = client_of(published=tmp_path / "s").get("/schema.graphql")
    assert small.text == "type Query { a: Int }"
