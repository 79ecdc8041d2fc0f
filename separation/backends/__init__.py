"""The separation backends, one file each, and the registry that lists and chooses them."""
