-- The triggers behind foreign keys that somebody altered (DISABLE TRIGGER ALL, say): mostly no row at all.
-- A partition has a copy of the key with triggers of its own; here they are the key's.
--   table, state   whose trigger it is, on either side of the key, and when it fires
WITH RECURSIVE altered (key, relation, enabled) AS (
    SELECT t.tgconstraint, t.tgrelid, t.tgenabled
    FROM pg_catalog.pg_trigger t
    WHERE t.tgisinternal AND t.tgenabled <> 'O' AND t.tgconstraint <> 0
    UNION
    SELECT k.conparentid, a.relation, a.enabled
    FROM altered a JOIN pg_catalog.pg_constraint k ON k.oid = a.key
    WHERE k.conparentid <> 0
)
SELECT k.oid::int8 AS oid, n.nspname AS schema, c.relname AS "table",
       CASE a.enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END AS state
FROM altered a
JOIN pg_catalog.pg_constraint k ON k.oid = a.key AND k.contype = 'f' AND k.conparentid = 0
JOIN pg_catalog.pg_class c ON c.oid = a.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
