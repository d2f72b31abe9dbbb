CREATE TABLE identity_users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    is_active BIGINT NOT NULL,
    password_hash TEXT,
    attributes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);
CREATE UNIQUE INDEX identity_users_one_per_email ON identity_users (lower(email)) WHERE email <> '';
