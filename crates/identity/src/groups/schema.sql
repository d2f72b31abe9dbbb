CREATE TABLE identity_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    is_superuser BIGINT NOT NULL
);
CREATE TABLE identity_group_members (
    group_id TEXT NOT NULL REFERENCES identity_groups (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX identity_group_members_by_user ON identity_group_members (user_id);
