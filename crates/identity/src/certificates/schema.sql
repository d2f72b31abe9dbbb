CREATE TABLE identity_certificates (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    certificate_pem TEXT NOT NULL,
    private_key_sealed TEXT,
    created_at BIGINT NOT NULL
);
