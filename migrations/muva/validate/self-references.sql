-- Self-references of the bundle muva, to be run by hand when all of its files have run:
--
--     psql -X -v ON_ERROR_STOP=1 -f validate/self-references.sql "$TARGET"
--
-- Expected: 2 tables whose rows refer to rows of the same table.
--   public.staff_users: 6 rows, by created_by -> staff_id
--   public.calendar_events: 74 rows, by merged_into_id -> id, parent_event_id -> id
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;


-- public.staff_users: roots refer to no other row of the table, linked rows do.
SELECT 'public.staff_users' AS "table",
       count(*) FILTER (WHERE NOT ((t.created_by IS NOT NULL))) AS roots,
       count(*) FILTER (WHERE (t.created_by IS NOT NULL)) AS linked,
       count(*) AS total,
       6 AS expected,
       CASE WHEN count(*) = 6 AND count(*) FILTER (WHERE NOT ((t.created_by IS NOT NULL))) = 1 THEN 'ok' ELSE 'DIFFERS' END AS status
FROM ONLY public.staff_users t;

-- public.staff_users by created_by -> staff_id: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
WITH RECURSIVE reached (part, place, depth, key_0) AS (
    SELECT t.tableoid, t.ctid::text, 0, t.staff_id FROM ONLY public.staff_users t WHERE NOT (t.created_by IS NOT NULL)
    UNION
    SELECT t.tableoid, t.ctid::text, above.depth + 1, t.staff_id
    FROM reached above
    JOIN ONLY public.staff_users t ON t.created_by = above.key_0
    WHERE above.depth < 1000
), expected (place, number) AS (
    VALUES (0, 1), (1, 2), (2, 3)
), found AS (
    SELECT least(depth, 20) AS place, max(depth) AS deepest, count(*) AS number
    FROM reached
    GROUP BY least(depth, 20)
)
SELECT 'public.staff_users' AS "table", 'staff_users_created_by_fkey' AS "foreign key", depth, expected, actual,
       CASE WHEN actual = expected THEN 'ok' ELSE 'DIFFERS' END AS status
FROM (
    SELECT place, place || CASE WHEN f.deepest > place THEN ' to ' || f.deepest ELSE '' END AS depth,
           coalesce(e.number, 0)::numeric AS expected, coalesce(f.number, 0)::numeric AS actual
    FROM expected e FULL JOIN found f USING (place)
    UNION ALL
    SELECT 1000 + 1, 'not reached', 0,
           (SELECT count(*) FROM ONLY public.staff_users) - coalesce(sum(f.number), 0)
    FROM found f
) AS every_line
ORDER BY place;


-- public.calendar_events: roots refer to no other row of the table, linked rows do.
SELECT 'public.calendar_events' AS "table",
       count(*) FILTER (WHERE NOT ((t.merged_into_id IS NOT NULL) OR (t.parent_event_id IS NOT NULL))) AS roots,
       count(*) FILTER (WHERE (t.merged_into_id IS NOT NULL) OR (t.parent_event_id IS NOT NULL)) AS linked,
       count(*) AS total,
       74 AS expected,
       CASE WHEN count(*) = 74 AND count(*) FILTER (WHERE NOT ((t.merged_into_id IS NOT NULL) OR (t.parent_event_id IS NOT NULL))) = 50 THEN 'ok' ELSE 'DIFFERS' END AS status
FROM ONLY public.calendar_events t;

-- public.calendar_events by merged_into_id -> id: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
WITH RECURSIVE reached (part, place, depth, key_0) AS (
    SELECT t.tableoid, t.ctid::text, 0, t.id FROM ONLY public.calendar_events t WHERE NOT (t.merged_into_id IS NOT NULL)
    UNION
    SELECT t.tableoid, t.ctid::text, above.depth + 1, t.id
    FROM reached above
    JOIN ONLY public.calendar_events t ON t.merged_into_id = above.key_0
    WHERE above.depth < 1000
), expected (place, number) AS (
    VALUES (0, 62), (1, 8), (2, 4)
), found AS (
    SELECT least(depth, 20) AS place, max(depth) AS deepest, count(*) AS number
    FROM reached
    GROUP BY least(depth, 20)
)
SELECT 'public.calendar_events' AS "table", 'calendar_events_merged_into_fkey' AS "foreign key", depth, expected, actual,
       CASE WHEN actual = expected THEN 'ok' ELSE 'DIFFERS' END AS status
FROM (
    SELECT place, place || CASE WHEN f.deepest > place THEN ' to ' || f.deepest ELSE '' END AS depth,
           coalesce(e.number, 0)::numeric AS expected, coalesce(f.number, 0)::numeric AS actual
    FROM expected e FULL JOIN found f USING (place)
    UNION ALL
    SELECT 1000 + 1, 'not reached', 0,
           (SELECT count(*) FROM ONLY public.calendar_events) - coalesce(sum(f.number), 0)
    FROM found f
) AS every_line
ORDER BY place;

-- public.calendar_events by parent_event_id -> id: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
WITH RECURSIVE reached (part, place, depth, key_0) AS (
    SELECT t.tableoid, t.ctid::text, 0, t.id FROM ONLY public.calendar_events t WHERE NOT (t.parent_event_id IS NOT NULL)
    UNION
    SELECT t.tableoid, t.ctid::text, above.depth + 1, t.id
    FROM reached above
    JOIN ONLY public.calendar_events t ON t.parent_event_id = above.key_0
    WHERE above.depth < 1000
), expected (place, number) AS (
    VALUES (0, 62), (1, 4), (2, 8)
), found AS (
    SELECT least(depth, 20) AS place, max(depth) AS deepest, count(*) AS number
    FROM reached
    GROUP BY least(depth, 20)
)
SELECT 'public.calendar_events' AS "table", 'calendar_events_parent_fkey' AS "foreign key", depth, expected, actual,
       CASE WHEN actual = expected THEN 'ok' ELSE 'DIFFERS' END AS status
FROM (
    SELECT place, place || CASE WHEN f.deepest > place THEN ' to ' || f.deepest ELSE '' END AS depth,
           coalesce(e.number, 0)::numeric AS expected, coalesce(f.number, 0)::numeric AS actual
    FROM expected e FULL JOIN found f USING (place)
    UNION ALL
    SELECT 1000 + 1, 'not reached', 0,
           (SELECT count(*) FROM ONLY public.calendar_events) - coalesce(sum(f.number), 0)
    FROM found f
) AS every_line
ORDER BY place;

COMMIT;
