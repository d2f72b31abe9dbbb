CREATE TABLE identity_consents (
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    application_id TEXT NOT NULL REFERENCES identity_applications (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, application_id)
);
