"""The cast, as data: who lives where, with how much load and how large a roof or plant."""

from dataclasses import dataclass
from datetime import date

from api.demo import plants
from api.demo.plants import Plant
from domain.communities.tables import AssetKind, CommunityKind, FrameworkCode, LegalForm, MemberKind
from domain.market.places.tables import EnergySource
from domain.metering.simulation import SimulatedDay, SimulatedPoint, Site, simulate
from domain.metering.tables import CodeKind

SEED = 2026
DAYS = 90
PASSWORD = "sunshine-on-rue-des-pins"  # noqa: S105 (printed at every start; the demo listens on this machine only)
DOMAIN = "demo.example"


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a community who signs in as `<login>@demo.example`; `place` is longitude and latitude, if apart."""

    login: str
    name: str
    annual_kwh: float = 0.0
    pv_kwp: float = 0.0
    plant: Plant | None = None
    place: tuple[float, float] | None = None
    is_admin: bool = False
    legal_form: LegalForm = LegalForm.NATURAL_PERSON

    @property
    def email(self) -> str:
        return f"{self.login}@{DOMAIN}"

    @property
    def kind(self) -> MemberKind:
        if self.annual_kwh and self.injects:
            return MemberKind.PROSUMER
        return MemberKind.PRODUCER if self.injects else MemberKind.CONSUMER

    @property
    def injects(self) -> bool:
        return self.pv_kwp > 0 or self.plant is not None

    @property
    def source(self) -> EnergySource:
        """Where what it injects comes from."""
        return EnergySource.SOLAR if self.plant is None else self.plant.source


@dataclass(frozen=True, slots=True)
class Place:
    """A community with its people; homes stand a few metres apart around its centre."""

    name: str
    description: str
    framework: FrameworkCode
    kind: CommunityKind
    site: Site
    code_kind: CodeKind
    code_pattern: str
    people: tuple[Person, ...]
    area_code: str | None = None
    country: str | None = None
    is_sharing: bool = True

    def code(self, number: int) -> str:
        """The code of the n-th person's metering point."""
        return self.code_pattern.format(number)

    def point(self, number: int, person: Person) -> SimulatedPoint:
        """The n-th person's meter; roofs face between south-east and south-west."""
        azimuth = 135.0 + 15 * (number % 7)
        return SimulatedPoint(self.code(number), self.site, person.annual_kwh, person.pv_kwp, azimuth=azimuth)

    def metered(self, number: int, first_day: date, days: int) -> list[SimulatedDay]:
        """What the n-th person's meter counts on each local day."""
        person = self.people[number]
        if person.plant is not None:
            return list(plants.metered(self.code(number), person.plant, self.site.timezone, first_day, days))
        return simulate(self.point(number, person), first_day, days, SEED)

    def location(self, number: int) -> dict[str, object]:
        """A GeoJSON point for the n-th home: a lane with homes on both sides, unless the person lives elsewhere."""
        apart = self.people[number].place
        if apart is not None:
            return {"type": "Point", "coordinates": list(apart)}
        along, side = divmod(number, 2)
        lon = self.site.longitude + 0.00025 * along
        return {"type": "Point", "coordinates": [round(lon, 6), round(self.site.latitude + 0.0002 * side, 6)]}


FIRST_NAMES = (
    *("Anouk", "Ben", "Claire", "David", "Eva", "Fränk", "Gaby", "Hugo", "Isabelle", "Jang", "Karin", "Luc"),
    *("Mia", "Nico", "Odile", "Paul", "Quentin", "Romy", "Sam", "Tania", "Uli", "Véronique", "Will", "Yves"),
)
LAST_NAMES = ("Muller", "Weber", "Schmit", "Hoffmann", "Thill", "Kremer", "Reuter", "Wagner")
ITALIANS = ("Bruni", "Conti", "Ferri", "Galli", "Lodi", "Monti", "Neri", "Pini", "Riva", "Sala", "Testi")


def _lane() -> tuple[Person, ...]:
    """Twenty-four homes; every third has a roof of 4 to 9 kWp, and two of them look after the community."""
    people = []
    for number, first in enumerate(FIRST_NAMES):
        login = {0: "coordinator", 1: "member"}.get(number, f"home{number + 1}")
        pv_kwp = 4.0 + (number * 7 % 6) if number % 3 == 0 else 0.0
        name = f"{first} {LAST_NAMES[number % len(LAST_NAMES)]}"
        people.append(Person(login, name, 2_400.0 + 190 * (number * 5 % 13), pv_kwp, is_admin=number in {0, 3}))
    return tuple(people)


def _italians() -> tuple[Person, ...]:
    """A municipality with a plant of 150 kW, and eleven households."""
    plant = Person("comune", "Comune di Pratoverde", 0.0, 150.0, is_admin=True, legal_form=LegalForm.PUBLIC_BODY)
    homes = [Person(f"casa{n + 1}", f"Famiglia {name}", 2_100.0 + 240 * (n % 5)) for n, name in enumerate(ITALIANS)]
    return (plant, *homes)


MILL = Plant(AssetKind.HYDRO, EnergySource.HYDRO, 14.0, mean=0.65, swing=0.2)
WIND_PARK = Plant(AssetKind.WIND, EnergySource.WIND, 24.0, mean=0.45, swing=0.45)
FOUNDER = "operator"  # The grid operator's account.


def _traders() -> tuple[Person, ...]:
    """Who founded the community, two plants, and ten homes."""
    founder = Person(FOUNDER, "Sudgrid", is_admin=True, legal_form=LegalForm.SME)
    mill = Person("mill", "Moulin d'Esch", plant=MILL, place=(5.9871, 49.4932), legal_form=LegalForm.SME)
    wind = Person("wind", "Wandpark Belval", plant=WIND_PARK, place=(5.9123, 49.5127), legal_form=LegalForm.SME)
    names = zip(FIRST_NAMES[12:22], LAST_NAMES[2:] + LAST_NAMES[:4], strict=True)
    homes = [
        Person(f"belval{n + 1}", f"{first} {last}", 2_200.0 + 260 * (n * 3 % 7), pv_kwp=5.0 if n % 5 == 2 else 0.0)
        for n, (first, last) in enumerate(names)
    ]
    return (founder, mill, wind, *homes)


ESCH = Place(
    name="Rue des Pins",
    description="Twenty-four homes in Esch-sur-Alzette share the sun of eight roofs.",
    framework=FrameworkCode.LU_SHARING,
    kind=CommunityKind.LANE,
    site=Site("Esch-sur-Alzette", 49.4958, 5.9806, "Europe/Luxembourg"),
    code_kind=CodeKind.LU_POD,
    code_pattern="LU0000010{:024d}",
    people=_lane(),
)
PRATOVERDE = Place(
    name="CER Pratoverde",
    description="A town's plant of 150 kW and eleven households under one primary substation.",
    framework=FrameworkCode.IT_CER,
    kind=CommunityKind.SUBSTATION,
    site=Site("Pratoverde", 44.78, 10.88, "Europe/Rome", clearness=0.72),
    code_kind=CodeKind.IT_POD,
    code_pattern="IT001E{:08d}",
    people=_italians(),
    area_code="AC001E09999",
)
BELVAL = Place(
    name="Belval Peer Trading",
    description="A mill in Esch, a wind park and ten homes in Belvaux sell and buy in the markets of their zones.",
    framework=FrameworkCode.EU_TRADING,
    kind=CommunityKind.REGION,
    site=Site("Belvaux", 49.5086, 5.9262, "Europe/Luxembourg"),
    code_kind=CodeKind.LU_POD,
    code_pattern="LU0000020{:024d}",
    people=_traders(),
    country="LU",
    is_sharing=False,
)
PLACES = (ESCH, PRATOVERDE, BELVAL)
TRADING = (ESCH, BELVAL)  # In the zones of Luxembourg, where there are markets.


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A community that has just been founded: one for each further tradition, so that lists have something to page."""

    name: str
    framework: FrameworkCode
    kind: CommunityKind
    country: str
    timezone: str


NEIGHBOURS = (
    Neighbour("EEG Sonnental", FrameworkCode.AT_EEG, CommunityKind.VILLAGE, "AT", "Europe/Vienna"),
    Neighbour("Foetz Works", FrameworkCode.COMPANY_GROUP, CommunityKind.COMPANIES, "LU", "Europe/Luxembourg"),
    Neighbour("Lultzhausen Micro-grid", FrameworkCode.MICROGRID, CommunityKind.VILLAGE, "LU", "Europe/Luxembourg"),
    Neighbour("Résidence Alzette", FrameworkCode.LU_SHARING, CommunityKind.BUILDING, "LU", "Europe/Luxembourg"),
)


@dataclass(frozen=True, slots=True)
class Zone:
    """A market zone: a rectangle in degrees, with a market."""

    code: str
    name: str
    country: str
    box: tuple[float, float, float, float]


ZONES = (
    Zone("LU-ESCH", "Esch-sur-Alzette", "LU", (5.94, 49.47, 6.02, 49.52)),
    Zone("LU-BELVAUX", "Belvaux", "LU", (5.88, 49.47, 5.94, 49.52)),
)


LINK_CAPACITY_UKWH = 1_000_000  # 1 kWh in a quarter-hour, so that a windy one fills it.
LINK_COST_UEUR_PER_KWH = 5_000
DEPOSIT_UEUR = 250_000_000  # What everybody pays in on the first day.
AREA_BOX = (10.80, 44.72, 10.96, 44.84)


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in that `bin/up` prints."""

    role: str
    email: str


ADMIN, OPERATOR, PARTNER = (LogIn(role, f"{role}@{DOMAIN}") for role in ("admin", "operator", "partner"))
LOG_INS = (ADMIN, LogIn("member", f"member@{DOMAIN}"), LogIn("coordinator", f"coordinator@{DOMAIN}"), OPERATOR, PARTNER)


def first_day(today: date) -> date:
    """The first day with readings, as of the day on which the demo was loaded."""
    return date.fromordinal(today.toordinal() - DAYS)
