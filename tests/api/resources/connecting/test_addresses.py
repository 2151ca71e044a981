"""What addresses may say, and that whatever is not understood is refused by its name."""

import pytest
from pydantic import ValidationError

from api.resources.connecting import addresses, redis_addresses
from api.resources.connecting.addresses import WrongAddress
from api.resources.settings import Settings

PASSWORD = "s@c:r/t? &=%"
ENCODED = "s%40c%3Ar%2Ft%3F%20%26%3D%25"
REDIS = "redis://localhost"


@pytest.mark.parametrize("scheme", addresses.SCHEMES)
@pytest.mark.parametrize(
    ("rest", "hosts"),
    [
        ("db.example/energy", [("db.example", 5432)]),
        ("one:1,two/energy", [("one", 1), ("two", 5432)]),
        ("[::1]:7,[fe80::1]/energy", [("::1", 7), ("fe80::1", 5432)]),
        ("%2Frun%2Fpostgresql/energy", [("/run/postgresql", 5432)]),
        ("/energy?host=/run/postgresql&port=7", [("/run/postgresql", 7)]),
        ("/energy?host=one,two&port=1,2", [("one", 1), ("two", 2)]),
        ("/energy?host=one:1&host=two:2", [("one", 1), ("two", 2)]),
        ("/energy", [(None, None)]),
    ],
)
def test_hosts_are_named_as_for_libpq(scheme: str, rest: str, hosts: list[tuple[str, int]]) -> None:
    at = "" if rest.startswith("/") else f"ada%40home:{ENCODED}@"
    address = addresses.read(f"{scheme}://{at}{rest}")

    assert list(address.hosts) == hosts
    assert address.said["dbname"] == "energy"
    if at:
        assert (address.said["user"], address.said["password"]) == ("ada@home", PASSWORD)


def test_user_and_password_may_be_parameters() -> None:
    assert addresses.read(f"postgresql:///x?user=ada&password={ENCODED}").said["password"] == PASSWORD
    assert redis_addresses.read(f"redis://ada:{ENCODED}@cache:7/3")["password"] == PASSWORD


WRONG = [
    ("mysql://x/y", "postgresql://"),
    ("postgresql://x:port/y", "port"),
    ("postgresql://a,b/y?port=1,2,3", "port"),
    ("postgresql://x/y?sslmod=require", "sslmod"),
    ("postgresql://x/y?statement_timeout=5", "statement_timeout"),
    ("postgresql://x/y?prepared_statement_cache_size=0", "prepared_statement_cache_size"),
    ("postgresql://x/y?sslmode=verify", "sslmode"),
    ("postgresql://x/y?sslmode=verify-full", "sslrootcert"),
    ("postgresql://x/y?sslmode=require&sslrootcert=/nowhere/ca.pem", "sslrootcert"),
    ("postgresql://x/y?sslmode=require&sslcert=/nowhere/me.pem", "sslcert"),
    ("postgresql://x/y?sslkey=/nowhere/me.key", "sslkey"),
    ("postgresql://x/y?sslmode=require&sslrootcert=system", "sslrootcert"),
    ("postgresql://x/y?target_session_attrs=primery", "target_session_attrs"),
    ("postgresql://x/y?connect_timeout=soon", "connect_timeout"),
    ("postgresql://x/y?channel_binding=require", "channel_binding"),
]


@pytest.mark.parametrize(("url", "says"), WRONG)
def test_what_is_not_understood_is_refused_at_start_by_its_name(url: str, says: str) -> None:
    secret = url.replace("://", f"://ada:{ENCODED}@", 1)
    with pytest.raises(ValidationError, match=says) as refused:
        Settings.model_validate({"DATABASE_URL": secret, "REDIS_URL": REDIS})

    assert ENCODED not in str(refused.value)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://x", "redis://"),
        ("redis://x:port/0", "port"),
        ("redis://x/first", "db"),
        ("redis://x/0?ssl_ca_certs=/nowhere", "ssl_ca_certs"),
        ("rediss://x/0?ssl_ca_certs=/nowhere", "ssl_ca_certs"),
        ("rediss://x/0?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
        ("redis://x/0?ssl_check_hostname=true", "ssl_check_hostname"),
        ("redis://x/0?tls=yes", "tls"),
        ("rediss://x/0?ssl_certfile=/dev/null", "ssl_keyfile"),
    ],
)
def test_so_it_is_with_redis(url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings.model_validate({"DATABASE_URL": "postgresql:///x", "REDIS_URL": url})


def test_a_certificate_is_held_to_the_name_that_was_asked_by() -> None:
    assert redis_addresses.read("rediss://x")["ssl_check_hostname"]
    assert not redis_addresses.read("rediss://x?ssl_cert_reqs=none")["ssl_check_hostname"]


def test_the_environment_speaks_where_the_address_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "primary")

    with pytest.raises(WrongAddress, match="sslrootcert"):
        addresses.read("postgresql://x/y")
    assert addresses.read("postgresql://x/y?sslmode=disable").session == "primary"
