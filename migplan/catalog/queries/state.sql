-- Every object of a database that statements can change, outside of system schemas, of this journal, and of
-- extensions. One row an object, or a part of one that has a life of its own (columns, constraints, triggers).
--   class, oid, sub     as pg_depend has them; parent is the oid of the table, type or family that it is a part of
--   made                xid of the row in its catalog, by which the transaction that is going on knows its own
--   attributes          what makes it what it is: definitions as the server prints them, states, options
-- Passwords may stand in options of foreign servers: of these a digest is read.
WITH spaces AS (
    SELECT n.oid, n.nspname AS name FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
), relations AS (
    SELECT c.*, c.xmin AS made, c.ctid::text || c.xmin::text AS version, s.name AS space FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE c.oid >= 16384 AND c.relkind <> 't' AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
), objects AS (
    SELECT 'schema' AS kind, 'pg_catalog.pg_namespace'::regclass::oid AS class, n.oid, 0 AS sub, 0::oid AS parent,
           '' AS schema, n.nspname::text AS name, n.xmin AS made, n.ctid::text || n.xmin::text AS version, n.nspowner AS owner, n.nspacl AS acl,
           'n'::"char" AS acl_kind, '{}'::jsonb AS attributes
    FROM pg_catalog.pg_namespace n JOIN spaces s ON s.oid = n.oid
    UNION ALL
    SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table'
                          WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                          WHEN 'c' THEN 'composite type' ELSE 'index' END,
           'pg_catalog.pg_class'::regclass, c.oid, 0, coalesce(i.indrelid, 0), c.space, c.relname, c.made,
           pg_catalog.concat(c.version, i.ctid, i.xmin, w.ctid, w.xmin, q.ctid, q.xmin), c.relowner,
           coalesce(c.relacl, y.typacl),
           CASE WHEN c.relkind = 'S' THEN 's'::"char" WHEN c.relkind = 'c' THEN 'T'
                WHEN c.relkind IN ('r', 'p', 'f', 'v', 'm') THEN 'r' END,
           jsonb_strip_nulls(jsonb_build_object(
               'options', (SELECT array_agg(o ORDER BY o) FROM unnest(c.reloptions) o),
               'toast_options', (SELECT array_agg(o ORDER BY o) FROM pg_catalog.pg_class t, unnest(t.reloptions) o
                                 WHERE t.oid = c.reltoastrelid),
               'tablespace', (SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace),
               'persistence', CASE WHEN c.relkind IN ('r', 'S', 'm') THEN c.relpersistence END))
           || CASE WHEN c.relkind IN ('r', 'p', 'f') THEN jsonb_strip_nulls(jsonb_build_object(
               'row_security', c.relrowsecurity, 'force_row_security', c.relforcerowsecurity,
               'replica_identity', CASE WHEN c.relkind <> 'f' THEN c.relreplident END, 'file', c.relfilenode::int8,
               'method', (SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = c.relam),
               'of_type', CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END,
               'partition_key', CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
               'bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid),
               'parents', (SELECT jsonb_agg(h.inhparent::int8 ORDER BY h.inhseqno)
                           FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid),
               'server', (SELECT s.srvname FROM pg_catalog.pg_foreign_table f
                          JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
               'secret_options', (SELECT pg_catalog.md5(f.ftoptions::text) FROM pg_catalog.pg_foreign_table f
                           WHERE f.ftrelid = c.oid)))
             WHEN c.relkind = 'v' THEN jsonb_build_object('definition', pg_catalog.pg_get_viewdef(c.oid))
             WHEN c.relkind = 'm' THEN jsonb_build_object(
               'definition', pg_catalog.pg_get_viewdef(c.oid), 'populated', c.relispopulated,
               'method', (SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = c.relam))
             WHEN c.relkind = 'c' THEN jsonb_strip_nulls(jsonb_build_object(
               'type_comment', pg_catalog.obj_description(y.oid, 'pg_type')))
             WHEN c.relkind = 'S' THEN
               jsonb_strip_nulls(jsonb_build_object(
                   'type', pg_catalog.format_type(q.seqtypid, NULL), 'start', q.seqstart, 'increment', q.seqincrement,
                   'max', q.seqmax, 'min', q.seqmin, 'cache', q.seqcache, 'cycle', q.seqcycle,
                   'owned_by', (SELECT jsonb_build_array(d.deptype, d.refobjid::int8, d.refobjsubid)
                                FROM pg_catalog.pg_depend d
                                WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                                  AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
                                  AND d.deptype IN ('a', 'i'))))
             WHEN c.relkind IN ('i', 'I') THEN jsonb_strip_nulls(jsonb_build_object(
               'definition', pg_catalog.pg_get_indexdef(c.oid), 'clustered', i.indisclustered,
               'replica_identity', i.indisreplident, 'valid', i.indisvalid,
               'constraint', o.oid::int8,
               'parent_index', (SELECT h.inhparent::int8 FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid),
               'statistics', (SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_catalog.pg_attribute a
                              WHERE a.attrelid = c.oid AND a.attstattarget >= 0)))
             ELSE '{}' END
    FROM relations c
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid AND w.rulename = '_RETURN'
    LEFT JOIN pg_catalog.pg_constraint o ON o.conindid = c.oid AND o.contype IN ('p', 'u', 'x')  -- it has no index
    LEFT JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid
    LEFT JOIN pg_catalog.pg_type y ON y.oid = c.reltype AND c.relkind = 'c'
    UNION ALL
    SELECT 'column', 'pg_catalog.pg_class'::regclass, c.oid, a.attnum, c.oid, c.space, a.attname, a.xmin, pg_catalog.concat(a.ctid, a.xmin, d.ctid, d.xmin, n.ctid, n.xmin), c.relowner,
           a.attacl, CASE WHEN a.attacl IS NOT NULL THEN 'c'::"char" END,
           jsonb_strip_nulls(jsonb_build_object(
               'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'type_oid', a.atttypid::int8, 'of', c.relkind,
               'default', CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
               'collation', CASE WHEN a.attcollation NOT IN (0, t.typcollation)
                                 THEN a.attcollation::regcollation::text END))
           || CASE WHEN c.relkind IN ('r', 'p', 'f') THEN jsonb_strip_nulls(jsonb_build_object(
               'not_null', CASE WHEN n.oid IS NOT NULL
                                THEN jsonb_build_array(n.conname, n.connoinherit, n.convalidated)
                                WHEN a.attnotnull THEN to_jsonb(true) END,
               'identity', nullif(a.attidentity::text, ''),
               'generated', CASE WHEN a.attgenerated <> '' THEN jsonb_build_array(
                   a.attgenerated, pg_catalog.pg_get_expr(d.adbin, d.adrelid)) END,
               'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END,
               'compression', nullif(later.compression, ''),
               'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
               'options', a.attoptions, 'secret_options', pg_catalog.md5(a.attfdwoptions::text),
               'inherited', CASE WHEN a.attinhcount > 0 THEN jsonb_build_array(a.attinhcount, a.attislocal) END))
             ELSE '{}' END
    FROM relations c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (SELECT
        a.attcompression::text AS compression -- since 14, before: ''
    ) later
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_catalog.pg_constraint n ON n.conrelid = c.oid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum]
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
    UNION ALL
    SELECT 'constraint', 'pg_catalog.pg_constraint'::regclass, k.oid, 0, c.oid, c.space, k.conname, k.xmin, k.ctid::text || k.xmin::text, c.relowner,
           NULL, NULL, jsonb_strip_nulls(jsonb_build_object(
               'type', k.contype, 'definition', pg_catalog.pg_get_constraintdef(k.oid),
               'index', CASE WHEN k.contype IN ('p', 'u', 'x') THEN k.conindid::int8 END,
               'inherited', CASE WHEN k.coninhcount > 0 AND NOT k.conislocal OR k.conparentid <> 0 THEN true END))
    FROM relations c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype NOT IN ('n', 't')
    UNION ALL
    SELECT 'trigger', 'pg_catalog.pg_trigger'::regclass, t.oid, 0, c.oid, c.space, t.tgname, t.xmin, t.ctid::text || t.xmin::text, c.relowner,
           NULL, NULL, jsonb_build_object('definition', pg_catalog.pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
           || CASE WHEN t.tgparentid <> 0 THEN '{"inherited": true}' ELSE '{}'::jsonb END
           || CASE WHEN t.tgtype & 8 <> 0 THEN '{"on_delete": true}' ELSE '{}'::jsonb END
    FROM relations c JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'rule', 'pg_catalog.pg_rewrite'::regclass, r.oid, 0, c.oid, c.space, r.rulename, r.xmin, r.ctid::text || r.xmin::text, c.relowner,
           NULL, NULL, jsonb_build_object('definition', pg_catalog.pg_get_ruledef(r.oid), 'enabled', r.ev_enabled,
                                          'on_delete', r.ev_type = '4')
    FROM relations c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy', 'pg_catalog.pg_policy'::regclass, p.oid, 0, c.oid, c.space, p.polname, p.xmin, p.ctid::text || p.xmin::text, c.relowner,
           NULL, NULL, jsonb_build_object(
               'command', p.polcmd, 'permissive', p.polpermissive,
               'roles', ARRAY(SELECT CASE r WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(r) END
                              FROM unnest(p.polroles) r ORDER BY 1),
               'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
               'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
    FROM relations c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid
    UNION ALL
    SELECT 'statistics', 'pg_catalog.pg_statistic_ext'::regclass, x.oid, 0, c.oid, s.name, x.stxname, x.xmin, x.ctid::text || x.xmin::text, x.stxowner,
           NULL, NULL, jsonb_strip_nulls(jsonb_build_object(
               'definition', pg_catalog.pg_get_statisticsobjdef(x.oid),
               'target', CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget END))
    FROM relations c JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = c.oid JOIN spaces s ON s.oid = x.stxnamespace
    UNION ALL
    SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END,
           'pg_catalog.pg_proc'::regclass, p.oid, 0, 0, s.name, p.proname, p.xmin, p.ctid::text || p.xmin::text, p.proowner, p.proacl, 'f',
           jsonb_strip_nulls(jsonb_build_object(
               'arguments', pg_catalog.pg_get_function_identity_arguments(p.oid),
               'signature', p.proargtypes::regtype[]::text, 'result', pg_catalog.pg_get_function_result(p.oid),
               'names', p.proargnames, 'modes', p.proargmodes, 'defaults', p.pronargdefaults,
               'body', CASE WHEN later.has_sql_body THEN true END,
               'language', (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = p.prolang),
               'definition', CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END,
               'aggregate', (SELECT jsonb_strip_nulls(jsonb_build_object(
                       'kind', g.aggkind, 'direct', g.aggnumdirectargs, 'sfunc', g.aggtransfn::regproc,
                       'stype', g.aggtranstype::regtype, 'sspace', nullif(g.aggtransspace, 0),
                       'finalfunc', CASE WHEN g.aggfinalfn <> 0 THEN g.aggfinalfn::regproc::text END,
                       'finalextra', g.aggfinalextra, 'finalmodify', g.aggfinalmodify,
                       'combinefunc', CASE WHEN g.aggcombinefn <> 0 THEN g.aggcombinefn::regproc::text END,
                       'serialfunc', CASE WHEN g.aggserialfn <> 0 THEN g.aggserialfn::regproc::text END,
                       'deserialfunc', CASE WHEN g.aggdeserialfn <> 0 THEN g.aggdeserialfn::regproc::text END,
                       'initial', g.agginitval, 'moving', g.aggmtransfn::oid <> 0, 'parallel', p.proparallel,
                       'sort', CASE WHEN g.aggsortop <> 0 THEN g.aggsortop::regoperator::text END))
                   FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid = p.oid)))
    FROM pg_catalog.pg_proc p JOIN spaces s ON s.oid = p.pronamespace
    CROSS JOIN LATERAL (SELECT
        p.prosqlbody IS NOT NULL AS has_sql_body -- since 14, before: false
    ) later
    WHERE p.oid >= 16384
    UNION ALL
    SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'type' END,
           'pg_catalog.pg_type'::regclass, t.oid, 0, 0, s.name, t.typname, t.xmin, CASE WHEN t.typtype <> 'e' THEN t.ctid::text || t.xmin::text END, t.typowner, t.typacl,
           'T', jsonb_strip_nulls(jsonb_build_object(
               'labels', CASE WHEN t.typtype = 'e' THEN (SELECT jsonb_agg(l.enumlabel ORDER BY l.enumsortorder)
                         FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid) END,
               'label_oids', CASE WHEN t.typtype = 'e' THEN (SELECT jsonb_object_agg(l.oid::int8, l.enumlabel)
                         FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid) END))
           || CASE WHEN t.typtype = 'd' THEN jsonb_strip_nulls(jsonb_build_object(
               'base', pg_catalog.format_type(t.typbasetype, t.typtypmod), 'default', pg_catalog.pg_get_expr(t.typdefaultbin, 0),
               'not_null', t.typnotnull,
               'collation', CASE WHEN t.typcollation NOT IN (0, b.typcollation)
                                 THEN t.typcollation::regcollation::text END))
             WHEN t.typtype = 'r' THEN (
               SELECT jsonb_strip_nulls(jsonb_build_object(
                   'subtype', pg_catalog.format_type(r.rngsubtype, NULL),
                   'class', CASE WHEN o.opcdefault THEN NULL ELSE pg_catalog.format('%I.%I', n.nspname, o.opcname) END,
                   'collation', CASE WHEN r.rngcollation NOT IN (0, (SELECT e.typcollation FROM pg_catalog.pg_type e
                                     WHERE e.oid = r.rngsubtype)) THEN r.rngcollation::regcollation::text END,
                   'canonical', CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regproc::text END,
                   'diff', CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc::text END,
                   'multirange', (SELECT m.typname FROM pg_catalog.pg_type m
                                  WHERE m.oid::text = to_jsonb(r) ->> 'rngmultitypid')))
               FROM pg_catalog.pg_range r JOIN pg_catalog.pg_opclass o ON o.oid = r.rngsubopc
               JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace WHERE r.rngtypid = t.oid)
             ELSE '{}' END
    FROM pg_catalog.pg_type t JOIN spaces s ON s.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
    WHERE t.oid >= 16384 AND t.typtype <> 'm' AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND EXISTS (
              SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid))
      AND NOT (t.typtype = 'p' AND NOT t.typisdefined)
      AND t.typrelid = 0
    UNION ALL
    SELECT 'domain constraint', 'pg_catalog.pg_constraint'::regclass, k.oid, 0, t.oid, s.name, k.conname, k.xmin, k.ctid::text || k.xmin::text, t.typowner,
           NULL, NULL, jsonb_build_object('definition', pg_catalog.pg_get_constraintdef(k.oid))
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_type t ON t.oid = k.contypid
    JOIN spaces s ON s.oid = t.typnamespace WHERE k.oid >= 16384 AND k.contype = 'c'
    UNION ALL
    SELECT 'extension', 'pg_catalog.pg_extension'::regclass, x.oid, 0, 0, '', x.extname, x.xmin, x.ctid::text || x.xmin::text, x.extowner, NULL, NULL,
           jsonb_build_object('version', x.extversion, 'schema', x.extnamespace::regnamespace::text)
    FROM pg_catalog.pg_extension x
    UNION ALL
    SELECT 'publication', 'pg_catalog.pg_publication'::regclass, p.oid, 0, 0, '', p.pubname, p.xmin, NULL, p.pubowner, NULL, NULL,
           jsonb_strip_nulls(jsonb_build_object(
               'all', p.puballtables, 'insert', p.pubinsert, 'update', p.pubupdate, 'delete', p.pubdelete,
               'truncate', p.pubtruncate, 'via_root', p.pubviaroot,
               'generated', nullif(nullif(to_jsonb(p) ->> 'pubgencols', 'n'), 'false'),
               'tables', (SELECT jsonb_agg(jsonb_build_array(r.prrelid::regclass::text,
                              l.condition,
                              (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                               WHERE a.attrelid = r.prrelid AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)))
                              ORDER BY r.prrelid::regclass::text)
                          FROM pg_catalog.pg_publication_rel r CROSS JOIN LATERAL (
                              SELECT
                                  pg_catalog.pg_get_expr(r.prqual, r.prrelid) AS condition -- since 15, before: NULL::text
                          ) l
                          WHERE r.prpubid = p.oid),
               'schemas', (SELECT jsonb_agg(n.nspname ORDER BY n.nspname)
                           FROM
                               pg_catalog.pg_publication_namespace AS m -- since 15, before: (SELECT 0::oid AS pnpubid, 0::oid AS pnnspid)
                           JOIN pg_catalog.pg_namespace n ON n.oid = m.pnnspid WHERE m.pnpubid = p.oid)))
    FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT 'event trigger', 'pg_catalog.pg_event_trigger'::regclass, e.oid, 0, 0, '', e.evtname, e.xmin, e.ctid::text || e.xmin::text, e.evtowner, NULL, NULL,
           jsonb_strip_nulls(jsonb_build_object('event', e.evtevent, 'enabled', e.evtenabled, 'tags', e.evttags,
                                                'function', e.evtfoid::regproc::text))
    FROM pg_catalog.pg_event_trigger e
    UNION ALL
    SELECT 'cast', 'pg_catalog.pg_cast'::regclass, c.oid, 0, 0, '',
           pg_catalog.format('(%s AS %s)', c.castsource::regtype, c.casttarget::regtype), c.xmin, c.ctid::text || c.xmin::text, 0, NULL, NULL,
           jsonb_build_object('context', c.castcontext, 'method', c.castmethod,
                              'function', CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure::text END)
    FROM pg_catalog.pg_cast c
    WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i
        WHERE i.classid = 'pg_catalog.pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i')
    UNION ALL
    SELECT 'operator', 'pg_catalog.pg_operator'::regclass, o.oid, 0, 0, s.name, o.oprname, o.xmin, o.ctid::text || o.xmin::text, o.oprowner, NULL, NULL,
           jsonb_strip_nulls(jsonb_build_object(
               'left', CASE WHEN o.oprleft <> 0 THEN o.oprleft::regtype::text END,
               'right', o.oprright::regtype::text, 'function', o.oprcode::regproc::text,
               'commutator', CASE WHEN o.oprcom <> 0 THEN pg_catalog.format('OPERATOR(%I.%s)', cn.nspname, co.oprname) END,
               'negator', CASE WHEN o.oprnegate <> 0 THEN pg_catalog.format('OPERATOR(%I.%s)', nn.nspname, no.oprname) END,
               'restrict', CASE WHEN o.oprrest <> 0 THEN o.oprrest::regproc::text END,
               'join', CASE WHEN o.oprjoin <> 0 THEN o.oprjoin::regproc::text END,
               'hashes', o.oprcanhash, 'merges', o.oprcanmerge))
    FROM pg_catalog.pg_operator o JOIN spaces s ON s.oid = o.oprnamespace
    LEFT JOIN pg_catalog.pg_operator co ON co.oid = o.oprcom LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.oprnamespace
    LEFT JOIN pg_catalog.pg_operator no ON no.oid = o.oprnegate LEFT JOIN pg_catalog.pg_namespace nn ON nn.oid = no.oprnamespace
    WHERE o.oid >= 16384 AND o.oprcode <> 0
    UNION ALL
    SELECT 'operator class', 'pg_catalog.pg_opclass'::regclass, o.oid, 0, 0, s.name, o.opcname, o.xmin, o.ctid::text || o.xmin::text, o.opcowner, NULL, NULL,
           jsonb_build_object('method', m.amname)
    FROM pg_catalog.pg_opclass o JOIN spaces s ON s.oid = o.opcnamespace JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
    UNION ALL
    SELECT 'operator family', 'pg_catalog.pg_opfamily'::regclass, o.oid, 0, 0, s.name, o.opfname, o.xmin, o.ctid::text || o.xmin::text, o.opfowner, NULL, NULL,
           jsonb_build_object('method', m.amname)
    FROM pg_catalog.pg_opfamily o JOIN spaces s ON s.oid = o.opfnamespace JOIN pg_catalog.pg_am m ON m.oid = o.opfmethod
    UNION ALL
    SELECT 'collation', 'pg_catalog.pg_collation'::regclass, c.oid, 0, 0, s.name, c.collname, c.xmin, c.ctid::text || c.xmin::text, c.collowner, NULL, NULL,
           jsonb_strip_nulls(jsonb_build_object(
               'provider', c.collprovider, 'deterministic', c.collisdeterministic, 'collate', to_jsonb(c) -> 'collcollate',
               'ctype', to_jsonb(c) -> 'collctype',
               'locale', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale'),
               'rules', to_jsonb(c) ->> 'collicurules'))
    FROM pg_catalog.pg_collation c JOIN spaces s ON s.oid = c.collnamespace WHERE c.oid >= 16384
    UNION ALL
    SELECT 'text search configuration', 'pg_catalog.pg_ts_config'::regclass, c.oid, 0, 0, s.name, c.cfgname, c.xmin, NULL, c.cfgowner,
           NULL, NULL, jsonb_build_object(
               'parser', pg_catalog.format('%I.%I', n.nspname, p.prsname),
               'mappings', (SELECT jsonb_object_agg(x.alias, x.dictionaries) FROM (
                    SELECT t.alias, jsonb_agg(m.mapdict::regdictionary::text ORDER BY m.mapseqno) AS dictionaries
                    FROM pg_catalog.pg_ts_config_map m
                    JOIN pg_catalog.ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype
                    WHERE m.mapcfg = c.oid GROUP BY t.alias) x))
    FROM pg_catalog.pg_ts_config c JOIN spaces s ON s.oid = c.cfgnamespace
    JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
    UNION ALL
    SELECT 'text search dictionary', 'pg_catalog.pg_ts_dict'::regclass, d.oid, 0, 0, s.name, d.dictname, d.xmin, d.ctid::text || d.xmin::text, d.dictowner,
           NULL, NULL, jsonb_strip_nulls(jsonb_build_object(
               'template', pg_catalog.format('%I.%I', n.nspname, t.tmplname), 'options', d.dictinitoption))
    FROM pg_catalog.pg_ts_dict d JOIN spaces s ON s.oid = d.dictnamespace
    JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
    UNION ALL
    SELECT 'foreign data wrapper', 'pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 0, 0, '', w.fdwname, w.xmin, w.ctid::text || w.xmin::text, w.fdwowner,
           w.fdwacl, 'F', jsonb_strip_nulls(jsonb_build_object(
               'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END,
               'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END,
               'secret_options', pg_catalog.md5(w.fdwoptions::text)))
    FROM pg_catalog.pg_foreign_data_wrapper w
    UNION ALL
    SELECT 'server', 'pg_catalog.pg_foreign_server'::regclass, v.oid, 0, 0, '', v.srvname, v.xmin, v.ctid::text || v.xmin::text, v.srvowner, v.srvacl, 'S',
           jsonb_strip_nulls(jsonb_build_object(
               'wrapper', (SELECT w.fdwname FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.oid = v.srvfdw),
               'type', v.srvtype, 'version', v.srvversion, 'secret_options', pg_catalog.md5(v.srvoptions::text)))
    FROM pg_catalog.pg_foreign_server v
    UNION ALL
    SELECT 'default privileges', 'pg_catalog.pg_default_acl'::regclass, d.oid, 0, 0,
           CASE d.defaclnamespace WHEN 0 THEN '' ELSE d.defaclnamespace::regnamespace::text END,
           pg_catalog.format('%s %s', d.defaclobjtype, pg_catalog.pg_get_userbyid(d.defaclrole)), d.xmin, d.ctid::text || d.xmin::text, d.defaclrole, d.defaclacl,
           CASE d.defaclobjtype WHEN 'S' THEN 's'::"char" ELSE d.defaclobjtype END,
           jsonb_build_object('type', d.defaclobjtype, 'usual', CASE WHEN d.defaclnamespace = 0 THEN (
               SELECT jsonb_agg(jsonb_build_array(CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END,
                      x.privilege_type, x.is_grantable)) FROM pg_catalog.aclexplode(pg_catalog.acldefault(
                      CASE d.defaclobjtype WHEN 'S' THEN 's'::"char" ELSE d.defaclobjtype END, d.defaclrole)) x) END)
    FROM pg_catalog.pg_default_acl d
    UNION ALL
    SELECT 'role', 'pg_catalog.pg_authid'::regclass, r.oid, 0, 0, '', r.rolname, '0', NULL, 0, NULL, NULL,
           jsonb_strip_nulls(jsonb_build_object(
               'super', r.rolsuper, 'inherit', r.rolinherit, 'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb,
               'login', r.rolcanlogin, 'replication', r.rolreplication, 'bypassrls', r.rolbypassrls,
               'limit', r.rolconnlimit, 'until', nullif(r.rolvaliduntil, 'infinity')))
    FROM pg_catalog.pg_roles r WHERE r.oid >= 16384
    UNION ALL
    SELECT 'membership', 'pg_catalog.pg_auth_members'::regclass, coalesce((to_jsonb(m) ->> 'oid')::oid, m.roleid), 
           CASE WHEN to_jsonb(m) ? 'oid' THEN 0 ELSE m.member::int8::int END, 0, '',
           pg_catalog.format('%I TO %I', pg_catalog.pg_get_userbyid(m.roleid), pg_catalog.pg_get_userbyid(m.member)), m.xmin, m.ctid::text || m.xmin::text, 0,
           NULL, NULL, jsonb_build_object('admin', m.admin_option, 'inherit', to_jsonb(m) -> 'inherit_option',
                                          'set', to_jsonb(m) -> 'set_option',
                                          'grantor', pg_catalog.pg_get_userbyid(m.grantor))
    FROM pg_catalog.pg_auth_members m WHERE m.roleid >= 16384 OR m.member >= 16384
    UNION ALL
    SELECT 'setting', 'pg_catalog.pg_db_role_setting'::regclass, q.setdatabase, q.setrole::int8::int, 0,
           CASE WHEN q.setdatabase <> 0 THEN 'database' ELSE '' END,
           CASE WHEN q.setrole <> 0 THEN pg_catalog.pg_get_userbyid(q.setrole) ELSE '' END || ' ' || v.name, q.xmin, q.ctid::text || q.xmin::text, 0, NULL, NULL,
           jsonb_build_object('name', v.name, 'role', CASE WHEN q.setrole <> 0 THEN pg_catalog.pg_get_userbyid(q.setrole) END,
                              CASE WHEN v.name LIKE '%.%' THEN 'secret_value' ELSE 'value' END,
                              CASE WHEN v.name LIKE '%.%' THEN pg_catalog.md5(v.value) ELSE v.value END)
    FROM pg_catalog.pg_db_role_setting q CROSS JOIN LATERAL unnest(q.setconfig) c
    CROSS JOIN LATERAL (SELECT pg_catalog.split_part(c, '=', 1),
                               pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)) v (name, value)
    WHERE q.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
    UNION ALL
    SELECT 'database', 'pg_catalog.pg_database'::regclass, d.oid, 0, 0, '', d.datname, d.xmin, d.ctid::text || d.xmin::text, d.datdba, d.datacl, 'd', '{}'
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT 'language', 'pg_catalog.pg_language'::regclass, l.oid, 0, 0, '', l.lanname, l.xmin, l.ctid::text || l.xmin::text, l.lanowner, l.lanacl, 'l', '{}'
    FROM pg_catalog.pg_language l WHERE l.lanispl
)
SELECT o.kind, o.class::int8, o.oid::int8, o.sub, o.parent::int8, o.schema, o.name, o.made::text::int8 AS made, o.version,
       CASE WHEN o.owner <> 0 THEN pg_catalog.pg_get_userbyid(o.owner)::text END AS owner,
       CASE WHEN o.acl_kind IS NOT NULL THEN (
           SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(
                      CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, x.privilege_type, x.is_grantable)),
                  '[]')
           FROM pg_catalog.aclexplode(coalesce(o.acl, pg_catalog.acldefault(o.acl_kind, o.owner))) x) END AS acl,
       coalesce(d.description, h.description) AS comment, o.attributes
FROM objects o
LEFT JOIN pg_catalog.pg_description d ON d.classoid = o.class AND d.objoid = o.oid AND d.objsubid = o.sub
     AND (d.objoid >= 16384 OR d.classoid IN ('pg_catalog.pg_namespace'::regclass, 'pg_catalog.pg_language'::regclass,
                                              'pg_catalog.pg_extension'::regclass))  -- the server's own are thousands
LEFT JOIN pg_catalog.pg_shdescription h ON h.classoid = o.class AND h.objoid = o.oid
WHERE o.oid = 0 OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e')
