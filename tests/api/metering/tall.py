"""Points that withdraw."""

from tests.api.engine.declared import Tall

TALL = Tall(values={"metering_point.directions": "'{WITHDRAWN}'"})
