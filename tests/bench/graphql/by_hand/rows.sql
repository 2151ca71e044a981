SELECT '{"edges":[' || array_to_string((array_agg(node ORDER BY id))[1:1000], ',') || ']}'
FROM (
  SELECT id, '{"node":{"id":"Trade:' || id
    || '","deliveryStart":' || rtrim(to_json(timezone('UTC', delivery_start))::text, '"')
    || 'Z","energyKwh":"' || trim_scale(energy_ukwh * 0.000001)
    || '","price":"' || trim_scale(price_ueur_per_kwh * 0.000001)
    || '","sellerPrice":"' || trim_scale(seller_price_ueur_per_kwh * 0.000001)
    || '","source":' || coalesce('"' || source || '"', 'null') || '}}' AS node
  FROM trade WHERE market_id = :market_id ORDER BY trade.id LIMIT 1001
) AS trade;
