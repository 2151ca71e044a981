"""Run migrations on databases, many in one process: python -m tests.migrations.applying FOLDER ADDRESS REVISION..."""

import os
import sys

from alembic import command
from alembic.config import Config

from bin.devstack.installation import ROOT

if __name__ == "__main__":
    told = sys.argv[1:]
    for scripts, url, revision in zip(told[::3], told[1::3], told[2::3], strict=True):
        config = Config(str(ROOT / "alembic.ini"))
        if scripts:
            config.set_main_option("script_location", scripts)
        os.environ["DATABASE_URL"] = url
        command.upgrade(config, revision)
