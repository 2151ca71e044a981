"""The commands of docs/walk-through.md do what the page says."""

import re
import shutil
from pathlib import Path

import pytest

from bin.devstack.installation import ROOT
from tests.acceptance.programs import Running

PAGE = ROOT / "docs/walk-through.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOLD = (
    '"sharedKwh":"9886.3709"',
    '"differences":{"totalCount":0}',
    '"price":"0.2","kind":"CLEARED","volumeKwh":"0.25"',
    '"isTransferLimited":true',
    "I6 audit: holds",
)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")
def test_the_commands_of_the_page_do_what_it_says(
    stack: Running, said_of_areas: dict[str, str], tmp_path: Path
) -> None:
    """After the areas were imported, so that the page finds them unchanged and not the other way round."""
    script = tmp_path / "walk-through.sh"
    work = f"mktemp() {{ echo {tmp_path}; }}"
    script.write_text("\n".join(["set -eu", work, *BLOCK.findall(PAGE.read_text(encoding="utf-8"))]))

    said = stack.run("bash", script)

    assert "47 municipalities" in said_of_areas["municipalities"]
    assert [words for words in TOLD if words not in said] == []
    assert '"errors":[{' not in said
    assert said.count(": holds") == 5
