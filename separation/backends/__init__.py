"""The separators: one protocol, one registry, one file each."""
