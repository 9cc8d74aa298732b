-- Takes the sessions away, with every chat in them. Without CASCADE on purpose: what came to depend on the table
-- since is named by the error, not dropped unseen.

SET lock_timeout = '5s';

DROP TABLE public.prospective_sessions;
DROP FUNCTION public.trim_conversation_history();
