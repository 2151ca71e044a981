-- What the peers read: views that hold no more than the operations ask for, without any predicate of visibility.
CREATE SCHEMA peer;

CREATE VIEW peer.substation_area AS SELECT id, code, name FROM public.substation_area;
COMMENT ON VIEW peer.substation_area IS '@primaryKey id';

-- PostGraphile 5 shows no geometry columns; the stored GeoJSON is the cheapest it can be given.
CREATE VIEW peer.community AS
  SELECT id, name, kind, status, country, timezone, substation_area_id, boundary_geojson::json AS boundary
  FROM public.community;
COMMENT ON VIEW peer.community IS
  E'@primaryKey id\n@foreignKey (substation_area_id) references peer.substation_area (id)';

CREATE VIEW peer.member AS
  SELECT membership.community_id, member.id, member.name, member.legal_form
  FROM public.membership JOIN public.member ON member.id = membership.member_id
  WHERE valid_from <= current_date AND (valid_to IS NULL OR valid_to > current_date);
COMMENT ON VIEW peer.member IS
  E'@primaryKey community_id,id\n@foreignKey (community_id) references peer.community (id)';

CREATE VIEW peer.market AS SELECT id, name FROM public.market;
COMMENT ON VIEW peer.market IS '@primaryKey id';

CREATE VIEW peer.trade AS
  SELECT id, market_id, delivery_start, energy_ukwh, price_ueur_per_kwh, seller_price_ueur_per_kwh, source
  FROM public.trade;
COMMENT ON VIEW peer.trade IS E'@primaryKey id\n@foreignKey (market_id) references peer.market (id)';

CREATE VIEW peer.placed_order AS
  SELECT id, market_id, owner_id, side, status, energy_ukwh, limit_price_ueur_per_kwh, delivery_start, delivery_end
  FROM public.market_order;
ALTER VIEW peer.placed_order ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER VIEW peer.placed_order ALTER COLUMN status SET DEFAULT 'OPEN';
COMMENT ON VIEW peer.placed_order IS '@primaryKey id';
COMMENT ON COLUMN peer.placed_order.market_id IS '@notNull';
