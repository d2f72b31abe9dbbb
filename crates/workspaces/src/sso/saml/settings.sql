ALTER TABLE workspaces_saml_configs ADD COLUMN entity_id_style TEXT NOT NULL DEFAULT 'query';
ALTER TABLE workspaces_saml_configs ADD COLUMN authn_context_comparison TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces_saml_configs ADD COLUMN authn_context_classes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE workspaces_saml_configs ADD COLUMN want_assertions_encrypted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces_saml_configs ADD COLUMN allow_cbc BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces_saml_configs ADD COLUMN slo_binding TEXT NOT NULL DEFAULT 'redirect';
ALTER TABLE workspaces_saml_configs ADD COLUMN sign_logout BIGINT NOT NULL DEFAULT 1;
ALTER TABLE workspaces_saml_configs ADD COLUMN metadata_url TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces_saml_configs ADD COLUMN metadata_allow_private BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces_saml_configs ADD COLUMN well_known_attributes BIGINT NOT NULL DEFAULT 1;
ALTER TABLE workspaces_saml_configs ADD COLUMN profile_mappings TEXT NOT NULL DEFAULT '[]';
ALTER TABLE workspaces_saml_configs ADD COLUMN group_mapping_mode TEXT NOT NULL DEFAULT 'both';
ALTER TABLE workspaces_saml_configs ADD COLUMN second_sp_key_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces_saml_configs ADD COLUMN second_sp_certificate TEXT NOT NULL DEFAULT '';
CREATE TABLE workspaces_group_assign_all (
    group_id TEXT NOT NULL REFERENCES workspaces_groups (id) ON DELETE CASCADE,
    sso_config_id TEXT NOT NULL REFERENCES workspaces_saml_configs (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, sso_config_id)
);
ALTER TABLE workspaces_users ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces_users ADD COLUMN organization TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces_users ADD COLUMN notes TEXT NOT NULL DEFAULT '';
