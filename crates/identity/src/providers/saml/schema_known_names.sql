CREATE TABLE identity_saml_names (
    provider_id TEXT NOT NULL REFERENCES identity_saml_providers (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (provider_id, user_id)
);
