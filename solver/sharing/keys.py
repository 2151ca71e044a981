"""Sharing keys as data: tuples of rounds, each of which offers the energy that the earlier rounds left.

The named keys below are what regulators offer (`regulation.md` sections 3.1 and 4); any other tuple works as well.
Shares are parts per million of the energy left, shape (points,), or (intervals, points) where an organiser sends
coefficients per interval (FR dynamic, ES hourly betas, PT dynamic). Values are checked when a problem is stated.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.int64]
Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Equal:
    """Every point is offered the same, whether or not it needs it.

    `until_met`: what a point could not use is offered to those still in need, until nothing is left or needed.
    """

    until_met: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """Every point is offered its share of the energy left; shares of an interval add up to at most 1,000,000 ppm.

    `until_met`: what is left is offered again in proportion to the shares of the points still in need, until nothing
    is left or every point with a share is met (BE "several rounds"). Points without a share never receive.
    """

    share_ppm: Shares
    until_met: bool = False


@dataclass(frozen=True, slots=True)
class ProRata:
    """Every point is offered energy in proportion to its remaining need; all are met when there is enough."""


@dataclass(frozen=True, slots=True, eq=False)
class Priority:
    """Lower ranks are met first; a rank that cannot be met in full shares pro rata inside itself. Shape (points,)."""

    rank: Ranks


@dataclass(frozen=True, slots=True)
class AllWhenEnough:
    """Every point is met in the intervals that hold enough for all; in the others nothing is given.

    Luxembourg's choice of side: with a surplus every consumer is covered, whatever the keys on the consumption points
    say. Equality of production and consumption, on which the source is silent, counts as enough.
    Source: Creos, cle de repartition, `regulation.md` section 3.1 [LU5].
    """


Round: TypeAlias = Equal | Fixed | ProRata | Priority | AllWhenEnough
Key: TypeAlias = tuple[Round, ...]


# Wallonia "fixed equal" [BE1]: one round, what a point cannot use stays with the producers.
EQUAL: Key = (Equal(),)
# Equal offers, repeated among those still in need.
EQUAL_UNTIL_MET: Key = (Equal(until_met=True),)
# In proportion to consumption: LU and FR default, AT dynamic, DE variable, BE pro rata.
PRO_RATA: Key = (ProRata(),)


def percentage(share_ppm: Shares) -> Key:
    """One fixed round: FR static, simple and ES betas, AT static, DE constant, BE one round, PT coefficients."""
    return (Fixed(share_ppm),)


def percentage_until_met(share_ppm: Shares) -> Key:
    """Brussels "fixed with several rounds" [BE3]."""
    return (Fixed(share_ppm, until_met=True),)


def priority(rank: Ranks) -> Key:
    """A defined order: LU priority; with several points in a rank, PT hierarchical groups."""
    return (Priority(rank),)


def hybrid(share_ppm: Shares) -> Key:
    """One fixed round, then the rest pro rata of the remaining need: Brussels "hybrid" [BE3]."""
    return (Fixed(share_ppm), ProRata())


def luxembourg(key: Key) -> Key:
    """A Luxembourg consumption key: it decides only while production falls short of consumption [LU5]."""
    return (AllWhenEnough(), *key)
