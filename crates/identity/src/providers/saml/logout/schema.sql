-- Written in the batch of the events, where a row that the database refuses would take those of others with it:
-- hence no foreign keys. What outlives its account or provider expires, or tells nobody.
CREATE TABLE identity_saml_sessions (
    session_index TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    browser_session_id TEXT NOT NULL,
    name_id TEXT NOT NULL,
    name_format TEXT NOT NULL,
    name_qualifier TEXT,
    sp_name_qualifier TEXT,
    issuer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (session_index, provider_id)
);
CREATE INDEX identity_saml_sessions_by_browser_session ON identity_saml_sessions (browser_session_id);
CREATE INDEX identity_saml_sessions_by_user ON identity_saml_sessions (user_id);
CREATE INDEX identity_saml_sessions_by_expiry ON identity_saml_sessions (expires_at);
CREATE TABLE identity_saml_logouts (
    id TEXT PRIMARY KEY,
    visitor_hash TEXT,
    username TEXT NOT NULL,
    asked TEXT,
    has_browser BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX identity_saml_logouts_by_expiry ON identity_saml_logouts (expires_at);
CREATE TABLE identity_saml_logout_steps (
    request_id TEXT PRIMARY KEY,
    logout_id TEXT NOT NULL REFERENCES identity_saml_logouts (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    application_id TEXT NOT NULL,
    way TEXT NOT NULL,
    session_index TEXT NOT NULL,
    name_id TEXT NOT NULL,
    name_format TEXT NOT NULL,
    name_qualifier TEXT,
    sp_name_qualifier TEXT,
    issuer TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    UNIQUE (logout_id, position)
);
