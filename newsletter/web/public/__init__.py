"""Pages for everybody: no account, no password, no cookie."""
