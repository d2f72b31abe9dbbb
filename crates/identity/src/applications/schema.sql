CREATE TABLE identity_applications (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    group_name TEXT NOT NULL,
    provider_id TEXT UNIQUE REFERENCES identity_saml_providers (id),
    launch_url TEXT NOT NULL,
    open_in_new_tab BIGINT NOT NULL,
    icon TEXT NOT NULL,
    description TEXT NOT NULL,
    publisher TEXT NOT NULL,
    policy_engine_mode TEXT NOT NULL
);
CREATE TABLE identity_bindings (
    id TEXT PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES identity_applications (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES identity_users (id),
    group_id TEXT REFERENCES identity_groups (id),
    position BIGINT NOT NULL,
    negate BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
);
CREATE UNIQUE INDEX identity_bindings_one_per_user ON identity_bindings (application_id, user_id);
CREATE UNIQUE INDEX identity_bindings_one_per_group ON identity_bindings (application_id, group_id);
CREATE INDEX identity_bindings_by_user ON identity_bindings (user_id);
CREATE INDEX identity_bindings_by_group ON identity_bindings (group_id);
