"""What is there before the day: accounts with a session each, market zones, and what the meters will count."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography.tables import MarketZone
from domain.identity import sessions, users
from domain.identity.tables import PlatformRole
from domain.kernel.quantities import UKWH_PER_KWH
from domain.metering.simulation import SimulatedDay, SimulatedPoint, Site, simulate

DAY = date(2026, 6, 16)
HISTORY_DAYS = 8  # Before the day; trading rules forecast from the last seven.
ESCH = Site("Esch-sur-Alzette", 49.4958, 5.9806, "Europe/Luxembourg")
ZONES = ("LU-ESCH", "LU-BELVAUX")
SEED = 2026
NO_PASSWORD = "nobody signs in by password here"


@dataclass(frozen=True, slots=True)
class Person:
    """A member: every second one lives in each zone, two of five have a roof, one of ten a battery."""

    number: int

    @property
    def email(self) -> str:
        return f"member{self.number}@day.example"

    @property
    def zone(self) -> int:
        return self.number % len(ZONES)

    @property
    def pv_kwp(self) -> float:
        return 3.0 + self.number % 7 if self.number % 5 < 2 else 0.0

    @property
    def has_battery(self) -> bool:
        return self.number % 10 == 0

    @property
    def code(self) -> str:
        return f"LU0000020{self.number:024d}"

    @property
    def point(self) -> SimulatedPoint:
        return SimulatedPoint(self.code, ESCH, 1_800.0 + 170 * (self.number * 7 % 17), self.pv_kwp)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Access tokens by e-mail address, and the ids of the zones."""

    tokens: dict[str, str]
    zone_ids: list[str]


async def make(session: AsyncSession, members: int) -> Accounts:
    """Create accounts and zones; all else is done through the API."""
    emails = ["admin@day.example", "coordinator@day.example", *(Person(n).email for n in range(members))]
    tokens = {}
    for email in emails:
        user_id = await users.create_user(session, email, email.partition("@")[0], NO_PASSWORD, actor="day")
        if email.startswith("admin"):
            await users.grant_role(session, user_id, PlatformRole.ADMIN, actor="day")
        tokens[email] = (await sessions.open_session(session, user_id)).access_token
    zones = [MarketZone(code=code, name=code, country="LU") for code in ZONES]
    session.add_all(zones)
    await session.flush()
    return Accounts(tokens, [f"MarketZone:{zone.id}" for zone in zones])


@lru_cache(maxsize=512)
def simulated(person: Person) -> tuple[SimulatedDay, ...]:
    """The days of a person's meter, from the first of the history to the day itself and the next."""
    return tuple(simulate(person.point, DAY - timedelta(days=HISTORY_DAYS), HISTORY_DAYS + 2, SEED))


def readings(person: Person, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """What the meter counted in whole quarter-hours of a period, as a gateway posts it."""
    posted: list[dict[str, Any]] = []
    for direction in ("WITHDRAWN", "INJECTED") if person.pv_kwp else ("WITHDRAWN",):
        values = []
        for day in simulated(person):
            energy = day.injected_ukwh if direction == "INJECTED" else day.withdrawn_ukwh
            first = datetime.combine(day.day, datetime.min.time(), UTC) - timedelta(hours=2)  # Summer time.
            for place, ukwh in enumerate(energy.tolist()):
                at = first + timedelta(minutes=15) * place
                if start <= at < end:
                    values.append(str(Decimal(ukwh) / UKWH_PER_KWH))
        entry: dict[str, Any] = {"point": person.code, "direction": direction, "resolutionMinutes": 15}
        posted.append(entry | {"start": start.isoformat(), "values": values})
    return posted
