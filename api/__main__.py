"""`python -m api`: the API process."""

import sys

from api.processes.serving import main

if __name__ == "__main__":
    sys.exit(main())
