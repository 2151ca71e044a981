"""What PostgreSQL's own programs are told of DATABASE_URL."""

import pytest

from api.resources.connecting import addresses
from bin.backups.addresses import PARAMETERS, NoAddress, environment


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql+asyncpg://ada:s%40cret%2F@db.example:5433/energy",
            {
                "PGUSER": "ada",
                "PGPASSWORD": "s@cret/",
                "PGHOST": "db.example",
                "PGPORT": "5433",
                "PGDATABASE": "energy",
            },
        ),
        (
            "postgres://ada@one:1,[::1]:2/energy?target_session_attrs=read-write&sslmode=verify-full&sslrootcert=/ca",
            {
                "PGUSER": "ada",
                "PGHOST": "one,::1",
                "PGPORT": "1,2",
                "PGDATABASE": "energy",
                "PGTARGETSESSIONATTRS": "read-write",
                "PGSSLMODE": "verify-full",
                "PGSSLROOTCERT": "/ca",
            },
        ),
        (
            "postgresql:///energy?host=/run/postgresql&user=ada",
            {"PGUSER": "ada", "PGHOST": "/run/postgresql", "PGDATABASE": "energy"},
        ),
        (
            "postgresql+asyncpg:///energy?host=one:1&host=two:2&password=x",
            {"PGPASSWORD": "x", "PGHOST": "one,two", "PGPORT": "1,2", "PGDATABASE": "energy"},
        ),
    ],
)
def test_an_address_becomes_variables(url: str, told: dict[str, str]) -> None:
    assert environment(url) == told


@pytest.mark.parametrize(
    ("url", "says"),
    [("", "DATABASE_URL"), ("mysql://x/y", "DATABASE_URL"), ("postgresql:///x?sslpassword=y", "sslpassword")],
)
def test_what_cannot_be_told_is_refused_by_name(url: str, says: str) -> None:
    with pytest.raises(NoAddress, match=says):
        environment(url)


def test_all_that_processes_take_is_told_but_for_what_has_no_variable() -> None:
    taken = {*addresses.PARAMETERS, *addresses.ALIASES}

    assert taken - {*PARAMETERS, "host"} == {"sslpassword"}
