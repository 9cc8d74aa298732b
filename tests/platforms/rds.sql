-- What a database of a host like Amazon RDS comes with. Run by the host's superuser, rdsadmin, in a fresh database that
-- `master`, a plain role, owns. Roles are made where they are missing: they belong to the server.

DO $$
DECLARE
    wanted text[] := ARRAY[
        'rds_superuser NOLOGIN', 'rds_replication NOLOGIN', 'rds_iam NOLOGIN', 'rds_password NOLOGIN',
        'rds_reserved NOLOGIN', 'rdsadmin LOGIN SUPERUSER', 'rdsrepladmin NOLOGIN', 'rdstopmgr LOGIN',
        'master LOGIN CREATEDB CREATEROLE'];
    one text;
BEGIN
    FOREACH one IN ARRAY wanted LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = split_part(one, ' ', 1)) THEN
            EXECUTE 'CREATE ROLE ' || one;
        END IF;
    END LOOP;
END $$;
GRANT pg_monitor, pg_signal_backend, rds_replication, rds_password TO rds_superuser WITH ADMIN OPTION;
GRANT rds_superuser TO master;

-- settings that the host's parameter group makes
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET rds.force_autovacuum_logging_level = %L', current_database(), 'warning');
    EXECUTE format('ALTER DATABASE %I SET rds.extensions = %L', current_database(), 'pg_stat_statements, pg_trgm');
END $$;

CREATE EXTENSION pg_stat_statements;  -- the host's superuser owns it, and it stays in public, which pg_database_owner has
ALTER DEFAULT PRIVILEGES FOR ROLE rdsadmin IN SCHEMA public GRANT SELECT ON TABLES TO rds_superuser;
