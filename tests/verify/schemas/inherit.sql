-- Columns, defaults and checks that parents got before and after their children.
CREATE SCHEMA s;
CREATE TABLE s.a (x int NOT NULL, y text DEFAULT 'a', CONSTRAINT ck CHECK (x > 0));
CREATE TABLE s.b (y text DEFAULT 'b', z varchar(4) CHECK (z IN ('p','q')));
CREATE TABLE s.c (w int, y text DEFAULT 'c') INHERITS (s.a, s.b);
CREATE TABLE s.d () INHERITS (s.c);
ALTER TABLE s.d ALTER x SET DEFAULT 4; ALTER TABLE s.d ALTER y DROP DEFAULT;
ALTER TABLE s.b ADD q int NOT NULL DEFAULT 2;
ALTER TABLE s.a ADD q int;
ALTER TABLE s.a ADD CONSTRAINT noin CHECK (x < 100) NO INHERIT;
ALTER TABLE s.c ADD own int;
ALTER TABLE s.c NO INHERIT s.b;
ALTER TABLE s.a ADD last varchar(3);
CREATE TABLE s.e (x int, k int, y text, q int, last varchar(3)); ALTER TABLE s.e ALTER x SET NOT NULL; ALTER TABLE s.e ADD CONSTRAINT ck CHECK (x > 0); ALTER TABLE s.e INHERIT s.a;
ALTER TABLE s.e ADD after int; ALTER TABLE s.a ADD more int;
CREATE TABLE s.f (own1 int) INHERITS (s.e); ALTER TABLE s.e ADD yet int; ALTER TABLE s.a ADD again int;
ALTER TABLE s.a DROP COLUMN more;
ALTER TABLE ONLY s.a DROP COLUMN again;
