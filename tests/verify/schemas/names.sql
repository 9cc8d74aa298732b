-- Names that have to be quoted, wherever there are names.
CREATE SCHEMA "S ""q""";
CREATE TABLE "S ""q"""."T t" ("A a" int PRIMARY KEY, "select" text, "ü" varchar(3) CHECK ("ü" IN ('a','b')), "a.b" int);
CREATE VIEW "S ""q"""."V" AS SELECT "T t"."A a", "T t"."select" AS "from", "ü" FROM "S ""q"""."T t" WHERE "ü" IN ('x', 'y');
CREATE VIEW "S ""q"""."W" ("a", "B", "c d") AS SELECT 1, 2, 3;
ALTER VIEW "S ""q"""."W" RENAME COLUMN "a" TO "Z z";
CREATE VIEW "S ""q"""."X" AS SELECT * FROM "S ""q"""."T t" JOIN "S ""q"""."W" ON true;
ALTER TABLE "S ""q"""."T t" RENAME "A a" TO "renamed";
ALTER TABLE "S ""q"""."T t" ADD more int; ALTER TABLE "S ""q"""."T t" DROP "a.b" CASCADE;
ALTER TABLE "S ""q"""."T t" RENAME TO "U u";
CREATE VIEW "S ""q"""."Y" AS SELECT x.* FROM "S ""q"""."U u" x (renamed) WHERE x IS NOT NULL;
CREATE FUNCTION "S ""q"""."f f"("a b" int, VARIADIC "c" text[] DEFAULT '{a}') RETURNS TABLE ("x y" int) LANGUAGE sql BEGIN ATOMIC SELECT "a b"; END;
CREATE INDEX "I i" ON "S ""q"""."U u" ("select", lower("select"), "ü" DESC) WHERE "ü" IN ('a','b');
CREATE SEQUENCE "S ""q"""."Seq" MINVALUE -5 INCREMENT -1 START -1 CACHE 3 CYCLE;
CREATE TABLE "S ""q"""."D" (n int DEFAULT nextval('"S ""q"""."Seq"'), c regclass DEFAULT '"S ""q"""."U u"');
