"""`python -m api.worker`: the worker process."""

import asyncio

from api.processes.worker import main

if __name__ == "__main__":
    asyncio.run(main())
