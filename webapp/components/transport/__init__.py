"""The transport at the foot of a page."""
