ALTER TABLE workspaces_users ADD COLUMN group_values TEXT NOT NULL DEFAULT '[]';
