"""Behind the meter: nothing is lost, and no interval both injects and withdraws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.metering.imports.gross import net

ENERGIES = st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)), min_size=1, max_size=100)


@given(ENERGIES)
def test_energy_is_kept_in_every_interval(pairs: list[tuple[int, int]]) -> None:
    production, consumption = np.array(pairs, np.int64).T

    injected, withdrawn = net(production, consumption)

    assert np.array_equal(production + withdrawn, consumption + injected)
    assert (np.minimum(injected, withdrawn) == 0).all()
    assert injected.min() >= 0
    assert withdrawn.min() >= 0


def test_series_of_different_length_cannot_be_netted() -> None:
    with pytest.raises(ValueError, match=r"shape \(96,\), consumption \(92,\)"):
        net(np.zeros(96, np.int64), np.zeros(92, np.int64))
