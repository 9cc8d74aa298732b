-- Privileges that are not those an object has by itself, by grantee; what has never had any granted is not asked.
--   part        of a function its arguments, of a column its name
--   of_role     of default privileges, the role whose new objects get them
--   grantee     public, or (owner) for whoever owns the object
--   privileges  held beyond the default
--   withheld    taken from the default: EXECUTE of public, say
SELECT o.kind, o.schema, o.name, o.part, o.of_role,
       CASE p.grantee WHEN 0 THEN 'public' WHEN o.owner THEN '(owner)' ELSE pg_catalog.pg_get_userbyid(p.grantee)::text
       END AS grantee,
       coalesce(array_agg(p.privilege) FILTER (WHERE p.held), '{}') AS privileges,
       coalesce(array_agg(p.privilege) FILTER (WHERE NOT p.held), '{}') AS withheld
FROM (
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END AS kind,
           n.nspname AS schema, c.relname::text AS name, ''::text AS part, '' AS of_role, c.relowner AS owner, c.relacl AS acl,
           pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS base,
           'pg_catalog.pg_class'::regclass AS class, c.oid
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relacl IS NOT NULL
    UNION ALL
    SELECT 'column', n.nspname, c.relname, a.attname::text, '', c.relowner, a.attacl, NULL,
           'pg_catalog.pg_class'::regclass, c.oid
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
    UNION ALL
    SELECT 'function', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), '', p.proowner,
           p.proacl, pg_catalog.acldefault('f', p.proowner), 'pg_catalog.pg_proc'::regclass, p.oid
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'type', n.nspname, t.typname, '', '', t.typowner, t.typacl, pg_catalog.acldefault('T', t.typowner),
           'pg_catalog.pg_type'::regclass, t.oid
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typacl IS NOT NULL
    UNION ALL
    -- Of public the default is what 15 and newer give, also in an older server, and where it was dropped and made
    -- anew: so it is that of the database into which it comes.
    SELECT 'schema', n.nspname, '', '', '', n.nspowner, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
           CASE n.nspname WHEN 'public'
                THEN pg_catalog.acldefault('n', n.nspowner) || pg_catalog.makeaclitem(0, n.nspowner, 'USAGE', false)
                ELSE coalesce(i.initprivs, pg_catalog.acldefault('n', n.nspowner)) END,
           'pg_catalog.pg_namespace'::regclass, n.oid
    FROM pg_catalog.pg_namespace n
    LEFT JOIN pg_catalog.pg_init_privs i
           ON i.classoid = 'pg_catalog.pg_namespace'::regclass AND i.objoid = n.oid AND i.objsubid = 0
    WHERE n.nspacl IS NOT NULL OR n.nspname = 'public'
    UNION ALL
    SELECT 'default privileges', coalesce(n.nspname, ''),
           CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
           '', pg_catalog.pg_get_userbyid(d.defaclrole), d.defaclrole, d.defaclacl,
           CASE WHEN d.defaclnamespace = 0 THEN pg_catalog.acldefault(
                CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END::"char", d.defaclrole) END,
           'pg_catalog.pg_default_acl'::regclass, d.oid
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
) o
CROSS JOIN LATERAL (
    SELECT coalesce(held.grantee, base.grantee) AS grantee,
           coalesce(held.privilege, base.privilege) AS privilege,
           held.privilege IS NOT NULL AS held
    FROM (SELECT e.grantee,
                 e.privilege_type || CASE WHEN bool_or(e.is_grantable) THEN ' WITH GRANT OPTION' ELSE '' END AS privilege
          FROM pg_catalog.aclexplode(o.acl) e GROUP BY e.grantee, e.privilege_type) held
    FULL JOIN (SELECT e.grantee, e.privilege_type AS privilege FROM pg_catalog.aclexplode(o.base) e) base
           ON held.grantee = base.grantee AND held.privilege = base.privilege
    WHERE held.privilege IS NULL OR base.privilege IS NULL
) p
WHERE o.schema !~ '^pg_' AND o.schema NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = o.class AND e.objid = o.oid
                    AND (e.deptype = 'e' OR e.deptype = 'i' AND o.kind IN ('function', 'type')))
GROUP BY o.kind, o.schema, o.name, o.part, o.of_role, p.grantee, o.owner
