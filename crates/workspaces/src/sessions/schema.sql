CREATE TABLE workspaces_sessions (
    id TEXT PRIMARY KEY,
    -- No reference: the row must outlive a deleted account until what runs has been stopped.
    user_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workspace_name TEXT NOT NULL,
    thumbnail TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    handle TEXT,
    idle_limit_seconds BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_active_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX workspaces_sessions_by_user ON workspaces_sessions (user_id, state);
CREATE INDEX workspaces_sessions_by_state ON workspaces_sessions (state);
CREATE TABLE workspaces_launch_tickets (
    token_hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES workspaces_sessions (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    browser_session_id TEXT NOT NULL,
    origin TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
