"""What can be laid down: a room, an entity, a mutation, a job."""

import re
from pathlib import Path

from api.house import ROOMS
from bin.building import ladder, migrations
from bin.building.laying import declare, lay, merged, with_entry
from bin.building.naming import camel, pascal, plural, snake, with_article, words_of
from bin.mapping import ROOT

VISIBLE = re.compile(r"@entity\([^)]*visible=visibility\.(\w+)")
ENTITY = re.compile(r"^class (\w+)\(Node\)", re.MULTILINE)


class CannotBuild(Exception):
    """Names that do not fit; the message tells why."""


def room(name: str, entity_name: str) -> list[Path]:
    """A room on top of the house, with its first entity."""
    if name in ROOMS:
        raise CannotBuild(f"There is a room {name}.")
    if not re.fullmatch(r"(market\.)?[a-z]+", name):
        raise CannotBuild("A room has one word: tenders, or market.tenders.")
    ladder.add(name)
    names = _of_room(name) | _of_entity(entity_name)
    return [*lay("room", names), *_entity(name, entity_name)]


def entity(room: str, name: str) -> list[Path]:
    """A table, who sees its rows, its type with a list of the viewer's own, a migration and a factory."""
    _require(room)
    return _entity(room, name)


def mutation(room: str, name: str, refusal: str) -> list[Path]:
    """Input, payload, refusal with its code, and the domain's operation, which refuses until its rule is written."""
    _require(room)
    words = words_of(name)
    file, kind = _entity_of(room, words)
    act = snake(words[: -len(words_of(kind))])
    for there in (file, ROOT / "domain" / file.relative_to(ROOT / "api")):
        if there.exists() and re.search(rf"def ({act}|{snake(words)})\(", there.read_text()):
            raise CannotBuild(f"{there.relative_to(ROOT)} has {name} already.")
    visible = VISIBLE.search(file.read_text())
    names = {
        "mutation": camel(words),
        "mutation_snake": snake(words),
        "Mutation": pascal(words),
        "act": act,
        "Refusal": pascal(words_of(refusal)),
        "refusal": snake(words_of(refusal)),
        "REFUSAL": snake(words_of(refusal)).upper(),
        "visible": visible[1] if visible else f"own_{file.stem}",
        "entities": file.stem,
    }
    names = _of_room(room) | _of_entity(kind) | names
    laid = [*lay("mutation", names), *_decide(names)]
    declared = {"mutations": f"{kind}Mutations", "refusals": names["REFUSAL"]}
    return [*laid, declare(_folder(room), f"api.{room}.{file.stem}", declared)]


def _decide(names: dict[str, str]) -> list[Path]:
    """What a room laid down by us decides on for the tests of the house; others decide it by hand."""
    tests = ROOT / "tests" / "api" / names["room_path"]
    laid = [] if (tests / "bad_input.py").exists() else lay("bad_input", names)
    who_sees = tests / "who_sees.py"
    if not who_sees.exists() or f"""{{"{names["Entity"]}": {{"ada's": ADA}}}}""" not in who_sees.read_text():
        return laid
    decided = f"""Given(lambda id: {{"id": id("{names["Entity"]}")}}, {{"{names["Entity"]}": "ada's"}})"""
    text = merged(who_sees.read_text(), "from tests.api.authorization.decisions import Given\n")
    who_sees.write_text(with_entry(text, "WhoSees", "mutations", f'"{names["mutation"]}": {decided}', "{}"))
    return [*laid, who_sees]


def _entity_of(room: str, words: list[str]) -> tuple[Path, str]:
    """The module and name of the entity that a mutation's name ends with."""
    for file in sorted(_folder(room).glob("*.py")):
        for kind in ENTITY.findall(file.read_text()):
            if words[1:][-len(words_of(kind)) :] == words_of(kind):
                return file, kind
    raise CannotBuild(f"{room} has no entity that {camel(words)} ends with: bin/new entity {room} ... lays one down.")


def job(room: str, kind: str) -> list[Path]:
    """A kind of job, its function, and a test that carries it out."""
    _require(room)
    words = words_of(kind)
    laid = lay("job", _of_room(room) | {"KIND": snake(words).upper(), "kind": snake(words), "doing": " ".join(words)})
    return [*laid, declare(_folder(room), f"domain.{room}.words", {"jobs": snake(words).upper()})]


def _entity(room: str, name: str) -> list[Path]:
    names = _of_room(room) | _of_entity(name)
    if any(f"class {names['Entity']}(Base)" in file.read_text() for file in (ROOT / "domain").rglob("tables.py")):
        raise CannotBuild(f"There is a table {names['Entity']}.")
    laid = lay("entity", names | migrations.names(names["entities"]))
    declared = {"viewer": f"{names['Entity']}Viewer"}
    return [*laid, declare(_folder(room), f"api.{room}.{names['entities']}", declared)]


def _of_room(room: str) -> dict[str, str]:
    return {"room": room, "room_path": room.replace(".", "/"), "room_name": room.rpartition(".")[2]}


def _of_entity(name: str) -> dict[str, str]:
    words = words_of(name)
    several = plural(words)
    return {
        "Entity": pascal(words),
        "entity": snake(words),
        "entity_camel": camel(words),
        "entities": snake(several),
        "entities_camel": camel(several),
        "a_entity": snake(with_article(words).split()),
        "thing": " ".join(words),
        "a_thing": with_article(words),
        "A_thing": with_article(words).capitalize(),
        "things": " ".join(several),
        "Things": " ".join(several).capitalize(),
    }


def _folder(room: str) -> Path:
    return ROOT / "api" / room.replace(".", "/")


def _require(room: str) -> None:
    if room not in ROOMS:
        raise CannotBuild(f"There is no room {room}: bin/new room {room} ... makes one.")
