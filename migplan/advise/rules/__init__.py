"""The rules, one a file, in the order in which they are reported.

## Compared with splinter

Where Supabase's linter, splinter, has the same rule, the page of ours names every difference. This is how
the two stand to each other:

| splinter | here | |
|---|---|---|
| 0001 unindexed foreign keys | MP106 | |
| 0002 auth users exposed | MP314 | |
| 0003 auth RLS initplan | MP207 | |
| 0004 no primary key | MP104 | |
| 0005 unused index | MP203 | |
| 0006 multiple permissive policies | MP206 | |
| 0007 policy exists, RLS disabled | MP301 | |
| 0008 RLS enabled, no policy | MP302 | |
| 0009 duplicate index | MP201 | |
| 0010 security definer view | MP305 | |
| 0011 function search path mutable | MP307 | |
| 0013 RLS disabled in public | MP303 | |
| 0014 extension in public | MP309 | |
| 0015 RLS references user metadata | MP311 | |
| 0016 materialized view in API | MP312 | |
| 0017 foreign table in API | MP313 | |
| 0018 unsupported reg types | MP401 | |
| 0019 insecure queue exposed | none | its tables are an extension's, and not in a catalog |
| 0020 table bloat | MP204 | |
| 0021 foreign key to auth unique | MP315 | |
| 0022 extension versions outdated | MP310 | |
| 0023 sensitive columns exposed | MP308 | |
| 0024 RLS policy always true | MP304 | |
| 0025 public bucket allows listing | none | which are public stands in rows, not in the structure |
| 0026, 0027 pg_graphql table exposed | none | they are about names; MP303 to MP314 are about rows |
| 0028, 0029 security definer function | MP306 | |

splinter leaves about thirty schemas of Supabase's platform out of most of its rules. Here no schema is
special: leave those that are not yours out by the selection of `migplan.yaml`, or by its ignore list.
"""

from __future__ import annotations

from migplan.advise.finding import RuleModule
from migplan.advise.rules import (
    accounts_exposed,
    bloat,
    call_per_row,
    cycle_of_keys,
    definer_function,
    definer_view,
    duplicate_index,
    duplicate_key,
    exposed_foreign_table,
    exposed_materialized_view,
    extension_in_public,
    extension_outdated,
    invalid_index,
    isolated_table,
    json_not_jsonb,
    key_not_valid,
    key_switched_off,
    key_to_auth,
    key_type_mismatch,
    key_without_index,
    many_policies,
    mutable_search_path,
    no_primary_key,
    nullable_in_composite_key,
    oversized_key,
    policy_always_true,
    policy_without_rls,
    redundant_index,
    reg_type,
    rls_off_exposed,
    rls_without_policy,
    sensitive_columns,
    sequence_behind,
    sequence_near_limit,
    timestamp_without_zone,
    unused_index,
    user_metadata,
)

RULES: tuple[RuleModule, ...] = (
    cycle_of_keys,
    key_not_valid,
    key_switched_off,
    key_type_mismatch,
    no_primary_key,
    invalid_index,
    key_without_index,
    duplicate_key,
    nullable_in_composite_key,
    isolated_table,
    sequence_near_limit,
    sequence_behind,
    # Indexes and what is empty.
    duplicate_index,
    redundant_index,
    unused_index,
    bloat,
    # Policies, as far as they cost time.
    many_policies,
    call_per_row,
    # Who gets at what.
    policy_without_rls,
    rls_without_policy,
    rls_off_exposed,
    policy_always_true,
    definer_view,
    definer_function,
    mutable_search_path,
    sensitive_columns,
    extension_in_public,
    extension_outdated,
    user_metadata,
    exposed_materialized_view,
    exposed_foreign_table,
    accounts_exposed,
    key_to_auth,
    # Types.
    reg_type,
    timestamp_without_zone,
    json_not_jsonb,
    oversized_key,
)
