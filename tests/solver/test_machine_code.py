"""Machine code is made when it is first wanted, once, whoever asks."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

from solver.machine_code import COLUMN, OUT, compiled

THREADS = 8


def doubled_and_one(values: np.ndarray, out: np.ndarray) -> None:
    """Twice the values, and one more."""
    for i in range(values.size):
        out[i] = 2 * values[i] + 1


def test_threads_that_come_first_together_get_the_same_code() -> None:
    code = compiled("void", COLUMN, OUT)(doubled_and_one)
    values = np.arange(5)
    together = Barrier(THREADS)

    def call(number: int) -> list[int]:
        out = np.empty(5, np.int64)
        together.wait()
        code(values + number, out)
        return out.tolist()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(call, range(THREADS)))

    assert answers == [[2 * (i + number) + 1 for i in range(5)] for number in range(THREADS)]
    assert code.__doc__ == doubled_and_one.__doc__
    assert len(code.machine_code.signatures) == 1  # type: ignore[attr-defined]
