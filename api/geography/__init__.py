"""Municipalities, substation areas and market zones over GraphQL, REST and the command line.

Geometry is GeoJSON (RFC 7946), a JSON object, never text: on the way out the text the database keeps is passed through
unread, on the way in it is checked by `domain.geography.geojson`, and refusals name reason and place.
"""
