"""Look at what changed since `main`, or since the revision that is named: `bin/check`, `bin/check HEAD`.

Lint and format, import contracts, and types (by a daemon that stays for an hour) of everything; then the tests of the
rooms that changed, but for those that start processes. It is no replacement for .ci/run.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bin.checking.changes import since, standing_for
from bin.mapping import ROOT

TOOLS = Path(sys.executable).parent
IDLE_S = 3_600
DAEMON = ROOT / ".local" / "dmypy.json"
LOOKS: dict[str, tuple[str, ...]] = {
    "lint": ("ruff", "check", "--quiet"),
    "format": ("ruff", "format", "--quiet", "--check"),
    "import contracts": ("lint-imports", "--no-logo"),
    "types": ("dmypy", "--status-file", str(DAEMON), "run", "--timeout", str(IDLE_S)),
}


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    tests = standing_for(since(arguments[0] if arguments else "main"))
    began = time.monotonic()
    with ThreadPoolExecutor() as together:
        looks = {name: together.submit(_look, command) for name, command in LOOKS.items()}
        are_good = [_told(name, *look.result()) for name, look in looks.items()]
    print("tests:", *tests, flush=True)
    status = subprocess.run([sys.executable, "-m", "bin.testing", "-q", "--tier=most", *tests], cwd=ROOT, check=False)
    print(f"{time.monotonic() - began:.1f} s")
    return 0 if all(are_good) and status.returncode == 0 else 1


def _look(command: Sequence[str]) -> tuple[int, str, float]:
    """Exit status, what was said, and the seconds it took."""
    began = time.monotonic()
    done = subprocess.run([TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


def _told(name: str, status: int, said: str, seconds: float) -> bool:
    print(f"{'✗' if status else '✓'} {name:20} {seconds:4.1f} s", flush=True)
    if status:
        print(said.rstrip(), flush=True)
    return status == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
