CREATE TABLE identity_saml_metadata (
    provider_id TEXT PRIMARY KEY REFERENCES identity_saml_providers (id) ON DELETE CASCADE,
    metadata TEXT,
    url TEXT NOT NULL,
    etag TEXT,
    due_at BIGINT NOT NULL,
    refreshed_at BIGINT,
    changed_at BIGINT,
    changes TEXT NOT NULL,
    error TEXT NOT NULL,
    failing_since BIGINT
);
CREATE TABLE identity_saml_verification_certificates (
    provider_id TEXT NOT NULL REFERENCES identity_saml_providers (id) ON DELETE CASCADE,
    certificate_id TEXT NOT NULL REFERENCES identity_certificates (id),
    PRIMARY KEY (provider_id, certificate_id)
);
CREATE INDEX identity_saml_verification_certificates_by_certificate
    ON identity_saml_verification_certificates (certificate_id);
