"""The floor: what the database alone can do, measured by pgbench with prepared statements over a unix socket.

Two kinds. *Ours* are the very statements our server sends, read from the log of PostgreSQL while it answers a request.
*By hand* is SQL in `by_hand/` that gives the same JSON text without asking who may see it, in the quickest form we know
(typed concatenation). It keeps the first kind honest: a slow statement would be a low floor.
"""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench.graphql.load import Script
from tests.bench.graphql.operations import World
from tests.bench.graphql.servers import Place

BY_HAND = Path(__file__).parent / "by_hand"


def by_hand(operation: str, world: World) -> Script:
    """The quickest SQL we know for an operation."""
    values = {"id": world.community_ids[0], "market_id": world.market_id, "owner_id": world.owner_id}
    sql = (BY_HAND / f"{operation}.sql").read_text()
    used = {name: value for name, value in values.items() if f":{name}" in sql}
    return Script(guarded(sql), used)


def of_server(place: Place, send: Callable[[], object]) -> Script:
    """The statements that one request makes our server send, from PostgreSQL's log."""
    for command in ("log_min_duration_statement = 0", "log_parameter_max_length = -1"):
        place.ask(f"ALTER SYSTEM SET {command}")
    _reload(place)
    send()  # What only a first request asks for.
    begin = place.log.stat().st_size
    send()
    with place.log.open() as log:
        log.seek(begin)
        text = log.read()
    place.ask("ALTER SYSTEM RESET ALL")
    _reload(place)
    return script_of(text)


def _reload(place: Place) -> None:
    place.ask("SELECT pg_reload_conf()")
    time.sleep(0.3)  # Backends read the configuration between two statements.


ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\] (\w+):  ", re.MULTILINE)
EXECUTED = re.compile(r"duration: [\d.]+ ms  execute [^:]+: (.*)", re.DOTALL)
VALUE = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
LITERAL = re.compile(r"'(?:[^']|'')*'")
CONTROL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|RESET|DISCARD|SET)\b")


def script_of(log: str) -> Script:
    """Statements in a log as a script for pgbench, in their order, without those that only begin and end."""
    _, *parts = ENTRY.split(log)
    entries = list(zip(parts[::2], parts[1::2], strict=True))
    statements: list[str] = []
    variables: dict[str, str] = {}
    for (_, text), (kind, detail) in zip(entries, [*entries[1:], ("", "")], strict=True):
        executed = EXECUTED.match(text)
        if executed and not CONTROL.match(executed[1]):
            prefix = f"v{len(statements)}_"
            given = dict(VALUE.findall(detail if kind == "DETAIL" else ""))
            statements.append(_named(guarded(executed[1].strip()), given, prefix))
            variables |= {prefix + at: value[1:-1].replace("''", "'") for at, value in given.items() if value != "NULL"}
    return Script(";\n".join(statements) + ";\n", variables)


def _named(sql: str, given: Mapping[str, str], prefix: str) -> str:
    """Numbered parameters as variables of pgbench, which cannot be null."""
    return re.sub(r"\$(\d+)", lambda at: "NULL" if given.get(at[1]) == "NULL" else f":{prefix}{at[1]}", sql)


def guarded(sql: str) -> str:
    """Colons in texts written so that pgbench does not take what follows for a variable."""

    def escaped(literal: re.Match[str]) -> str:
        text = literal[0]
        if not re.search(r":\w", text):
            return text
        return "E" + re.sub(r":(?=\w)", r"\\072", text.replace("\\", "\\\\"))

    return LITERAL.sub(escaped, sql)
