"""Where the next migration goes."""

import re
from datetime import UTC, datetime

from bin.mapping import ROOT

VERSIONS = ROOT / "migrations" / "versions"
REVISION = re.compile(r'^revision: str = "(\w+)"', re.MULTILINE)
BEFORE = re.compile(r'^down_revision: .* = "(\w+)"', re.MULTILINE)


def head() -> str:
    """The revision that none comes after."""
    texts = [file.read_text() for file in VERSIONS.glob("*.py")]
    revisions = {revision for text in texts for revision in REVISION.findall(text)}
    (last,) = map(str, revisions - {before for text in texts for before in BEFORE.findall(text)})
    return last


def names(slug: str) -> dict[str, str]:
    """What a template needs to know of its migration."""
    now = datetime.now(UTC)
    return {
        "revision": slug,
        "down_revision": head(),
        "created": f"{now:%Y-%m-%d %H:%M:%S}",
        "file": f"{now:%Y-%m-%d-%H%M}_create_{slug}",
    }
