"""The rows of the mixer."""
