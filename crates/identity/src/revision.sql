CREATE TABLE identity_revision (
    id BIGINT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO identity_revision (id, value) VALUES (1, 0);
