"""The upload area."""
