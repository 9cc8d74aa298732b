-- What the journal has since format 2: what going back needs, and who protects the database.

CREATE TABLE migplan.kept (
    run int NOT NULL REFERENCES migplan.run,
    file text NOT NULL CHECK (file <> ''),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    content bytea NOT NULL,
    PRIMARY KEY (run, file)
);
COMMENT ON TABLE migplan.kept IS 'What going back needs of a run, so that it can be rolled back when its folder is gone. No rows, and no secrets.';
COMMENT ON COLUMN migplan.kept.file IS 'A file of the bundle, or the name of a migration.';
COMMENT ON COLUMN migplan.kept.sha256 IS 'SHA-256 of the content before it was compressed.';
COMMENT ON COLUMN migplan.kept.content IS 'Compressed by zlib (RFC 1950).';

CREATE TABLE migplan.protection (
    name text PRIMARY KEY CHECK (name <> ''),
    who text NOT NULL DEFAULT session_user,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE migplan.protection IS 'Names under which configurations protect this database: whoever changes it types one of them.';
