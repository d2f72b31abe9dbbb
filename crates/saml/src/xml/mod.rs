//! XML as SAML uses it: one strict parser, canonical XML, and a writer that is canonical by construction.
