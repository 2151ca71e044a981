"""What a server process serves: `uvicorn --factory api.serving:create_app`.

All that is loaded by now stays for as long as the process does, so the collector need not look at it ever again:
otherwise it stops every request for a fifth of a second now and then.
"""

import gc

from starlette.applications import Starlette

from api.processes import app


def create_app() -> Starlette:
    """The application, in a process of its own."""
    application = app.create_app()
    gc.collect()
    gc.freeze()
    return application
