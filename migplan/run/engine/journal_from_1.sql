-- From format 1 of the journal to format 2, which keeps what going back needs. Runs of then have nothing kept:
-- they are rolled back with the folder that was applied. journal_kept.sql makes the tables that are new.

ALTER TABLE migplan.run DROP CONSTRAINT run_state_check;
ALTER TABLE migplan.run ADD CONSTRAINT run_state_check
    CHECK (state IN ('running', 'stopped', 'failed', 'done', 'undoing', 'undone', 'abandoned'));
ALTER TABLE migplan.run ADD COLUMN steps int CHECK (steps >= 0);
COMMENT ON COLUMN migplan.run.steps IS 'How many steps it has; null in runs of format 1.';
UPDATE migplan.format SET version = 2;
