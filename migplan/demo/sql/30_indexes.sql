-- Indexes beyond those of keys and unique constraints, built after the data because that is faster.
-- Not every foreign key has one: in a database that grew over a year, some were forgotten.

-- The thirteen of the day on which keys without an index were looked for.
CREATE INDEX idx_accommodation_units_tenant_hotel_fk ON public.accommodation_units (tenant_id, hotel_id);
CREATE INDEX idx_hotel_operations_created_by_fk ON public.hotel_operations (created_by);
CREATE INDEX idx_staff_users_created_by_fk ON public.staff_users (created_by);
CREATE INDEX idx_user_tenant_permissions_granted_by_fk ON public.user_tenant_permissions (granted_by);
CREATE INDEX idx_prospective_sessions_reservation_fk ON public.prospective_sessions (converted_to_reservation_id);
CREATE INDEX idx_airbnb_mphb_imported_reservations_unit_fk
    ON public.airbnb_mphb_imported_reservations (accommodation_unit_id);
CREATE INDEX idx_calendar_events_merged_into_fk ON public.calendar_events (merged_into_id);
CREATE INDEX idx_calendar_events_parent_fk ON public.calendar_events (parent_event_id);
CREATE INDEX idx_calendar_event_conflicts_winning_fk ON public.calendar_event_conflicts (winning_event_id);
CREATE INDEX idx_airbnb_motopress_comparison_ics_fk ON public.airbnb_motopress_comparison (ics_feed_id);
CREATE INDEX idx_reservation_accommodations_unit_fk ON public.reservation_accommodations (accommodation_unit_id);
CREATE INDEX idx_conversation_attachments_conversation_fk ON public.conversation_attachments (conversation_id);
-- No key stands behind this one: the users live in the external auth platform.
CREATE INDEX idx_sire_export_logs_user_fk ON public.sire_export_logs (user_id);

-- Foundation
CREATE INDEX idx_tenant_registry_features ON public.tenant_registry USING gin (features);
CREATE INDEX idx_muva_content_category ON public.muva_content (category, city);
CREATE INDEX idx_muva_content_tags ON public.muva_content USING gin (tags);
CREATE INDEX idx_muva_content_not_embedded ON public.muva_content (created_at) WHERE embedding IS NULL;
CREATE INDEX idx_sire_cities_name ON public.sire_cities (lower(name));

-- Catalog
CREATE INDEX idx_accommodation_public_tenant ON public.accommodation_units_public (tenant_id) WHERE is_active;
CREATE INDEX idx_accommodation_public_type ON public.accommodation_units_public (unit_type) WHERE is_active AND is_bookable;
CREATE INDEX idx_accommodation_public_amenities ON public.accommodation_units_public USING gin (amenities jsonb_path_ops);
CREATE INDEX idx_accommodation_manual_hotel ON public.accommodation_units_manual (hotel_id);

-- Operations
CREATE UNIQUE INDEX idx_staff_users_email_lower ON public.staff_users (lower(email::text));
CREATE INDEX idx_staff_users_active ON public.staff_users (tenant_id, role) INCLUDE (full_name) WHERE is_active;
CREATE INDEX idx_hotel_operations_due ON public.hotel_operations (tenant_id, next_due_at);
CREATE INDEX idx_staff_conversations_tenant ON public.staff_conversations (tenant_id, last_message_at DESC NULLS LAST);
CREATE INDEX idx_staff_conversations_staff ON public.staff_conversations (staff_id);
CREATE INDEX idx_staff_messages_conversation ON public.staff_messages (conversation_id, created_at);

-- Reservations
CREATE INDEX idx_guest_reservations_tenant_dates ON public.guest_reservations (tenant_id, check_in_date, check_out_date);
CREATE INDEX idx_guest_reservations_unit ON public.guest_reservations (accommodation_unit_id, check_in_date);
CREATE INDEX idx_guest_reservations_open ON public.guest_reservations (check_in_date) WHERE status IN ('pending', 'confirmed');
CREATE INDEX idx_guest_reservations_email ON public.guest_reservations (lower(guest_email::text));
CREATE INDEX idx_prospective_sessions_cookie ON public.prospective_sessions (cookie_id) WHERE status = 'active';
CREATE INDEX idx_prospective_sessions_tenant ON public.prospective_sessions (tenant_id, created_at DESC);
CREATE INDEX idx_prospective_sessions_expires ON public.prospective_sessions (expires_at) WHERE status = 'active';
CREATE INDEX idx_prospective_sessions_intent_gin ON public.prospective_sessions USING gin (travel_intent);
CREATE INDEX idx_guest_conversations_tenant ON public.guest_conversations (tenant_id, last_message_at DESC);
CREATE INDEX idx_guest_conversations_reservation ON public.guest_conversations (reservation_id);
CREATE INDEX idx_chat_messages_conversation ON public.chat_messages (conversation_id, created_at);
CREATE INDEX idx_chat_conversations_tenant ON public.chat_conversations (tenant_id);
CREATE INDEX idx_compliance_submissions_reservation ON public.compliance_submissions (reservation_id);

-- Calendar
CREATE INDEX idx_ics_feeds_tenant ON public.ics_feed_configurations (tenant_id);
CREATE INDEX idx_ics_feeds_unit ON public.ics_feed_configurations (accommodation_unit_id);
CREATE INDEX idx_calendar_events_tenant ON public.calendar_events (tenant_id);
CREATE INDEX idx_calendar_events_unit_dates ON public.calendar_events (accommodation_unit_id, starts_on, ends_on);
CREATE UNIQUE INDEX idx_calendar_events_external ON public.calendar_events (accommodation_unit_id, source, external_uid)
    WHERE external_uid IS NOT NULL AND NOT is_cancelled;

-- Integrations
CREATE INDEX idx_job_logs_name ON public.job_logs (job_name, started_at DESC);
CREATE INDEX idx_job_logs_failed ON public.job_logs (started_at) WHERE status = 'failed';

COMMENT ON INDEX public.idx_prospective_sessions_cookie IS 'Finds the session of a returning visitor.';
COMMENT ON INDEX public.idx_sire_export_logs_user_fk IS 'Named like the index of a key, though user_id refers to no table here.';
