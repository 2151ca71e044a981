"""What was asked of `bin/test`, and what that means for pytest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TIERS = ("rules", "whole")  # And "most" where none is named; see tests/tiers.py.
AGAIN = ("-f", "--again")
FILES_ALONE_MAX = 4  # So many files are run sooner than workers are started.
WORKERS = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")  # The order is that of tests/dealing.py.
ALONE = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "--co", "--fixtures", "-h", "--help", "--version")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tier, None where none was named; whether to run again on each save; the rest is pytest's."""

    tier: str | None
    again: bool
    rest: tuple[str, ...]

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "Wanted":
        rest = [each for each in arguments if each not in AGAIN]
        tier = rest.pop(0) if rest and rest[0] in TIERS else None
        return cls(tier, len(rest) + (tier is not None) < len(arguments), tuple(rest))

    def for_pytest(self) -> list[str]:
        """Who names files wants them, whatever they need."""
        tier = self.tier or ("whole" if self.paths() else "most")
        return [f"--tier={tier}", *(WORKERS if self.is_for_workers() else ()), *self.rest]

    def paths(self) -> list[Path]:
        """What is named of files and folders."""
        named = [Path(each.partition("::")[0]) for each in self.rest if not each.startswith("-")]
        return [path for path in named if path.exists()]

    def is_for_workers(self) -> bool:
        """Whether workers pay: not for a few files, nor where the caller says how many or wants to see one process."""
        if any(each.startswith(ALONE) for each in self.rest):
            return False
        paths = self.paths()
        files = {file for path in paths for file in ([path] if path.is_file() else path.rglob("test_*.py"))}
        return not paths or len(files) > FILES_ALONE_MAX
