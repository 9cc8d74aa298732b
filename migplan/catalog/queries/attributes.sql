-- Whatever ALTER can change and has no column in the other questions: whole rows of the system catalogs, so that
-- what a newer server has in them is here at once. attributes.py knows which of their columns are left out, and
-- why, and what those refer to that hold oids.
--   catalog, owner   what identities.sql names: the object itself, or the one that it is a part of
--   kind, part       of a part, what it is and is called; empty for the object itself
--   values           the row; keys that no catalog has are texts of what a server gives other numbers. What is
--                    taken from a row here is compared as structure, for objects of that kind
-- Below 16384 are the server's own objects, and what it makes behind others (row types, arrays) follows from them.
SELECT o.catalog, o.owner::int8 AS owner, o.kind, o.part, o.values
FROM (
    SELECT 'pg_class' AS catalog, c.oid AS owner, '' AS kind, '' AS part,
           to_jsonb(c) - CASE WHEN c.relkind IN ('r', 'p', 'f') THEN '{relam,relpersistence,relreplident}'::text[]
                              WHEN c.relkind IN ('i', 'I') THEN '{relam}' ELSE '{}' END
           || jsonb_build_object('toast_options', t.reloptions) AS "values"
    FROM pg_catalog.pg_class c
    LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
    WHERE c.relkind <> 't'
    UNION ALL
    SELECT 'pg_class', i.indexrelid, '', '', to_jsonb(i) FROM pg_catalog.pg_index i
    UNION ALL
    SELECT 'pg_class', a.attrelid, 'column',
           CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum::text ELSE a.attname END,
           to_jsonb(a) - CASE WHEN c.relkind IN ('r', 'p', 'f') THEN '{attcollation}'::text[] ELSE '{}' END
           || jsonb_build_object(
               'view_default', CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END)
           || jsonb_strip_nulls(jsonb_build_object(  -- which servers before 18 do not have
               'not_null_constraint', k.conname, 'not_null_inherits', NOT k.connoinherit))
           || CASE WHEN k.oid IS NULL THEN '{}' ELSE jsonb_build_object(
               'not_null_comment', CASE WHEN k.conislocal THEN pg_catalog.obj_description(k.oid, 'pg_constraint') END) END
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND c.relkind = 'v'
    LEFT JOIN pg_catalog.pg_constraint k
           ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('t', 'S')
    UNION ALL
    -- Keys of partitions: those that were declared have their own question.
    SELECT 'pg_class', k.conrelid, 'constraint', k.conname, to_jsonb(k)
    FROM pg_catalog.pg_constraint k
    WHERE k.conrelid <> 0 AND k.conparentid <> 0 AND k.contype <> 'n'
    UNION ALL
    SELECT 'pg_type', k.contypid, 'constraint', k.conname, '{}'
    FROM pg_catalog.pg_constraint k
    WHERE k.contypid <> 0 AND k.contype = 'c'
    UNION ALL
    -- Triggers in partitions were internal before 15; of those behind constraints only the state can be altered.
    SELECT 'pg_class', t.tgrelid, 'trigger', t.tgname, to_jsonb(t)
    FROM pg_catalog.pg_trigger t
    WHERE t.tgparentid <> 0
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype <> 't')
    UNION ALL
    SELECT 'pg_class', t.tgrelid, 'trigger behind constraint', k.conname,
           jsonb_build_object('tgenabled', t.tgenabled)
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint AND k.contype IN ('p', 'u', 'x')
    WHERE t.tgisinternal
    UNION ALL
    -- The text of a view's own rule would be the largest thing here.
    SELECT 'pg_class', w.ev_class, '', '', jsonb_build_object('ev_enabled', w.ev_enabled)
    FROM pg_catalog.pg_rewrite w
    WHERE w.rulename = '_RETURN'
    UNION ALL
    SELECT 'pg_class', i.inhrelid, '', '', jsonb_build_object('inhdetachpending', to_jsonb(i) -> 'inhdetachpending')
    FROM pg_catalog.pg_inherits i
    UNION ALL
    SELECT 'pg_class', f.ftrelid, '', '', to_jsonb(f) FROM pg_catalog.pg_foreign_table f
    UNION ALL
    SELECT 'pg_proc', p.oid, '', '', to_jsonb(p) - '{prosrc,prosqlbody}'::text[] FROM pg_catalog.pg_proc p
    UNION ALL
    SELECT 'pg_proc', a.aggfnoid::oid, '', '', to_jsonb(a) FROM pg_catalog.pg_aggregate a
    UNION ALL
    SELECT 'pg_type', t.oid, '', '', 
           to_jsonb(t) - CASE WHEN t.typtype IN ('b', 'p') THEN '{}'::text[] ELSE '{typowner,typdefault}' END
           || jsonb_strip_nulls(jsonb_build_object('not_null_constraint', k.conname))
    FROM pg_catalog.pg_type t
    LEFT JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid AND k.contype = 'n'
    WHERE t.typtype <> 'm' AND NOT (t.typtype = 'b' AND t.typlen = -1 AND t.typelem <> 0 AND EXISTS (
            SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid))
      AND NOT (t.typrelid <> 0 AND EXISTS (
            SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c'))
    UNION ALL
    SELECT 'pg_type', r.rngtypid, '', '', to_jsonb(r) FROM pg_catalog.pg_range r
    UNION ALL
    SELECT 'pg_statistic_ext', s.oid, '', '', to_jsonb(s) - 'stxexprs' || jsonb_build_object(
               'definition', pg_catalog.pg_get_statisticsobjdef(s.oid))
    FROM pg_catalog.pg_statistic_ext s
    UNION ALL
    SELECT 'pg_publication', p.oid, '', '', to_jsonb(p) FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT 'pg_publication', r.prpubid, 'table', n.nspname || '.' || c.relname, jsonb_build_object(
               'where', q.condition,
               'columns', (SELECT array_agg(a.attname ORDER BY a.attname) FROM pg_catalog.pg_attribute a
                           WHERE a.attrelid = r.prrelid
                             AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)))
    FROM pg_catalog.pg_publication_rel r
    JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT
            pg_catalog.pg_get_expr(r.prqual, r.prrelid) AS condition -- since 15, before: NULL::text
    ) q
    UNION ALL
    SELECT 'pg_publication', p.pnpubid, 'schema', n.nspname, '{}'
    FROM
        pg_catalog.pg_publication_namespace AS p -- since 15, before: (SELECT 0::oid AS pnpubid, 0::oid AS pnnspid)
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pnnspid
    UNION ALL
    SELECT 'pg_event_trigger', t.oid, '', '', to_jsonb(t) FROM pg_catalog.pg_event_trigger t
    UNION ALL
    SELECT 'pg_ts_config', c.oid, '', '', to_jsonb(c) FROM pg_catalog.pg_ts_config c
    UNION ALL
    SELECT 'pg_ts_config', m.mapcfg, 'mapping', m.maptokentype || ' ' || m.mapseqno,
           jsonb_build_object('mapdict', m.mapdict::oid)
    FROM pg_catalog.pg_ts_config_map m
    UNION ALL
    SELECT 'pg_ts_dict', d.oid, '', '', to_jsonb(d) FROM pg_catalog.pg_ts_dict d
    UNION ALL
    SELECT 'pg_ts_parser', p.oid, '', '', to_jsonb(p) FROM pg_catalog.pg_ts_parser p
    UNION ALL
    SELECT 'pg_ts_template', t.oid, '', '', to_jsonb(t) FROM pg_catalog.pg_ts_template t
    UNION ALL
    SELECT 'pg_cast', c.oid, '', '', to_jsonb(c) FROM pg_catalog.pg_cast c
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend i  -- of a range type to its multirange
                      WHERE i.classid = 'pg_catalog.pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i')
    UNION ALL
    SELECT 'pg_operator', o.oid, '', '', to_jsonb(o) FROM pg_catalog.pg_operator o
    UNION ALL
    SELECT 'pg_opclass', o.oid, '', '', to_jsonb(o) FROM pg_catalog.pg_opclass o
    UNION ALL
    SELECT 'pg_opfamily', o.oid, '', '', to_jsonb(o) FROM pg_catalog.pg_opfamily o
    UNION ALL
    SELECT 'pg_opfamily', o.amopfamily, 'operator', pg_catalog.format(
               '%s %s (%s, %s)', o.amoppurpose, o.amopstrategy,
               pg_catalog.format_type(o.amoplefttype, NULL), pg_catalog.format_type(o.amoprighttype, NULL)), to_jsonb(o)
    FROM pg_catalog.pg_amop o
    UNION ALL
    SELECT 'pg_opfamily', p.amprocfamily, 'function', pg_catalog.format(
               '%s (%s, %s)', p.amprocnum,
               pg_catalog.format_type(p.amproclefttype, NULL), pg_catalog.format_type(p.amprocrighttype, NULL)), to_jsonb(p)
    FROM pg_catalog.pg_amproc p
    UNION ALL
    SELECT 'pg_conversion', c.oid, '', '', to_jsonb(c) FROM pg_catalog.pg_conversion c
    UNION ALL
    SELECT 'pg_collation', c.oid, '', '', to_jsonb(c) FROM pg_catalog.pg_collation c
    UNION ALL
    SELECT 'pg_language', l.oid, '', '', to_jsonb(l) FROM pg_catalog.pg_language l
    UNION ALL
    SELECT 'pg_transform', t.oid, '', '', to_jsonb(t) FROM pg_catalog.pg_transform t
    UNION ALL
    SELECT 'pg_am', a.oid, '', '', to_jsonb(a) FROM pg_catalog.pg_am a
    UNION ALL
    SELECT 'pg_foreign_data_wrapper', w.oid, '', '', to_jsonb(w) FROM pg_catalog.pg_foreign_data_wrapper w
    UNION ALL
    SELECT 'pg_foreign_server', s.oid, '', '', to_jsonb(s) FROM pg_catalog.pg_foreign_server s
    UNION ALL
    SELECT 'pg_extension', x.oid, '', '', to_jsonb(x) FROM pg_catalog.pg_extension x
    UNION ALL
    SELECT 'pg_extension', x.oid, '', '', jsonb_build_object('own_comment', a.comment)
    FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_available_extensions a ON a.name = x.extname
    UNION ALL
    SELECT 'pg_database', s.setdatabase, 'setting',
           pg_catalog.split_part(c, '=', 1) || CASE WHEN s.setrole = 0 THEN '' ELSE
               ' of role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)) END,
           jsonb_build_object('setting', ARRAY[c])
    FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) c
    WHERE s.setdatabase <> 0
    UNION ALL
    -- Comments of what the other questions do not ask about.
    SELECT d.classoid::regclass::text, d.objoid, '', '', jsonb_build_object('comment', d.description)
    FROM pg_catalog.pg_description d
    LEFT JOIN pg_catalog.pg_type t ON d.classoid = 'pg_catalog.pg_type'::regclass AND t.oid = d.objoid
    WHERE d.objsubid = 0 AND (t.typtype = 'b' OR t.oid IS NULL AND d.classoid::regclass::text NOT IN (
            'pg_class', 'pg_proc', 'pg_constraint', 'pg_policy', 'pg_trigger', 'pg_rewrite', 'pg_namespace'))
    UNION ALL
    SELECT 'pg_class', d.objoid, 'column', a.attname, jsonb_build_object('comment', d.description)
    FROM pg_catalog.pg_description d
    JOIN pg_catalog.pg_class c ON c.oid = d.objoid AND c.relkind IN ('v', 'm', 'c')
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
    WHERE d.classoid = 'pg_catalog.pg_class'::regclass
    UNION ALL
    SELECT 'pg_type', k.contypid, 'constraint', k.conname, jsonb_build_object('comment', d.description)
    FROM pg_catalog.pg_description d
    JOIN pg_catalog.pg_constraint k ON k.oid = d.objoid AND k.contypid <> 0
    WHERE d.classoid = 'pg_catalog.pg_constraint'::regclass
    UNION ALL
    SELECT l.classoid::regclass::text, l.objoid, 'security label',
           l.provider || CASE WHEN l.objsubid > 0 THEN ' of column ' || (
               SELECT a.attname FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = l.objoid AND a.attnum = l.objsubid) ELSE '' END,
           jsonb_build_object('label', l.label)
    FROM pg_catalog.pg_seclabel l
    UNION ALL
    -- Privileges of what is in no schema, the owner's own aside; all others have their question.
    SELECT a.catalog, a.oid, 'privileges',
           CASE e.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(e.grantee) END,
           jsonb_build_object('granted', array_agg(e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END))
    FROM (
        SELECT 'pg_database' AS catalog, d.oid, d.datdba AS owner, d.datacl AS acl, 'd'::"char" AS kind
        FROM pg_catalog.pg_database d WHERE d.datname = current_database()
        UNION ALL
        SELECT 'pg_language', l.oid, l.lanowner, l.lanacl, 'l' FROM pg_catalog.pg_language l
        UNION ALL
        SELECT 'pg_foreign_data_wrapper', w.oid, w.fdwowner, w.fdwacl, 'F' FROM pg_catalog.pg_foreign_data_wrapper w
        UNION ALL
        SELECT 'pg_foreign_server', s.oid, s.srvowner, s.srvacl, 'S' FROM pg_catalog.pg_foreign_server s
    ) a
    CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(a.acl, pg_catalog.acldefault(a.kind, a.owner))) e
    WHERE e.grantee <> a.owner
    GROUP BY a.catalog, a.oid, e.grantee
    UNION ALL
    SELECT d.classid::regclass::text, d.objid, '', '',
           jsonb_build_object('depends_on_extensions', array_agg(x.extname ORDER BY x.extname))
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
    WHERE d.deptype = 'x' AND d.refclassid = 'pg_catalog.pg_extension'::regclass
    GROUP BY d.classid, d.objid
) o
WHERE o.owner >= 16384 OR o.catalog IN ('pg_namespace', 'pg_extension', 'pg_database')
