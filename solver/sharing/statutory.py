"""Statutory shared energy: a minimum of totals, which allocates nothing to anybody.

No premium is paid by it yet: it waits for Italian communities, and is held to published cases by the tests until then.
"""

import numpy as np

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import MicroKwh
from solver.sharing.problems import check_energy


def shared_ukwh(injected_ukwh: MicroKwh, withdrawn_ukwh: MicroKwh, intervals_per_hour: int) -> MicroKwh:
    """Shared energy of each hour, micro-kWh, shape (hours,): min(all injected, all withdrawn in the hour).

    Both arguments have shape (intervals, points) and start on a full hour. Intervals are summed to the hour first:
    the sum of quarter-hour minima understates the result. Nothing carries over between hours. Raises InvalidValue,
    also for an hour that is not complete.
    Source: Italy, ARERA TIAD (727/2022/R/eel), `regulation.md` section 2.4 [IT15][IT16].
    """
    if intervals_per_hour not in {1, 2, 4}:
        raise InvalidValue(("intervals_per_hour",), f"{intervals_per_hour} is not 1, 2 or 4")
    if injected_ukwh.shape[0] != withdrawn_ukwh.shape[0]:
        reason = f"{injected_ukwh.shape[0]} intervals, but withdrawn_ukwh has {withdrawn_ukwh.shape[0]}"
        raise InvalidValue(("injected_ukwh",), reason)
    injected = _hourly(injected_ukwh, "injected_ukwh", intervals_per_hour)
    withdrawn = _hourly(withdrawn_ukwh, "withdrawn_ukwh", intervals_per_hour)
    return np.minimum(injected, withdrawn)


def _hourly(energy: MicroKwh, name: str, intervals_per_hour: int) -> MicroKwh:
    check_energy(energy, name, 0)
    if energy.shape[0] % intervals_per_hour:
        raise InvalidValue((name,), f"{energy.shape[0]} intervals are not whole hours of {intervals_per_hour}")
    totals: MicroKwh = energy.sum(axis=1).reshape(-1, intervals_per_hour).sum(axis=1)
    return totals
