INSERT INTO market_order (id, market_id, owner_id, side, status, energy_ukwh, limit_price_ueur_per_kwh,
  delivery_start, delivery_end)
VALUES (gen_random_uuid(), :market_id, :owner_id, 'BUY', 'OPEN', 500000, 150000,
  date_trunc('hour', now()) + interval '24 hours', date_trunc('hour', now()) + interval '24 hours 15 minutes')
RETURNING id, status;
