-- Every role, and all whose privileges it has without SET ROLE, at any distance.
-- The owner of a database is a member of pg_database_owner in it, which no table says.
WITH RECURSIVE membership AS (
    SELECT m.member,
           m.roleid,
           m.inherit_option AS inherits -- since 16, before: r.rolinherit
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles r ON r.oid = m.member
    UNION ALL
    SELECT d.datdba,
           o.oid,
           true AS inherits -- since 16, before: r.rolinherit
    FROM pg_catalog.pg_database d
    JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
    JOIN pg_catalog.pg_roles o ON o.rolname = 'pg_database_owner'
    WHERE d.datname = pg_catalog.current_database()
), closure AS (
    SELECT m.member, m.roleid FROM membership m WHERE m.inherits
    UNION
    SELECT c.member, m.roleid FROM closure c JOIN membership m ON m.member = c.roleid WHERE m.inherits
)
SELECT r.rolname AS name,
       r.rolsuper AS superuser,
       r.rolbypassrls AS bypasses_row_security,
       ARRAY(SELECT o.rolname::text FROM closure c JOIN pg_catalog.pg_roles o ON o.oid = c.roleid
             WHERE c.member = r.oid AND c.roleid <> r.oid) AS inherits
FROM pg_catalog.pg_roles r
