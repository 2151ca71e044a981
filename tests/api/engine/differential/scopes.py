"""Which fields stand at each place of a result, so that what is written next merges with them."""

from dataclasses import dataclass, field

OPEN = frozenset({"Node", "UserError"})  # Interfaces: their fields meet those of any type.


@dataclass
class Scope:
    """Which fields stand at one place of the result, by response name: parent, field with arguments, type."""

    entries: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    below: dict[str, "Scope"] = field(default_factory=dict)

    def admits(self, response: str, parent: str, signature: str, kind: str) -> bool:
        """Whether the field merges with those of its name; objects of two types never meet but in their shape."""
        return all(
            kind == other_kind
            and (signature == other or (parent != other_parent and not {parent, other_parent} & OPEN))
            for other_parent, other, other_kind in self.entries.get(response, ())
        )

    def add(self, response: str, parent: str, signature: str, kind: str) -> "Scope":
        """Note the field; its own scope."""
        self.entries.setdefault(response, []).append((parent, signature, kind))
        return self.below.setdefault(response, Scope())

    def takes(self, other: "Scope") -> bool:
        """Whether all of another scope merges with this one."""
        fits = all(self.admits(name, *entry) for name, entries in other.entries.items() for entry in entries)
        return fits and all(self.below.get(name, Scope()).takes(scope) for name, scope in other.below.items())

    def join(self, other: "Scope") -> None:
        """Note all of another scope."""
        for name, entries in other.entries.items():
            for entry in entries:
                self.add(name, *entry)
        for name, scope in other.below.items():
            self.below.setdefault(name, Scope()).join(scope)
