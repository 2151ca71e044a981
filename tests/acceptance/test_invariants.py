"""After all of the story the invariants hold over the database."""

import sys
from typing import Any

from tests.acceptance.conftest import Compared, Traded
from tests.acceptance.stack.programs import Running


def test_verification_finds_no_breach(stack: Running, allocated: list[Any], compared: Compared, traded: Traded) -> None:
    said = stack.run(sys.executable, "-m", "api.verify")

    checks = [line.rpartition(": ") for line in said.splitlines()]
    assert {verdict for _, _, verdict in checks} == {"holds"}
    assert {name.partition(" ")[0] for name, _, _ in checks} >= {"I1", "I3", "I6"}
