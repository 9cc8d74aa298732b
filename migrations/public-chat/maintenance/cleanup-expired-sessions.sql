-- migplan: maintenance 0 3 * * *
-- Deletes the sessions of visitors who left without booking, seven days after they began, and logs how many.
-- One statement: what is deleted and what is said of it are committed together, also by pg_cron.

WITH expired AS (
    DELETE FROM public.prospective_sessions
    WHERE status = 'active' AND expires_at < now()
    RETURNING session_id
)
INSERT INTO public.job_logs (job_name, status, finished_at, details)
SELECT 'cleanup-expired-sessions', 'succeeded'::public.job_status, clock_timestamp(),
    jsonb_build_object('deleted_sessions', count(*))
FROM expired
RETURNING details;
