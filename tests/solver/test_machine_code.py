"""Machine code is made when it is first wanted, once, whoever asks."""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

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


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Code that is not ours to write to, and no home: numba is left with what it is told."""
    caching = pytest.importorskip("numba.core.caching")
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [caching.UserProvidedCacheLocator])
    monkeypatch.setattr(caching.config, "CACHE_DIR", "")
    return monkeypatch


def result_of(code: Callable[..., None]) -> list[int]:
    out = np.empty(3, np.int64)
    code(np.arange(3), out)
    return out.tolist()


def test_where_neither_code_nor_home_can_be_written_it_is_kept_in_a_directory_of_our_own(
    nowhere: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere.setattr(tempfile, "tempdir", str(tmp_path))

    assert result_of(compiled("void", COLUMN, OUT)(doubled_and_one)) == [1, 3, 5]

    (directory,) = tmp_path.iterdir()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert list(directory.rglob("*.nbi"))


def test_what_others_may_write_to_is_not_run_and_nothing_is_kept(nowhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere.setattr(tempfile, "tempdir", str(tmp_path))
    directory = tmp_path / f"commonwatt-{os.getuid()}-machine-code"
    directory.mkdir()
    directory.chmod(0o777)

    assert result_of(compiled("void", COLUMN, OUT)(doubled_and_one)) == [1, 3, 5]

    assert list(directory.iterdir()) == []


def test_without_any_place_it_is_compiled_all_the_same(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setattr(tempfile, "tempdir", "/proc")

    assert result_of(compiled("void", COLUMN, OUT)(doubled_and_one)) == [1, 3, 5]
