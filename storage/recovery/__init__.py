"""Brings back an index that is damaged, and lets one work where SQLite's usual mode does not. Knows files only."""
