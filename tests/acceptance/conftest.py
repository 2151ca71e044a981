"""The story's stage: one stack for all acceptance tests, with the people who act on it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance import operator_month, published, shared_year, traded_day
from tests.acceptance.operator_month import Eeg
from tests.acceptance.shared_year import Cer
from tests.acceptance.stack import jobs, live, programs
from tests.acceptance.stack.clients import Client, signed_in
from tests.acceptance.stack.programs import Running
from tests.acceptance.traded_day import Markets, Placed
from tests.conftest import Server

PASSWORD = "eleven blue windmills"
TRADERS = 4
TICKS = """subscription($market: ID!) { priceTicks(marketId: $market) {
    cursor deliveryStart price kind volumeKwh } }"""
TRADES = """subscription($market: ID!, $after: String) { trades(marketId: $market, after: $after) {
    cursor trade { id } } }"""
COUNTS = """query($market: ID!) { node(id: $market) { ... on Market {
    trades { totalCount } clearings { totalCount } } } }"""
SEEN_BEFORE_LOSS = 7  # Trades that a follower has read when its connection is lost.
ADMIN, COORDINATOR, CHAIR = "admin@example.org", "coordinator@example.org", "chair@example.org"


@dataclass(frozen=True, slots=True)
class People:
    """Who acts: a platform administrator, who leads the Italian and the Austrian community, who owns the homes."""

    admin: Client
    coordinator: Client
    chair: Client
    traders: tuple[Client, ...]


def email_of_trader(number: int) -> str:
    return f"trader{number}@example.org"


@pytest.fixture(scope="session")
async def stack(
    processes: None, server: Server, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """API, worker and relay on a fresh migrated database; a Valkey database apart from other tests' queues."""
    published.require()
    database_url = await server.create_database()
    with programs.running(database_url, f"{valkey_url.removesuffix('/0')}/7", tmp_path_factory.mktemp("logs")) as up:
        yield up
    await server.drop_database(database_url)


@pytest.fixture(scope="session")
def people(stack: Running, tmp_path_factory: pytest.TempPathFactory) -> People:
    """Accounts made by the command line, each signed in over GraphQL."""
    password_file = tmp_path_factory.mktemp("secrets") / "password"
    password_file.write_text(PASSWORD)

    def account(command: str, email: str) -> Client:
        stack.commonwatt(command, email, "--password-file", password_file)
        return signed_in(stack.http, stack.url, email, PASSWORD)

    emails = [ADMIN, COORDINATOR, CHAIR, *map(email_of_trader, range(TRADERS))]
    with ThreadPoolExecutor(2) as both_cores:
        commands = ["create-admin" if email == ADMIN else "create-user" for email in emails]
        admin, coordinator, chair, *traders = both_cores.map(account, commands, emails)
    return People(admin, coordinator, chair, tuple(traders))


@pytest.fixture(scope="session")
def said_of_areas(stack: Running) -> dict[str, str]:
    """Modena's municipalities and substation areas, imported by the command line: what it said of each file."""
    by_code = ["--code", "code", "--name", "name|code", "--country", "=IT"]
    by_istat = ["--code", "istat_code", "--name", "name", "--country", "=IT"]
    people = ["--population", "population_2011", "--population-year", "=2011"]
    return {
        "municipalities": stack.commonwatt("import", "municipalities", published.MUNICIPALITIES, *by_istat, *people),
        "areas": stack.commonwatt("import", "areas", published.AREAS, *by_code),
    }


@pytest.fixture(scope="session")
def homes() -> published.Homes:
    """The twelve homes as they were published."""
    published.require()
    return published.homes()


@pytest.fixture(scope="session")
def cer(people: People, said_of_areas: dict[str, str]) -> Cer:
    """The Italian community with its homes, as yet without readings."""
    owners = [(email_of_trader(n), client) for n, client in enumerate(people.traders)]
    return shared_year.found(people.coordinator, owners)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What each way in said of the readings it took."""

    command_line: str
    uploads: list[Any]
    gateway: Any


@pytest.fixture(scope="session")
def arrived(stack: Running, cer: Cer, homes: published.Homes, tmp_path_factory: pytest.TempPathFactory) -> Arrived:
    """The year of readings, in by the command line, by upload and from a gateway."""
    file = tmp_path_factory.mktemp("homes") / "load_pv_hourly.csv"
    file.write_bytes(published.relabelled())
    return Arrived(
        command_line=shared_year.import_by_command_line(stack, cer, file),
        uploads=shared_year.upload(cer, file.read_bytes()),
        gateway=shared_year.post_as_gateway(cer, homes),
    )


@pytest.fixture(scope="session")
async def allocated(cer: Cer, arrived: Arrived) -> list[Any]:
    """The year shared pro rata: the job at each of its events."""
    cer.coordinator.change(
        "setSharingKey",
        "sharingKey { id }",
        communityId=cer.id,
        kind="PRO_RATA",
        validFrom=shared_year.YEAR["start"],
    )
    return await jobs.allocate(cer.coordinator, cer.id, shared_year.YEAR)


@pytest.fixture(scope="session")
def report() -> Mapping[str, list[int | None]]:
    """The Austrian operator's columns."""
    published.require()
    return published.operator_report()


@pytest.fixture(scope="session")
def eeg(stack: Running, people: People, report: Mapping[str, list[int | None]]) -> Eeg:
    """The Austrian community with its readings of January and a pro rata key."""
    founded = operator_month.found(people.chair, report)
    operator_month.import_readings(stack, founded)
    start = operator_month.JANUARY["start"]
    people.chair.change("setSharingKey", "sharingKey { id }", communityId=founded.id, kind="PRO_RATA", validFrom=start)
    return founded


@dataclass(frozen=True, slots=True)
class Compared:
    """Two allocations of January: beside a statement with one wrong figure, and beside the right one."""

    beside_wrong: Any
    beside_right: Any


@pytest.fixture(scope="session")
async def compared(stack: Running, eeg: Eeg) -> Compared:
    """The operator states a figure wrong by upload and corrects itself by a file; each time the month is allocated."""
    right = published.OPERATOR_REPORT.read_bytes()
    operator_month.upload_figures(eeg, operator_month.with_another_figure(right, *operator_month.WRONG))
    beside_wrong = await jobs.allocate(eeg.chair, eeg.id, operator_month.JANUARY)
    operator_month.import_figures(stack, eeg, published.OPERATOR_REPORT)
    beside_right = await jobs.allocate(eeg.chair, eeg.id, operator_month.JANUARY)
    return Compared(beside_wrong[-1]["result"], beside_right[-1]["result"])


@dataclass(frozen=True, slots=True)
class Traded:
    """What was placed, and what a front end saw of the northern market meanwhile."""

    markets: Markets
    orders: list[Placed]
    ticks_over_socket: list[Any]
    ticks_over_event_stream: list[Any]
    before_loss: list[Any]
    after_loss: list[Any]


@pytest.fixture(scope="session")
async def traded(
    stack: Running, people: People, cer: Cer, allocated: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> Traded:
    """The day's orders, placed while prices are followed, gathered into one batch and cleared."""
    markets = traded_day.open_markets(stack, people.admin, tmp_path_factory.mktemp("zones"))
    await asyncio.to_thread(traded_day.pay_in, people.traders)
    day = traded_day.day_of(cer, allocated[-1]["result"]["id"])
    north = markets.ids[markets.codes[0]]
    follower = people.traders[0]
    async with (
        live.over_socket(follower, TICKS, market=north) as socket,
        live.over_event_stream(follower, TICKS, market=north) as stream,
    ):
        async with live.over_socket(follower, TRADES, market=north) as trades:
            with stack.without_relay():
                orders = await asyncio.to_thread(traded_day.place, cer, people.traders, markets, day)
            before_loss = await live.until(trades, lambda seen: len(seen) == SEEN_BEFORE_LOSS)
        counts = await asyncio.to_thread(follower.ask, COUNTS, market=north)
        made, cleared = (counts["node"][name]["totalCount"] for name in ("trades", "clearings"))
        ticks = await asyncio.gather(
            *(live.until(one, lambda seen: _paid(seen) == cleared) for one in (socket, stream))
        )
    cursor = before_loss[-1]["trades"]["cursor"]
    async with live.over_event_stream(follower, TRADES, market=north, after=cursor) as trades:
        after_loss = await live.until(trades, lambda seen: len(seen) == made - SEEN_BEFORE_LOSS)
    return Traded(
        markets,
        orders,
        *([event["priceTicks"] for event in seen] for seen in ticks),
        *([event["trades"] for event in seen] for seen in (before_loss, after_loss)),
    )


def _paid(events: list[Any]) -> int:
    """How many ticks tell of a price that was paid; all of a batch come together, by delivery."""
    return sum(event["priceTicks"]["kind"] == "CLEARED" for event in events)
