CREATE TABLE identity_property_mappings (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    saml_name TEXT NOT NULL,
    friendly_name TEXT NOT NULL,
    name_format TEXT NOT NULL,
    expression TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
