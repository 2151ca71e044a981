"""Netting behind the meter: from gross load and generation to what crosses the metering point."""

import numpy as np

from domain.kernel.quantities import MicroKwh


def net(production: MicroKwh, consumption: MicroKwh) -> tuple[MicroKwh, MicroKwh]:
    """(injected, withdrawn) of each interval, micro-kWh: what generation leaves over, and what it leaves uncovered.

    injected = max(0, production - consumption), withdrawn = max(0, consumption - production). Exact; in any interval
    at most one of them is positive. Raises ValueError when the shapes differ.
    """
    if production.shape != consumption.shape:
        raise ValueError(f"production has shape {production.shape}, consumption {consumption.shape}")
    surplus = production - consumption
    injected: MicroKwh = np.maximum(surplus, 0)
    withdrawn: MicroKwh = np.maximum(-surplus, 0)
    return injected, withdrawn
