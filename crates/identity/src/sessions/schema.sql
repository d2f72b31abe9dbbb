CREATE TABLE identity_saml_sessions (
    session_index TEXT NOT NULL,
    provider_id TEXT NOT NULL REFERENCES identity_saml_providers (id) ON DELETE CASCADE,
    PRIMARY KEY (session_index, provider_id)
);
