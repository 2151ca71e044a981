"""The tests: `bin/test [rules|whole] [-f] [arguments of pytest]`, or `bin/test --stop-server`.

bin/test              all but what starts processes of its own, on every core
bin/test rules        only what needs no server: seconds
bin/test whole        everything, as .ci/run does
bin/test FILE::TEST   that one, whatever it needs
bin/test -f ...       again on each save, in the rooms that changed
"""

import sys
from collections.abc import Sequence

import pytest

from bin.devstack import kept
from bin.testing.arguments import Wanted
from bin.testing.watching import watch


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
    if arguments == ["--stop-server"]:
        print(f"{kept.stop()} servers ended")
        return 0
    wanted = Wanted.read(arguments)
    return watch(wanted) if wanted.again else pytest.main(wanted.for_pytest())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
