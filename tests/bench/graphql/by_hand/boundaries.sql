SELECT '{"edges":[' || array_to_string((array_agg(node ORDER BY id))[1:200], ',') || ']}'
FROM (
  SELECT id, '{"node":{"id":"Community:' || id || '","boundary":' || coalesce(boundary_geojson, 'null') || '}}' AS node
  FROM community ORDER BY community.id LIMIT 201
) AS community;
