"""The button that starts a run."""
