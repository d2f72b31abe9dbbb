CREATE TABLE identity_certificate_warnings (
    certificate_id TEXT NOT NULL REFERENCES identity_certificates (id) ON DELETE CASCADE,
    days_before BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (certificate_id, days_before)
);
