"""Build a signed payment request, verify a notification: one file a vendor."""
