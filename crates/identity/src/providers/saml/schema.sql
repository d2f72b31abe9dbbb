CREATE TABLE identity_saml_providers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
