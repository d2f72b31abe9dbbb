CREATE TABLE workspaces_saml_exchanges (
    id TEXT PRIMARY KEY,
    config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    client_addr TEXT NOT NULL,
    kind TEXT NOT NULL,
    evidence TEXT NOT NULL,
    outcome TEXT NOT NULL,
    who TEXT NOT NULL,
    sentence TEXT NOT NULL,
    relay_state TEXT NOT NULL,
    findings TEXT NOT NULL,
    sent TEXT NOT NULL,
    received TEXT NOT NULL
);
CREATE INDEX workspaces_saml_exchanges_by_config ON workspaces_saml_exchanges (config_id, at);
ALTER TABLE workspaces_saml_requests ADD COLUMN message TEXT NOT NULL DEFAULT '';
