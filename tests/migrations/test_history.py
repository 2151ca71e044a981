"""Databases of other days become as today's are, with their rows."""

import asyncio
import difflib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import make_url

from api.resources import database
from bin import frozen, releasing
from bin.devstack.beside import execute, url_of_database
from bin.devstack.installation import ROOT, Installation, NothingInstalled, require_postgis
from domain.kernel.verification import checks
from tests.conftest import Server
from tests.migrations import databases
from tests.migrations.databases import Step

pytestmark = pytest.mark.usefixtures("processes")

OLDEST = frozen.kept(ROOT)[0].release
HISTORIES = {
    "the first day, and the day on which twelve migrations were laid down empty": ("8c3fb46", "a82d77c"),
    "the day on which these were filled, and that of the first sets that were told": ("8bd58e5", "a0ce873"),
}
"""The commits before the first release whose migrations an operator ran, before today's."""
NOT_YET = "the escrow of a trade waits until the trade was delivered"
"""What the story's transfers break where there are no deliveries yet."""
NAMES = [OLDEST, *HISTORIES]
TOLD = """
INSERT INTO published_set (id, kind, subject_id, direction, audience, first_day, end_day, persons, withheld)
SELECT gen_random_uuid(), 'COMMUNITY', community_id, direction, 'MEMBERS', part.valid_from, part.valid_from + 1,
       array_agg(coalesce(user_id, member.id)), withheld
FROM participation AS part JOIN member ON member.id = member_id
JOIN metering_point AS point ON point.id = metering_point_id,
     unnest(directions) AS direction, unnest(ARRAY[NULL, 'FEWER_THAN_FIVE']) AS withheld
GROUP BY community_id, direction, part.valid_from, withheld
"""


@dataclass
class Upgraded:
    """A database that was made long ago, filled, and upgraded."""

    url: str
    filled: Mapping[str, Sequence[str]]
    told: Sequence[Any]


@pytest.fixture(scope="module")
def installation() -> Installation:
    try:
        return require_postgis()
    except NothingInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
async def story(server: Server) -> AsyncIterator[str]:
    """A database for the oldest release with its rows; empty until some are upgraded."""
    url = await _database(server, "story")
    yield url
    await server.drop_database(url)


@pytest.fixture(scope="module")
async def upgraded(
    server: Server, story: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Upgraded]]:
    """Each history brought to today; without those of which git knows nothing."""
    released = [each.revision for each in frozen.kept(ROOT) if each.release == OLDEST]
    place, steps = tmp_path_factory.mktemp("scripts"), [Step(None, story, released[-1])]
    urls: dict[str, str] = {}
    for name, commits in HISTORIES.items():
        folders = [databases.scripts_of(commit, place / commit) for commit in commits]
        if None not in folders:
            urls[name] = await _database(server, f"history_{len(urls)}")
            steps += [Step(folder, urls[name], "head") for folder in folders]
    await asyncio.to_thread(databases.upgrade, *steps)
    await databases.load(story)
    filled = {name: await databases.fill(url, story) for name, url in urls.items()}
    for url in list(urls.values())[-1:]:
        await databases.run(url, TOLD)
    urls[OLDEST], filled[OLDEST] = await _database(server, "oldest", story), await databases.columns(story)
    await asyncio.to_thread(databases.upgrade, *(Step(None, url, "head") for url in urls.values()))
    found = {}
    for name, url in urls.items():
        found[name] = Upgraded(url, filled[name], await databases.rows(url, "published_set"))
        await databases.run(url, "DELETE FROM published_set")  # They tell of fewer than five persons.
    yield found
    for url in urls.values():
        await server.drop_database(url)


async def _database(server: Server, name: str, template: str | None = None) -> str:
    url = url_of_database(server.url, f"commonwatt_test_{os.getpid()}_{name}")
    like = make_url(template).database if template else "template0"
    await execute(server.url, f'CREATE DATABASE "{make_url(url).database}" TEMPLATE "{like}"')
    return url


def of(upgraded: Mapping[str, Upgraded], name: str) -> Upgraded:
    if name not in upgraded:
        pytest.skip("git has no history here: a shallow clone, or no clone")
    return upgraded[name]


@pytest.mark.parametrize("name", NAMES)
def test_an_upgraded_database_is_like_a_fresh_one(
    installation: Installation, server: Server, upgraded: dict[str, Upgraded], name: str
) -> None:
    """Tables, columns, defaults, constraints, indexes, functions, triggers, rights."""
    found = databases.dumped(installation, of(upgraded, name).url)
    fresh = databases.dumped(installation, url_of_database(server.url, server.template))

    differences = list(difflib.unified_diff(fresh.splitlines(), found.splitlines(), "fresh", name, lineterm="", n=2))
    assert differences == []


@pytest.mark.parametrize("name", NAMES)
async def test_rows_are_kept(server: Server, story: str, upgraded: dict[str, Upgraded], name: str) -> None:
    """And what migrations put there is what they put there now."""
    each = of(upgraded, name)

    assert await databases.digests(each.url, each.filled) == await databases.digests(story, each.filled)
    seeds = {"framework": ["id", "parameters"]}
    fresh = url_of_database(server.url, server.template)
    assert await databases.digests(each.url, seeds) == await databases.digests(fresh, seeds)


@pytest.mark.parametrize("name", NAMES)
async def test_the_invariants_hold_of_what_was_upgraded(upgraded: dict[str, Upgraded], name: str) -> None:
    each = of(upgraded, name)
    connected = database.connect(each.url, role=None, pool=1, statement_seconds=None)
    try:
        async with connected.sessions() as session:
            breaches = [breach for check in checks().values() async for breach in check(session)]
    finally:
        await connected.close()
    assert [breach for breach in breaches if name == OLDEST or NOT_YET not in breach] == []


@pytest.mark.parametrize("release", [".".join(map(str, version)) for version in releasing.releases(ROOT)])
def test_the_register_is_what_was_released(release: str) -> None:
    """As git has it: who changes a migration cannot change the register with it."""
    added = databases.git("log", "--diff-filter=A", "--format=%h", "--", f"docs/releases/{release}.graphql").split()
    if not added or databases.git("rev-parse", "--is-shallow-repository").strip() != "false":
        pytest.skip("git has no history here")
    kept = [each for each in frozen.kept(ROOT) if releasing.version_of(each.release) <= releasing.version_of(release)]
    there = databases.git("ls-tree", "--name-only", added[-1], "migrations/versions/").split()

    assert sorted(f"migrations/versions/{each.file}" for each in kept) == sorted(there)
    texts = {each: databases.git("show", f"{added[-1]}:migrations/versions/{each.file}") for each in kept}
    assert [each.file for each, text in texts.items() if frozen.digest(text.encode()) != each.digest] == []


def test_sets_that_were_told_are_of_points(upgraded: dict[str, Upgraded]) -> None:
    """They were of persons. Refusals are asked again."""
    *_, last = HISTORIES
    told = of(upgraded, last).told

    assert {row["withheld"] for row in told} == {None}
    assert [row["persons"] for row in told if not row["points"]] == []
    assert {len(row["factors_ppm"]) - len(row["points"]) for row in told} == {0}
    assert len(told) > 0
