CREATE TABLE workspaces_saml_configs (
    id TEXT PRIMARY KEY,
    made_by TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    display_name TEXT NOT NULL,
    logo_url TEXT NOT NULL,
    host_name TEXT NOT NULL,
    is_default BIGINT NOT NULL,
    auto_login BIGINT NOT NULL,
    debug BIGINT NOT NULL,
    idp_entity_id TEXT NOT NULL,
    sso_url TEXT NOT NULL,
    slo_url TEXT NOT NULL,
    certificates TEXT NOT NULL,
    name_id_attribute TEXT NOT NULL,
    group_member_attribute TEXT NOT NULL,
    relay_state TEXT NOT NULL,
    want_attribute_statement BIGINT NOT NULL,
    want_assertions_signed BIGINT NOT NULL,
    want_messages_signed BIGINT NOT NULL,
    want_name_id BIGINT NOT NULL,
    sign_requests BIGINT NOT NULL,
    idp_initiated BIGINT NOT NULL,
    create_users BIGINT NOT NULL,
    allow_sha1 BIGINT NOT NULL,
    sp_key_sealed TEXT NOT NULL,
    sp_certificate TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE workspaces_saml_requests (
    id TEXT PRIMARY KEY,
    config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    visitor_hash TEXT NOT NULL,
    purpose TEXT NOT NULL,
    return_path TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX workspaces_saml_requests_by_expiry ON workspaces_saml_requests (expires_at);
CREATE TABLE workspaces_saml_replay (
    issuer TEXT NOT NULL,
    assertion_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, assertion_id)
);
CREATE INDEX workspaces_saml_replay_by_expiry ON workspaces_saml_replay (expires_at);
CREATE TABLE workspaces_saml_completions (
    token_hash TEXT PRIMARY KEY,
    config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    visitor_hash TEXT NOT NULL,
    outcome TEXT NOT NULL,
    return_path TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX workspaces_saml_completions_by_expiry ON workspaces_saml_completions (expires_at);
CREATE TABLE workspaces_group_mappings (
    group_id TEXT NOT NULL REFERENCES workspaces_groups (id) ON DELETE CASCADE,
    sso_config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    value TEXT NOT NULL,
    PRIMARY KEY (group_id, sso_config_id, value)
);
