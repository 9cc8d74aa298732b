-- 06-schema-integrations.sql: definitions of group integrations
--
-- From the database muva, PostgreSQL 18.
-- Part of the bundle muva, made by migplan. psql -v ON_ERROR_STOP=1 -f runs it, too.
--
-- Connections to other systems, and the log of their jobs.
--
-- Tables: public.integration_configs, public.job_logs, public.policies
-- Must have run before: 01-schema-foundation.sql, 02-schema-catalog.sql, 03-schema-operations.sql, 04-schema-reservations.sql

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;


--
-- public.integration_configs
--

CREATE TABLE public.integration_configs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    provider text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_enabled boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT integration_configs_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text))
);

ALTER TABLE ONLY public.integration_configs FORCE ROW LEVEL SECURITY;
ALTER TABLE public.integration_configs OWNER TO postgres;
COMMENT ON TABLE public.integration_configs IS 'How a tenant is connected to another platform, tokens included.';
COMMENT ON COLUMN public.integration_configs.settings IS 'Addresses and tokens of the platform; never shown to guests.';
ALTER TABLE ONLY public.integration_configs
    ADD CONSTRAINT integration_configs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.integration_configs
    ADD CONSTRAINT integration_configs_provider_key UNIQUE (tenant_id, provider);
ALTER TABLE ONLY public.integration_configs
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE public.integration_configs ENABLE ROW LEVEL SECURITY;
CREATE POLICY integration_configs_enabled ON public.integration_configs AS RESTRICTIVE FOR SELECT USING ((is_enabled OR (current_setting('app.show_disabled'::text, true) = 'on'::text)));
CREATE POLICY integration_configs_tenant ON public.integration_configs USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.job_logs
--

CREATE TABLE public.job_logs (
    id bigint NOT NULL,
    tenant_id uuid,
    job_name text NOT NULL,
    status public.job_status DEFAULT 'running'::public.job_status NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    duration_ms bigint GENERATED ALWAYS AS (((EXTRACT(epoch FROM (finished_at - started_at)) * (1000)::numeric))::bigint) STORED,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT job_logs_times_check CHECK ((finished_at >= started_at))
);
ALTER TABLE public.job_logs OWNER TO postgres;
CREATE SEQUENCE public.job_logs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.job_logs_id_seq OWNER TO postgres;
ALTER SEQUENCE public.job_logs_id_seq OWNED BY public.job_logs.id;
COMMENT ON TABLE public.job_logs IS 'Runs of the nightly and hourly jobs.';
COMMENT ON COLUMN public.job_logs.tenant_id IS 'Tenant the job worked for; null for jobs of the platform.';
ALTER TABLE ONLY public.job_logs ALTER COLUMN id SET DEFAULT nextval('public.job_logs_id_seq'::regclass);
ALTER TABLE ONLY public.job_logs
    ADD CONSTRAINT job_logs_pkey PRIMARY KEY (id);
CREATE INDEX idx_job_logs_failed ON public.job_logs USING btree (started_at) WHERE (status = 'failed'::public.job_status);
CREATE INDEX idx_job_logs_name ON public.job_logs USING btree (job_name, started_at DESC);
ALTER TABLE ONLY public.job_logs
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE SET NULL;

--
-- public.policies
--

CREATE TABLE public.policies (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    policy_type text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    effective_from date NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.policies OWNER TO postgres;
COMMENT ON TABLE public.policies IS 'House rules and cancellation terms for all houses of a tenant; the rules of single units stand in the schema hotels.';
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT policies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT policies_type_key UNIQUE (tenant_id, policy_type, effective_from);
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE public.policies ENABLE ROW LEVEL SECURITY;
CREATE POLICY policies_read ON public.policies FOR SELECT USING (true);
