"""A lane, as it is founded over GraphQL."""

SQUARE = {"type": "Polygon", "coordinates": [[[6, 49], [6.1, 49], [6.1, 49.1], [6, 49.1], [6, 49]]]}
A_LANE = {
    "framework": "LU_SHARING",
    "kind": "LANE",
    "name": " Rue des Pins ",
    "timezone": "Europe/Luxembourg",
    "boundary": SQUARE,
    "location": {"type": "Point", "coordinates": [6.05, 49.05]},
    "legalForm": "SME",
    "memberKind": "PROSUMER",
}
