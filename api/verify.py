"""`python -m api.verify`: recomputes the invariants over a database; exits 1 where one is broken."""

import sys

from api.processes.commands import ended
from api.processes.verify import main

if __name__ == "__main__":
    sys.exit(ended("verify", main))
