"""The queue of jobs, shown on every page."""
