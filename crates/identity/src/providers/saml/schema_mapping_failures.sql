CREATE TABLE identity_saml_mapping_failures (
    provider_id TEXT NOT NULL REFERENCES identity_saml_providers (id) ON DELETE CASCADE,
    mapping TEXT NOT NULL,
    sentence TEXT NOT NULL,
    username TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (provider_id, mapping)
);
