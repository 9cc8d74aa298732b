-- Types, and what tables need before they exist: a sequence and two functions of column defaults.

CREATE TYPE public.subscription_plan AS ENUM ('trial', 'basic', 'pro', 'enterprise');
CREATE TYPE public.staff_role AS ENUM ('owner', 'manager', 'reception', 'housekeeping');
CREATE TYPE public.unit_kind AS ENUM ('room', 'suite', 'apartment', 'cabin', 'hostel_bed');
CREATE TYPE public.reservation_status AS ENUM
    ('pending', 'confirmed', 'checked_in', 'completed', 'cancelled', 'no_show');
CREATE TYPE public.session_status AS ENUM ('active', 'converted', 'expired');
CREATE TYPE public.message_channel AS ENUM ('web', 'whatsapp', 'airbnb', 'email');
CREATE TYPE public.conversation_status AS ENUM ('open', 'waiting', 'closed');
CREATE TYPE public.message_sender AS ENUM ('guest', 'staff', 'assistant');
CREATE TYPE public.calendar_event_type AS ENUM ('reservation', 'maintenance', 'owner_stay', 'blocked');
CREATE TYPE public.calendar_source AS ENUM ('direct', 'airbnb', 'booking', 'vrbo', 'motopress');
CREATE TYPE public.job_status AS ENUM ('running', 'succeeded', 'failed');

COMMENT ON TYPE public.reservation_status IS 'Life of a reservation, in the order in which it usually passes.';
COMMENT ON TYPE public.message_sender IS 'Who wrote a message: a person outside, a person inside, or the chat assistant.';

CREATE DOMAIN public.email_address AS text
    CONSTRAINT email_address_shape CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+\.[a-z]+$');
CREATE DOMAIN public.currency_code AS text
    CONSTRAINT currency_code_shape CHECK (VALUE ~ '^[A-Z]{3}$');

COMMENT ON DOMAIN public.currency_code IS 'ISO 4217 code of a currency, such as COP or USD.';

CREATE TYPE public.postal_address AS (
    street text,
    city text,
    department text,
    country_code text
);

COMMENT ON TYPE public.postal_address IS 'Address of a house, with the ISO 3166 code of its country.';

-- No column owns this sequence: one day invoices shall draw from it too.
CREATE SEQUENCE public.booking_number_seq START WITH 20001 INCREMENT BY 1 CACHE 1;

COMMENT ON SEQUENCE public.booking_number_seq IS 'Booking numbers as guests see them, one series for all tenants.';

CREATE FUNCTION public.current_tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = ''
    AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;

COMMENT ON FUNCTION public.current_tenant_id() IS
    'Tenant on whose behalf the session works, from the setting app.tenant_id; null when there is none.';

CREATE FUNCTION public.new_cookie_id() RETURNS text
    LANGUAGE sql VOLATILE
    SET search_path = ''
    AS $$ SELECT 'pv_' || replace(gen_random_uuid()::text, '-', '') $$;

COMMENT ON FUNCTION public.new_cookie_id() IS 'Name of the cookie of a new visitor.';
