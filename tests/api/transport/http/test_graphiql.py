"""GraphiQL: offline, for administrators, with nothing to steal a token."""

import base64
import hashlib
import json
import re

import pytest
from starlette.testclient import TestClient

from api.transport.http.graphiql import FILES
from tests.api.transport.conftest import ADMIN

# As `npm run build` in their folder makes them; whoever builds them again writes these again.
DIGESTS = {
    "editor.worker.js": "Fk4kpP1qkT1kd4bOCO2jxydLPL1T9NqEvj1GWfcw/7sutzLV9Uc4YWoHyZgJ7Pcm",
    "graphiql.css": "sPMZYvI9W+1PK5CQWLg/PN9rHAogv7qAArGiH2kHp1Jz4Kq2kCgqFtWbscx5iD4y",
    "graphiql.js": "eGnLUsv3DYRAVCSHQoQbRL2SgpZpK2d/6V6Axgc/OjdmbZvKnfVjcgXqeb1wM4mk",
    "graphql.worker.js": "sZETW2UZ0WkPWg/eb3razmP4goqisdA1Sq1tUyTsgfu0TRU+N+zQ6pkHpINxfreD",
    "json.worker.js": "SAdV4YXezsjJxNKXJH84Neic7JWgWgsbWnpUsSCISstCJsUSO8EJw8skXU3XC4ww",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_files_are_the_ones_that_were_built(name: str) -> None:
    digest = base64.b64encode(hashlib.sha384((FILES / name).read_bytes()).digest()).decode()

    assert digest == DIGESTS[name]


def test_the_notice_names_what_is_built() -> None:
    notice, wanted = (
        (FILES / "NOTICE").read_text(),
        json.loads((FILES / "build/package.json").read_text())["dependencies"],
    )

    assert f"GraphiQL {wanted['graphiql']}" in notice
    licences = (FILES / "LICENSES").read_text()
    assert all(f"{name} {wanted[name]} (MIT)" in licences for name in wanted if name != "esbuild")


def test_the_page_loads_only_files_that_are_here(client: TestClient) -> None:
    page = client.get("/graphiql")

    assert page.status_code == 200
    assert "://" not in page.text
    assert "__" not in re.sub(r"__schema|__type", "", page.text)
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(loaded) == 4
    assert {client.get(address).status_code for address in loaded} == {200}


@pytest.mark.parametrize("name", ["console.js", "console.css", "index.html"])
def test_our_files_name_no_host(name: str) -> None:
    assert "://" not in (FILES / name).read_text()


def test_the_policy_names_a_fresh_nonce_and_no_other_source(client: TestClient) -> None:
    policies = [client.get("/graphiql").headers["content-security-policy"] for _ in range(2)]
    nonces = [re.search(r"'nonce-([^']+)'", policy) for policy in policies]

    assert nonces[0] is not None
    assert nonces[1] is not None
    assert nonces[0][1] != nonces[1][1]
    assert "default-src 'none'" in policies[0]
    assert "frame-ancestors 'none'" in policies[0]
    assert "http" not in policies[0]


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("nobody-has-this", 401), ("member-token", 403), ("admin-token", 200)]
)
def test_the_door_opens_for_administrators(client: TestClient, token: str | None, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    response = client.get("/graphiql/access", headers=headers)

    assert response.status_code == status
    assert ("examples" in response.json()) is (status == 200)


def test_administrators_get_the_examples(client: TestClient) -> None:
    (example,) = client.get("/graphiql/access", headers=ADMIN).json()["examples"]

    assert example["name"] == "Houses"
    assert example["variables"] == {"n": 3}


def test_the_token_outlives_a_reload_and_not_the_tab() -> None:
    script = (FILES / "console.js").read_text()

    assert "sessionStorage" in script
    assert "localStorage" not in script
    assert "document.cookie" not in script
    assert "shouldPersistHeaders: false" in script


def test_the_page_can_end_the_session(client: TestClient) -> None:
    page = client.get("/graphiql").text

    assert 'id="log-out"' in page
    assert '"logOut":"mutation { logOut }"' in page
