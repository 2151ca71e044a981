"""The settings of docs/clients.md do what the page says, with the clients themselves.

    cp tests/clients/package.json .local/clients/ && npm install --prefix .local/clients

Where that was not done, or node is missing, only what the page names is looked at: nothing here needs the network.
"""

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, is_scalar_type, parse, validate

from bin.devstack.installation import ROOT, STATE
from tests.acceptance.stack import programs
from tests.acceptance.stack.clients import signed_in
from tests.acceptance.stack.programs import Running
from tests.conftest import Server

PAGE = (ROOT / "docs/clients.md").read_text()
BLOCK = re.compile(r"^```(?:js|json|graphql) (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SCALAR = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \|", re.MULTILINE)
BUILT_IN = {"String", "Int", "Float", "Boolean"}
HERE = Path(__file__).parent
MODULES = STATE / "clients/node_modules"
EMAIL, PASSWORD = "anna@example.org", "eleven blue windmills"
FRAMEWORKS = [
    "Luxembourg: energy sharing group",
    "Italy: comunita energetica rinnovabile",
    "Austria: Erneuerbare-Energie-Gemeinschaft",
    "Peer-to-peer trading community",
]

with_clients = pytest.mark.skipif(
    shutil.which("node") is None or not MODULES.exists(), reason="no node, or no packages in .local/clients"
)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with the files of the page, the contract and the packages."""
    for name, text in BLOCK.findall(PAGE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for file in ("package.json", "try.mjs", "use.ts"):
        shutil.copy(HERE / file, tmp_path)
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


@pytest.fixture
async def small_stack(processes: None, server: Server, valkey_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    url = await server.create_database()
    with programs.running(url, f"{valkey_url.removesuffix('/0')}/6", tmp_path) as up:
        yield up
    await server.drop_database(url)


def run(application: Path, *command: str) -> str:
    """What a program of the packages says. It must succeed."""
    program, *arguments = command
    path = program if program == "node" else str(application / "node_modules/.bin" / program)
    done = subprocess.run([path, *arguments], cwd=application, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_scalar_is_told_of() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    told = {name for row in SCALAR.findall(PAGE) for name in re.findall(r"\w+", row)}

    assert told == {name for name, type_ in schema.type_map.items() if is_scalar_type(type_)} - BUILT_IN


def test_the_documents_of_the_page_are_valid() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    documents = [text for name, text in BLOCK.findall(PAGE) if name.endswith(".graphql")]

    assert documents
    assert [validate(schema, parse(text)) for text in documents] == [[] for _ in documents]


@with_clients
def test_generated_types_are_narrow(processes: None, application: Path) -> None:
    run(application, "graphql-codegen", "--config", "codegen.mjs")

    strict = ["--strict", "--noEmit", "--skipLibCheck", "--moduleResolution", "bundler", "--module", "esnext"]
    run(application, "tsc", *strict, "--target", "es2022", "use.ts", "generated/graphql.ts")

    assert "any" not in re.findall(r"output: (\w+)", (application / "generated/graphql.ts").read_text())


@with_clients
async def test_the_clients_do_what_the_page_says(small_stack: Running, application: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    small_stack.commonwatt("create-user", EMAIL, "--password-file", tmp_path / "password")
    token = signed_in(small_stack.http, small_stack.url, EMAIL, PASSWORD).token
    run(application, "relay-compiler")

    said: dict[str, Any] = json.loads(run(application, "node", "try.mjs", f"{small_stack.url}/graphql", str(token)))

    assert said["warnings"] == []
    assert said["apollo"] == {"entries": 4, "kept": True, "names": FRAMEWORKS}
    assert said["apolloMutation"] == "FR"
    assert said["apolloByHashes"] == [6, 0, 0]
    assert said["methods"]["apolloByHashes"] == ["GET", *["POST"] * 3], "one hash is refused, and no other is tried"
    assert said["urqlAsItComes"] == {"names": FRAMEWORKS[:2]}
    assert said["urql"] == {"names": FRAMEWORKS}
    assert said["relay"] == {"entries": 2, "answered": True}
    assert set(said["methods"]["urqlAsItComes"]) == {"GET"}
