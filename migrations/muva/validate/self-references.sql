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
       count(*) FILTER (WHERE NOT ((created_by IS NOT NULL))) AS roots,
       count(*) FILTER (WHERE (created_by IS NOT NULL)) AS linked,
       count(*) AS total,
       6 AS expected,
       CASE WHEN count(*) = 6 THEN 'ok' ELSE 'DIFFERS' END AS status
FROM ONLY public.staff_users;

-- public.staff_users by created_by -> staff_id: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
WITH RECURSIVE reached (id, depth) AS (
    SELECT staff_id, 0 FROM ONLY public.staff_users WHERE created_by IS NULL
    UNION
    SELECT r.staff_id, above.depth + 1
    FROM reached above
    JOIN ONLY public.staff_users r ON r.created_by = above.id
    WHERE above.depth < 1000
), depths AS (
    SELECT min(depth) AS place,
           min(depth) || CASE WHEN max(depth) > min(depth) THEN ' to ' || max(depth) ELSE '' END AS depth,
           count(*) AS number
    FROM reached
    GROUP BY least(depth, 20)
)
SELECT 'public.staff_users' AS "table", 'staff_users_created_by_fkey' AS "foreign key", depth, "rows"
FROM (
    SELECT place, depth, number::numeric AS "rows" FROM depths
    UNION ALL
    SELECT 1000 + 1, 'not reached', (SELECT count(*) FROM ONLY public.staff_users) - coalesce(sum(number), 0)
    FROM depths
) AS every_line
ORDER BY place;


-- public.calendar_events: roots refer to no other row of the table, linked rows do.
SELECT 'public.calendar_events' AS "table",
       count(*) FILTER (WHERE NOT ((merged_into_id IS NOT NULL) OR (parent_event_id IS NOT NULL))) AS roots,
       count(*) FILTER (WHERE (merged_into_id IS NOT NULL) OR (parent_event_id IS NOT NULL)) AS linked,
       count(*) AS total,
       74 AS expected,
       CASE WHEN count(*) = 74 THEN 'ok' ELSE 'DIFFERS' END AS status
FROM ONLY public.calendar_events;

-- public.calendar_events by merged_into_id -> id: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
WITH RECURSIVE reached (id, depth) AS (
    SELECT id, 0 FROM ONLY public.calendar_events WHERE merged_into_id IS NULL
    UNION
    SELECT r.id, above.depth + 1
    FROM reached above
    JOIN ONLY public.calendar_events r ON r.merged_into_id = above.id
    WHERE above.depth < 1000
), depths AS (
    SELECT min(depth) AS place,
           min(depth) || CASE WHEN max(depth) > min(depth) THEN ' to ' || max(depth) ELSE '' END AS depth,
           count(*) AS number
    FROM reached
    GROUP BY least(depth, 20)
)
SELECT 'public.calendar_events' AS "table", 'calendar_events_merged_into_fkey' AS "foreign key", depth, "rows"
FROM (
    SELECT place, depth, number::numeric AS "rows" FROM depths
    UNION ALL
    SELECT 1000 + 1, 'not reached', (SELECT count(*) FROM ONLY public.calendar_events) - coalesce(sum(number), 0)
    FROM depths
) AS every_line
ORDER BY place;

-- public.calendar_events by parent_event_id -> id: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
WITH RECURSIVE reached (id, depth) AS (
    SELECT id, 0 FROM ONLY public.calendar_events WHERE parent_event_id IS NULL
    UNION
    SELECT r.id, above.depth + 1
    FROM reached above
    JOIN ONLY public.calendar_events r ON r.parent_event_id = above.id
    WHERE above.depth < 1000
), depths AS (
    SELECT min(depth) AS place,
           min(depth) || CASE WHEN max(depth) > min(depth) THEN ' to ' || max(depth) ELSE '' END AS depth,
           count(*) AS number
    FROM reached
    GROUP BY least(depth, 20)
)
SELECT 'public.calendar_events' AS "table", 'calendar_events_parent_fkey' AS "foreign key", depth, "rows"
FROM (
    SELECT place, depth, number::numeric AS "rows" FROM depths
    UNION ALL
    SELECT 1000 + 1, 'not reached', (SELECT count(*) FROM ONLY public.calendar_events) - coalesce(sum(number), 0)
    FROM depths
) AS every_line
ORDER BY place;

COMMIT;
