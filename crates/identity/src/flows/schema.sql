CREATE TABLE identity_pending_requests (
    token_hash TEXT PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES identity_applications (id) ON DELETE CASCADE,
    visitor_hash TEXT,
    proven_session_id TEXT,
    force_authn BIGINT NOT NULL,
    is_passive BIGINT NOT NULL,
    return_to TEXT NOT NULL,
    details TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX identity_pending_requests_by_visitor ON identity_pending_requests (visitor_hash);
CREATE INDEX identity_pending_requests_by_expiry ON identity_pending_requests (expires_at);
CREATE TABLE identity_consents (
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    application_id TEXT NOT NULL REFERENCES identity_applications (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, application_id)
);
