CREATE TABLE workspaces_saml_sessions (
    -- No reference: the table of sign-ins belongs to both products. A sweep removes what has no sign-in any more.
    browser_session_id TEXT PRIMARY KEY,
    config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    name_format TEXT NOT NULL,
    name_qualifier TEXT NOT NULL,
    sp_name_qualifier TEXT NOT NULL,
    session_index TEXT NOT NULL
);
CREATE INDEX workspaces_saml_sessions_by_name ON workspaces_saml_sessions (config_id, name);
CREATE TABLE workspaces_saml_logouts (
    id TEXT PRIMARY KEY,
    config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    visitor_hash TEXT NOT NULL,
    username TEXT NOT NULL,
    name TEXT NOT NULL,
    name_format TEXT NOT NULL,
    name_qualifier TEXT NOT NULL,
    sp_name_qualifier TEXT NOT NULL,
    session_index TEXT NOT NULL,
    message TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX workspaces_saml_logouts_by_expiry ON workspaces_saml_logouts (expires_at);
