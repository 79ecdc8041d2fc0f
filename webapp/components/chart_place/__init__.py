"""A place for charts that knows its width and its colour scheme."""
