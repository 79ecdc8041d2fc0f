"""The buttons that copy and paste settings."""
