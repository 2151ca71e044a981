"""Who asks, in the world of all roles, and how each signs in; and the sets of them that see the same.

Two communities: A is listed and has six members, B is unlisted and has three. Ada administers A; Bob and Cyn are plain
members of it; Eve administers B and is a plain member of A; Fred is in both with half of one metering point each; Gus
is in B alone. Hal has left A; Ivy moved into his house and takes part with its metering point since. Olga belongs
nowhere. Keys of applications act for Ada, so that what she administers would show if they held it.
"""

from collections.abc import Mapping

from domain.identity import keys
from domain.identity.tables import ApiKeyKind

PEOPLE = ("ada", "bob", "cyn", "eve", "fred", "gus", "hal", "ivy", "olga", "root", "gridley")

# How each role signs in: nobody, a person, or a key of Ada's with these scopes.
PERSONS = {
    "outsider": "olga",
    "member": "bob",
    "other member": "cyn",
    "administrator": "ada",
    "neighbour": "eve",
    "member of both": "fred",
    "unlisted member": "gus",
    "former member": "hal",
    "next tenant": "ivy",
    "platform administrator": "root",
    "grid operator": "gridley",
}
APPLICATIONS = {
    "partner that reads": (ApiKeyKind.PARTNER, frozenset({keys.READ})),
    "partner that trades": (ApiKeyKind.PARTNER, frozenset({keys.TRADE})),
    "meter gateway": (ApiKeyKind.METER, frozenset({keys.POST_READINGS})),
}
GATEWAYS = ("hal", "ivy", "eve")  # Whose keys may post readings, beside Ada's.
ROLES = ("nobody", *PERSONS, *APPLICATIONS)
ENDED = ("expired session", "revoked session", "disabled user", "expired key", "revoked key", "key of a disabled user")

EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
ADA = frozenset({"administrator", "partner that reads"})  # What Ada sees as a person, her application sees too.
TRADES_FOR_ADA = frozenset({"partner that trades"})  # It sees her orders, and nothing else of hers.
BOB, CYN, FRED = frozenset({"member"}), frozenset({"other member"}), frozenset({"member of both"})
EVE, GUS, HAL, IVY = (frozenset({role}) for role in ("neighbour", "unlisted member", "former member", "next tenant"))
HEAD_OF_A, HEAD_OF_B = frozenset({"administrator"}), EVE  # No application holds what its owner administers.
IN_A, IN_B = ADA | BOB | CYN | EVE | FRED | IVY, EVE | FRED | GUS
ROOT = frozenset({"platform administrator"})

Seen = Mapping[str, frozenset[str]]
"""Of a kind of rows, who sees each by its name; under "*" who sees all of them."""
PUBLIC: Seen = {"*": EVERYBODY}
