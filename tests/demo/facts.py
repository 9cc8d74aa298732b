"""What the demo database holds, as data.

The page beside its SQL tells where each figure comes from.
"""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "foundation": (
        "tenant_registry",
        "code_embeddings",
        "muva_content",
        "sire_countries",
        "sire_cities",
        "sire_document_types",
        "sire_content",
        "sire_export_logs",
        "exchange_rates",
    ),
    "catalog": (
        "accommodation_units",
        "accommodation_units_public",
        "accommodation_units_manual",
        "accommodation_units_manual_chunks",
    ),
    "operations": (
        "hotels",
        "staff_users",
        "user_tenant_permissions",
        "whatsapp_message_templates",
        "hotel_operations",
        "staff_conversations",
        "staff_messages",
    ),
    "reservations": (
        "guest_reservations",
        "reservation_accommodations",
        "prospective_sessions",
        "guest_conversations",
        "chat_messages",
        "chat_conversations",
        "conversation_memory",
        "conversation_attachments",
        "guest_feedback",
        "ics_feed_configurations",
        "calendar_events",
        "calendar_event_conflicts",
        "airbnb_motopress_comparison",
        "airbnb_mphb_imported_reservations",
        "compliance_submissions",
    ),
    "integrations": ("integration_configs", "job_logs", "policies"),
}

ROWS: dict[str, int] = {
    "tenant_registry": 3,
    "code_embeddings": 4333,
    "muva_content": 742,
    "sire_countries": 45,
    "sire_cities": 42,
    "sire_document_types": 4,
    "sire_content": 8,
    "sire_export_logs": 0,
    "exchange_rates": 24,
    "accommodation_units": 2,
    "accommodation_units_public": 151,
    "accommodation_units_manual": 8,
    "accommodation_units_manual_chunks": 219,
    "hotels": 3,
    "staff_users": 6,
    "user_tenant_permissions": 11,
    "whatsapp_message_templates": 18,
    "hotel_operations": 10,
    "staff_conversations": 43,
    "staff_messages": 58,
    "guest_reservations": 104,
    "reservation_accommodations": 93,
    "prospective_sessions": 412,
    "guest_conversations": 112,
    "chat_messages": 321,
    "chat_conversations": 2,
    "conversation_memory": 21,
    "conversation_attachments": 8,
    "guest_feedback": 15,
    "ics_feed_configurations": 9,
    "calendar_events": 74,
    "calendar_event_conflicts": 0,
    "airbnb_motopress_comparison": 0,
    "airbnb_mphb_imported_reservations": 0,
    "compliance_submissions": 0,
    "integration_configs": 3,
    "job_logs": 39,
    "policies": 0,
}

GROUP_ROWS: dict[str, int] = {
    "foundation": 5201,
    "catalog": 380,
    "operations": 149,
    "reservations": 1171,
    "integrations": 42,
}

# Rows of the schema hotels, which the figures of public leave out.
HOTELS_SCHEMA_ROWS: dict[str, int] = {
    "accommodation_units": 12,
    "policies": 18,
    "tenant_knowledge_embeddings": 24,
    "tenant_muva_content": 15,
}

# Length of the longest path of foreign keys to a root; keys of a table to itself do not count.
DEPTHS: dict[str, int] = {
    "tenant_registry": 0,
    "code_embeddings": 0,
    "muva_content": 0,
    "sire_countries": 0,
    "sire_cities": 0,
    "sire_document_types": 0,
    "sire_content": 0,
    "sire_export_logs": 0,
    "exchange_rates": 0,
    "hotels": 1,
    "staff_users": 1,
    "whatsapp_message_templates": 1,
    "integration_configs": 1,
    "job_logs": 1,
    "policies": 1,
    "accommodation_units": 2,
    "accommodation_units_public": 2,
    "accommodation_units_manual": 2,
    "user_tenant_permissions": 2,
    "hotel_operations": 2,
    "staff_conversations": 2,
    "accommodation_units_manual_chunks": 3,
    "staff_messages": 3,
    "guest_reservations": 3,
    "ics_feed_configurations": 3,
    "calendar_events": 3,
    "airbnb_mphb_imported_reservations": 3,
    "reservation_accommodations": 4,
    "prospective_sessions": 4,
    "guest_conversations": 4,
    "chat_conversations": 4,
    "guest_feedback": 4,
    "calendar_event_conflicts": 4,
    "airbnb_motopress_comparison": 4,
    "compliance_submissions": 4,
    "chat_messages": 5,
    "conversation_memory": 5,
    "conversation_attachments": 5,
}

DEEPEST_CHAIN: tuple[str, ...] = (
    "tenant_registry",
    "hotels",
    "accommodation_units",
    "guest_reservations",
    "guest_conversations",
    "chat_messages",
)

TABLES = 38
TOTAL_ROWS = 6943
FOREIGN_KEYS = 46
SELF_KEYS: dict[str, tuple[str, ...]] = {
    "staff_users": ("created_by",),
    "calendar_events": ("parent_event_id", "merged_into_id"),
}
ROOTS = 9
MAX_DEPTH = 5
TABLES_WITH_A_KEY_TO_TENANT_REGISTRY = 17
RLS_TABLES = 27
POLICIES = 34
TRIGGERS = 13

FK_INDEXES: frozenset[str] = frozenset(
    {
        "idx_accommodation_units_tenant_hotel_fk",
        "idx_hotel_operations_created_by_fk",
        "idx_staff_users_created_by_fk",
        "idx_user_tenant_permissions_granted_by_fk",
        "idx_prospective_sessions_reservation_fk",
        "idx_airbnb_mphb_imported_reservations_unit_fk",
        "idx_calendar_events_merged_into_fk",
        "idx_calendar_event_conflicts_winning_fk",
        "idx_airbnb_motopress_comparison_ics_fk",
        "idx_sire_export_logs_user_fk",
        "idx_calendar_events_parent_fk",
        "idx_reservation_accommodations_unit_fk",
        "idx_conversation_attachments_conversation_fk",
    }
)

# Keys whose columns begin no whole index: (table, column).
UNCOVERED_KEYS: frozenset[tuple[str, str]] = frozenset(
    {
        ("accommodation_units_public", "hotel_id"),
        ("hotel_operations", "hotel_id"),
        ("chat_conversations", "reservation_id"),
        ("calendar_event_conflicts", "losing_event_id"),
        ("job_logs", "tenant_id"),
    }
)
