"""Fields of the settings panel that belong to one separator, and fields for numbers of a request."""
