"""Random books by the thousand, each compared with linear programs and with itself listed otherwise.

2,000 books of linked zones, 1,000 with minimum fills, 1,000 with flexible orders (`tests/solver/market/book_checks.py`
says what must hold of each; the suite looks at some of them). Run: python -m tests.bench.market_books [--share 1.0];
exits 1 when a book fails, and names its seed.
"""

import argparse
import sys
import traceback
from time import perf_counter

from tests.solver.market.book_checks import CHECKS

COUNTS = {"multi-zone": 2_000, "minimum fill": 1_000, "flexible": 1_000}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--share", type=float, default=1.0, help="of the books that are looked at")
    given = parser.parse_args()
    failed = 0
    for kind, count in COUNTS.items():
        begin, books, wrong = perf_counter(), round(count * given.share), []
        for seed in range(books):
            try:
                CHECKS[kind](seed)
            except AssertionError:
                wrong.append(seed)
                traceback.print_exc(limit=2)
        failed += len(wrong)
        print(f"{kind:13} {books:6,} books, {len(wrong)} wrong {wrong[:9]}, {perf_counter() - begin:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
