-- One more row than asked for tells whether there is a next page.
SELECT '{"edges":[' || array_to_string((array_agg(node ORDER BY id))[1:50], ',')
  || '],"pageInfo":{"hasNextPage":' || (count(*) > 50) || ',"endCursor":"' || (array_agg(id ORDER BY id))[50] || '"}}'
FROM (
  SELECT community.id, '{"node":{"id":"Community:' || community.id || '","name":' || to_json(community.name)
    || ',"substationArea":' || coalesce('{"id":"SubstationArea:' || area.id || '","code":' || to_json(area.code)
      || ',"name":' || to_json(area.name) || '}', 'null')
    || ',"members":' || members.page || '}}' AS node
  FROM (SELECT * FROM community ORDER BY id LIMIT 51) AS community
    LEFT JOIN substation_area AS area ON area.id = community.substation_area_id,
    LATERAL (
      SELECT '{"edges":[' || coalesce(array_to_string((array_agg(node ORDER BY id))[1:10], ','), '')
        || '],"pageInfo":{"hasNextPage":' || (count(*) > 10)
        || ',"endCursor":' || coalesce('"' || (array_agg(id ORDER BY id))[least(count(*), 10)] || '"', 'null') || '}}' AS page
      FROM (
        SELECT member.id, '{"node":{"id":"Member:' || member.id || '","name":' || to_json(member.name)
          || ',"legalForm":"' || member.legal_form || '"}}' AS node
        FROM membership JOIN member ON member.id = membership.member_id
        WHERE community_id = community.id AND valid_from <= current_date
          AND (valid_to IS NULL OR valid_to > current_date)
        ORDER BY member.id LIMIT 11
      ) AS member
    ) AS members
) AS community;
