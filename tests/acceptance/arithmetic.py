"""What the platform must compute, computed again by hand: whole numbers of any size, one interval at a time."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

MicroKwh = npt.NDArray[np.int64]


def by_largest_remainder(pool: int, weights: Sequence[int]) -> list[int]:
    """A pool in proportion to weights, exactly; equal remainders are served in the order of the weights."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [pool * weight // whole for weight in weights]
    remainders = [pool * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: -remainders[n])  # Stable: ties stay in order.
    for n in order[: pool - sum(parts)]:
        parts[n] += 1
    return parts


def shared_pro_rata(injected: MicroKwh, withdrawn: MicroKwh) -> tuple[MicroKwh, MicroKwh]:
    """(shared out, shared in) of each interval and point, for arrays of shape (intervals, points) by rank of id.

    What is shared is the smaller of both sums; each side is served or drawn on in proportion to what it metered.
    """
    out, into = np.zeros_like(injected), np.zeros_like(withdrawn)
    for t in range(len(injected)):
        shared = int(min(injected[t].sum(), withdrawn[t].sum()))
        out[t] = by_largest_remainder(shared, injected[t].tolist())
        into[t] = by_largest_remainder(shared, withdrawn[t].tolist())
    return out, into


def micro(text: str) -> int:
    """Micro-units of a decimal with at most six decimals."""
    scaled = Decimal(text).scaleb(6)
    assert scaled == int(scaled), text
    return int(scaled)


def decimal(micro_units: int) -> str:
    """The decimal string of micro-units that are not negative."""
    return f"{micro_units // 1_000_000}.{micro_units % 1_000_000:06d}"
