-- What everything is called that an attribute is of, or refers to, the system's own things included.
--   catalog   the system catalog that has it
--   address   its name in parts as they are stored: schema first where it has one
--   foreign   an extension brought it
SELECT o.catalog, o.oid::int8 AS oid, o.kind, o.address, e.objid IS NOT NULL AS foreign
FROM (
    SELECT 'pg_namespace' AS catalog, n.oid, 'schema' AS kind, ARRAY[n.nspname::text] AS address
    FROM pg_catalog.pg_namespace n
    UNION ALL
    SELECT 'pg_class', c.oid,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'c' THEN 'type' ELSE 'table' END,
           ARRAY[n.nspname::text, c.relname::text]
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind <> 't' AND n.nspname <> 'pg_toast'
    UNION ALL
    SELECT 'pg_type', t.oid, CASE WHEN t.typtype IN ('b', 'p') THEN 'base type' ELSE 'type' END,
           ARRAY[n.nspname::text, t.typname::text]
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname <> 'pg_toast'
    UNION ALL
    SELECT 'pg_proc', p.oid, 'function',
           ARRAY[n.nspname::text, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid)]
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid >= 16384 OR p.oid IN (  -- thousands that nobody refers to would take most of the time
        SELECT c.castfunc FROM pg_catalog.pg_cast c WHERE c.oid >= 16384
        UNION ALL SELECT t.evtfoid FROM pg_catalog.pg_event_trigger t
        UNION ALL SELECT unnest(ARRAY[l.lanplcallfoid, l.laninline, l.lanvalidator]) FROM pg_catalog.pg_language l
        UNION ALL SELECT unnest(ARRAY[w.fdwhandler, w.fdwvalidator]) FROM pg_catalog.pg_foreign_data_wrapper w)
    UNION ALL
    SELECT 'pg_operator', o.oid, 'operator',
           ARRAY[n.nspname::text, o.oprname::text, pg_catalog.format_type(nullif(o.oprleft, 0), NULL),
                 pg_catalog.format_type(nullif(o.oprright, 0), NULL)]
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    UNION ALL
    SELECT 'pg_opclass', o.oid, 'operator class', ARRAY[n.nspname::text, o.opcname::text, a.amname::text]
    FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
    JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod
    UNION ALL
    SELECT 'pg_opfamily', o.oid, 'operator family', ARRAY[n.nspname::text, o.opfname::text, a.amname::text]
    FROM pg_catalog.pg_opfamily o JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace
    JOIN pg_catalog.pg_am a ON a.oid = o.opfmethod
    UNION ALL
    SELECT 'pg_collation', c.oid, 'collation', ARRAY[n.nspname::text, c.collname::text]
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    UNION ALL
    SELECT 'pg_conversion', c.oid, 'conversion', ARRAY[n.nspname::text, c.conname::text]
    FROM pg_catalog.pg_conversion c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    UNION ALL
    SELECT 'pg_ts_config', c.oid, 'text search configuration', ARRAY[n.nspname::text, c.cfgname::text]
    FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
    UNION ALL
    SELECT 'pg_ts_dict', d.oid, 'text search dictionary', ARRAY[n.nspname::text, d.dictname::text]
    FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
    UNION ALL
    SELECT 'pg_ts_parser', p.oid, 'text search parser', ARRAY[n.nspname::text, p.prsname::text]
    FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
    UNION ALL
    SELECT 'pg_ts_template', t.oid, 'text search template', ARRAY[n.nspname::text, t.tmplname::text]
    FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
    UNION ALL
    SELECT 'pg_statistic_ext', s.oid, 'statistics', ARRAY[n.nspname::text, s.stxname::text]
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    UNION ALL
    SELECT 'pg_cast', c.oid, 'cast',
           ARRAY[pg_catalog.format_type(c.castsource, NULL), pg_catalog.format_type(c.casttarget, NULL)]
    FROM pg_catalog.pg_cast c
    UNION ALL
    SELECT 'pg_transform', t.oid, 'transform', ARRAY[pg_catalog.format_type(t.trftype, NULL), l.lanname::text]
    FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
    UNION ALL
    SELECT 'pg_am', a.oid, 'access method', ARRAY[a.amname::text] FROM pg_catalog.pg_am a
    UNION ALL
    SELECT 'pg_language', l.oid, 'procedural language', ARRAY[l.lanname::text] FROM pg_catalog.pg_language l
    UNION ALL
    SELECT 'pg_extension', x.oid, 'extension', ARRAY[x.extname::text] FROM pg_catalog.pg_extension x
    UNION ALL
    SELECT 'pg_event_trigger', t.oid, 'event trigger', ARRAY[t.evtname::text] FROM pg_catalog.pg_event_trigger t
    UNION ALL
    SELECT 'pg_publication', p.oid, 'publication', ARRAY[p.pubname::text] FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT 'pg_foreign_data_wrapper', w.oid, 'foreign data wrapper', ARRAY[w.fdwname::text]
    FROM pg_catalog.pg_foreign_data_wrapper w
    UNION ALL
    SELECT 'pg_foreign_server', s.oid, 'server', ARRAY[s.srvname::text] FROM pg_catalog.pg_foreign_server s
    UNION ALL
    SELECT 'pg_database', d.oid, 'database', ARRAY[d.datname::text]
    FROM pg_catalog.pg_database d WHERE d.datname = current_database()
    UNION ALL
    SELECT 'pg_authid', r.oid, 'role', ARRAY[r.rolname::text] FROM pg_catalog.pg_roles r
    UNION ALL
    SELECT 'pg_tablespace', t.oid, 'tablespace', ARRAY[t.spcname::text] FROM pg_catalog.pg_tablespace t
) o
LEFT JOIN pg_catalog.pg_depend e
       ON e.classid = pg_catalog.to_regclass('pg_catalog.' || o.catalog) AND e.objid = o.oid
      AND e.objsubid = 0 AND e.deptype = 'e'
