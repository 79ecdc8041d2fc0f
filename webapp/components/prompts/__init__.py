"""The prompt row."""
