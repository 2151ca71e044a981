"""GraphiQL: offline, for administrators, with nothing to steal a token."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
import strawberry
from starlette.testclient import TestClient

from api.transport.http.graphiql import FILES
from tests.api.transport.conftest import ADMIN

# As published, and as in the integrity attributes of Strawberry's own page.
DIGESTS = {
    "react_18.2.0-react.production.min.js": "tMH8h3BGESGckSAVGZ82T9n90ztNXxvdwvdM6UoR56cYcf+0iGXBliJ29D+wZ/x8",
    "react-dom_18.2.0-react-dom.production.min.js": "bm7MnzvK++ykSwVJ2tynSE5TRdN+xL418osEVF2DE/L/gfWHj91J2Sphe582B1Bh",
    "graphiql_3.8.3-graphiql.min.js": "HbRVEFG0JGJZeAHCJ9Xm2+tpknBQ7QZmNlO/DgZtkZ0aJSypT96YYGRNod99l9Ie",
    "graphiql_3.8.3-graphiql.min.css": "Mq3vbRBY71jfjQAt/DcjxUIYY33ksal4cgdRt9U/hNPvHBCaT2JfJ/PTRiPKf0aM",
    "graphiql_plugin-explorer_1.0.2-index.umd.js": "2oonKe47vfHIZnmB6ZZ10vl7T0Y+qrHQF2cmNTaFDuPshpKqpUMGMc9jgj9MLDZ9",
    "graphiql_plugin-explorer_1.0.2-style.css": "5DFJlDPW2tSATRbM8kzoP1j194jexLswuNmClWoRr2Q0x7R68JIQzPHZ02Faktwi",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_files_are_the_published_ones(name: str) -> None:
    digest = base64.b64encode(hashlib.sha384((FILES / name).read_bytes()).digest()).decode()
    page = (Path(strawberry.__file__).parent / "static" / "graphiql.html").read_text()

    assert digest == DIGESTS[name]
    assert f"sha384-{digest}" in page


def test_the_page_loads_only_files_that_are_here(client: TestClient) -> None:
    page = client.get("/graphiql")

    assert page.status_code == 200
    assert "://" not in page.text
    assert "__" not in re.sub(r"__schema|__type", "", page.text)
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(loaded) == 8
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


def test_the_token_is_kept_in_memory_only() -> None:
    script = (FILES / "console.js").read_text()

    assert "localStorage" not in script
    assert "document.cookie" not in script
    assert "shouldPersistHeaders: false" in script
