"""The list on the Library page."""
