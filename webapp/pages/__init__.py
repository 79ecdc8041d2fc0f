"""One module per page, each reading top to bottom as the screen does."""
