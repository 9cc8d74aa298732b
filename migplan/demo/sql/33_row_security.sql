-- Row-level security: who sees which rows. Every policy is for PUBLIC and asks a setting of the session, so that the
-- database needs no roles of its own. Four tables that only jobs read and write are without: the conflicts of the
-- calendar, the two of Airbnb, and the log of the jobs themselves.

ALTER TABLE public.tenant_registry ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_registry_own ON public.tenant_registry FOR SELECT
    USING (public.is_tenant_row(tenant_id));

-- Nobody but the owner of the table may see what was exported, hence no policy at all.
ALTER TABLE public.sire_export_logs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.hotels ENABLE ROW LEVEL SECURITY;
CREATE POLICY hotels_read ON public.hotels FOR SELECT USING (is_active);
CREATE POLICY hotels_update ON public.hotels FOR UPDATE
    USING (public.is_tenant_row(tenant_id)) WITH CHECK (public.is_tenant_row(tenant_id));

ALTER TABLE public.staff_users ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_users_tenant ON public.staff_users
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.user_tenant_permissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY user_tenant_permissions_tenant ON public.user_tenant_permissions FOR SELECT
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.whatsapp_message_templates ENABLE ROW LEVEL SECURITY;
CREATE POLICY whatsapp_message_templates_tenant ON public.whatsapp_message_templates
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.hotel_operations ENABLE ROW LEVEL SECURITY;
CREATE POLICY hotel_operations_tenant ON public.hotel_operations
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.staff_conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_conversations_tenant ON public.staff_conversations
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.staff_messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_messages_tenant ON public.staff_messages
    USING (EXISTS (
        SELECT FROM public.staff_conversations AS talk
        WHERE talk.id = staff_messages.conversation_id AND public.is_tenant_row(talk.tenant_id)
    ));

ALTER TABLE public.accommodation_units ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_tenant ON public.accommodation_units
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.accommodation_units_public ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_public_read ON public.accommodation_units_public FOR SELECT
    USING (is_active AND is_bookable);
CREATE POLICY accommodation_units_public_staff ON public.accommodation_units_public
    USING (public.is_tenant_row(tenant_id)) WITH CHECK (public.is_tenant_row(tenant_id));

ALTER TABLE public.accommodation_units_manual ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_manual_tenant ON public.accommodation_units_manual
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.accommodation_units_manual_chunks ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_manual_chunks_tenant ON public.accommodation_units_manual_chunks FOR SELECT
    USING (manual_id IN (SELECT manual.id FROM public.accommodation_units_manual AS manual));

-- One policy for each action, as the reservations are what tenants would least like to share.
ALTER TABLE public.guest_reservations ENABLE ROW LEVEL SECURITY;
CREATE POLICY guest_reservations_select ON public.guest_reservations FOR SELECT
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY guest_reservations_insert ON public.guest_reservations FOR INSERT
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY guest_reservations_update ON public.guest_reservations FOR UPDATE
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY guest_reservations_delete ON public.guest_reservations FOR DELETE
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND status IN ('pending', 'cancelled'));

ALTER TABLE public.reservation_accommodations ENABLE ROW LEVEL SECURITY;
CREATE POLICY reservation_accommodations_tenant ON public.reservation_accommodations
    USING (EXISTS (
        SELECT FROM public.guest_reservations AS reservation
        WHERE reservation.id = reservation_accommodations.reservation_id
    ));

ALTER TABLE public.prospective_sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY prospective_sessions_visitor ON public.prospective_sessions
    USING (cookie_id = current_setting('app.cookie_id', true) AND status = 'active');
CREATE POLICY prospective_sessions_staff ON public.prospective_sessions FOR SELECT
    USING (public.is_tenant_row(tenant_id));

ALTER TABLE public.guest_conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY guest_conversations_tenant ON public.guest_conversations
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.chat_messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY chat_messages_read ON public.chat_messages FOR SELECT
    USING (conversation_id IN (SELECT talk.id FROM public.guest_conversations AS talk));
CREATE POLICY chat_messages_write ON public.chat_messages FOR INSERT
    WITH CHECK (conversation_id IN (SELECT talk.id FROM public.guest_conversations AS talk));

ALTER TABLE public.conversation_attachments ENABLE ROW LEVEL SECURITY;
CREATE POLICY conversation_attachments_tenant ON public.conversation_attachments
    USING (conversation_id IN (SELECT talk.id FROM public.guest_conversations AS talk));

ALTER TABLE public.conversation_memory ENABLE ROW LEVEL SECURITY;
CREATE POLICY conversation_memory_session ON public.conversation_memory FOR SELECT
    USING (session_id IN (SELECT session.session_id FROM public.prospective_sessions AS session));

ALTER TABLE public.guest_feedback ENABLE ROW LEVEL SECURITY;
CREATE POLICY guest_feedback_tenant ON public.guest_feedback
    USING (reservation_id IN (SELECT reservation.id FROM public.guest_reservations AS reservation));

ALTER TABLE public.chat_conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY chat_conversations_tenant ON public.chat_conversations FOR SELECT
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.calendar_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY calendar_events_tenant ON public.calendar_events
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.ics_feed_configurations ENABLE ROW LEVEL SECURITY;
CREATE POLICY ics_feed_configurations_tenant ON public.ics_feed_configurations
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

ALTER TABLE public.compliance_submissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY compliance_submissions_tenant ON public.compliance_submissions FOR SELECT
    USING (reservation_id IN (SELECT reservation.id FROM public.guest_reservations AS reservation));

-- Tokens stand in here, so not even the owner of the table reads them without naming a tenant.
ALTER TABLE public.integration_configs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.integration_configs FORCE ROW LEVEL SECURITY;
CREATE POLICY integration_configs_tenant ON public.integration_configs
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY integration_configs_enabled ON public.integration_configs AS RESTRICTIVE FOR SELECT
    USING (is_enabled OR current_setting('app.show_disabled', true) = 'on');

ALTER TABLE public.policies ENABLE ROW LEVEL SECURITY;
CREATE POLICY policies_read ON public.policies FOR SELECT USING (true);

COMMENT ON POLICY accommodation_units_public_read ON public.accommodation_units_public IS
    'Visitors see what they can book, of every tenant.';
COMMENT ON POLICY guest_reservations_delete ON public.guest_reservations IS 'What a guest has paid for cannot be deleted.';

GRANT USAGE ON SCHEMA hotels TO PUBLIC;
GRANT SELECT ON public.sire_countries, public.sire_cities, public.sire_document_types,
    public.accommodation_units_public, hotels.accommodation_units, hotels.policies TO PUBLIC;
GRANT SELECT (id, name, slug, check_in_time, check_out_time) ON public.hotels TO PUBLIC;
