"""Grant access, obtain a link, revoke: one file a vendor."""
