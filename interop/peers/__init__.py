"""Other people's SAML software, each behind the same few calls."""
