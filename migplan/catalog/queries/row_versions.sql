-- Every row of the system catalogs that tells what this database is: whose part it is, and its version. For changes.py.
--   key               tells the rows of a catalog apart
--   of_catalog, of    what it is a part of: itself, where it stands by itself
--   schema, name      of what it is a part of, for people; word and part say which part
--   counts_when_new   whether it changes what it is a part of, when it comes
--   aside             whether neither rows nor definitions of tables hang on it: views, functions that nothing uses
--   version           the transaction that wrote the row. What is rebuilt as it was (REINDEX, REFRESH MATERIALIZED
--                     VIEW, a sequence that restarts) has a new row that means the same: there a digest of the row
-- Temporary objects are left out with their schemas; VACUUM and ANALYZE write in place, and leave versions alone.
WITH schemas AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.xmin FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
), relations AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.xmin, c.relkind = 'v' AS aside,
           CASE c.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
                WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type' WHEN 'f' THEN 'foreign table' ELSE 'table'
           END AS word,
           CASE WHEN c.relkind IN ('i', 'I', 'm', 'S')
                THEN pg_catalog.hashtextextended(ROW(c.relname, c.relnamespace, c.relowner, c.reltablespace, c.relam,
                         c.relpersistence, c.relispopulated, c.reloptions, c.relacl, c.relispartition)::text
                         COLLATE "C", 0) END AS same
    FROM pg_catalog.pg_class c JOIN schemas n ON n.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
), found (catalog, key, of_catalog, of, schema, name, word, part, counts_when_new, aside, xmin) AS (
    SELECT 'pg_class', r.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, r.word, '', false, r.aside, r.xmin
    FROM relations r WHERE r.same IS NULL
    UNION ALL
    SELECT 'pg_attribute', (x.attrelid::int8 << 16) + x.attnum, 'pg_class', r.oid, r.nspname, r.relname, 'column', x.attname, true, r.aside, x.xmin
    FROM pg_catalog.pg_attribute x JOIN relations r ON r.oid = x.attrelid
    WHERE x.attnum > 0
    UNION ALL
    SELECT 'pg_attrdef', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'default', 'of column ' || x.adnum, true, r.aside, x.xmin
    FROM pg_catalog.pg_attrdef x JOIN relations r ON r.oid = x.adrelid
    UNION ALL
    SELECT 'pg_constraint', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'constraint', x.conname, x.conparentid = 0, r.aside, x.xmin
    FROM pg_catalog.pg_constraint x JOIN relations r ON r.oid = x.conrelid
    UNION ALL
    SELECT 'pg_index', x.indexrelid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'index', (SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = x.indexrelid), true, r.aside, x.xmin
    FROM pg_catalog.pg_index x JOIN relations r ON r.oid = x.indrelid
    UNION ALL
    SELECT 'pg_trigger', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'trigger', x.tgname, NOT x.tgisinternal, r.aside, x.xmin
    FROM pg_catalog.pg_trigger x JOIN relations r ON r.oid = x.tgrelid
    UNION ALL
    SELECT 'pg_policy', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'policy', x.polname, true, r.aside, x.xmin
    FROM pg_catalog.pg_policy x JOIN relations r ON r.oid = x.polrelid
    UNION ALL
    SELECT 'pg_rewrite', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'rule', x.rulename, true, r.aside, x.xmin
    FROM pg_catalog.pg_rewrite x JOIN relations r ON r.oid = x.ev_class
    UNION ALL
    SELECT 'pg_inherits', x.inhrelid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'parent', 'number ' || x.inhseqno, true, r.aside, x.xmin
    FROM pg_catalog.pg_inherits x JOIN relations r ON r.oid = x.inhrelid
    UNION ALL
    SELECT 'pg_partitioned_table', x.partrelid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'partition key', 'of it', true, r.aside, x.xmin
    FROM pg_catalog.pg_partitioned_table x JOIN relations r ON r.oid = x.partrelid
    UNION ALL
    SELECT 'pg_statistic_ext', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'statistics', x.stxname, true, r.aside, x.xmin
    FROM pg_catalog.pg_statistic_ext x JOIN relations r ON r.oid = x.stxrelid
    UNION ALL
    SELECT 'pg_foreign_table', x.ftrelid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'options', 'of it', true, r.aside, x.xmin
    FROM pg_catalog.pg_foreign_table x JOIN relations r ON r.oid = x.ftrelid
    UNION ALL
    SELECT 'pg_depend', x.objid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'owner', 'of it', true, r.aside, x.xmin
    FROM pg_catalog.pg_depend x JOIN relations r ON r.oid = x.objid
    WHERE r.relkind = 'S' AND x.classid = 'pg_catalog.pg_class'::regclass AND x.deptype IN ('a', 'i')
      AND x.refclassid = 'pg_catalog.pg_class'::regclass AND x.refobjsubid > 0
    UNION ALL
    SELECT 'pg_publication_rel', x.oid::int8, 'pg_class', r.oid, r.nspname, r.relname, 'publication', 'of it', true, r.aside, x.xmin
    FROM pg_catalog.pg_publication_rel x JOIN relations r ON r.oid = x.prrelid
    UNION ALL
    SELECT 'pg_proc', x.oid::int8, 'pg_proc', x.oid, n.nspname, x.proname, 'function', '', false, NOT EXISTS (
               SELECT FROM pg_catalog.pg_depend u WHERE u.refclassid = 'pg_catalog.pg_proc'::regclass AND u.refobjid = x.oid), x.xmin
    FROM pg_catalog.pg_proc x JOIN schemas n ON n.oid = x.pronamespace
    UNION ALL
    -- The type of a table, and arrays, come and go with what they are of.
    SELECT 'pg_type', x.oid::int8, 'pg_type', x.oid, n.nspname, x.typname, 'type', '', false, false, x.xmin
    FROM pg_catalog.pg_type x JOIN schemas n ON n.oid = x.typnamespace
    WHERE x.typcategory <> 'A'
      AND (x.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = x.typrelid AND c.relkind = 'c'))
    UNION ALL
    SELECT 'pg_operator', x.oid::int8, 'pg_operator', x.oid, n.nspname, x.oprname, 'operator', '', false, false, x.xmin
    FROM pg_catalog.pg_operator x JOIN schemas n ON n.oid = x.oprnamespace
    UNION ALL
    SELECT 'pg_opclass', x.oid::int8, 'pg_opclass', x.oid, n.nspname, x.opcname, 'operator class', '', false, false, x.xmin
    FROM pg_catalog.pg_opclass x JOIN schemas n ON n.oid = x.opcnamespace
    UNION ALL
    SELECT 'pg_opfamily', x.oid::int8, 'pg_opfamily', x.oid, n.nspname, x.opfname, 'operator family', '', false, false, x.xmin
    FROM pg_catalog.pg_opfamily x JOIN schemas n ON n.oid = x.opfnamespace
    UNION ALL
    SELECT 'pg_collation', x.oid::int8, 'pg_collation', x.oid, n.nspname, x.collname, 'collation', '', false, false, x.xmin
    FROM pg_catalog.pg_collation x JOIN schemas n ON n.oid = x.collnamespace
    UNION ALL
    SELECT 'pg_conversion', x.oid::int8, 'pg_conversion', x.oid, n.nspname, x.conname, 'conversion', '', false, false, x.xmin
    FROM pg_catalog.pg_conversion x JOIN schemas n ON n.oid = x.connamespace
    UNION ALL
    SELECT 'pg_ts_config', x.oid::int8, 'pg_ts_config', x.oid, n.nspname, x.cfgname, 'text search configuration', '', false, false, x.xmin
    FROM pg_catalog.pg_ts_config x JOIN schemas n ON n.oid = x.cfgnamespace
    UNION ALL
    SELECT 'pg_ts_dict', x.oid::int8, 'pg_ts_dict', x.oid, n.nspname, x.dictname, 'text search dictionary', '', false, false, x.xmin
    FROM pg_catalog.pg_ts_dict x JOIN schemas n ON n.oid = x.dictnamespace
    UNION ALL
    SELECT 'pg_ts_parser', x.oid::int8, 'pg_ts_parser', x.oid, n.nspname, x.prsname, 'text search parser', '', false, false, x.xmin
    FROM pg_catalog.pg_ts_parser x JOIN schemas n ON n.oid = x.prsnamespace
    UNION ALL
    SELECT 'pg_ts_template', x.oid::int8, 'pg_ts_template', x.oid, n.nspname, x.tmplname, 'text search template', '', false, false, x.xmin
    FROM pg_catalog.pg_ts_template x JOIN schemas n ON n.oid = x.tmplnamespace
    UNION ALL
    SELECT 'pg_enum', x.oid::int8, 'pg_type', o.oid, n.nspname, o.typname, 'value', x.enumlabel, true, false, x.xmin
    FROM pg_catalog.pg_enum x JOIN pg_catalog.pg_type o ON o.oid = x.enumtypid JOIN schemas n ON n.oid = o.typnamespace
    UNION ALL
    SELECT 'pg_range', x.rngtypid::int8, 'pg_type', o.oid, n.nspname, o.typname, 'range', 'of it', true, false, x.xmin
    FROM pg_catalog.pg_range x JOIN pg_catalog.pg_type o ON o.oid = x.rngtypid JOIN schemas n ON n.oid = o.typnamespace
    UNION ALL
    SELECT 'pg_constraint', x.oid::int8, 'pg_type', o.oid, n.nspname, o.typname, 'constraint', x.conname, true, false, x.xmin
    FROM pg_catalog.pg_constraint x JOIN pg_catalog.pg_type o ON o.oid = x.contypid JOIN schemas n ON n.oid = o.typnamespace
    UNION ALL
    SELECT 'pg_aggregate', x.aggfnoid::oid::int8, 'pg_proc', o.oid, n.nspname, o.proname, 'aggregate', 'of it', true, false, x.xmin
    FROM pg_catalog.pg_aggregate x JOIN pg_catalog.pg_proc o ON o.oid = x.aggfnoid JOIN schemas n ON n.oid = o.pronamespace
    UNION ALL
    SELECT 'pg_amop', x.oid::int8, 'pg_opfamily', o.oid, n.nspname, o.opfname, 'operator', 'number ' || x.amopstrategy, true, false, x.xmin
    FROM pg_catalog.pg_amop x JOIN pg_catalog.pg_opfamily o ON o.oid = x.amopfamily JOIN schemas n ON n.oid = o.opfnamespace
    UNION ALL
    SELECT 'pg_amproc', x.oid::int8, 'pg_opfamily', o.oid, n.nspname, o.opfname, 'function', 'number ' || x.amprocnum, true, false, x.xmin
    FROM pg_catalog.pg_amproc x JOIN pg_catalog.pg_opfamily o ON o.oid = x.amprocfamily JOIN schemas n ON n.oid = o.opfnamespace
    UNION ALL
    SELECT 'pg_ts_config_map', (x.mapcfg::int8 << 20) + (x.maptokentype << 8) + x.mapseqno, 'pg_ts_config', o.oid, n.nspname, o.cfgname, 'mapping', 'of token ' || x.maptokentype, true, false, x.xmin
    FROM pg_catalog.pg_ts_config_map x JOIN pg_catalog.pg_ts_config o ON o.oid = x.mapcfg JOIN schemas n ON n.oid = o.cfgnamespace
    UNION ALL
    SELECT 'pg_namespace', n.oid::int8, 'pg_namespace', n.oid, n.nspname, n.nspname, 'schema', '', false, false, n.xmin
    FROM schemas n
    UNION ALL
    SELECT 'pg_extension', x.oid::int8, 'pg_extension', x.oid, '', x.extname, 'extension', '', false, false, x.xmin
    FROM pg_catalog.pg_extension x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_language', x.oid::int8, 'pg_language', x.oid, '', x.lanname, 'language', '', false, false, x.xmin
    FROM pg_catalog.pg_language x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_am', x.oid::int8, 'pg_am', x.oid, '', x.amname, 'access method', '', false, false, x.xmin
    FROM pg_catalog.pg_am x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_cast', x.oid::int8, 'pg_cast', x.oid, '', pg_catalog.format_type(x.castsource, NULL) || ' to ' || pg_catalog.format_type(x.casttarget, NULL), 'cast', '', false, false, x.xmin
    FROM pg_catalog.pg_cast x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_transform', x.oid::int8, 'pg_transform', x.oid, '', 'for ' || pg_catalog.format_type(x.trftype, NULL), 'transform', '', false, false, x.xmin
    FROM pg_catalog.pg_transform x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_event_trigger', x.oid::int8, 'pg_event_trigger', x.oid, '', x.evtname, 'event trigger', '', false, false, x.xmin
    FROM pg_catalog.pg_event_trigger x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_publication', x.oid::int8, 'pg_publication', x.oid, '', x.pubname, 'publication', '', false, false, x.xmin
    FROM pg_catalog.pg_publication x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_publication_namespace', x.oid::int8, 'pg_publication', x.pnpubid, '', p.pubname, 'schema', 'of it', true, false, x.xmin
    FROM pg_catalog.pg_publication p JOIN
         (SELECT oid, xmin, pnpubid FROM pg_catalog.pg_publication_namespace) AS x -- since 15, before: (SELECT oid, xmin, oid AS pnpubid FROM pg_catalog.pg_publication LIMIT 0)
         ON p.oid = x.pnpubid
    UNION ALL
    SELECT 'pg_foreign_data_wrapper', x.oid::int8, 'pg_foreign_data_wrapper', x.oid, '', x.fdwname, 'foreign-data wrapper', '', false, false, x.xmin
    FROM pg_catalog.pg_foreign_data_wrapper x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_foreign_server', x.oid::int8, 'pg_foreign_server', x.oid, '', x.srvname, 'server', '', false, false, x.xmin
    FROM pg_catalog.pg_foreign_server x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_default_acl', x.oid::int8, 'pg_default_acl', x.oid, '', 'of ' || pg_catalog.pg_get_userbyid(x.defaclrole), 'default privileges', '', false, false, x.xmin
    FROM pg_catalog.pg_default_acl x WHERE x.oid >= 16384
    UNION ALL
    SELECT 'pg_database', x.oid::int8, 'pg_database', x.oid, '', x.datname, 'database', '', false, false, x.xmin
    FROM pg_catalog.pg_database x WHERE x.datname = pg_catalog.current_database()
    UNION ALL
    SELECT 'pg_db_role_setting', x.setrole::int8, 'pg_database', d.oid, '', d.datname, 'settings', 'of it', true, false, x.xmin
    FROM pg_catalog.pg_db_role_setting x
    JOIN pg_catalog.pg_database d ON d.oid = x.setdatabase AND d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT 'pg_description', (x.objoid::int8 << 16) + x.objsubid, 'pg_class', r.oid, r.nspname, r.relname, 'comment', 'of it', true, r.aside, x.xmin
    FROM pg_catalog.pg_description x JOIN relations r ON r.oid = x.objoid WHERE x.classoid = 'pg_catalog.pg_class'::regclass
    UNION ALL
    SELECT 'pg_description', (x.objoid::int8 << 16) + x.objsubid, k.relname, x.objoid, '',
           coalesce(pg_catalog.pg_describe_object(x.classoid, x.objoid, x.objsubid), 'something dropped'),
           'comment', 'of it', true, k.relname = 'pg_proc', x.xmin
    FROM pg_catalog.pg_description x JOIN pg_catalog.pg_class k ON k.oid = x.classoid
    WHERE k.relname <> 'pg_class' AND (x.objoid >= 16384 OR k.relname = 'pg_namespace')
    UNION ALL
    SELECT 'pg_seclabel', (x.objoid::int8 << 16) + x.objsubid, 'pg_class', r.oid, r.nspname, r.relname, 'security label', 'of it', true, r.aside, x.xmin
    FROM pg_catalog.pg_seclabel x JOIN relations r ON r.oid = x.objoid WHERE x.classoid = 'pg_catalog.pg_class'::regclass
    UNION ALL
    SELECT 'pg_seclabel', (x.objoid::int8 << 16) + x.objsubid, k.relname, x.objoid, '',
           coalesce(pg_catalog.pg_describe_object(x.classoid, x.objoid, x.objsubid), 'something dropped'),
           'security label', 'of it', true, k.relname = 'pg_proc', x.xmin
    FROM pg_catalog.pg_seclabel x JOIN pg_catalog.pg_class k ON k.oid = x.classoid
    WHERE k.relname <> 'pg_class' AND (x.objoid >= 16384 OR k.relname = 'pg_namespace')
)
SELECT f.catalog, f.key, f.of_catalog, f.of::int8 AS of, f.schema, f.name, f.word, f.part, f.counts_when_new,
       f.aside, f.xmin::text::int8 AS version
FROM found f
UNION ALL
SELECT 'pg_class', r.oid::int8, 'pg_class', coalesce(t.oid, r.oid)::int8, r.nspname, coalesce(t.relname, r.relname), r.word,
       CASE WHEN t.oid IS NULL THEN '' ELSE r.relname END, t.oid IS NOT NULL, false, r.same
FROM relations r
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid
LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
WHERE r.same IS NOT NULL
UNION ALL
SELECT 'pg_sequence', x.seqrelid::int8, 'pg_class', r.oid::int8, r.nspname, r.relname, 'definition', 'of it', true, false,
       pg_catalog.hashtextextended(x::text COLLATE "C", 0)
FROM pg_catalog.pg_sequence x JOIN relations r ON r.oid = x.seqrelid
UNION ALL
-- Roles are everybody's: those to which nothing here belongs or was granted do not matter.
SELECT 'pg_authid', x.oid::int8, 'pg_authid', x.oid::int8, '', x.rolname, 'role', '', false, false,
       pg_catalog.hashtextextended(x.rolname::text COLLATE "C", 0)
FROM pg_catalog.pg_roles x
WHERE x.oid IN (SELECT s.refobjid FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
                WHERE d.datname = pg_catalog.current_database())
