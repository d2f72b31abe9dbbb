CREATE TABLE one_time_links (
    token_hash TEXT PRIMARY KEY,
    product TEXT NOT NULL,
    purpose TEXT NOT NULL,
    subject TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX one_time_links_one_per_purpose ON one_time_links (product, purpose, subject);
