"""`python -m api.relay`: the relay process."""

import asyncio

from api.processes.relay import main

if __name__ == "__main__":
    asyncio.run(main())
