"""All benches, one after another: `bin/bench`. Exits 1 when one of them misses its gate."""

import subprocess
import sys

BENCHES = ("sharing_allocations", "market_clearing", "metering_readings", "metering_imports", "geography_assignment")


def main(names: list[str]) -> int:
    """Run the named benches, all by default; the exit status."""
    missed = []
    for name in names or BENCHES:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode:
            missed.append(name)
    print(f"\nMissed: {', '.join(missed)}" if missed else "\nAll gates hold.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
