"""A table of figures that sorts and filters in the browser."""
