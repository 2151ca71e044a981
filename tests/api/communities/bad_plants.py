"""Plants and storage that may not be."""

from tests.api.hostile.rows import Row, to_a

BOBS_POINT = {"meteringPointId": lambda id_of: id_of("MeteringPoint", "bob")}
A_PLANT = {"name": "Roof", "kind": "PV", "powerKw": "5", **BOBS_POINT}

PLANTS = (
    Row(
        "a plant of NaN",
        to_a("addAsset", **A_PLANT | {"powerKw": "NaN"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: 'NaN' is not a decimal number.",
    ),
    Row(
        "a plant of infinity",
        to_a("addAsset", **A_PLANT | {"powerKw": "Infinity"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: 'Infinity' is not a decimal number.",
    ),
    Row(
        "a plant of 1e400",
        to_a("addAsset", **A_PLANT | {"powerKw": "1e400"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: '1e400' is not a decimal number.",
    ),
    Row(
        "a plant with seven decimals",
        to_a("addAsset", **A_PLANT | {"powerKw": "1.0000001"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: more than six decimals.",
    ),
    Row(
        "a plant of a million digits",
        to_a("addAsset", **A_PLANT | {"powerKw": "1" + "0" * 100_000}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: the number is too large.",
    ),
    Row(
        "a plant of a float",
        to_a("addAsset", **A_PLANT | {"powerKw": 1.5}),
        400,
        "BAD_USER_INPUT",
        'A Decimal is a string such as "1.25".',
    ),
    Row(
        "a plant of 9,223,372,036,854.775808 kW",
        to_a("addAsset", **A_PLANT | {"powerKw": "9223372036854.775808"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: the number is too large.",
    ),
    Row(
        "a plant of half a watt",
        to_a("addAsset", **A_PLANT | {"powerKw": "0.0005"}),
        200,
        "INVALID_INPUT",
        "The power is a whole number of watts. [powerKw]",
    ),
    Row(
        "a plant of minus 5 kW",
        to_a("addAsset", **A_PLANT | {"powerKw": "-5"}),
        200,
        "INVALID_INPUT",
        "The power lies between 0.001 kW and 10 GW. [powerKw]",
    ),
    Row(
        "a plant with a capacity",
        to_a("addAsset", **A_PLANT | {"capacityKwh": "5"}),
        200,
        "INVALID_INPUT",
        "Storage has a capacity, nothing else has. [capacityKwh]",
    ),
    Row(
        "a store of minus 5 kWh",
        to_a("addAsset", **A_PLANT | {"kind": "STORAGE", "capacityKwh": "-5"}),
        200,
        "INVALID_INPUT",
        "The capacity lies above 0 and up to 100 GWh. [capacityKwh]",
    ),
    Row(
        "a plant behind a point elsewhere",
        to_a("addAsset", **A_PLANT | {"meteringPointId": lambda id_of: id_of("MeteringPoint", "gus")}),
        200,
        "NOT_FOUND",
        "There is no metering point",
    ),
)
