"""What is not GraphQL over HTTP or sockets, and what no page, id or geometry may be, whatever room is asked."""

from tests.api.hostile.frames import FRAMES
from tests.api.hostile.geometries import GEOMETRIES
from tests.api.hostile.queries import QUERIES
from tests.api.hostile.requests import REQUESTS
from tests.api.hostile.rows import Section

SECTIONS = (
    Section("Requests", REQUESTS, place=10),
    Section("Queries", QUERIES, place=20),
    Section("Geometry", GEOMETRIES, place=30),
    Section("Sockets", FRAMES, place=180),
)
