"""Kept work: runs, their track files and their reports."""
