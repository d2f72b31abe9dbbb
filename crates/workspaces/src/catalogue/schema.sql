CREATE TABLE workspaces_definitions (
    id TEXT PRIMARY KEY,
    friendly_name TEXT NOT NULL,
    description TEXT NOT NULL,
    thumbnail TEXT NOT NULL,
    category TEXT NOT NULL,
    program TEXT NOT NULL,
    command TEXT NOT NULL,
    centicores BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    session_time_limit_seconds BIGINT NOT NULL,
    idle_limit_seconds BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE workspaces_group_workspaces (
    group_id TEXT NOT NULL REFERENCES workspaces_groups (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL REFERENCES workspaces_definitions (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, workspace_id)
);
CREATE INDEX workspaces_group_workspaces_by_workspace ON workspaces_group_workspaces (workspace_id);
