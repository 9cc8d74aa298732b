-- Views, rules and functions that speak of what was renamed, dropped or added since.
CREATE SCHEMA s; CREATE TABLE s.t (a int, b int, c varchar(3)); CREATE TABLE s.u (a int, d int);
CREATE VIEW s.v1 AS SELECT * FROM s.t JOIN s.u USING (a);
CREATE VIEW s.v2 AS SELECT t.a, u.d FROM s.t NATURAL JOIN s.u;
ALTER TABLE s.u RENAME a TO aa; ALTER TABLE s.t ADD d int; ALTER TABLE s.u ADD b int;
ALTER TABLE s.t RENAME c TO d2;
CREATE VIEW s.v3 AS SELECT t.* FROM s.t; ALTER TABLE s.t ADD e int; ALTER VIEW s.v3 RENAME b TO bb;
CREATE VIEW s.v4 AS SELECT a, b FROM s.t ORDER BY b; ALTER TABLE s.t RENAME b TO x;
CREATE VIEW s.v5 AS SELECT count(*) AS c, x FROM s.t GROUP BY x; 
CREATE VIEW s.v6 AS SELECT a FROM s.t UNION SELECT aa FROM s.u; ALTER TABLE s.t RENAME a TO a9;
CREATE RULE r AS ON INSERT TO s.t DO ALSO INSERT INTO s.u VALUES (NEW.a9, NEW.x); ALTER TABLE s.u RENAME d TO dd;
CREATE FUNCTION s.f(p int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x + p FROM s.t WHERE a9 = p; END; ALTER TABLE s.t RENAME a9 TO a10;
ALTER TABLE s.t RENAME TO tt;
CREATE TYPE s.ty AS (a int, b varchar(3)); CREATE TABLE s.of OF s.ty (a PRIMARY KEY, b DEFAULT 'x' CHECK (b IN ('a','b'))); ALTER TYPE s.ty ADD ATTRIBUTE c int CASCADE;
CREATE VIEW s.v7 AS SELECT (x).a, (x).b, x FROM (SELECT ROW(1,'a')::s.ty AS x) y; ALTER TYPE s.ty RENAME ATTRIBUTE a TO a1 CASCADE;
CREATE TABLE s.wide (a int, z int); ALTER TABLE s.wide DROP z; ALTER TABLE s.wide ADD z text; CREATE VIEW s.v8 AS SELECT w FROM s.wide w; CREATE VIEW s.v9 AS TABLE s.wide;
CREATE VIEW s.va AS SELECT DISTINCT ON (a) a AS z, z AS a FROM s.wide ORDER BY wide.a;
