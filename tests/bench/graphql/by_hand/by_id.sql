SELECT '{"id":"Community:' || id || '","name":' || to_json(name) || ',"kind":"' || kind || '","status":"' || status
  || '","country":' || to_json(country) || '}'
FROM community WHERE id = :id;
