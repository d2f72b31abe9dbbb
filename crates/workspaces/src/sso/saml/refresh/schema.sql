CREATE TABLE workspaces_saml_metadata (
    config_id TEXT PRIMARY KEY REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    etag TEXT NOT NULL DEFAULT '',
    due_at BIGINT NOT NULL,
    tried_at BIGINT NOT NULL DEFAULT 0,
    taken_at BIGINT NOT NULL DEFAULT 0,
    failure TEXT NOT NULL DEFAULT '',
    signed BIGINT NOT NULL DEFAULT 0,
    listed TEXT NOT NULL DEFAULT '[]',
    valid_until BIGINT NOT NULL DEFAULT 0,
    changed_at BIGINT NOT NULL DEFAULT 0,
    changes TEXT NOT NULL DEFAULT '[]'
);
