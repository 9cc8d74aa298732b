-- What a project of a platform like Supabase comes with, before its developer has made anything.
-- Run by the platform's superuser in a fresh database that `postgres`, a plain role, owns. The roles are made
-- where they are missing: they belong to the server. :salt stands for a number that makes contents differ.

DO $$
DECLARE
    wanted text[] := ARRAY[
        'anon NOLOGIN NOINHERIT', 'authenticated NOLOGIN NOINHERIT', 'service_role NOLOGIN NOINHERIT BYPASSRLS',
        'authenticator LOGIN NOINHERIT', 'dashboard_user NOLOGIN CREATEDB CREATEROLE', 'pgbouncer LOGIN',
        'supabase_admin LOGIN SUPERUSER', 'supabase_auth_admin LOGIN NOINHERIT CREATEROLE',
        'supabase_storage_admin LOGIN NOINHERIT CREATEROLE', 'supabase_realtime_admin NOLOGIN NOINHERIT',
        'supabase_functions_admin LOGIN NOINHERIT CREATEROLE', 'postgres LOGIN CREATEDB CREATEROLE BYPASSRLS'];
    one text;
BEGIN
    FOREACH one IN ARRAY wanted LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = split_part(one, ' ', 1)) THEN
            EXECUTE 'CREATE ROLE ' || one;
        END IF;
    END LOOP;
END $$;

GRANT anon, authenticated, service_role TO authenticator;
GRANT anon, authenticated, service_role, supabase_storage_admin, supabase_realtime_admin, pg_monitor,
    pg_read_all_data, pg_signal_backend TO postgres;

CREATE SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO postgres, anon, authenticated, service_role;
GRANT ALL ON SCHEMA extensions TO dashboard_user, postgres;
CREATE EXTENSION pg_stat_statements SCHEMA extensions;

CREATE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pgrst', 'reload schema');
END $$;
CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.pgrst_ddl_watch();

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, postgres;
GRANT ALL ON SCHEMA public TO postgres;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public
    GRANT ALL ON TABLES TO postgres, anon, authenticated, service_role;

-- auth

CREATE SCHEMA auth AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, postgres;
GRANT ALL ON SCHEMA auth TO supabase_auth_admin;
CREATE TYPE auth.aal_level AS ENUM ('aal1', 'aal2', 'aal3');
CREATE TYPE auth.factor_type AS ENUM ('totp', 'webauthn');
CREATE TABLE auth.schema_migrations (version varchar(255) PRIMARY KEY);
CREATE TABLE auth.users (
    instance_id uuid,
    id uuid NOT NULL PRIMARY KEY,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    phone text UNIQUE DEFAULT NULL,
    phone_confirmed_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    confirmed_at timestamptz GENERATED ALWAYS AS (LEAST(email_confirmed_at, phone_confirmed_at)) STORED,
    is_sso_user boolean NOT NULL DEFAULT false,
    is_anonymous boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX users_email_partial_key ON auth.users (email) WHERE is_sso_user = false;
COMMENT ON TABLE auth.users IS 'Stores user login data within a secure schema.';
CREATE TABLE auth.identities (
    provider_id text NOT NULL,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    identity_data jsonb NOT NULL,
    provider text NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    email text GENERATED ALWAYS AS (lower(identity_data ->> 'email')) STORED,
    UNIQUE (provider_id, provider)
);
CREATE TABLE auth.sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    created_at timestamptz,
    aal auth.aal_level
);
CREATE TABLE auth.refresh_tokens (
    id bigserial PRIMARY KEY,
    token varchar(255) UNIQUE,
    user_id varchar(255),
    session_id uuid REFERENCES auth.sessions ON DELETE CASCADE
);
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT nullif(auth.jwt() ->> 'sub', '')::uuid
$$;
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$ SELECT auth.jwt() ->> 'role' $$;
COMMENT ON FUNCTION auth.uid() IS 'The user that a request comes from.';
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.refresh_tokens ENABLE ROW LEVEL SECURITY;

-- storage

CREATE SCHEMA storage AUTHORIZATION supabase_admin;
GRANT ALL ON SCHEMA storage TO postgres, supabase_storage_admin;
GRANT USAGE ON SCHEMA storage TO anon, authenticated, service_role;
CREATE TABLE storage.migrations (id integer PRIMARY KEY, name varchar(100) NOT NULL UNIQUE);
CREATE TABLE storage.buckets (
    id text PRIMARY KEY,
    name text NOT NULL UNIQUE,
    owner uuid,
    public boolean DEFAULT false,
    created_at timestamptz DEFAULT now()
);
CREATE TABLE storage.objects (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    bucket_id text CONSTRAINT "objects_bucketId_fkey" REFERENCES storage.buckets,
    name text,
    owner uuid,
    updated_at timestamptz DEFAULT now(),
    metadata jsonb,
    path_tokens text[] GENERATED ALWAYS AS (string_to_array(name, '/')) STORED
);
CREATE UNIQUE INDEX bucketid_objname ON storage.objects (bucket_id, name);
CREATE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE parts text[] := string_to_array(name, '/');
BEGIN
    RETURN parts[1 : array_length(parts, 1) - 1];
END $$;
CREATE FUNCTION storage.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END $$;
CREATE TRIGGER update_objects_updated_at BEFORE UPDATE ON storage.objects
    FOR EACH ROW EXECUTE FUNCTION storage.update_updated_at_column();
ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;

-- realtime

CREATE SCHEMA realtime AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA realtime TO postgres, anon, authenticated, service_role, supabase_realtime_admin;
CREATE TYPE realtime.action AS ENUM ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ERROR');
CREATE TABLE realtime.subscription (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity regclass NOT NULL,
    claims jsonb NOT NULL
);
CREATE TABLE realtime.messages (
    topic text NOT NULL,
    payload jsonb,
    inserted_at timestamp NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    PRIMARY KEY (id, inserted_at)
) PARTITION BY RANGE (inserted_at);
ALTER TABLE realtime.messages ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION realtime.topic() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('realtime.topic', true), '')
$$;
CREATE PUBLICATION supabase_realtime;
ALTER PUBLICATION supabase_realtime OWNER TO postgres;

-- graphql, vault, hooks, the pooler

CREATE SCHEMA graphql_public AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA graphql_public TO anon, authenticated, service_role, postgres;
CREATE FUNCTION graphql_public.graphql(query text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('errors', 'pg_graphql is not enabled')
$$;
CREATE SCHEMA vault AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA vault TO postgres, service_role;
CREATE TABLE vault.secrets (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, secret text NOT NULL);
GRANT SELECT, DELETE ON vault.secrets TO postgres, service_role;
CREATE SCHEMA supabase_functions AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA supabase_functions TO postgres, anon, authenticated, service_role;
CREATE TABLE supabase_functions.hooks (id bigserial PRIMARY KEY, hook_name text NOT NULL);
CREATE FUNCTION supabase_functions.http_request() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO supabase_functions.hooks (hook_name) VALUES (TG_NAME);
    RETURN NEW;
END $$;
CREATE SCHEMA pgbouncer AUTHORIZATION pgbouncer;
CREATE FUNCTION pgbouncer.get_auth(p_usename text) RETURNS TABLE (username text, password text)
    LANGUAGE sql SECURITY DEFINER AS $$ SELECT p_usename, ''::text $$;
REVOKE ALL ON FUNCTION pgbouncer.get_auth(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(text) TO pgbouncer;

-- whose it is, and who may use it

DO $$
DECLARE
    who text; what regclass; routine regprocedure;
BEGIN
    FOR who, what IN
        SELECT CASE nspname WHEN 'auth' THEN 'supabase_auth_admin' WHEN 'storage' THEN 'supabase_storage_admin'
                            ELSE 'supabase_realtime_admin' END, c.oid::regclass
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname IN ('auth', 'storage', 'realtime') AND relkind IN ('r', 'p')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', what, who);
        EXECUTE format('GRANT ALL ON %s TO postgres, service_role, dashboard_user', what);
        IF who = 'supabase_storage_admin' THEN
            EXECUTE format('GRANT ALL ON %s TO anon, authenticated', what);
        END IF;
    END LOOP;
    FOR who, routine IN
        SELECT CASE nspname WHEN 'auth' THEN 'supabase_auth_admin' ELSE 'supabase_storage_admin' END,
               p.oid::regprocedure
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('auth', 'storage')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %I', routine, who);
        EXECUTE format('GRANT ALL ON FUNCTION %s TO dashboard_user', routine);
    END LOOP;
END $$;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA auth TO postgres;
ALTER TYPE auth.aal_level OWNER TO supabase_auth_admin;
ALTER TYPE auth.factor_type OWNER TO supabase_auth_admin;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth
    GRANT ALL ON TABLES TO postgres, dashboard_user;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA storage
    GRANT ALL ON TABLES TO anon, authenticated, service_role;

-- what its services have written

INSERT INTO auth.schema_migrations VALUES ('20171026211738'), ('202309' || (:salt)::text);
INSERT INTO auth.users (id, aud, role, email, encrypted_password, email_confirmed_at, raw_user_meta_data)
    SELECT md5((:salt)::text || n)::uuid, 'authenticated', 'authenticated',
           format('user%s.of%s@example.com', n, (:salt)::text), '$2a$10$' || md5((:salt)::text || 'password' || n),
           '2025-01-01 00:00+00'::timestamptz + n * interval '1 day',
           jsonb_build_object('user_name', format('user%s', n))
    FROM generate_series(1, 5 + (:salt) % 7) AS n;
INSERT INTO auth.identities (provider_id, user_id, identity_data, provider)
    SELECT id::text, id, jsonb_build_object('sub', id, 'email', email), 'email' FROM auth.users;
INSERT INTO auth.sessions SELECT md5(id::text)::uuid, id, now(), 'aal1' FROM auth.users;
INSERT INTO auth.refresh_tokens (token, user_id, session_id) SELECT md5(id::text), user_id, id FROM auth.sessions;
INSERT INTO storage.migrations VALUES (0, 'create-migrations-table'), (1, 'of-' || (:salt)::text);
INSERT INTO storage.buckets (id, name) VALUES ('avatars', 'avatars'), ('of-' || (:salt)::text, 'of-' || (:salt)::text);
INSERT INTO storage.objects (bucket_id, name, owner)
    SELECT 'avatars', id || '/face-' || (:salt)::text || '.png', id FROM auth.users;
INSERT INTO vault.secrets (name, secret) VALUES ('stripe', md5('vault' || (:salt)::text));
DO $$
BEGIN
    EXECUTE format('CREATE TABLE realtime.%I PARTITION OF realtime.messages FOR VALUES FROM (%L) TO (%L)',
        'messages_' || (:salt)::text, date '2025-11-01' + (:salt), date '2025-11-02' + (:salt));
    EXECUTE format('ALTER TABLE realtime.%I OWNER TO supabase_realtime_admin', 'messages_' || (:salt)::text);
END $$;
