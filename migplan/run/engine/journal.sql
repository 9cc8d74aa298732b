-- The journal of migplan: what was run here, by whom, when, and how it ended. It is written in the same
-- transactions as what it tells of, so it is never ahead of the database, nor behind it.

COMMENT ON SCHEMA migplan IS 'Journal of migplan. It is no part of what is moved: exports leave it behind.';

CREATE TABLE migplan.format (
    version int PRIMARY KEY CHECK (version > 0),
    only_one boolean NOT NULL DEFAULT true UNIQUE CHECK (only_one)
);
COMMENT ON TABLE migplan.format IS 'The form of this journal: a migplan that does not know it keeps its hands off.';
INSERT INTO migplan.format (version) VALUES (2);

CREATE TABLE migplan.run (
    run int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('apply', 'rollback', 'migrate', 'revert', 'maintain')),
    bundle text NOT NULL CHECK (bundle <> ''),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    steps_digest text NOT NULL CHECK (steps_digest ~ '^[0-9a-f]{64}$'),
    undoes int REFERENCES migplan.run,
    state text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'stopped', 'failed', 'done', 'undoing', 'undone', 'abandoned')),
    who text NOT NULL DEFAULT session_user,
    client text NOT NULL DEFAULT '',
    program text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    rehearsal text NOT NULL DEFAULT '',
    before jsonb NOT NULL DEFAULT '{}',
    notes text[] NOT NULL DEFAULT '{}',
    steps int CHECK (steps >= 0),
    CHECK ((kind = 'rollback') = (undoes IS NOT NULL)),
    CHECK ((state IN ('done', 'undone')) <= (finished_at IS NOT NULL))
);
COMMENT ON TABLE migplan.run IS 'A bundle that was applied or rolled back, or migrations of a folder.';
COMMENT ON COLUMN migplan.run.bundle IS 'The name of the bundle, or of the folder of migrations.';
COMMENT ON COLUMN migplan.run.digest IS 'SHA-256 of the bundle''s manifest, which has the digests of all its files.';
COMMENT ON COLUMN migplan.run.steps_digest IS 'SHA-256 of the steps: another version of migplan may divide a bundle otherwise.';
COMMENT ON COLUMN migplan.run.undoes IS 'Of a rollback: the run that it rolls back.';
COMMENT ON COLUMN migplan.run.state IS 'running also stands here when the client was killed; whether it runs still, the lock tells.';
COMMENT ON COLUMN migplan.run.client IS 'The machine that ran it.';
COMMENT ON COLUMN migplan.run.rehearsal IS 'What was known of a rehearsal when it began, or that there was none.';
COMMENT ON COLUMN migplan.run.before IS 'What was there before and a rollback has to leave, or put back: extensions, schemas, grants; under "kept", the objects that were there just as the bundle brings them.';
COMMENT ON COLUMN migplan.run.notes IS 'What was done otherwise than the files say, on whose word.';

COMMENT ON COLUMN migplan.run.steps IS 'How many steps it has; null in runs of format 1.';

CREATE TABLE migplan.step (
    run int NOT NULL REFERENCES migplan.run,
    step int NOT NULL CHECK (step > 0),
    file text NOT NULL,
    file_digest text NOT NULL CHECK (file_digest ~ '^[0-9a-f]{64}$'),
    line int NOT NULL CHECK (line > 0),
    name text NOT NULL,
    phase text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'failed', 'done', 'undone')),
    rows bigint CHECK (rows >= 0),
    attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    started_at timestamptz,
    finished_at timestamptz,
    transaction xid8,
    error text,
    PRIMARY KEY (run, step),
    CHECK ((state = 'done') <= (finished_at IS NOT NULL AND transaction IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
);
COMMENT ON TABLE migplan.step IS 'A part of a run that is done whole or not at all, together with its row here.';
COMMENT ON COLUMN migplan.step.rows IS 'Rows that the step put into tables.';
COMMENT ON COLUMN migplan.step.attempts IS 'How often it was begun and not finished.';
COMMENT ON COLUMN migplan.step.transaction IS 'The transaction that did it: xmin of the rows that it brought and nobody changed since.';
COMMENT ON COLUMN migplan.step.error IS 'What the server said when it failed last.';

CREATE TABLE migplan.checkpoint (
    run int NOT NULL,
    step int NOT NULL,
    columns text[] NOT NULL CHECK (columns <> '{}'),
    key text[] CHECK (cardinality(key) = cardinality(columns) AND array_position(key, NULL) IS NULL),
    batches bigint NOT NULL DEFAULT 0 CHECK (batches >= 0),
    done bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    skipped bigint NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    failed bigint NOT NULL DEFAULT 0 CHECK (failed >= 0),
    written bigint NOT NULL DEFAULT 0 CHECK (written >= 0),
    finished boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, step),
    FOREIGN KEY (run, step) REFERENCES migplan.step,
    CHECK ((key IS NULL) = (done + skipped + failed = 0))
);
COMMENT ON TABLE migplan.checkpoint IS 'How far a data step has come, written in the transaction of each batch. A later run of the same step takes it over.';
COMMENT ON COLUMN migplan.checkpoint.columns IS 'The columns by which its rows are read in order.';
COMMENT ON COLUMN migplan.checkpoint.key IS 'What the last row that is dealt with has in them; null before the first.';
COMMENT ON COLUMN migplan.checkpoint.batches IS 'How many transactions brought it here.';
COMMENT ON COLUMN migplan.checkpoint.done IS 'Rows that were read, and written as what became of them.';
COMMENT ON COLUMN migplan.checkpoint.skipped IS 'Rows that the step left out on purpose.';
COMMENT ON COLUMN migplan.checkpoint.failed IS 'Rows that could not be done, and were left out.';
COMMENT ON COLUMN migplan.checkpoint.written IS 'Rows that became of those that are done.';

CREATE TABLE migplan.rejected (
    run int NOT NULL,
    step int NOT NULL,
    key text[] NOT NULL,
    kind text NOT NULL CHECK (kind IN ('skipped', 'failed')),
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, step, key),
    FOREIGN KEY (run, step) REFERENCES migplan.checkpoint ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE migplan.rejected IS 'Rows that a data step left out: all that failed, and the first 1,000 that it skipped.';
COMMENT ON COLUMN migplan.rejected.key IS 'Which row it was, by the columns of the checkpoint.';
COMMENT ON COLUMN migplan.rejected.kind IS 'skipped: the step wanted it so; failed: it could not be done.';
