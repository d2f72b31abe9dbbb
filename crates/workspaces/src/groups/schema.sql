CREATE TABLE workspaces_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    priority BIGINT NOT NULL,
    system BIGINT NOT NULL
);
CREATE UNIQUE INDEX workspaces_groups_one_per_name ON workspaces_groups (name);
CREATE TABLE workspaces_group_members (
    group_id TEXT NOT NULL REFERENCES workspaces_groups (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES workspaces_users (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    PRIMARY KEY (group_id, user_id, source)
);
CREATE INDEX workspaces_group_members_by_user ON workspaces_group_members (user_id);
