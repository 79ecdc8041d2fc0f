"""Recordings and results in the store: running separations, their track files and their reports."""
