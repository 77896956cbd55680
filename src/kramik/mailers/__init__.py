"""Register a purchase, start a sequence, send one mail: one file a vendor."""
