"""What all rooms tell the engine's tests (`declared`)."""

from tests.api import registers
from tests.api.engine.declared import Reads, Tall

TALL: dict[str, Tall] = {room: module.TALL for room, module in registers.brought("tall")}
READS: dict[str, Reads] = {room: module.READS for room, module in registers.brought("reads")}
