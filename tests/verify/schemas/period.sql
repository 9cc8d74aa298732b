-- What 18 brought: periods, virtual columns, constraints that are not enforced.
CREATE SCHEMA s; CREATE EXTENSION btree_gist;
CREATE TABLE s.r (id int, at tstzrange, PRIMARY KEY (id, at WITHOUT OVERLAPS), UNIQUE (id, at WITHOUT OVERLAPS));
CREATE TABLE s.q (id int, at tstzrange, FOREIGN KEY (id, PERIOD at) REFERENCES s.r (id, PERIOD at));
CREATE TABLE s.v (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL, c varchar(3), d bool GENERATED ALWAYS AS (c IN ('a','b')));
CREATE TABLE s.nn (i int PRIMARY KEY); CREATE TABLE s.ne (a int CHECK (a > 0) NOT ENFORCED, b int REFERENCES s.nn NOT ENFORCED);
