"""All benches, one after another: `bin/bench`. Exits 1 when one of them misses its gate."""

import itertools
import subprocess
import sys

BENCHES = (
    "sharing_allocations",
    "market_clearing",
    "market_books",
    "market_call_auction",
    "market_stall",
    "market_minimum_fill",
    "market_placing",
    "market_settlement",
    "metering_readings",
    "metering_imports",
    "geography_assignment",
    "graphql",
    "live",
)


def main(arguments: list[str]) -> int:
    """Run the named benches, all by default, with the options that follow; the exit status."""
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    options = arguments[len(names) :]
    missed = []
    for name in names or BENCHES:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *options], check=False).returncode:
            missed.append(name)
    print(f"\nMissed: {', '.join(missed)}" if missed else "\nAll gates hold.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
