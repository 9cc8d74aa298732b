-- Since when the server has counted what happens in this database.
-- From 15 on the database's own moment is NULL until somebody resets its counters, and a crash, which empties
-- them, does not set it. It sets those of the whole server, the earliest of which is therefore the beginning.
SELECT to_json(greatest(d.stats_reset, least(a.stats_reset, b.stats_reset))) #>> '{}' AS since
FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_archiver a, pg_catalog.pg_stat_bgwriter b
WHERE d.datname = pg_catalog.current_database()
