-- All that the system catalogs say of what a platform brings: a row each, to be compared before and after.
SELECT 'function', p.oid::regprocedure::text, md5(p::text) FROM pg_proc p
WHERE pronamespace = ANY (%(schemas)s::regnamespace[])
UNION ALL SELECT 'schema', nspname, concat(nspowner::regrole, nspacl) FROM pg_namespace
WHERE nspname NOT LIKE 'pg\_%%' AND nspname <> 'migplan'
UNION ALL SELECT 'relation', c.oid::regclass::text, concat_ws(' ', c.oid, relfilenode, relowner::regrole, relacl,
    reloptions, relrowsecurity, relforcerowsecurity, relreplident, relnatts)
FROM pg_class c WHERE relnamespace = ANY (%(schemas)s::regnamespace[])
UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, concat_ws(' ', atttypid, attnotnull, attacl, attoptions)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE attnum > 0 AND relnamespace = ANY (%(schemas)s::regnamespace[])
UNION ALL SELECT 'event trigger', evtname, concat_ws(' ', evtenabled, evtowner::regrole, evtfoid) FROM pg_event_trigger
UNION ALL SELECT 'publication', pubname, concat_ws(' ', pubowner::regrole, puballtables, pubinsert, (
    SELECT string_agg(r.prrelid::regclass::text, ',') FROM pg_publication_rel r WHERE r.prpubid = p.oid))
FROM pg_publication p
UNION ALL SELECT 'extension', extname, concat_ws(' ', extversion, extnamespace::regnamespace) FROM pg_extension
UNION ALL SELECT 'default privileges', concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype),
    defaclacl::text FROM pg_default_acl
UNION ALL SELECT 'role', rolname, md5(r::text) FROM pg_roles r
ORDER BY 1, 2, 3
