"""DATABASE_URL for PostgreSQL's own programs: in their environment, where no list of processes shows a password."""

import os
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
HEARD = ("PGSSL", "PGTARGETSESSIONATTRS", "PGPASSFILE")  # Where the address does not speak, as for the processes.
PARAMETERS = {
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "ssl": "PGSSLMODE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "application_name": "PGAPPNAME",
    "options": "PGOPTIONS",
    "dbname": "PGDATABASE",
    "database": "PGDATABASE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "gssencmode": "PGGSSENCMODE",
    "channel_binding": "PGCHANNELBINDING",
}


class NoAddress(ValueError):
    """DATABASE_URL is missing or says what the programs cannot be told; the message says what."""


def environment(url: str) -> dict[str, str]:
    """The variables that libpq reads. Raises NoAddress."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise NoAddress("DATABASE_URL must name a database: postgresql://user:password@host:5432/database")
    user, _, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    hosts = [_host_and_port(each) for each in place.split(",")] if place else []
    found = {
        "PGUSER": unquote(name),
        "PGPASSWORD": unquote(password),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    for parameter, value in parse_qsl(parts.query, keep_blank_values=True):
        if parameter == "host":
            hosts += [(each, "") if each.startswith("/") else _host_and_port(each) for each in value.split(",")]
        elif parameter in PARAMETERS:
            found[PARAMETERS[parameter]] = value
        else:
            raise NoAddress(f"PostgreSQL's programs cannot be told {parameter}, which DATABASE_URL says.")
    found["PGHOST"] = ",".join(host for host, _ in hosts)
    found.setdefault("PGPORT", ",".join(port for _, port in hosts))
    return {variable: value for variable, value in found.items() if value.strip(",")}


def for_programs() -> dict[str, str]:
    """The environment of a program; one that connects goes to DATABASE_URL. Raises NoAddress."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") or name.startswith(HEARD)}
    url = os.environ.get("DATABASE_URL")
    return {**kept, "PGAPPNAME": "commonwatt backup", **(environment(url) if url else {})}


def _host_and_port(place: str) -> tuple[str, str]:
    host, separator, port = place.rpartition(":")
    if not separator or port.endswith("]"):
        host, port = place, ""
    return unquote(host.strip("[]")), port
